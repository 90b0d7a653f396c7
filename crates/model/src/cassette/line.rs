//! The lines of a cassette, and reading them from a file that anybody may have written.

use crate::ModelError;
use leadhand_protocol::{
    Check, CheckResult, ContentHash, ModelFault, ModelReply, ModelRequest, TaskId, ToolFault,
    ToolOutput, canonical_json,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::Path;

/// The version of the format that is written. A newer one is refused.
pub const CASSETTE_VERSION: u32 = 1;
/// Largest cassette that is read, in bytes.
pub const CASSETTE_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// One line of a cassette.
#[derive(Debug, Clone, PartialEq)]
pub enum CassetteLine {
    /// The first line of a whole run's cassette.
    Head(CassetteHead),
    /// A piece of requests, written once however many of them have it.
    Part(CassettePart),
    /// What a model said.
    Answer(Box<RecordedAnswer>),
    /// What came of a tool call.
    Call(RecordedCall),
    /// What checks of files found.
    Checks(RecordedChecks),
    /// The files that agents were told of.
    Files(RecordedFiles),
}

/// Says what the lines after it are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CassetteHead {
    /// The version of the format.
    pub cassette: u32,
    /// The run it was made of.
    pub run: String,
    /// The version of the program that made it.
    #[serde(default)]
    pub program: String,
}

/// A message, a list of tools or an output format, under the name of its content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CassettePart {
    /// Its SHA-256.
    pub part: ContentHash,
    /// The content.
    pub value: Value,
}

/// What a model said to one request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedAnswer {
    /// The [`request_key`](crate::request_key).
    pub key: String,
    /// Who asked, for people: an agent, its role and its turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The request by its parts, where they are on file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<AskedParts>,
    /// The answer, or else `fault`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<ModelReply>,
    /// What came instead of an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<ModelFault>,
}

/// A request by the names of its parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedParts {
    /// The entries of the prompt.
    pub messages: Vec<ContentHash>,
    /// The tools.
    pub tools: ContentHash,
    /// What the reply must look like.
    pub output: ContentHash,
    /// Tokens the reply may have.
    pub output_tokens_max: u32,
    /// Sampling temperature in thousandths.
    pub temperature_milli: u32,
    /// Seed of the sampling.
    pub seed: u64,
}

/// What came of one tool call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedCall {
    /// The tool.
    pub tool: String,
    /// The arguments.
    pub arguments: Value,
    /// The result, or else `fault`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<ToolOutput>,
    /// What came instead of a result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<ToolFault>,
}

/// What checks of files found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedChecks {
    /// The checks, as they were asked for.
    pub checks: Vec<Check>,
    /// Of this task; none is the goal itself.
    #[serde(default)]
    pub task: Option<TaskId>,
    /// What was found.
    pub results: Vec<CheckResult>,
}

/// The files that agents were told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedFiles {
    /// Their paths, sorted.
    pub files: Vec<String>,
    /// How many more there were.
    pub left_out: usize,
}

impl AskedParts {
    /// A request by its parts, and the parts.
    #[must_use]
    pub fn of(request: &ModelRequest) -> (Self, Vec<CassettePart>) {
        let mut parts = Vec::new();
        let mut name = |value: Value| {
            let part = ContentHash::of(canonical_json(&value).as_bytes());
            parts.push(CassettePart { part, value });
            part
        };
        let messages = request.messages.iter();
        let messages = messages.map(|message| name(json!(message))).collect();
        let tools = name(json!(request.tools));
        let output = name(json!(request.output));
        let asked = Self {
            messages,
            tools,
            output,
            output_tokens_max: request.output_tokens_max,
            temperature_milli: request.temperature_milli,
            seed: request.seed,
        };
        (asked, parts)
    }
}

impl CassetteLine {
    /// Reads one line.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|why| why.to_string())?;
        let has = |field: &str| value.get(field).is_some();
        if has("cassette") {
            let head: CassetteHead = read(value)?;
            if head.cassette > CASSETTE_VERSION {
                let program = head.program.chars().take(40).collect::<String>();
                return Err(format!(
                    "this cassette has format {}, made by leadhand {program}; this program reads \
                     formats up to {CASSETTE_VERSION}: use a newer one, or export the run again",
                    head.cassette
                ));
            }
            return Ok(Self::Head(head));
        }
        if has("part") {
            return read(value).map(Self::Part);
        }
        if has("tool") {
            let call: RecordedCall = read(value)?;
            return one_of("output", &call.output, &call.fault).map(|()| Self::Call(call));
        }
        if has("checks") {
            return read(value).map(Self::Checks);
        }
        if has("files") {
            return read(value).map(Self::Files);
        }
        let answer: RecordedAnswer = read(value)?;
        one_of("reply", &answer.reply, &answer.fault)?;
        Ok(Self::Answer(Box::new(answer)))
    }

    /// The line as it is written, without the line end.
    ///
    /// # Errors
    /// What cannot be written as JSON.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        match self {
            Self::Head(head) => serde_json::to_string(head),
            Self::Part(part) => serde_json::to_string(part),
            Self::Answer(answer) => serde_json::to_string(answer),
            Self::Call(call) => serde_json::to_string(call),
            Self::Checks(checks) => serde_json::to_string(checks),
            Self::Files(files) => serde_json::to_string(files),
        }
    }
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|why| why.to_string())
}

fn one_of<A, B>(name: &str, one: &Option<A>, other: &Option<B>) -> Result<(), String> {
    if one.is_some() == other.is_some() {
        return Err(format!("wants either `{name}` or `fault`"));
    }
    Ok(())
}

/// All lines of a cassette, with their numbers from 1.
pub(super) fn lines_of(path: &Path) -> Result<Vec<(usize, CassetteLine)>, ModelError> {
    let fault = |source| ModelError::File {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(fault)?;
    // Opening a pipe or a device would wait for somebody, maybe for ever.
    if !file.metadata().map_err(fault)?.is_file() {
        return Err(fault(Error::new(ErrorKind::InvalidInput, "it is no file")));
    }
    let mut text = String::new();
    let mut bounded = file.take(CASSETTE_BYTES_MAX + 1);
    let length = bounded.read_to_string(&mut text).map_err(fault)?;
    if length as u64 > CASSETTE_BYTES_MAX {
        let what = format!("it is larger than {CASSETTE_BYTES_MAX} bytes");
        return Err(fault(Error::new(ErrorKind::FileTooLarge, what)));
    }
    let line = |(index, text): (usize, &str)| match CassetteLine::parse(text) {
        Ok(line) => Ok((index + 1, line)),
        Err(what) => Err(ModelError::Line {
            path: path.to_owned(),
            line: index + 1,
            what,
        }),
    };
    text.lines().enumerate().map(line).collect()
}

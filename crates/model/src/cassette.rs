//! Real answers on file: a recorder around any model, and a player that needs none. A
//! cassette is JSON lines of `{"key":…,"reply":…}` or `{"key":…,"fault":…}`; the key is a
//! hash of what the model is asked, not of which model. The request itself is not on file,
//! and keys of endpoints never come near it.

use crate::model::fault;
use crate::{BoxFuture, Model, ModelError, ModelInfo, Pieces, Price, ToolStyle};
use leadhand_protocol::{
    ContentHash, ModelFault, ModelFaultKind, ModelReply, ModelRequest, canonical_json,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply: Option<ModelReply>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fault: Option<ModelFault>,
}

/// Answers from a cassette. Answers to equal requests come in the order they were recorded;
/// the last one then stays.
#[derive(Debug)]
pub struct CassettePlayer {
    path: PathBuf,
    answers: HashMap<String, Vec<Result<ModelReply, ModelFault>>>,
    played: Mutex<HashMap<String, usize>>,
}

impl CassettePlayer {
    /// Reads a cassette.
    ///
    /// # Errors
    /// [`ModelError::File`], or [`ModelError::Line`] with the line that cannot be read.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let text = std::fs::read_to_string(path).map_err(|source| ModelError::File {
            path: path.to_owned(),
            source,
        })?;
        let mut answers = HashMap::<_, Vec<_>>::new();
        for (index, line) in text.lines().enumerate() {
            let wrong = |what: String| ModelError::Line {
                path: path.to_owned(),
                line: index + 1,
                what,
            };
            let line = serde_json::from_str::<Line>(line).map_err(|why| wrong(why.to_string()))?;
            let answer = match (line.reply, line.fault) {
                (Some(reply), None) => Ok(reply),
                (None, Some(fault)) => Err(fault),
                _ => return Err(wrong("wants either `reply` or `fault`".to_owned())),
            };
            answers.entry(line.key).or_default().push(answer);
        }
        Ok(Self {
            path: path.to_owned(),
            answers,
            played: Mutex::default(),
        })
    }

    fn play(&self, request: &ModelRequest) -> Result<ModelReply, ModelFault> {
        let key = request_key(request);
        let Some(answers) = self.answers.get(&key) else {
            let what = format!(
                "{}: no answer is recorded for request {key}; the prompt or the tools have \
                 changed since, so record again",
                self.path.display()
            );
            return Err(fault(ModelFaultKind::NotFound, what));
        };
        let mut played = self.played.lock().unwrap_or_else(PoisonError::into_inner);
        let count = played.entry(key).or_default();
        let at = (*count).min(answers.len() - 1);
        *count += 1;
        answers[at].clone()
    }
}

impl Model for CassettePlayer {
    fn describe(&self) -> ModelInfo {
        ModelInfo {
            name: format!("cassette:{}", self.path.display()),
            provider: "cassette".to_owned(),
            context_tokens: None,
            tool_style: ToolStyle::Native,
            price: Price::default(),
        }
    }

    fn call<'a>(
        &'a self,
        request: &'a ModelRequest,
        pieces: Pieces<'a>,
    ) -> BoxFuture<'a, Result<ModelReply, ModelFault>> {
        Box::pin(async move {
            let reply = self.play(request)?;
            if !reply.text.is_empty() {
                pieces(&reply.text);
            }
            Ok(reply)
        })
    }
}

/// Passes calls on to a model and writes its answers to a cassette. An answer is on file,
/// though not yet on the disk, before the caller has it.
pub struct CassetteRecorder {
    path: PathBuf,
    file: Mutex<File>,
    model: Arc<dyn Model>,
}

impl CassetteRecorder {
    /// Records to a file, at its end if it exists.
    ///
    /// # Errors
    /// [`ModelError::File`].
    pub fn create(path: &Path, model: Arc<dyn Model>) -> Result<Self, ModelError> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.map_err(|source| ModelError::File {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(file),
            model,
        })
    }

    fn write(
        &self,
        request: &ModelRequest,
        answer: &Result<ModelReply, ModelFault>,
    ) -> Result<(), String> {
        let line = Line {
            key: request_key(request),
            reply: answer.as_ref().ok().cloned(),
            fault: answer.as_ref().err().cloned(),
        };
        let mut text = serde_json::to_string(&line).map_err(|why| why.to_string())?;
        text.push('\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(text.as_bytes())
            .map_err(|why| why.to_string())
    }
}

impl Model for CassetteRecorder {
    fn describe(&self) -> ModelInfo {
        self.model.describe()
    }

    fn call<'a>(
        &'a self,
        request: &'a ModelRequest,
        pieces: Pieces<'a>,
    ) -> BoxFuture<'a, Result<ModelReply, ModelFault>> {
        Box::pin(async move {
            let answer = self.model.call(request, pieces).await;
            self.write(request, &answer).map_err(|why| {
                let what = format!(
                    "{}: the answer cannot be recorded: {why}",
                    self.path.display()
                );
                fault(ModelFaultKind::Refused, what)
            })?;
            answer
        })
    }
}

/// SHA-256, in hexadecimal, of what the model is asked: everything in the request but the
/// names of the models, as JSON with sorted keys and no blanks.
#[must_use]
pub fn request_key(request: &ModelRequest) -> String {
    let asked = json!({
        "messages": request.messages,
        "tools": request.tools,
        "output": request.output,
        "output_tokens_max": request.output_tokens_max,
        "temperature_milli": request.temperature_milli,
        "seed": request.seed,
    });
    ContentHash::of(canonical_json(&asked).as_bytes()).to_string()
}

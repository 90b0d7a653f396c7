//! An exported run: a head line that names format and version, then one line a record as
//! `run --json` writes it. Whoever hands such a file over may have written anything into it.

use crate::failure::Failure;
use crate::watch::JsonLine;
use leadhand::rooms::inspector::escape;
use leadhand::rooms::journal::Chain;
use leadhand::rooms::protocol::ContentHash;
use leadhand::rooms::protocol::FORMAT_VERSION;
use leadhand::{Record, RunId};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Take};
use std::path::Path;

mod chain;

pub(crate) use chain::verify;

/// The name of the format, which tells such a file from any other one.
const FORMAT: &str = "leadhand run";
/// The version of the format that is written. A newer one is refused.
const VERSION: u32 = 1;
/// Largest export that is read, in bytes; it has to be smaller.
const FILE_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Longest line that is read, in bytes: a record holds a tool result or a prompt.
const LINE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Most parts of a record that are read, such as the fields of objects and the items of lists.
const PARTS_MAX: usize = 1_000_000;
/// Most records of one run that are read.
const RECORDS_MAX: usize = 2_000_000;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    format: String,
    version: u32,
    /// The version of events, see [`FORMAT_VERSION`].
    events: u8,
    /// The program that wrote it.
    program: String,
    run: RunId,
    records: usize,
    /// The link of the last record; none in an export of a program that knew of none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    head: Option<ContentHash>,
}

/// A record with its link in the chain of this export.
#[derive(Serialize)]
struct Linked<'a> {
    #[serde(flatten)]
    line: JsonLine<'a>,
    link: ContentHash,
}

#[derive(Deserialize)]
struct Line {
    run: RunId,
    #[serde(flatten)]
    record: Record,
}

/// A run that was read from a file.
#[derive(Debug)]
pub(crate) struct Exported {
    pub(crate) run: RunId,
    pub(crate) records: Vec<Record>,
}

/// The lines of an export.
///
/// # Errors
/// When a record cannot be written as JSON.
pub(crate) fn lines(run: &RunId, records: &[Record]) -> Result<Vec<String>, Failure> {
    let fault = |error| Failure::internal(format!("a record cannot be written: {error}"));
    let mut chain = Chain::of(run);
    let mut lines = Vec::with_capacity(records.len() + 1);
    for record in records {
        let event = serde_json::to_vec(&record.event).map_err(fault)?;
        let linked = Linked {
            line: JsonLine::new(run, record),
            link: chain.next(record.seq, record.at_ms, ContentHash::of(&event)),
        };
        lines.push(serde_json::to_string(&linked).map_err(fault)?);
    }
    let head = Head {
        format: FORMAT.to_owned(),
        version: VERSION,
        events: FORMAT_VERSION,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        run: run.clone(),
        records: records.len(),
        head: (!records.is_empty()).then(|| chain.head()),
    };
    lines.insert(0, serde_json::to_string(&head).map_err(fault)?);
    Ok(lines)
}

/// Reads an exported run from a file.
///
/// # Errors
/// [`Failure::Usage`] with file and line, for whatever is no whole run of this version.
pub(crate) fn read(path: &Path) -> Result<Exported, Failure> {
    let mut records = Vec::new();
    let place = path.display().to_string();
    let run = read_each(&place, open(path)?, |_, record| records.push(record))?;
    Ok(Exported { run, records })
}

fn open(path: &Path) -> Result<BufReader<File>, Failure> {
    let place = path.display();
    let fault = |what: String| Failure::usage(format!("{place}: {what}"), HOW_TO_EXPORT);
    let found = fs::metadata(path).map_err(|error| fault(error.to_string()))?;
    // Opening a pipe or a device would wait for somebody, maybe for ever.
    if !found.is_file() {
        return Err(fault("it is no file".to_owned()));
    }
    let file = File::open(path).map_err(|error| fault(error.to_string()))?;
    Ok(BufReader::new(file))
}

/// Reads an exported run from wherever it stands, gives its records one by one, and at last its
/// name; `place` names it for people.
///
/// # Errors
/// As [`read`]; what was given before is of no whole run.
pub(crate) fn read_each(
    place: &str,
    source: impl BufRead,
    mut each: impl FnMut(&RunId, Record),
) -> Result<RunId, Failure> {
    let fault = |what: String| Failure::usage(format!("{place}: {what}"), HOW_TO_EXPORT);
    let mut lines = Lines::of(source);
    let at = |line: usize, what: String| {
        Failure::usage(format!("{place}:{line}: {what}"), HOW_TO_EXPORT)
    };
    let head = lines.next().map_err(|what| at(1, what))?;
    let head = read_head(&head.unwrap_or_default()).map_err(|what| at(1, what))?;
    let mut count = 0;
    while let Some(text) = lines.next().map_err(|what| at(lines.line, what))? {
        let record = read_record(&text, &head, count).map_err(|what| at(lines.line, what))?;
        each(&head.run, record);
        count += 1;
    }
    if count != head.records {
        return Err(fault(format!(
            "it is cut off: its head says {} records, there are {count}",
            head.records
        )));
    }
    Ok(head.run)
}

/// Whether a file that begins so is an exported run.
pub(crate) fn begins(bytes: &[u8]) -> bool {
    bytes.starts_with(format!("{{\"format\":\"{FORMAT}\"").as_bytes())
}

const HOW_TO_EXPORT: &str = "an export is made with `leadhand trace export RUN > FILE`";

struct Lines<R> {
    reader: Take<R>,
    line: usize,
}

impl<R: BufRead> Lines<R> {
    fn of(source: R) -> Self {
        Self {
            reader: source.take(FILE_BYTES_MAX),
            line: 0,
        }
    }

    fn next(&mut self) -> Result<Option<String>, String> {
        self.line += 1;
        let mut bytes = Vec::new();
        let mut bounded = (&mut self.reader).take(LINE_BYTES_MAX + 1);
        let length = bounded.read_until(b'\n', &mut bytes);
        let length = length.map_err(|error| error.to_string())?;
        if self.reader.limit() == 0 {
            return Err(format!("it is larger than {FILE_BYTES_MAX} bytes"));
        }
        if length == 0 {
            return Ok(None);
        }
        if length as u64 > LINE_BYTES_MAX {
            return Err(format!("the line is longer than {LINE_BYTES_MAX} bytes"));
        }
        let text = String::from_utf8(bytes).map_err(|_| "the line is no UTF-8 text".to_owned());
        text.map(Some)
    }
}

fn read_head(text: &str) -> Result<Head, String> {
    let no_export = "this is no exported run: its first line has no head".to_owned();
    let value: serde_json::Value = serde_json::from_str(text).map_err(|_| no_export.clone())?;
    if value["format"] != FORMAT {
        return Err(no_export);
    }
    let version = value["version"].as_u64().unwrap_or_default();
    let events = value["events"].as_u64().unwrap_or_default();
    if version > u64::from(VERSION) || events > u64::from(FORMAT_VERSION) {
        let program = escape::line(value["program"].as_str().unwrap_or("of no version"), 40);
        return Err(format!(
            "it was exported by leadhand {program} in format {version} with events {events}; this \
             is leadhand {}, which reads formats up to {VERSION} with events up to \
             {FORMAT_VERSION}: use the newer program",
            env!("CARGO_PKG_VERSION")
        ));
    }
    let head: Head = serde_json::from_value(value).map_err(|error| error.to_string())?;
    if head.records == 0 || head.records > RECORDS_MAX {
        return Err(format!(
            "it says that it holds {} records; a run has from 1 to {RECORDS_MAX}",
            head.records
        ));
    }
    Ok(head)
}

/// How many parts JSON has: its objects, lists, fields and items, counted by the signs that stand
/// before each, outside of texts.
fn parts(json: &str) -> usize {
    let (mut parts, mut in_text, mut escaped) = (0, false, false);
    for sign in json.bytes() {
        match sign {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' | b',' | b':' if !in_text => parts += 1,
            _ => {}
        }
    }
    parts
}

fn read_record(text: &str, head: &Head, seq: usize) -> Result<Record, String> {
    // In memory small parts take a hundred times the room that they take in the file.
    if text.len() > PARTS_MAX && parts(text) > PARTS_MAX {
        return Err(format!("the record has more than {PARTS_MAX} parts"));
    }
    if seq >= head.records {
        return Err(format!(
            "there are more records than the {} that the head says",
            head.records
        ));
    }
    let line: Line = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if line.run != head.run {
        return Err(format!(
            "the record is of run {}, the file of {}",
            line.run, head.run
        ));
    }
    if line.record.seq != seq as u64 {
        return Err(format!(
            "the record's number is {}, its place {seq}",
            line.record.seq
        ));
    }
    Ok(line.record)
}

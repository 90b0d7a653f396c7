//! A step as it is kept: what tells it from others, and no text beyond a few words for people.

use crate::outcome::{End, only_looks};
use crate::sketch::Sketch;
use crate::volatile::{hash_numbers, hash_result, hash_text};
use crate::{Arguments, Call, Step};
use leadhand_protocol::canonical_json;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;

/// Characters of a call and of its result that are kept for people to read.
const BRIEF_CHARS: usize = 80;
/// Bytes of an error that say of which kind it is; what follows is the case at hand.
const CLASS_BYTES: usize = 200;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// Its place in the trace, from 0.
    pub(crate) index: u64,
    /// What was called with what, all calls of the turn as a set; what was said, where it only
    /// spoke.
    pub(crate) call: u64,
    /// The same with the results.
    pub(crate) pair: u64,
    pub(crate) result: u64,
    pub(crate) tool: u64,
    /// The kind of the error or the empty answer: its first line, numbers and names left out.
    pub(crate) class: u64,
    /// The call with all its numbers left out.
    pub(crate) shape: u64,
    /// What was added to the call before, where this one begins as that one is.
    pub(crate) bytes: u32,
    pub(crate) sketch: Sketch,
    pub(crate) end: End,
    /// Whether it is new, and brought something new.
    pub(crate) fresh: bool,
    /// Whether it is there to wait, or looks for what changes by itself.
    pub(crate) waits: bool,
    /// Whether it cuts down what the agent still knows of its work.
    pub(crate) compacts: bool,
    pub(crate) poll_every_ms: Option<u64>,
    pub(crate) at_ms: Option<u64>,
    pub(crate) brief: Box<str>,
}

impl Seen {
    pub(crate) fn of(index: u64, step: &Step<'_>) -> Self {
        let Some(first) = step.calls.first() else {
            return Self::spoken(index, step);
        };
        let mut sketch = Sketch::default();
        let mut texts = Vec::with_capacity(step.calls.len());
        let mut calls = Vec::with_capacity(step.calls.len());
        for call in step.calls {
            let text = spelled(call);
            sketch.add(&text);
            let named = hash_numbers([hash_text(call.tool), hash_text(&text)]);
            calls.push((named, hash_result(call.result)));
            texts.push(text);
        }
        calls.sort_unstable();
        let end = best(step.calls, &texts);
        Self {
            index,
            call: hash_numbers(calls.iter().map(|call| call.0)),
            pair: hash_numbers(calls.iter().flat_map(|call| [call.0, call.1])),
            result: hash_numbers(calls.iter().map(|call| call.1)),
            tool: hash_text(first.tool),
            class: hash_class(first.result),
            shape: hash_shape(&texts[0]),
            bytes: u32::try_from(texts[0].len()).unwrap_or(u32::MAX),
            sketch,
            end,
            fresh: false,
            waits: step
                .calls
                .iter()
                .zip(&texts)
                .any(|(call, text)| is_wait(call, text)),
            compacts: step.calls.iter().any(|call| is_compaction(call.tool)),
            poll_every_ms: step.calls.iter().find_map(|call| call.manner.poll_every_ms),
            at_ms: step.at_ms,
            brief: brief(first, &texts[0], step.calls.len()),
        }
    }

    fn spoken(index: u64, step: &Step<'_>) -> Self {
        let said = hash_text(step.said);
        let answered = step.answered.map_or(0, hash_text);
        Self {
            index,
            call: said,
            pair: hash_numbers([said, answered]),
            result: answered,
            tool: 0,
            class: 0,
            shape: said,
            bytes: u32::try_from(step.said.len()).unwrap_or(u32::MAX),
            sketch: Sketch::default(),
            end: End::Spoke,
            fresh: false,
            waits: false,
            compacts: false,
            poll_every_ms: None,
            at_ms: step.at_ms,
            brief: cut(step.said).into(),
        }
    }
}

/// The arguments as a text, equal for equal calls.
fn spelled<'a>(call: &Call<'a>) -> Cow<'a, str> {
    if let Some(equal_by) = call.manner.equal_by {
        return equal_by.into();
    }
    match call.arguments {
        Arguments::Text(text) => text.into(),
        Arguments::Json(value) => canonical_json(&without_marks(value)).into(),
    }
}

/// Arguments that only mark a call, and say nothing of what it does.
const MARKS: [&str; 7] = [
    "request_id",
    "idempotency_key",
    "trace_id",
    "correlation_id",
    "nonce",
    "timestamp",
    "call_id",
];

fn without_marks(value: &Value) -> Cow<'_, Value> {
    match value {
        Value::Object(fields) if fields.keys().any(|key| MARKS.contains(&key.as_str())) => {
            let kept = fields
                .iter()
                .filter(|(key, _)| !MARKS.contains(&key.as_str()));
            Cow::Owned(Value::Object(
                kept.map(|(key, value)| (key.clone(), value.clone()))
                    .collect(),
            ))
        }
        _ => Cow::Borrowed(value),
    }
}

/// A turn of many calls ended as the one that brought most.
fn best(calls: &[Call<'_>], texts: &[Cow<'_, str>]) -> End {
    let rank = |end: End| match end {
        End::Done => 0,
        End::Acknowledged => 1,
        End::Unavailable => 2,
        End::Empty => 3,
        End::Failed => 4,
        End::Blocked => 5,
        End::Spoke => 6,
    };
    let ends = calls.iter().zip(texts).map(|(call, text)| {
        let asks = matches!(call.arguments, Arguments::Text(_)) && only_looks(text);
        let end = End::of(call.came, call.result, asks);
        // What changed something did more than it says.
        if end == End::Acknowledged || call.manner.changed.is_empty() {
            end
        } else {
            End::Done
        }
    });
    ends.min_by_key(|end| rank(*end)).unwrap_or(End::Spoke)
}

/// Whether a call does nothing but let time pass.
fn is_wait(call: &Call<'_>, text: &str) -> bool {
    let name = call.tool.to_ascii_lowercase();
    matches!(name.as_str(), "sleep" | "wait" | "delay")
        || text.trim_start().starts_with("sleep ")
        || name.starts_with("wait_")
}

/// Names under which tools cut down the context of who calls them.
fn is_compaction(tool: &str) -> bool {
    let name = tool.to_ascii_lowercase();
    [
        "compact",
        "condense",
        "summarize_context",
        "summarize_history",
    ]
    .iter()
    .any(|word| name.contains(word))
}

fn hash_class(result: &str) -> u64 {
    let line = result.trim_start().lines().next().unwrap_or_default();
    let mut end = line.len().min(CLASS_BYTES);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    let mut kept = String::with_capacity(end);
    let mut quote = None;
    for sign in line[..end].chars() {
        match (quote, sign) {
            (Some(close), sign) if sign == close => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(sign),
            (None, '`') => quote = Some('\''),
            (None, '[') => quote = Some(']'),
            (None, '0'..='9') => {}
            (None, sign) => kept.push(sign),
        }
    }
    hash_text(&kept)
}

fn hash_shape(text: &str) -> u64 {
    let kept: String = text.chars().filter(|sign| !sign.is_ascii_digit()).collect();
    hash_text(&kept)
}

fn brief(call: &Call<'_>, text: &str, calls: usize) -> Box<str> {
    let more = if calls > 1 {
        format!(" and {} more", calls - 1)
    } else {
        String::new()
    };
    format!(
        "`{}` with {}{more}: {}",
        call.tool,
        cut(text),
        cut(call.result)
    )
    .into()
}

/// The beginning of a text, on one line.
fn cut(text: &str) -> String {
    let mut kept: String = text
        .chars()
        .take(BRIEF_CHARS)
        .map(|sign| if sign.is_control() { ' ' } else { sign })
        .collect();
    if text.len() > kept.len() {
        kept.push('…');
    }
    kept
}

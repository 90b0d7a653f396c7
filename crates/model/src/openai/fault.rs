//! What a failed HTTP exchange means. Bodies of failed answers are hostile and foreign:
//! they are cut, cleaned of control characters and of the key, and quoted; never logged.

use crate::model::fault;
use crate::retry_after::retry_after_ms;
use hyper_util::client::legacy::Error;
use leadhand_protocol::{ModelFault, ModelFaultKind};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;
use std::error::Error as StdError;
use std::time::SystemTime;

/// Longest quotation of a server's words, in characters.
const WORDS_CHARS_MAX: usize = 300;

/// Our words for silence.
const NO_ANSWER_IN_TIME: &str = "no answer in time";

/// A failed exchange, and which optional part of the request the server took offence at.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{fault}")]
pub(super) struct HttpFault {
    /// The fault as the caller sees it.
    pub(super) fault: ModelFault,
    /// What can be left out of the next request.
    pub(super) offence: Option<Offence>,
}

/// Parts of a request that some servers do not take and that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Offence {
    /// `response_format` with a schema: the prompt still describes the shape.
    Schema = 1,
    /// `stream_options`: the usage is estimated then.
    StreamOptions = 2,
    /// `temperature`.
    Temperature = 4,
    /// `seed`.
    Seed = 8,
    /// The name of the token limit: `max_tokens` or `max_completion_tokens`.
    LimitName = 16,
    /// `tools`: the text style is used instead.
    Tools = 32,
    /// `stream`: plain answers are asked for instead.
    Stream = 64,
}

/// What an answer with a failure status means. `key` is blotted out of the server's words.
pub(super) fn of_status(
    url: &str,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    key: &str,
) -> HttpFault {
    let words = words_of(body);
    let lower = words.to_lowercase();
    let kind = kind_of(status, &lower);
    let quoted = if words.is_empty() {
        String::new()
    } else {
        format!(": {}", blot(&words, key))
    };
    let way_on = match kind {
        ModelFaultKind::Unauthorised => "; check the key and what it may use",
        ModelFaultKind::NotFound => "; check the model's name and the base URL",
        ModelFaultKind::ContextFull => "; shorten the prompt or choose a model with more context",
        _ => "",
    };
    let mut told = fault(kind, format!("{url} answered {status}{quoted}{way_on}"));
    told.retry_after_ms = asked_wait(headers, SystemTime::now());
    let may_be_parameter = matches!(status.as_u16(), 400 | 404 | 415 | 422 | 500 | 501);
    let may_be_parameter = may_be_parameter && kind != ModelFaultKind::ContextFull;
    let offence = if may_be_parameter {
        offence_in(&lower)
    } else {
        None
    };
    HttpFault {
        fault: told,
        offence,
    }
}

/// What an error inside a successful answer means, such as some gateways send.
pub(super) fn of_error_value(url: &str, error: &Value, key: &str) -> ModelFault {
    let code = error.get("code").or_else(|| error.get("status"));
    let code = code.and_then(|code| match code {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    });
    let status = code.and_then(|code| StatusCode::from_u16(u16::try_from(code).ok()?).ok());
    let words = words_of(error.to_string().as_bytes());
    let kind = match status {
        Some(status) if !status.is_success() => kind_of(status, &words.to_lowercase()),
        _ => ModelFaultKind::ServerFailed,
    };
    fault(
        kind,
        format!("{url} answered with an error: {}", blot(&words, key)),
    )
}

/// What it means that a request, or the rest of an answer, did not come through.
pub(super) fn of_transport(url: &str, error: &reqwest::Error) -> ModelFault {
    if error.is_timeout() {
        broken(url, ModelFaultKind::TimedOut, NO_ANSWER_IN_TIME, error)
    } else {
        let what = said_plainly(error.is_connect());
        broken(url, ModelFaultKind::Unreachable, what, error)
    }
}

/// The same of a request that was sent directly.
pub(super) fn of_connection(url: &str, error: &Error) -> ModelFault {
    let what = said_plainly(error.is_connect());
    broken(url, ModelFaultKind::Unreachable, what, error)
}

fn broken(url: &str, kind: ModelFaultKind, what: &str, error: &dyn StdError) -> ModelFault {
    let mut why = what.to_owned();
    let mut source = error.source();
    while let Some(inner) = source {
        why = format!("{why}: {inner}");
        source = inner.source();
    }
    fault(kind, format!("{url}: {}", clean(&why)))
}

/// What it means when nothing comes for too long.
pub(super) fn of_silence(url: &str) -> ModelFault {
    fault(
        ModelFaultKind::TimedOut,
        format!("{url}: {NO_ANSWER_IN_TIME}"),
    )
}

/// Our words for what the client says with the whole URL in it.
fn said_plainly(is_connect: bool) -> &'static str {
    if is_connect {
        "no connection; is the server running, and is the base URL right?"
    } else {
        "the connection broke off"
    }
}

fn kind_of(status: StatusCode, words: &str) -> ModelFaultKind {
    let is_context = [
        "context length",
        "context_length",
        "context size",
        "context window",
    ]
    .iter()
    .any(|sign| words.contains(sign));
    match status.as_u16() {
        400 | 413 | 422 | 500 if is_context => ModelFaultKind::ContextFull,
        401 | 403 => ModelFaultKind::Unauthorised,
        404 => ModelFaultKind::NotFound,
        408 => ModelFaultKind::TimedOut,
        429 if words.contains("insufficient_quota") => ModelFaultKind::Refused,
        429 => ModelFaultKind::RateLimited,
        501 | 505 => ModelFaultKind::Refused,
        500.. => ModelFaultKind::ServerFailed,
        _ => ModelFaultKind::Refused,
    }
}

fn offence_in(words: &str) -> Option<Offence> {
    let is_refusal = [
        "support",
        "unknown",
        "unrecognized",
        "unrecognised",
        "unexpected",
        "extra",
        "invalid",
        "not permitted",
        "not allowed",
        "must",
    ];
    if !is_refusal.iter().any(|sign| words.contains(sign)) {
        return None;
    }
    let signs: [(&[&str], Offence); 7] = [
        (
            &["response_format", "json_schema", "grammar"],
            Offence::Schema,
        ),
        (&["stream_options"], Offence::StreamOptions),
        (&["temperature"], Offence::Temperature),
        (&["seed"], Offence::Seed),
        (&["max_tokens", "max_completion_tokens"], Offence::LimitName),
        (&["tools", "tool_choice", "function call"], Offence::Tools),
        (&["stream"], Offence::Stream),
    ];
    let is_said = |names: &&[&str]| names.iter().any(|name| words.contains(name));
    signs
        .iter()
        .find(|(names, _)| is_said(names))
        .map(|(_, offence)| *offence)
}

fn asked_wait(headers: &HeaderMap, now: SystemTime) -> Option<u64> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let exact = text("retry-after-ms").and_then(|ms| ms.trim().parse::<u64>().ok());
    exact.or_else(|| retry_after_ms(text("retry-after")?, now))
}

/// The message in a body, whatever its shape: OpenAI's, others', or plain text.
fn words_of(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let value = serde_json::from_str::<Value>(&text).unwrap_or_default();
    let error = value.get("error").unwrap_or(&value);
    let pick = |name: &str| error.get(name).and_then(Value::as_str);
    let message = error
        .as_str()
        .or_else(|| pick("message"))
        .or_else(|| pick("detail"));
    match (message, pick("code")) {
        (Some(message), Some(code)) => clean(&format!("{message} ({code})")),
        (Some(message), None) => clean(message),
        (None, _) => clean(&text),
    }
}

/// Makes a text fit for a message: one line, no control characters, bounded.
pub(super) fn clean(text: &str) -> String {
    let spaced = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>();
    let mut line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((cut, _)) = line.char_indices().nth(WORDS_CHARS_MAX) {
        line.truncate(cut);
        line.push('…');
    }
    line
}

fn blot(words: &str, key: &str) -> String {
    if key.is_empty() {
        words.to_owned()
    } else {
        words.replace(key, "[key]")
    }
}

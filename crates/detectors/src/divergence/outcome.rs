//! Whether a call changed nothing because it failed.

use crate::{Call, Came};
use serde_json::Value;

/// Words that a result begins with which tells of a failure. Only where something other than a
/// letter follows, and only at the beginning: a result may well speak of errors further on.
const FAILURE_WORDS: [&str; 7] = [
    "error",
    "exception",
    "failed",
    "failure",
    "fatal",
    "traceback",
    "denied",
];
/// Longest result that is read as JSON to find its error. Longer ones are content: a tool that
/// reports a failure says so in a few lines.
const ERROR_BYTES_MAX: usize = 16 * 1024;

/// Whether the call came to nothing: it failed, was not made, or its result says so where nobody
/// wrote down how it ended.
pub(super) fn came_to_nothing(call: &Call<'_>) -> bool {
    match call.came {
        Came::Failed | Came::Blocked | Came::Unavailable => true,
        Came::Done => false,
        Came::Unknown => tells_of_failure(call.result),
    }
}

fn tells_of_failure(result: &str) -> bool {
    let text = result.trim_start_matches(|at: char| !at.is_alphanumeric() && at != '{');
    if text.starts_with('{') {
        return text.len() <= ERROR_BYTES_MAX && is_error_object(text);
    }
    let end = text.find(|at: char| !at.is_alphabetic());
    let (first, rest) = text.split_at(end.unwrap_or(text.len()));
    // `ValueError: …` is how many languages print one.
    let printed =
        (first.ends_with("Error") || first.ends_with("Exception")) && rest.starts_with(':');
    let first = first.to_lowercase();
    FAILURE_WORDS.contains(&first.as_str()) || printed
}

fn is_error_object(text: &str) -> bool {
    let Ok(Value::Object(fields)) = serde_json::from_str::<Value>(text) else {
        return false;
    };
    let truth = |name: &str| fields.get(name).and_then(Value::as_bool);
    let error = fields.get("error").is_some_and(|error| match error {
        Value::Null | Value::Bool(false) => false,
        Value::String(words) => !words.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::Array(_) | Value::Object(_) => true,
    });
    let status = fields.get("status").and_then(Value::as_str);
    error
        || truth("isError") == Some(true)
        || truth("is_error") == Some(true)
        || truth("success") == Some(false)
        || truth("ok") == Some(false)
        || status.is_some_and(|status| matches!(status, "error" | "failed" | "failure"))
}

//! What a result says by its own words, where nobody wrote down how a call ended.

use crate::Came;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a step ended, as the rules tell steps apart; what brought more comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    /// It brought something.
    Done,
    /// It did what it is for and says no more than that.
    Acknowledged,
    /// Trying again later may help.
    Unavailable,
    /// It looked for something and found nothing.
    Empty,
    /// It failed.
    Failed,
    /// It was not made.
    Blocked,
    /// It only spoke.
    Spoke,
}

impl End {
    /// `asks` says that the call only looks: nothing that comes back is then nothing found.
    pub(crate) fn of(came: Came, result: &str, asks: bool) -> Self {
        match came {
            Came::Blocked => Self::Blocked,
            Came::Unavailable => Self::Unavailable,
            Came::Failed if says_unavailable(result) => Self::Unavailable,
            Came::Failed => Self::Failed,
            Came::Done => Self::of_done(result, asks),
            Came::Unknown if says_unavailable(result) => Self::Unavailable,
            Came::Unknown if says_failed(result) => Self::Failed,
            Came::Unknown => Self::of_done(result, asks),
        }
    }

    fn of_done(result: &str, asks: bool) -> Self {
        if says_nothing_found(result) || (asks && result.trim().is_empty()) {
            Self::Empty
        } else if is_acknowledgement(result) {
            Self::Acknowledged
        } else {
            Self::Done
        }
    }

    /// Whether it brought nothing that could be learnt from.
    pub(crate) fn is_barren(self) -> bool {
        match self {
            Self::Empty | Self::Failed | Self::Blocked => true,
            Self::Spoke | Self::Done | Self::Acknowledged | Self::Unavailable => false,
        }
    }
}

/// Characters at the beginning of a result in which it says that it failed: further on, words of
/// failure are content.
const TOLD_WITHIN: usize = 240;

fn beginning(text: &str) -> String {
    text[..text.floor_char_boundary(TOLD_WITHIN)].to_ascii_lowercase()
}

/// Whether the call changed nothing because it failed.
pub(crate) fn came_to_nothing(came: Came, result: &str) -> bool {
    match End::of(came, result, false) {
        End::Failed | End::Blocked | End::Unavailable => true,
        End::Done | End::Acknowledged | End::Empty | End::Spoke => false,
    }
}

/// How failures begin, or what they say in their first line, whatever the tool. An object says it
/// by its fields: its texts may speak of anything.
fn says_failed(result: &str) -> bool {
    if result.trim_start().starts_with('{') {
        return result.len() <= ERROR_BYTES_MAX && is_error_object(result);
    }
    let begins = [
        "error",
        "exception",
        "traceback",
        "fatal",
        "bash:",
        "sh:",
        "/bin/",
        "usage:",
        "invalid",
        "malformed",
        "unable to",
        "could not",
        "cannot ",
        "failed",
        "failure",
        "unknown ",
        "permission denied",
        "command timed out",
    ];
    let says = [
        ": error",
        "error:",
        "error(s)",
        "traceback (most",
        "not found",
        "no such file",
        ": cannot",
        "command not found",
        "permission denied",
        "syntax error",
        "not recognized",
        "missing argument",
        "missing operand",
        "unknown option",
        "invalid ",
        "doesn't exist",
        "does not exist",
        "did not pass",
        "timed out",
        "(execution failed)",
        "... failed",
        "assertion failed",
        "exitcode: 1",
    ];
    let begun = beginning(result);
    let text = begun.trim_start();
    let first = text.lines().next().unwrap_or_default();
    begins.iter().any(|start| begins_with(text, start))
        || says.iter().any(|phrase| holds(first, phrase))
        || is_printed_error(result)
        || returned_nonzero(text)
}

/// Whether a text begins with a word, and not with a longer one: `errors were corrected` is none.
fn begins_with(text: &str, word: &str) -> bool {
    let is_whole =
        |rest: &str| !word.ends_with(char::is_alphabetic) || !rest.starts_with(char::is_alphabetic);
    text.strip_prefix(word).is_some_and(is_whole)
}

/// Whether a text holds a phrase that is not the end of a longer word.
fn holds(text: &str, phrase: &str) -> bool {
    let whole = |at: usize| {
        !phrase.starts_with(char::is_alphabetic) || !text[..at].ends_with(char::is_alphabetic)
    };
    text.match_indices(phrase).any(|(at, _)| whole(at))
}

/// `ValueError: …`, as many languages print one.
fn is_printed_error(result: &str) -> bool {
    let kind = result.split(':').next().unwrap_or_default().trim_start();
    let is_name = kind
        .chars()
        .all(|sign| sign.is_alphanumeric() || sign == '.');
    is_name && (kind.ends_with("Error") || kind.ends_with("Exception")) && kind.len() < result.len()
}

/// Longest result that is read as JSON to find its error: a tool that reports a failure says so
/// in a few lines.
const ERROR_BYTES_MAX: usize = 16 * 1024;

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

/// `<returncode>1</returncode>`, `exit code: 2`, `exit status 1`.
fn returned_nonzero(text: &str) -> bool {
    ["returncode>", "exit code: ", "exit code ", "exit status "]
        .iter()
        .filter_map(|name| text.find(name).map(|at| &text[at + name.len()..]))
        .any(|rest| rest.starts_with(|digit: char| ('1'..='9').contains(&digit)))
}

fn says_unavailable(result: &str) -> bool {
    let text = beginning(result);
    let says = [
        "rate limit",
        "too many requests",
        "service unavailable",
        "bad gateway",
        "overloaded",
        "try again later",
        "temporarily unavailable",
    ];
    // The bare number may be anything.
    let names = ["http ", "status ", "status: ", "code ", "code: ", "error "];
    let statuses = ["429", "500", "502", "503", "504"];
    let is_status = |rest: &str| statuses.iter().any(|status| rest.starts_with(status));
    says.iter().any(|phrase| text.contains(phrase))
        || names.iter().any(|name| {
            text.match_indices(name)
                .any(|(at, _)| is_status(&text[at + name.len()..]))
        })
}

fn says_nothing_found(result: &str) -> bool {
    let text = beginning(result);
    let text = text.trim();
    matches!(text, "[]" | "{}" | "null" | "none" | "()" | "0")
        || [
            "no results",
            "no match",
            "nothing found",
            "0 results",
            "0 matches",
            "not found",
        ]
        .iter()
        .any(|start| text.starts_with(start))
}

/// Longest acknowledgement, in characters: longer ones tell something.
const ACKNOWLEDGEMENT_MAX: usize = 40;

fn is_acknowledgement(result: &str) -> bool {
    let text = result.trim();
    if text.len() > ACKNOWLEDGEMENT_MAX || text.contains('\n') {
        return false;
    }
    let text = text.to_ascii_lowercase();
    let words = [
        "ok",
        "done",
        "success",
        "succeeded",
        "true",
        "created",
        "written",
        "saved",
        "moved",
        "updated",
        "deleted",
        "removed",
        "sent",
        "copied",
        "renamed",
        "applied",
    ];
    text.is_empty()
        || text
            .split(|sign: char| !sign.is_ascii_alphanumeric())
            .any(|word| words.contains(&word))
}

/// Whether a command of a shell only looks, by its first word; one that writes into a file does
/// more than that.
pub(crate) fn only_looks(command: &str) -> bool {
    let looking = [
        "ls",
        "cat",
        "stat",
        "find",
        "file",
        "du",
        "wc",
        "head",
        "tail",
        "md5sum",
        "sha256sum",
        "grep",
        "rg",
        "less",
        "which",
        "locate",
        "sort",
        "uniq",
        "diff",
        "ps",
        "df",
        "tree",
    ];
    let first = command.split_ascii_whitespace().next().unwrap_or_default();
    let changes = ["-exec", "-delete", ">"];
    looking.contains(&first) && !changes.iter().any(|sign| command.contains(sign))
}

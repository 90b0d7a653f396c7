//! What a result says by its own words, where nobody wrote down how a call ended.

use crate::Came;
use serde::{Deserialize, Serialize};

/// How a step ended, as the rules tell steps apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    /// It only spoke.
    Spoke,
    /// It brought something.
    Done,
    /// It did what it is for and says no more than that.
    Acknowledged,
    /// It looked for something and found nothing.
    Empty,
    /// It failed.
    Failed,
    /// It was not made.
    Blocked,
    /// Trying again later may help.
    Unavailable,
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
    let mut end = text.len().min(TOLD_WITHIN);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_ascii_lowercase()
}

/// How failures begin, or what they say in their first line, whatever the tool.
fn says_failed(result: &str) -> bool {
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
        "oci runtime",
    ];
    let says = [
        ": error",
        "error:",
        "error(s)",
        "error executing",
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
        "unexpected e",
        "unknown pred",
        "unknown option",
        "invalid ",
        "doesn't exist",
        "does not exist",
        "did not pass",
        "timed out",
        "(execution failed)",
        "test cases. please",
        "... failed",
        "assertion failed",
        "exitcode: 1",
    ];
    let begun = beginning(result);
    let text = begun.trim_start();
    let first = text.lines().next().unwrap_or_default();
    begins.iter().any(|start| text.starts_with(start))
        || says.iter().any(|phrase| first.contains(phrase))
        || returned_nonzero(text)
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

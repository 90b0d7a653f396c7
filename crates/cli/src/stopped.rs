//! What is told of a run that an order has stopped: what came to its end, what did not, and
//! what nobody knows.

use crate::account;
use crate::escape;
use leadhand::{CallReport, Outcome, RunId};
use serde::Serialize;
use std::fmt::Write;

/// Characters of a call or a reason that are shown.
const SHOWN_CHARS_MAX: usize = 300;
/// How the account says that a step was undone; it says why where it was not.
const UNDONE: &str = "undone";

/// A run that was stopped.
#[derive(Debug, Serialize)]
pub(crate) struct Stopped<'a> {
    run: &'a RunId,
    /// Whether another process carried it out.
    live: bool,
    pub(crate) outcome: Outcome,
}

impl<'a> Stopped<'a> {
    pub(crate) fn new(run: &'a RunId, live: bool, outcome: Outcome) -> Self {
        Self { run, live, outcome }
    }

    /// Whether all that was to be undone is.
    pub(crate) fn is_undone(&self) -> bool {
        let undone = |report: &CallReport| report.what.starts_with(UNDONE);
        self.outcome.undone.iter().all(undone)
    }

    pub(crate) fn to_text(&self) -> String {
        let outcome = &self.outcome;
        let mut text = format!("run {}: {}", self.run, account::ending(outcome.kind));
        if !outcome.why.is_empty() {
            let _ = write!(text, ": {}", escape::line(&outcome.why, SHOWN_CHARS_MAX));
        }
        text.push('\n');
        let (finished, stopped): (Vec<_>, Vec<_>) =
            outcome.tasks.iter().partition(|task| task.state == "done");
        for (head, tasks) in [("finished", finished), ("stopped", stopped)] {
            if !tasks.is_empty() {
                let _ = writeln!(text, "{head}");
            }
            for task in tasks {
                let state = match task.state.as_str() {
                    "done" => "",
                    "running" => "  was at work",
                    "waiting" => "  had not begun",
                    _ => "  had failed",
                };
                let (id, title) = (task.task.as_str(), escape::line(&task.title, 60));
                let _ = writeln!(text, "  {id:<6} {title}{state}");
            }
        }
        text.push_str(&account::calls("in doubt", &outcome.in_doubt));
        text.push_str(&account::calls("undone", &outcome.undone));
        text
    }
}

//! What is told of a run that an order has stopped: what came to its end, what did not, and
//! what nobody knows.

use crate::failure::Failure;
use crate::reach::Reach;
use crate::screen;
use leadhand::rooms::inspector::account;
use leadhand::rooms::inspector::escape;
use leadhand::{CallState, Outcome, PersonInput, RunId};
use serde::Serialize;
use std::fmt::Write;

/// Characters of a call or a reason that are shown.
const SHOWN_CHARS_MAX: usize = 300;

/// A run that was stopped.
#[derive(Debug, Serialize)]
pub(crate) struct Stopped<'a> {
    run: &'a RunId,
    /// Whether another process carried it out.
    live: bool,
    pub(crate) outcome: Outcome,
}

impl<'a> Stopped<'a> {
    /// Gives an order that stops a run, waits for that and shows what became of it. None when the
    /// waiting was interrupted.
    ///
    /// # Errors
    /// That the order cannot be followed, with which the run is as it was.
    pub(crate) async fn by(
        reach: &'a Reach,
        order: PersonInput,
        json: bool,
    ) -> Result<Option<Self>, Failure> {
        let Some((outcome, live)) = reach.order_and_wait(order).await? else {
            return Ok(None);
        };
        let stopped = Self {
            run: &reach.id,
            live,
            outcome,
        };
        if json {
            screen::out_json(&stopped);
        } else {
            screen::out(&stopped.to_text());
        }
        Ok(Some(stopped))
    }

    /// Whether all that was to be undone is.
    pub(crate) fn is_undone(&self) -> bool {
        let mut undone = self.outcome.undone.iter();
        undone.all(|report| report.state == CallState::Undone)
    }

    fn to_text(&self) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;
    use leadhand::{CallReport, OutcomeKind, ToolCall, Usage};

    fn check(state: CallState, what: &str, is_undone: bool, told: &str) {
        let call = serde_json::from_value(serde_json::json!({"agent": 1, "turn": 0, "index": 0}));
        let report = CallReport {
            call: call.unwrap(),
            tool_call: ToolCall {
                id: "c".to_owned(),
                name: "book".to_owned(),
                arguments: serde_json::json!({"of": "room"}),
            },
            state,
            what: what.to_owned(),
        };
        let is_in_doubt = state == CallState::InDoubt;
        let (in_doubt, undone) = [report].into_iter().partition(|_| is_in_doubt);
        let run = RunId::new("run").unwrap();
        let stopped = Stopped {
            run: &run,
            live: false,
            outcome: Outcome {
                kind: OutcomeKind::Cancelled,
                why: String::new(),
                answer: String::new(),
                tasks: Vec::new(),
                files: Vec::new(),
                in_doubt,
                undone,
                usage: Usage::default(),
                micro_usd: 0,
                turns: 0,
                tool_calls: 1,
                revisions: 0,
            },
        };
        assert_eq!(stopped.is_undone(), is_undone, "{state:?}");
        let expected = format!("run run: cancelled\n{told}\n");
        assert_eq!(stopped.to_text(), expected);
    }

    #[test]
    fn what_became_of_a_call_is_told_by_its_state() {
        let line = "  book {\"of\":\"room\"}\n         ";
        let case = |state, what, is_undone, told: &str| {
            let head = match state {
                CallState::InDoubt => "in doubt",
                _ => "undone",
            };
            check(state, what, is_undone, &format!("{head}\n{line}{told}"));
        };
        case(CallState::InDoubt, "it was cut off", true, "it was cut off");
        case(CallState::Undone, "", true, "undone");
        case(CallState::Undone, "receipt 7", true, "undone: receipt 7");
        // What a tool says of itself decides nothing.
        let told = "could not be undone: undone";
        case(CallState::NotUndone, "undone", false, told);
        let told = "nobody knows whether it was undone: undone?";
        case(CallState::UndoInDoubt, "undone?", false, told);
    }
}

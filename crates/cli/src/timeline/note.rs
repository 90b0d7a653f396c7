//! What people did, what was found and why a run stopped, each in one line.

use crate::words;
use leadhand::rooms::protocol::Seq;
use leadhand::{Answer, ApprovalScope, Event};
use serde::Serialize;

/// Something that happened to the run as a whole.
#[derive(Debug, Serialize)]
pub(crate) struct Note {
    pub(crate) seq: Seq,
    pub(crate) at_ms: u64,
    pub(crate) text: String,
}

/// What is worth a line of its own.
pub(super) fn note(event: &Event) -> Option<String> {
    match event {
        Event::RunResumed => Some("resumed".to_owned()),
        Event::PersonAsked { request, .. } => Some(format!("question {request} put to a person")),
        Event::PersonAnswered {
            request, answer, ..
        } => Some(match answer {
            Answer::Allow => format!("question {request} answered: yes"),
            Answer::AllowFor { scope, .. } => {
                let whole = match scope {
                    ApprovalScope::Task => "task",
                    ApprovalScope::Run => "run",
                };
                format!("question {request} answered: yes, for the whole {whole}")
            }
            Answer::AllowEdited { arguments } => {
                format!("question {request} answered: yes, with other arguments: {arguments}")
            }
            Answer::Steer { text } => {
                format!("question {request} answered: yes, steered: {text}")
            }
            Answer::Deny { reason } => {
                format!("question {request} answered: no, {reason}")
            }
            Answer::TookEffect { .. } => {
                format!("question {request} answered: the call took effect")
            }
            Answer::Repeat => {
                format!("question {request} answered: the call took no effect, make it again")
            }
        }),
        Event::Steered { text, .. } => Some(format!("steered: {text}")),
        Event::PersonOrdered { order } => words::order(order),
        Event::CallInDoubt { call, why } => Some(format!("call {call} is in doubt: {why}")),
        Event::TimeUp => Some("the time allowed is over".to_owned()),
        Event::Forked { from } => Some(format!("a branch of run {from} from here on")),
        Event::Found(finding) => Some(words::finding(finding, |agent| agent.to_string())),
        Event::StopOrdered { why, .. } => Some(format!("stopped: {why}")),
        _ => None,
    }
}

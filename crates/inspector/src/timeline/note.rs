//! What people did, what was found and why a run stopped, each in one line.

use crate::words;
use leadhand_protocol::{AgentId, Answer, ApprovalScope, Event, Seq};
use serde::Serialize;

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// A detector saw something.
    Finding,
    /// A person was asked, answered or ordered something.
    Person,
    /// The run itself: it went on, branched off, or is to stop.
    Run,
}

/// Something that happened to the run as a whole.
#[derive(Debug, Serialize)]
pub struct Note {
    /// The number of its record.
    pub seq: Seq,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// What kind of thing it is.
    pub kind: NoteKind,
    /// The agent that a finding is about.
    pub agent: Option<AgentId>,
    /// The task that a finding is about.
    pub task: Option<String>,
    /// What happened, in words; of foreign origin.
    pub text: String,
}

/// What is worth a line of its own.
pub(crate) fn note(event: &Event) -> Option<(NoteKind, String)> {
    let kind = kind(event)?;
    let text = match event {
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
    };
    Some((kind, text?))
}

fn kind(event: &Event) -> Option<NoteKind> {
    match event {
        Event::Found(_) => Some(NoteKind::Finding),
        Event::PersonAsked { .. }
        | Event::PersonAnswered { .. }
        | Event::Steered { .. }
        | Event::PersonOrdered { .. } => Some(NoteKind::Person),
        Event::RunResumed
        | Event::CallInDoubt { .. }
        | Event::TimeUp
        | Event::Forked { .. }
        | Event::StopOrdered { .. } => Some(NoteKind::Run),
        _ => None,
    }
}

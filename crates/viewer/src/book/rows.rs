//! What a page is given of a run piece by piece: a row for each task and agent, and one for each
//! thing that happened.

use super::{Book, Happened, cut};
use leadhand_inspector::{AgentLine, Note, NoteKind, Step, TaskLine};
use leadhand_protocol::{AgentId, Decision, Seq};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Characters of a title or role in a row.
pub(super) const TITLE_CHARS_MAX: usize = 160;
/// Characters of what happened in a row.
pub(super) const TEXT_CHARS_MAX: usize = 240;
/// Characters of a reason, goal or answer.
pub(super) const WHY_CHARS_MAX: usize = 4_000;

/// A task in the graph.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct TaskRow {
    id: String,
    title: String,
    worker: String,
    state: &'static str,
    why: String,
    began_ms: Option<u64>,
    ended_ms: Option<u64>,
    tokens: u64,
    micro_usd: u64,
    agents: usize,
    findings: usize,
    refused: usize,
    revision: u32,
}

/// An agent in the lanes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct AgentRow {
    agent: AgentId,
    role: String,
    purpose: String,
    task: Option<String>,
    attempt: u32,
    began_ms: u64,
    ended_ms: Option<u64>,
    failed: bool,
    steps: usize,
    tokens: u64,
}

impl Book {
    pub(super) fn task_row(&self, task: &TaskLine, found: &HashMap<&str, usize>) -> TaskRow {
        TaskRow {
            id: task.id.clone(),
            title: cut(&task.title, TITLE_CHARS_MAX),
            worker: cut(&task.worker, TITLE_CHARS_MAX),
            state: task.state,
            why: cut(&task.why, TEXT_CHARS_MAX),
            began_ms: task.began_ms,
            ended_ms: task.ended_ms,
            tokens: task.spent.usage.total(),
            micro_usd: task.spent.micro_usd,
            agents: task.agents.len(),
            findings: found.get(task.id.as_str()).copied().unwrap_or_default(),
            refused: self.refused.get(&task.id).copied().unwrap_or_default(),
            revision: task.revision,
        }
    }

    pub(super) fn note_row(&self, note: &Note) -> Value {
        let origin = self.origins.get(&note.seq);
        json!({
            "seq": note.seq, "ms": note.at_ms, "kind": note.kind, "agent": note.agent,
            "task": note.task, "text": cut(&note.text, WHY_CHARS_MAX),
            "at": self.place_of(note.seq),
            "began_at": origin.and_then(|seq| self.place_of(*seq)),
        })
    }

    /// Rows of what happened, by their places in the list.
    pub(crate) fn rows(&self, places: impl Iterator<Item = usize>) -> Vec<Value> {
        places.filter_map(|at| self.row(at)).collect()
    }

    pub(super) fn row(&self, at: usize) -> Option<Value> {
        let place = *self.places.get(at)?;
        let ms = usize::try_from(place.seq)
            .ok()
            .and_then(|seq| self.times.get(seq));
        let mut row = json!({"at": at, "seq": place.seq, "ms": ms});
        let rest = match self.found(place)? {
            Happened::Step(task, line, step) => {
                let (kind, mark) = marked(step, line.ended_ms.is_some());
                let (text, took_ms) = said(step);
                json!({
                    "kind": kind, "mark": mark, "text": cut(&text, TEXT_CHARS_MAX),
                    "took_ms": took_ms, "agent": line.agent, "role": cut(&line.role, TITLE_CHARS_MAX),
                    "task": task.map(|task| &task.id),
                })
            }
            Happened::Note(note) => json!({
                "kind": "note", "mark": mark_of(note), "text": cut(&note.text, TEXT_CHARS_MAX),
                "agent": note.agent, "task": note.task,
            }),
        };
        if let (Some(row), Value::Object(rest)) = (row.as_object_mut(), rest) {
            row.extend(rest);
        }
        Some(row)
    }

    /// How many things happened.
    pub(crate) fn count(&self) -> usize {
        self.places.len()
    }

    pub(super) fn seq_at(&self, at: usize) -> Option<Seq> {
        self.places.get(at).map(|place| place.seq)
    }
}

pub(super) fn agent_row(line: &AgentLine, task: Option<&TaskLine>) -> AgentRow {
    AgentRow {
        agent: line.agent,
        role: cut(&line.role, TITLE_CHARS_MAX),
        purpose: line.purpose.clone(),
        task: task.map(|task| task.id.clone()),
        attempt: line.attempt,
        began_ms: line.began_ms,
        ended_ms: line.ended_ms,
        failed: line.failure.is_some(),
        steps: line.steps.len(),
        tokens: line.spent.usage.total(),
    }
}

/// A note's mark, which says what to look at.
pub(super) fn mark_of(note: &Note) -> &'static str {
    match note.kind {
        NoteKind::Finding => "finding",
        NoteKind::Person => "person",
        NoteKind::Run => "run",
    }
}

/// What a step is, and its mark, which says what to look at; `over` is whether its agent has
/// ended.
pub(super) fn marked(step: &Step, over: bool) -> (&'static str, &'static str) {
    match step {
        Step::Turn { took_ms, fault, .. } => {
            let mark = match (fault, took_ms) {
                (Some(_), _) => "fault",
                (None, None) if !over => "running",
                (None, None | Some(_)) => "",
            };
            ("turn", mark)
        }
        Step::Call {
            decision, result, ..
        } => {
            let mark = match (decision, result) {
                (Decision::Deny, _) => "refused",
                (_, Some(Err(_))) => "failed",
                (_, Some(Ok(_))) => "",
                (Decision::Ask, None) if !over => "asked",
                (Decision::Allow, None) if !over => "running",
                (Decision::Ask | Decision::Allow, None) => "failed",
            };
            ("call", mark)
        }
        Step::Told { fault, .. } => ("told", if *fault { "sent_back" } else { "" }),
        Step::Coordinated { .. } => ("others", ""),
        Step::Checked { passed, .. } => ("check", if *passed { "holds" } else { "holds_not" }),
    }
}

/// The words of a step, and how long it took.
fn said(step: &Step) -> (String, Option<u64>) {
    match step {
        Step::Turn {
            turn,
            took_ms,
            fault,
            text,
            ..
        } => {
            let words = match fault {
                Some(fault) => format!("turn {turn}: {fault}"),
                None if text.is_empty() => format!("turn {turn}, without words"),
                None => format!("turn {turn}: {text}"),
            };
            (words, *took_ms)
        }
        Step::Call {
            tool,
            arguments,
            decision,
            because,
            took_ms,
            result,
            ..
        } => {
            let words = match (decision, result) {
                (Decision::Deny, _) => format!("{tool} {arguments} refused: {because}"),
                (_, Some(Err(fault))) => format!("{tool} {arguments}: {}", fault.message),
                (Decision::Allow | Decision::Ask, Some(Ok(_)) | None) => {
                    format!("{tool} {arguments}")
                }
            };
            (words, *took_ms)
        }
        Step::Told { text, .. } | Step::Coordinated { text, .. } => (text.clone(), None),
        Step::Checked { evidence, .. } => (evidence.clone(), None),
    }
}

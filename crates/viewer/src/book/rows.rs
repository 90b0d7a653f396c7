//! What a page is given of a run piece by piece: a row for each task and agent, and one for each
//! thing that happened.

use super::{Book, Happened, cut, shortened};
use leadhand_inspector::{AgentLine, Note, NoteKind, Step, TaskLine};
use leadhand_protocol::{AgentId, Decision, Seq};
use serde::Serialize;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Characters of a title or role in a row.
pub(super) const TITLE_CHARS_MAX: usize = 160;
/// Characters of what happened in a row.
pub(super) const TEXT_CHARS_MAX: usize = 240;
/// Characters of a reason, goal or answer.
pub(super) const WHY_CHARS_MAX: usize = 4_000;

/// A task in the graph. What is nothing is left out: there may be many of them.
#[derive(Debug, Serialize)]
pub(super) struct TaskRow<'a> {
    id: &'a str,
    title: Cow<'a, str>,
    worker: Cow<'a, str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    why: Cow<'a, str>,
    #[serde(flatten)]
    seen: TaskSeen,
}

/// What is compared of a task, to see whether it has changed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct TaskSeen {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    began_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_ms: Option<u64>,
    #[serde(skip_serializing_if = "is_default")]
    tokens: u64,
    #[serde(skip_serializing_if = "is_default")]
    micro_usd: u64,
    #[serde(skip_serializing_if = "is_default")]
    agents: usize,
    #[serde(skip_serializing_if = "is_default")]
    findings: usize,
    #[serde(skip_serializing_if = "is_default")]
    refused: usize,
    #[serde(skip_serializing_if = "is_default")]
    revision: u32,
    /// A hash of its words, which a plan may change.
    #[serde(skip)]
    words: u64,
}

/// An agent in the lanes.
#[derive(Debug, Serialize)]
pub(super) struct AgentRow<'a> {
    agent: AgentId,
    role: Cow<'a, str>,
    purpose: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<&'a str>,
    attempt: u32,
    began_ms: u64,
    #[serde(flatten)]
    seen: AgentSeen,
}

/// What is compared of an agent; nothing else of it changes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct AgentSeen {
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_ms: Option<u64>,
    failed: bool,
    steps: usize,
    tokens: u64,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Book {
    /// What stands for a task now; `found` is how much was found, by task.
    pub(super) fn task_seen(&self, task: &TaskLine, found: &HashMap<&str, usize>) -> TaskSeen {
        let mut words = DefaultHasher::new();
        (&task.title, &task.worker, &task.why).hash(&mut words);
        TaskSeen {
            state: task.state,
            began_ms: task.began_ms,
            ended_ms: task.ended_ms,
            tokens: task.spent.usage.total(),
            micro_usd: task.spent.micro_usd,
            agents: task.agents.len(),
            findings: found.get(task.id.as_str()).copied().unwrap_or_default(),
            refused: self.refused.get(&task.id).copied().unwrap_or_default(),
            revision: task.revision,
            words: words.finish(),
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

pub(super) fn task_row(task: &TaskLine, seen: TaskSeen) -> TaskRow<'_> {
    TaskRow {
        id: &task.id,
        title: shortened(&task.title, TITLE_CHARS_MAX),
        worker: shortened(&task.worker, TITLE_CHARS_MAX),
        why: shortened(&task.why, TEXT_CHARS_MAX),
        seen,
    }
}

pub(super) fn agent_seen(line: &AgentLine) -> AgentSeen {
    AgentSeen {
        ended_ms: line.ended_ms,
        failed: line.failure.is_some(),
        steps: line.steps.len(),
        tokens: line.spent.usage.total(),
    }
}

pub(super) fn agent_row<'a>(line: &'a AgentLine, task: Option<&'a TaskLine>) -> AgentRow<'a> {
    AgentRow {
        agent: line.agent,
        role: shortened(&line.role, TITLE_CHARS_MAX),
        purpose: &line.purpose,
        task: task.map(|task| task.id.as_str()),
        attempt: line.attempt,
        began_ms: line.began_ms,
        seen: agent_seen(line),
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

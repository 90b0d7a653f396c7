//! What a page is given of a run: its head, a row for each task and agent, and one for each thing
//! that happened. Rows are compared with what they were, so that a page is sent what changed.

use super::{Book, Happened, cut};
use leadhand_inspector::{AgentLine, Note, NoteKind, Step, TaskLine};
use leadhand_protocol::{AgentId, Decision, Seq, TaskId};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Characters of a title or role in a row.
const TITLE_CHARS_MAX: usize = 160;
/// Characters of what happened in a row.
const TEXT_CHARS_MAX: usize = 240;
/// Characters of a reason, goal or answer in the head.
const WHY_CHARS_MAX: usize = 4_000;
/// Rows of one kind that a page is sent at once; more come with the next message.
const SENT_MAX: usize = 2_000;
/// Notes that a page is sent by themselves; all of them are in the list of what happened.
const NOTES_MAX: usize = 2_000;

/// A task in the graph.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct TaskRow {
    id: String,
    title: String,
    worker: String,
    after: Vec<TaskId>,
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

/// Rows as they were last, and when each changed.
#[derive(Default)]
pub(crate) struct Changes {
    version: u64,
    tasks: Vec<(u64, TaskRow)>,
    agents: Vec<(u64, AgentRow)>,
}

/// What a page has been sent of a run.
#[derive(Debug, Default)]
pub(crate) struct Known {
    version: u64,
    notes: usize,
    /// Rows of the version that is being sent that were sent.
    tasks: usize,
    agents: usize,
}

impl Book {
    /// Compares all rows with what they were. To be asked before [`Book::news`].
    pub(crate) fn refresh(&mut self) {
        let mut found: HashMap<&str, usize> = HashMap::new();
        for note in self.timeline.findings() {
            *found
                .entry(note.task.as_deref().unwrap_or_default())
                .or_default() += 1;
        }
        let tasks = self.timeline.tasks.iter();
        let tasks: Vec<TaskRow> = tasks.map(|it| self.task_row(it, &found)).collect();
        let seats: Vec<_> = self.seats.values().copied().collect();
        let agents: Vec<AgentRow> = seats
            .into_iter()
            .filter_map(|seat| {
                let task = seat.task.and_then(|at| self.timeline.tasks.get(at));
                Some(agent_row(self.line(seat)?, task))
            })
            .collect();
        let changes = &mut self.changes;
        changes.version += 1;
        renew(&mut changes.tasks, tasks, changes.version);
        renew(&mut changes.agents, agents, changes.version);
    }

    /// What a page does not know yet, in as many messages as it takes.
    pub(crate) fn news(&self, known: &mut Known) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let (news, more) = self.some_news(known);
            all.push(news);
            if !more {
                return all;
            }
        }
    }

    fn some_news(&self, known: &mut Known) -> (Value, bool) {
        let (tasks, tasks_left) = newer(&self.changes.tasks, known.version, &mut known.tasks);
        let (agents, agents_left) = newer(&self.changes.agents, known.version, &mut known.agents);
        let notes = self.timeline.notes.iter().enumerate();
        let fresh: Vec<Value> = notes
            .take(NOTES_MAX)
            .skip(known.notes)
            .map(|(_, note)| self.note_row(note))
            .collect();
        known.notes += fresh.len();
        let more = tasks_left || agents_left;
        if !more {
            known.version = self.changes.version;
            (known.tasks, known.agents) = (0, 0);
        }
        let news = json!({
            "head": self.head(), "tasks": tasks, "agents": agents, "notes": fresh,
            "rows": self.places.len(),
        });
        (news, more)
    }

    fn head(&self) -> Value {
        let timeline = &self.timeline;
        let spent = timeline.spent;
        json!({
            "goal": cut(&timeline.goal, WHY_CHARS_MAX),
            "autonomy": timeline.autonomy,
            "began_ms": timeline.began_ms,
            "ended_ms": timeline.ended_ms,
            "records": timeline.records,
            "turns": spent.turns,
            "tool_calls": spent.tool_calls,
            "tokens_in": spent.usage.input_tokens,
            "tokens_out": spent.usage.output_tokens,
            "micro_usd": spent.micro_usd,
            "outcome": timeline.outcome.as_ref().map(|outcome| json!({
                "kind": outcome.kind,
                "words": leadhand_inspector::account::ending(outcome.kind),
                "why": cut(&outcome.why, WHY_CHARS_MAX),
                "answer": cut(&outcome.answer, WHY_CHARS_MAX),
            })),
        })
    }

    fn task_row(&self, task: &TaskLine, found: &HashMap<&str, usize>) -> TaskRow {
        TaskRow {
            id: task.id.clone(),
            title: cut(&task.title, TITLE_CHARS_MAX),
            worker: cut(&task.worker, TITLE_CHARS_MAX),
            after: task.depends_on.clone(),
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

fn renew<T: PartialEq>(rows: &mut Vec<(u64, T)>, now: Vec<T>, version: u64) {
    for (at, row) in now.into_iter().enumerate() {
        match rows.get_mut(at) {
            Some((_, before)) if *before == row => {}
            Some(slot) => *slot = (version, row),
            None => rows.push((version, row)),
        }
    }
}

/// Rows with their numbers that changed after a version, from a place on; and whether more did.
fn newer<'a, T>(
    rows: &'a [(u64, T)],
    version: u64,
    from: &mut usize,
) -> (Vec<(usize, &'a T)>, bool) {
    let mut fresh = Vec::new();
    for (at, (changed, row)) in rows.iter().enumerate().skip(*from) {
        if *changed > version {
            if fresh.len() == SENT_MAX {
                *from = at;
                return (fresh, true);
            }
            fresh.push((at, row));
        }
    }
    *from = rows.len();
    (fresh, false)
}

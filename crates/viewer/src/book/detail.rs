//! One thing of a run in full: a step, a task, an agent. Long texts are kept from the timeline as
//! it has them; the whole of one is in its record, and given in pieces.

use super::rows::agent_row;
use super::{At, Book, Happened, cut};
use leadhand_inspector::Step;
use leadhand_protocol::{AgentId, Event, Purpose, Record, Seq};
use serde::Deserialize;
use serde_json::{Value, json};
use std::borrow::Cow;

/// Characters of an instruction or prompt that are given with what they belong to.
const INSTRUCTION_CHARS_MAX: usize = 16_000;
/// Agents of a task that are given.
const AGENTS_MAX: usize = 100;
/// Findings about one thing that are given.
const FINDINGS_MAX: usize = 50;

/// Which text of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    /// What a model said.
    Reply,
    /// With what a tool was called.
    Arguments,
    /// What a tool brought, or why it failed.
    Result,
    /// What an agent was told.
    Told,
    /// What an agent was told at its beginning.
    Opening,
    /// The record as it is in the journal.
    Record,
}

impl Book {
    /// What happened in a place of the list, in full.
    pub(crate) fn detail(&self, at: usize) -> Option<Value> {
        let row = self.row(at)?;
        Some(match self.found(*self.places.get(at)?)? {
            Happened::Step(task, line, step) => json!({
                "row": row, "step": step,
                "agent": agent_row(line, task),
                "task": task.map(|task| json!({"id": task.id, "title": cut(&task.title, 160)})),
                "told": self.told_before(at),
                "findings": self.findings_from(step.seq()),
            }),
            Happened::Note(note) => json!({
                "row": row, "note": self.note_row(note),
            }),
        })
    }

    /// Findings that began with a record.
    fn findings_from(&self, seq: Seq) -> Vec<Value> {
        let notes = self.timeline.notes.iter();
        let of_it = notes.filter(|note| self.origins.get(&note.seq) == Some(&seq));
        of_it
            .take(FINDINGS_MAX)
            .map(|note| self.note_row(note))
            .collect()
    }

    /// The places of what the agent was told before what is in this place.
    fn told_before(&self, at: usize) -> Vec<usize> {
        let Some(At::Step { task, agent, step }) = self.places.get(at).map(|it| it.at) else {
            return Vec::new();
        };
        let Some(line) = self.agents_beside(task).and_then(|them| them.get(agent)) else {
            return Vec::new();
        };
        let told = line.steps[..step].iter().rev();
        let told = told.filter(|step| matches!(step, Step::Told { .. }));
        told.take(5)
            .filter_map(|step| self.place_of(step.seq()))
            .collect()
    }

    /// A task in full, but for what its agents did.
    pub(crate) fn task(&self, id: &str) -> Option<Value> {
        let task = self.task_named(id)?;
        let agents: Vec<Value> = task
            .agents
            .iter()
            .take(AGENTS_MAX)
            .map(|line| {
                json!({
                    "row": agent_row(line, Some(task)),
                    "failure": line.failure.as_deref().map(|why| cut(why, 2_000)),
                    "turns": line.spent.turns, "tool_calls": line.spent.tool_calls,
                })
            })
            .collect();
        let findings: Vec<Value> = self
            .findings(id)
            .take(FINDINGS_MAX)
            .map(|note| self.note_row(note))
            .collect();
        Some(json!({
            "id": task.id, "title": cut(&task.title, 2_000), "worker": task.worker,
            "after": task.depends_on, "foreign": self.timeline.is_foreign(), "state": task.state, "why": cut(&task.why, 4_000),
            "revision": task.revision, "artifact": task.artifact, "file": task.file,
            "sources": task.sources, "began_ms": task.began_ms, "ended_ms": task.ended_ms,
            "spent": task.spent, "agents": agents, "agents_left_out": task.agents.len().saturating_sub(AGENTS_MAX),
            "instruction": self.instruction(id).map(|text| cut(text, INSTRUCTION_CHARS_MAX)),
            "findings": findings,
        }))
    }

    /// An agent in full, but for what it did; `began` is the record at which it began.
    pub(crate) fn agent(&self, agent: AgentId) -> Option<Value> {
        let (line, task) = self.agent_named(agent)?;
        let role = self.start.as_ref().and_then(|start| {
            let mut roles = start.roles.iter();
            roles.find(|role| role.name == line.role)
        });
        let findings: Vec<Value> = self
            .timeline
            .findings()
            .filter(|note| note.agent == Some(agent))
            .take(FINDINGS_MAX)
            .map(|note| self.note_row(note))
            .collect();
        Some(json!({
            "row": agent_row(line, task),
            "failure": line.failure,
            "spent": line.spent,
            "prompt": role.map(|role| cut(&role.prompt, INSTRUCTION_CHARS_MAX)),
            "tools": role.map(|role| &role.tools),
            "began": self.began.get(&agent),
            "findings": findings,
        }))
    }

    /// The record in which a text stands whose beginning is in a place of the list.
    pub(crate) fn record_of(&self, at: usize, part: Part) -> Option<Seq> {
        let began = self.seq_at(at)?;
        match part {
            Part::Reply | Part::Result => self.ends.get(&began).copied(),
            Part::Arguments | Part::Told | Part::Record => Some(began),
            Part::Opening => None,
        }
    }

    /// The record at which an agent began.
    pub(crate) fn began(&self, agent: AgentId) -> Option<Seq> {
        self.began.get(&agent).copied()
    }
}

impl Part {
    /// The text of a record; none where it has no such text.
    pub(crate) fn of(self, record: &Record) -> Option<String> {
        if self == Self::Record {
            return serde_json::to_string_pretty(record).ok();
        }
        let (part, text) = long_text(&record.event)?;
        (part == self).then(|| text.into_owned())
    }
}

/// The text of an event that may be long.
fn long_text(event: &Event) -> Option<(Part, Cow<'_, str>)> {
    Some(match event {
        Event::ModelReplied { reply, .. } => (Part::Reply, Cow::from(&reply.text)),
        Event::ModelFailed { fault, .. } => (Part::Reply, Cow::from(&fault.message)),
        Event::ToolCalled { tool_call, .. } => {
            let arguments = serde_json::to_string_pretty(&tool_call.arguments);
            (Part::Arguments, Cow::from(arguments.ok()?))
        }
        Event::ToolFinished { outcome, .. } => match outcome {
            Ok(output) => (Part::Result, Cow::from(&output.text)),
            Err(fault) => (Part::Result, Cow::from(&fault.message)),
        },
        Event::Told { text, .. } => (Part::Told, Cow::from(text)),
        Event::AgentStarted {
            opening, purpose, ..
        } => match opening {
            Some(opening) => (Part::Opening, Cow::from(opening)),
            None => (Part::Opening, Cow::from(unopened(purpose))),
        },
        Event::RunStarted(_)
        | Event::RunResumed
        | Event::PlanAccepted { .. }
        | Event::AgentEnded { .. }
        | Event::TurnStarted { .. }
        | Event::CallEdited { .. }
        | Event::CallStarted { .. }
        | Event::CallInDoubt { .. }
        | Event::ProbeOrdered { .. }
        | Event::OutputGiven { .. }
        | Event::ChecksOrdered { .. }
        | Event::ChecksFinished { .. }
        | Event::TaskDone { .. }
        | Event::TaskFailed { .. }
        | Event::AnswerGiven { .. }
        | Event::PersonAsked { .. }
        | Event::PersonAnswered { .. }
        | Event::Steered { .. }
        | Event::PersonOrdered { .. }
        | Event::TimeUp
        | Event::Forked { .. }
        | Event::Requested { .. }
        | Event::Coordinated { .. }
        | Event::RequestRefused { .. }
        | Event::Found(_)
        | Event::StopOrdered { .. }
        | Event::TraceImported { .. }
        | Event::RunSuspended(_)
        | Event::RunEnded(_) => return None,
    })
}

/// What stands in place of an opening that follows from what is read first.
fn unopened(purpose: &Purpose) -> String {
    let task = match purpose {
        Purpose::Task(task) => format!("task {task}"),
        Purpose::Plan
        | Purpose::Revise
        | Purpose::Judge { .. }
        | Purpose::Drift { .. }
        | Purpose::Answer
        | Purpose::Reply { .. }
        | Purpose::RollBack => "its work".to_owned(),
    };
    format!(
        "Its files are read first; then it is told the instruction of {task} with what they hold."
    )
}

//! A run of ours as a trace: its records, put together to turns with what came of their calls.
//! When a turn is over is told by [`Turns`].

use crate::trace::{TraceArguments, TraceCall, TraceStep, begun};
use crate::turns::Turns;
use crate::{Came, Trace};
use leadhand_protocol::{
    AgentId, CallId, Decision, Event, Origin, Purpose, Record, RunId, TaskId, ToolCall, ToolFault,
    ToolFaultKind, ToolOutput, ToolSpec, Verdict,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Steps of an agent in which a call is looked for that was not made again.
const STEPS_BACK_MAX: usize = 64;

/// The trace of a run, as far as it has come. A turn counts from when all its calls are over, or
/// at the latest when its agent goes on; calls that the program makes by itself are no steps.
#[must_use]
pub fn recorded(run: &RunId, records: &[Record]) -> Trace {
    let mut reading = Recorded::new(run);
    records.iter().for_each(|record| reading.take(record));
    reading.into_trace()
}

/// A run of which one record after the other is read, as [`recorded`] reads all of them.
#[derive(Default)]
pub struct Recorded {
    trace: Trace,
    tools: Arc<Vec<ToolSpec>>,
    turns: Turns,
    open: BTreeMap<AgentId, Turn>,
    /// Who is or was at work at a task, the newest.
    at_work: BTreeMap<TaskId, AgentId>,
    /// Where the last step of each agent stands.
    last: BTreeMap<AgentId, usize>,
}

/// A turn whose calls are not all over.
struct Turn {
    step: TraceStep,
    /// The name of each of its calls.
    calls: Vec<CallId>,
}

impl Recorded {
    /// Of this run, with nothing read yet.
    #[must_use]
    pub fn new(run: &RunId) -> Self {
        let mut reading = Self::default();
        reading.trace.id = run.to_string();
        reading
    }

    /// The trace, as far as the records went.
    #[must_use]
    pub fn into_trace(mut self) -> Trace {
        let left: Vec<AgentId> = self.open.keys().copied().collect();
        left.into_iter().for_each(|agent| self.close(Some(agent)));
        self.trace
    }

    /// Takes the next record.
    pub fn take(&mut self, record: &Record) {
        let ended = self.turns.take(record);
        self.close(ended.before);
        self.read(record);
        self.close(ended.with);
    }

    fn read(&mut self, record: &Record) {
        let at_ms = record.at_ms;
        match &*record.event {
            Event::AgentStarted {
                agent,
                role,
                purpose,
                ..
            } => {
                let name = format!("{agent} {role}");
                self.trace.agents.insert(*agent, name.trim_end().to_owned());
                if let Purpose::Task(task) = purpose {
                    self.at_work.insert(task.clone(), *agent);
                }
            }
            Event::RunStarted(start) => self.tools = Arc::clone(&start.tools),
            Event::ModelReplied { agent, reply, .. } => self.begin(*agent, at_ms, &reply.text),
            Event::ModelFailed { agent, .. } => self.begin(*agent, at_ms, ""),
            Event::ToolCalled {
                call,
                origin: Origin::Model,
                tool_call,
                verdict,
                ..
            } => self.call(*call, tool_call, verdict),
            Event::CallEdited {
                call, tool_call, ..
            } => self.edit(*call, tool_call),
            Event::ToolFinished { call, outcome } => self.finish(*call, at_ms, outcome),
            Event::TaskDone { task, .. } => self.gain(task),
            Event::ToolCalled {
                origin:
                    Origin::Input | Origin::OutputFile | Origin::Template | Origin::Check | Origin::Undo,
                ..
            }
            | Event::TurnStarted { .. }
            | Event::AgentEnded { .. }
            | Event::RunResumed
            | Event::PlanAccepted { .. }
            | Event::CallStarted { .. }
            | Event::CallInDoubt { .. }
            | Event::ProbeOrdered { .. }
            | Event::Told { .. }
            | Event::OutputGiven { .. }
            | Event::ChecksOrdered { .. }
            | Event::ChecksFinished { .. }
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
            | Event::RunEnded(_) => {}
        }
    }

    fn begin(&mut self, agent: AgentId, at_ms: u64, said: &str) {
        let step = TraceStep {
            said: begun(said),
            at_ms: Some(at_ms),
            ..TraceStep::of(agent)
        };
        let calls = Vec::new();
        self.open.insert(agent, Turn { step, calls });
    }

    fn call(&mut self, call: CallId, tool_call: &ToolCall, verdict: &Verdict) {
        let Some(turn) = self.open.get_mut(&call.agent) else {
            return;
        };
        let tool = self.tools.iter().find(|tool| tool.name == tool_call.name);
        turn.calls.push(call);
        turn.step.calls.push(TraceCall {
            tool: tool_call.name.clone(),
            arguments: TraceArguments::written(&tool_call.arguments.to_string()),
            result: String::new(),
            came: match verdict.decision {
                Decision::Deny => Came::Blocked,
                Decision::Allow | Decision::Ask => Came::Unknown,
            },
            equal_by: tool.and_then(|tool| tool.told_apart_by(&tool_call.arguments)),
            poll_every_ms: tool.and_then(|tool| tool.poll_every_ms),
            changed: Vec::new(),
            // Nobody asks a run of ours for it.
            made: None,
        });
    }

    fn edit(&mut self, call: CallId, tool_call: &ToolCall) {
        if let Some(owned) = self.find(call) {
            owned.tool.clone_from(&tool_call.name);
            owned.arguments = TraceArguments::written(&tool_call.arguments.to_string());
        }
    }

    fn finish(&mut self, call: CallId, at_ms: u64, outcome: &Result<ToolOutput, ToolFault>) {
        let tools = Arc::clone(&self.tools);
        let Some(owned) = self.find(call) else {
            return;
        };
        match outcome {
            Ok(output) => {
                let tool = tools.iter().find(|tool| tool.name == owned.tool);
                owned.result = begun(&output.text);
                owned.came = Came::done(tool, output);
                owned.changed = output.files.iter().filter_map(|file| file.hash).collect();
            }
            Err(fault) => {
                let made = owned.came != Came::Blocked;
                owned.result = begun(&fault.message);
                owned.came = Came::failed(made, fault);
                if !made && fault.kind == ToolFaultKind::Failed {
                    self.as_before(call);
                }
            }
        }
        if let Some(turn) = self.open.get_mut(&call.agent) {
            turn.step.at_ms = Some(at_ms);
        }
    }

    /// A call that was not made again since it would bring what it brought before.
    fn as_before(&mut self, call: CallId) {
        let Some(asked) = self.find(call) else {
            return;
        };
        let (tool, arguments) = (asked.tool.clone(), asked.arguments.clone());
        let own = self.trace.steps.iter().rev();
        let own = own
            .filter(|step| step.agent == call.agent)
            .take(STEPS_BACK_MAX);
        let mut calls = own.flat_map(|step| &step.calls);
        let made = calls.find(|made| {
            made.tool == tool && made.arguments == arguments && made.came != Came::Blocked
        });
        let before = made.map(|made| (made.result.clone(), made.came));
        if let (Some((result, came)), Some(asked)) = (before, self.find(call)) {
            (asked.result, asked.came) = (result, came);
        }
    }

    fn find(&mut self, call: CallId) -> Option<&mut TraceCall> {
        let turn = self.open.get_mut(&call.agent)?;
        let at = turn.calls.iter().position(|known| *known == call)?;
        turn.step.calls.get_mut(at)
    }

    fn close(&mut self, agent: Option<AgentId>) {
        if let Some((agent, turn)) = agent.and_then(|agent| self.open.remove_entry(&agent)) {
            self.last.insert(agent, self.trace.steps.len());
            self.trace.steps.push(turn.step);
        }
    }

    /// A task is done on evidence; the step that gave its output is the one that gained it.
    fn gain(&mut self, task: &TaskId) {
        let agent = self.at_work.get(task);
        let step = agent.and_then(|agent| self.last.get(agent));
        if let Some(step) = step {
            self.trace.steps[*step].gained = true;
        }
    }
}

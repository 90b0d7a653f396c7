//! What a run did and can be undone is undone, the last first. A person orders it; each step is a
//! tool call like any other, judged, journaled and told of in the account.

use crate::agent::{Agent, AgentState};
use crate::calls::{called, step_call};
use crate::decide::Refusal;
use crate::run::Run;
use leadhand_protocol::{
    AgentId, CallId, CallReport, CallState, ContentHash, Effect, Event, Origin, Purpose, ToolCall,
    ToolFault, ToolFaultKind, ToolOutput,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A call that took effect and can be undone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Undoable {
    call: CallId,
    tool_call: ToolCall,
    result: String,
}

/// A call that rolling back would undo, and by which tool.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ToUndo<'a> {
    /// The call.
    pub call: CallId,
    /// As it was made.
    pub tool_call: &'a ToolCall,
    /// The tool that undoes it.
    pub undo: &'a str,
}

/// What can be undone, and how far that is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct RollBack {
    /// Calls that took effect, in the order in which they did.
    pub(crate) undoable: Vec<Undoable>,
    /// Whether a person ordered to roll back.
    pub(crate) ordered: bool,
    /// What became of each step, the last call first.
    pub(crate) reports: Vec<CallReport>,
}

/// That there is something to undo, and that it was not undone.
pub(crate) fn may_be_ordered(run: &Run) -> Result<(), Refusal> {
    if run.roll_back.ordered {
        return Err(Refusal(
            "the run was rolled back already, or is being: see `leadhand trace show`".to_owned(),
        ));
    }
    if run.roll_back.undoable.is_empty() {
        return Err(Refusal(
            "nothing that the run did can be undone: no tool that says how to undo its calls \
             (effect `compensable`) was called with success"
                .to_owned(),
        ));
    }
    Ok(())
}

/// The next facts of rolling back; `None` when it is over, or was not ordered.
pub(crate) fn settle(run: &Run) -> Option<Vec<Event>> {
    if !run.roll_back.ordered {
        return None;
    }
    let agent = run
        .agents
        .values()
        .find(|agent| agent.purpose == Purpose::RollBack);
    let left = run.roll_back.undoable.len() - run.roll_back.reports.len();
    let Some(agent) = agent else {
        return (left > 0).then(|| {
            vec![Event::AgentStarted {
                agent: AgentId(run.agents_started),
                role: String::new(),
                purpose: Purpose::RollBack,
                attempt: 1,
                opening: None,
            }]
        });
    };
    if let Some(pending) = agent.calls().first() {
        return Some(step_call(run, agent, pending).into_iter().collect());
    }
    if left == 0 {
        return Some(vec![Event::AgentEnded {
            agent: agent.id,
            failure: None,
        }]);
    }
    Some(undo(run, agent, &run.roll_back.undoable[left - 1], left))
}

fn undo(run: &Run, agent: &Agent, step: &Undoable, number: usize) -> Vec<Event> {
    let call = ToolCall {
        id: format!("undo-{}", step.call),
        name: undone_by(run, step).to_owned(),
        arguments: json!({ "arguments": step.tool_call.arguments, "result": step.result }),
    };
    let index = u32::try_from(number).unwrap_or(u32::MAX);
    called(run, agent, Origin::Undo, index, call)
}

fn undone_by<'a>(run: &'a Run, step: &Undoable) -> &'a str {
    let tool = run.started().tool(&step.tool_call.name);
    tool.and_then(|tool| tool.undo.as_deref())
        .unwrap_or_default()
}

/// What became of each step; those last that an abort has given up.
pub(crate) fn reports(run: &Run) -> Vec<CallReport> {
    let RollBack {
        undoable,
        ordered,
        reports,
    } = &run.roll_back;
    let left = if *ordered {
        &undoable[..undoable.len() - reports.len()]
    } else {
        &[]
    };
    let at_work = run
        .agents
        .values()
        .any(|agent| agent.purpose == Purpose::RollBack && !agent.calls().is_empty());
    let given_up = left
        .iter()
        .rev()
        .enumerate()
        .map(|(place, step)| CallReport {
            call: step.call,
            tool_call: step.tool_call.clone(),
            state: if at_work && place == 0 {
                CallState::UndoInDoubt
            } else {
                CallState::NotUndone
            },
            what: "given up: the run was aborted".to_owned(),
        });
    reports.iter().cloned().chain(given_up).collect()
}

/// The key of a call that must not be made twice; none of others.
pub(crate) fn once_key(run: &Run, call: &ToolCall) -> Option<ContentHash> {
    let setting = run.started();
    (!setting.is_repeatable(&call.name)).then(|| call.key(&setting.start.run))
}

impl Run {
    /// What [`RollBack`](leadhand_protocol::PersonInput::RollBack) would undo, in its order.
    ///
    /// # Errors
    /// [`Refusal`], as the order would be refused.
    pub fn to_undo(&self) -> Result<Vec<ToUndo<'_>>, Refusal> {
        may_be_ordered(self)?;
        let steps = self.roll_back.undoable.iter().rev();
        let steps = steps.map(|step| ToUndo {
            call: step.call,
            tool_call: &step.tool_call,
            undo: undone_by(self, step),
        });
        Ok(steps.collect())
    }

    /// Remembers a call that took effect, if it must not be made twice or can be undone.
    pub(crate) fn remember(&mut self, call: CallId, tool_call: &ToolCall, output: &ToolOutput) {
        let agent = self.agents.get(&call.agent);
        let attempt = agent.map_or(0, |agent| agent.attempt);
        let task = agent.and_then(|agent| agent.task().cloned());
        if let (Some(key), Some(task)) = (once_key(self, tool_call), task) {
            let done = &mut self.tasks.entry(task).or_default().done_once;
            done.insert(key, (attempt, output.text.clone()));
        }
        let tool = self.started().tool(&tool_call.name);
        let can_be_undone =
            tool.is_some_and(|tool| tool.effect == Effect::Compensable && tool.undo.is_some());
        if can_be_undone && !self.roll_back.ordered {
            self.roll_back.undoable.push(Undoable {
                call,
                tool_call: tool_call.clone(),
                result: output.text.clone(),
            });
        }
    }

    /// A step of rolling back is over; the next one comes whatever became of this one.
    pub(crate) fn undone(&mut self, agent: AgentId, outcome: &Result<ToolOutput, ToolFault>) {
        let left = self.roll_back.undoable.len() - self.roll_back.reports.len();
        if let Some(step) = left.checked_sub(1).map(|at| &self.roll_back.undoable[at]) {
            let (state, what) = match outcome {
                Ok(output) => (CallState::Undone, output.text.trim()),
                Err(fault) if fault.kind == ToolFaultKind::InDoubt => {
                    (CallState::UndoInDoubt, fault.message.as_str())
                }
                Err(fault) => (CallState::NotUndone, fault.message.as_str()),
            };
            self.roll_back.reports.push(CallReport {
                call: step.call,
                tool_call: step.tool_call.clone(),
                state,
                what: what.to_owned(),
            });
        }
        if let Some(agent) = self.agents.get_mut(&agent) {
            agent.state = AgentState::Acting(Vec::new());
        }
    }
}

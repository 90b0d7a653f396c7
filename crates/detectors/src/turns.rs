//! When the turns of a run's agents are over. Steps of a trace of ours are turns in the order of
//! their ends, so that whoever counts these ends knows which turn a step of a finding is.

use leadhand_protocol::{AgentId, CallId, Event, Origin, Record};
use std::collections::BTreeMap;

/// The turns that are open, as far as the records of a run were taken.
#[derive(Debug, Default)]
pub struct Turns {
    open: BTreeMap<AgentId, Open>,
}

/// A turn whose calls are not all over.
#[derive(Debug)]
struct Open {
    /// The calls that were made of it, and whether each is over.
    calls: Vec<(CallId, bool)>,
    /// How many calls its reply holds.
    wanted: usize,
}

/// The turns that a record ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ended {
    /// The agent whose turn was over before what the record tells: the agent goes on, or ends.
    pub before: Option<AgentId>,
    /// The agent whose turn is over with what the record tells.
    pub with: Option<AgentId>,
}

impl Turns {
    /// Takes the next record. A turn is over when all its calls are, or at the latest when its
    /// agent goes on; one that brought nothing counts as well, there may be many of them. Calls
    /// that the program makes by itself are of no turn.
    pub fn take(&mut self, record: &Record) -> Ended {
        match &*record.event {
            Event::TurnStarted { agent, .. } | Event::AgentEnded { agent, .. } => Ended {
                before: self.close(*agent),
                with: None,
            },
            Event::ModelReplied { agent, reply, .. } => self.begin(*agent, reply.tool_calls.len()),
            Event::ModelFailed { agent, .. } => self.begin(*agent, 0),
            Event::ToolCalled {
                call,
                origin: Origin::Model,
                ..
            } => {
                if let Some(open) = self.open.get_mut(&call.agent) {
                    open.calls.push((*call, false));
                }
                Ended::default()
            }
            Event::ToolFinished { call, .. } => Ended {
                before: None,
                with: self.finish(*call),
            },
            Event::ToolCalled {
                origin:
                    Origin::Input | Origin::OutputFile | Origin::Template | Origin::Check | Origin::Undo,
                ..
            }
            | Event::RunStarted(_)
            | Event::RunResumed
            | Event::PlanAccepted { .. }
            | Event::AgentStarted { .. }
            | Event::CallEdited { .. }
            | Event::CallStarted { .. }
            | Event::CallInDoubt { .. }
            | Event::ProbeOrdered { .. }
            | Event::Told { .. }
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
            | Event::RunEnded(_) => Ended::default(),
        }
    }

    fn begin(&mut self, agent: AgentId, wanted: usize) -> Ended {
        let before = self.close(agent);
        if wanted == 0 {
            return Ended {
                before,
                with: Some(agent),
            };
        }
        let calls = Vec::new();
        self.open.insert(agent, Open { calls, wanted });
        Ended { before, with: None }
    }

    fn finish(&mut self, call: CallId) -> Option<AgentId> {
        let open = self.open.get_mut(&call.agent)?;
        let (_, over) = open.calls.iter_mut().find(|(known, _)| *known == call)?;
        *over = true;
        let all = open.calls.len() >= open.wanted && open.calls.iter().all(|(_, over)| *over);
        if all { self.close(call.agent) } else { None }
    }

    fn close(&mut self, agent: AgentId) -> Option<AgentId> {
        self.open.remove(&agent).map(|_| agent)
    }
}

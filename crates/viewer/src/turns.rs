//! Which record a step of a finding is. Detectors count turns that had an end, over all agents,
//! as `leadhand_detectors::recorded` does; people want to see the turn.

use leadhand_protocol::{AgentId, CallId, Event, Origin, Record, Seq};
use std::collections::{BTreeMap, BTreeSet};

/// Turns that had an end, in the order of their ends.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    /// The agent and the record at which the turn began.
    ended: Vec<(AgentId, Seq)>,
    began: BTreeMap<AgentId, Seq>,
    open: BTreeMap<AgentId, Open>,
}

/// A turn whose calls are not all over.
#[derive(Debug)]
struct Open {
    seq: Seq,
    wanted: usize,
    calls: usize,
    at_work: BTreeSet<CallId>,
}

impl Turns {
    /// The record at which the turn began that detectors count as this step.
    pub(crate) fn began_at(&self, step: u64) -> Option<(AgentId, Seq)> {
        self.ended.get(usize::try_from(step).ok()?).copied()
    }

    pub(crate) fn take(&mut self, record: &Record) {
        match &*record.event {
            Event::TurnStarted { agent, .. } => {
                self.close(*agent);
                self.began.insert(*agent, record.seq);
            }
            Event::AgentEnded { agent, .. } => self.close(*agent),
            Event::ModelReplied { agent, reply, .. } => {
                self.begin(*agent, record.seq, reply.tool_calls.len());
            }
            Event::ModelFailed { agent, .. } => self.begin(*agent, record.seq, 0),
            Event::ToolCalled {
                call,
                origin: Origin::Model,
                ..
            } => {
                if let Some(open) = self.open.get_mut(&call.agent) {
                    open.calls += 1;
                    open.at_work.insert(*call);
                }
            }
            Event::ToolFinished { call, .. } => self.finish(*call),
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
            | Event::RunSuspended(_)
            | Event::RunEnded(_) => {}
        }
    }

    fn begin(&mut self, agent: AgentId, seq: Seq, wanted: usize) {
        self.close(agent);
        let open = Open {
            seq: self.began.remove(&agent).unwrap_or(seq),
            wanted,
            calls: 0,
            at_work: BTreeSet::new(),
        };
        self.open.insert(agent, open);
        if wanted == 0 {
            self.close(agent);
        }
    }

    fn finish(&mut self, call: CallId) {
        let Some(open) = self.open.get_mut(&call.agent) else {
            return;
        };
        let known = open.at_work.remove(&call);
        if known && open.at_work.is_empty() && open.calls >= open.wanted {
            self.close(call.agent);
        }
    }

    fn close(&mut self, agent: AgentId) {
        if let Some(open) = self.open.remove(&agent) {
            self.ended.push((agent, open.seq));
        }
    }
}

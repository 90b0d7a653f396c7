//! Why something happened: from a record back to the goal, each time to the record that it
//! follows from. `decide` and `settle` keep no such links; they follow from what each event is
//! about, and are found again by looking back.

use crate::said::said;
use leadhand_protocol::{
    AgentId, Ask, CallId, Event, Origin, Purpose, Record, RequestId, Seq, TaskId,
};
use serde::Serialize;

/// Most links that are followed; beyond, the goal is named at once.
pub const LINKS_MAX: usize = 10_000;

/// One link: what happened, and by which rule where a rule had a say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// The number of its record.
    pub seq: Seq,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// What happened; escaped.
    pub what: String,
    /// The rule that allowed, denied or asked; of foreign origin.
    pub rule: Option<String>,
}

/// The causes of a record, from itself back to the goal. Empty where there is no such record.
///
/// `records` are a run's from its beginning on.
#[must_use]
pub fn why(records: &[Record], seq: Seq) -> Vec<Link> {
    let mut links = Vec::new();
    let is_it = |record: &Record| record.seq == seq;
    let mut next = records.iter().position(is_it);
    while let Some(at) = next {
        links.push(link(&records[at]));
        let cause = Before(&records[..at]).cause(&records[at].event);
        // What nothing is known of follows from the goal, as everything does.
        next = cause.or((at > 0).then_some(0));
        if links.len() == LINKS_MAX {
            next = (at > 0).then_some(0);
        }
    }
    links
}

fn link(record: &Record) -> Link {
    let rule = match &*record.event {
        Event::ToolCalled { verdict, .. } | Event::ProbeOrdered { verdict, .. } => {
            Some(verdict.because.clone())
        }
        _ => None,
    };
    Link {
        seq: record.seq,
        at_ms: record.at_ms,
        what: said(&record.event),
        rule,
    }
}

/// What was there before a record.
struct Before<'a>(&'a [Record]);

impl Before<'_> {
    fn last(&self, is_it: impl Fn(&Event) -> bool) -> Option<usize> {
        self.0.iter().rposition(|record| is_it(&record.event))
    }

    fn cause(&self, event: &Event) -> Option<usize> {
        match event {
            Event::RunStarted(_)
            | Event::RunResumed
            | Event::PersonOrdered { .. }
            | Event::TimeUp
            | Event::Forked { .. }
            | Event::TraceImported { .. } => None,
            Event::PlanAccepted { .. } => self.of_plan(),
            Event::AgentStarted {
                purpose, attempt, ..
            } => self.of_start(purpose, *attempt),
            Event::TurnStarted { agent, .. } => self.of_turn(*agent),
            Event::ModelReplied { agent, turn, .. } | Event::ModelFailed { agent, turn, .. } => {
                self.last(|event| matches!(event, Event::TurnStarted { agent: a, turn: t, .. } if a == agent && t == turn))
            }
            Event::ToolCalled { call, origin, .. } => self.of_call(*call, *origin),
            Event::CallStarted { call } | Event::CallEdited { call, .. } => {
                self.answer_to_call(*call).or_else(|| self.called(*call))
            }
            Event::CallInDoubt { call, .. } | Event::ProbeOrdered { call, .. } => self.called(*call),
            Event::ToolFinished { call, .. } => self
                .last(|event| matches!(event, Event::CallStarted { call: own } if own == call))
                .or_else(|| self.called(*call)),
            Event::Told { agent, .. } => self.of_words(*agent),
            Event::OutputGiven { agent, .. } | Event::AgentEnded { agent, .. } => {
                self.last(|event| concerns(event, *agent))
            }
            Event::ChecksOrdered { .. } => {
                self.last(|event| matches!(event, Event::OutputGiven { .. } | Event::ToolFinished { .. }))
            }
            Event::ChecksFinished { task, .. } => {
                self.last(|event| matches!(event, Event::ChecksOrdered { task: own, .. } if own == task))
            }
            Event::TaskDone { task, .. } | Event::TaskFailed { task, .. } => self.of_end(task),
            Event::AnswerGiven { .. } => self.last(|event| {
                matches!(event, Event::OutputGiven { .. } | Event::ChecksFinished { task: None, .. } | Event::TaskDone { .. })
            }),
            Event::PersonAsked { ask, .. } => self.of_question(ask),
            Event::PersonAnswered { request, .. } => self.asked(*request),
            Event::Steered { .. } => self.last(|event| matches!(event, Event::PersonOrdered { .. })),
            Event::Requested { asker, .. } => {
                self.last(|event| matches!(event, Event::ToolCalled { call, .. } if call.agent == asker.party))
            }
            Event::RequestRefused { asker, .. } => {
                self.last(|event| matches!(event, Event::Requested { asker: own, .. } if own == asker))
            }
            Event::Coordinated { .. } => {
                self.last(|event| matches!(event, Event::Requested { .. } | Event::AgentEnded { .. }))
            }
            Event::Found(finding) => {
                let (agent, _) = crate::timeline::concerned(finding);
                self.last(|event| concerns(event, agent))
            }
            Event::StopOrdered { .. } | Event::RunSuspended(_) | Event::RunEnded(_) => self.of_stop(),
        }
    }

    fn of_plan(&self) -> Option<usize> {
        self.last(|event| {
            matches!(
                event,
                Event::OutputGiven { .. }
                    | Event::PersonAnswered { .. }
                    | Event::PersonOrdered { .. }
                    | Event::ModelReplied { .. }
            )
        })
    }

    /// Of an agent: the attempt before, what its task waited for, or the plan that has it.
    fn of_start(&self, purpose: &Purpose, attempt: u32) -> Option<usize> {
        match purpose {
            Purpose::Plan => Some(0),
            Purpose::Task(_) if attempt > 1 => {
                let before = self.agent_of(purpose)?;
                self.last(
                    |event| matches!(event, Event::AgentEnded { agent, .. } if *agent == before),
                )
            }
            Purpose::Task(task) => self.ready(task).or_else(|| self.within(task)),
            Purpose::Revise => {
                self.last(|event| matches!(event, Event::TaskFailed { .. } | Event::Found(_)))
            }
            Purpose::Judge { .. } => {
                self.last(|event| matches!(event, Event::ChecksOrdered { .. }))
            }
            Purpose::Drift { of, .. } => self.last(|event| concerns(event, *of)),
            Purpose::Answer => self.last(|event| matches!(event, Event::TaskDone { .. })),
            Purpose::Reply { .. } => self.last(|event| matches!(event, Event::Requested { .. })),
            Purpose::RollBack => self.last(|event| matches!(event, Event::PersonOrdered { .. })),
        }
    }

    /// The last of the tasks that a task waited for, or the plan where it waited for none.
    fn ready(&self, task: &TaskId) -> Option<usize> {
        let has = |event: &Event| match event {
            Event::PlanAccepted {
                plan: Some(plan), ..
            } => plan.tasks.iter().any(|own| own.id == *task),
            Event::PlanAccepted { plan: None, .. } => true,
            _ => false,
        };
        let planned = self.last(has)?;
        let plan = match &*self.0[planned].event {
            Event::PlanAccepted {
                plan: Some(plan), ..
            } => Some(plan),
            _ => match &*self.0.first()?.event {
                Event::RunStarted(start) => start.plan.as_ref(),
                _ => None,
            },
        };
        let own = plan.and_then(|plan| plan.tasks.iter().find(|own| own.id == *task));
        let waited = own.map_or(&[][..], |own| &own.depends_on);
        let done = self
            .last(|event| matches!(event, Event::TaskDone { task, .. } if waited.contains(task)));
        done.filter(|done| *done > planned).or(Some(planned))
    }

    /// What was last done in the part of a trace that a part was done within.
    fn within(&self, task: &TaskId) -> Option<usize> {
        let Event::TraceImported { parts, .. } = &*self.0.first()?.event else {
            return None;
        };
        let part = parts.iter().find(|part| part.task == *task)?;
        let around = self.agent_of(&Purpose::Task(part.within.clone()?))?;
        self.last(|event| concerns(event, around))
    }

    /// What an agent was last given before it asked its model again.
    fn of_turn(&self, agent: AgentId) -> Option<usize> {
        self.last(|event| match event {
            Event::ToolFinished { call, .. } => call.agent == agent,
            Event::Told { agent: own, .. }
            | Event::ModelFailed { agent: own, .. }
            | Event::AgentStarted { agent: own, .. } => *own == agent,
            _ => false,
        })
    }

    fn of_call(&self, call: CallId, origin: Origin) -> Option<usize> {
        match origin {
            Origin::Model => {
                let asked = |event: &Event| {
                    matches!(event, Event::ModelReplied { agent, turn, .. } if *agent == call.agent && *turn == call.turn)
                };
                // In a trace of others there may be calls of which nobody says what wanted them.
                self.last(asked).or_else(|| self.last(|event| concerns(event, call.agent)))
            }
            Origin::Input | Origin::Template => self.last(|event| {
                matches!(event, Event::AgentStarted { agent, .. } if *agent == call.agent)
            }),
            Origin::OutputFile => self.last(|event| {
                matches!(event, Event::OutputGiven { agent, .. } | Event::ModelReplied { agent, .. } if *agent == call.agent)
            }),
            Origin::Check => self.last(|event| matches!(event, Event::ChecksOrdered { .. })),
            Origin::Undo => self.last(|event| matches!(event, Event::PersonOrdered { .. })),
        }
    }

    fn called(&self, call: CallId) -> Option<usize> {
        self.last(|event| matches!(event, Event::ToolCalled { call: own, .. } if *own == call))
    }

    /// The answer of a person to a question about a call.
    fn answer_to_call(&self, call: CallId) -> Option<usize> {
        let asks = |event: &Event| match event {
            Event::PersonAsked {
                request,
                ask: Ask::Tool { call: own, .. } | Ask::Outcome { call: own, .. },
            } if *own == call => Some(*request),
            _ => None,
        };
        let mut asked = self.0.iter().rev();
        let asked = asked.find_map(|record| asks(&record.event))?;
        self.last(
            |event| matches!(event, Event::PersonAnswered { request, .. } if *request == asked),
        )
    }

    /// What the program told an agent something for.
    fn of_words(&self, agent: AgentId) -> Option<usize> {
        self.last(|event| match event {
            Event::ChecksFinished { results, .. } => results.iter().any(|result| !result.passed),
            Event::Steered { .. } => true,
            Event::Found(finding) => crate::timeline::concerned(finding).0 == agent,
            Event::RequestRefused { asker, .. } => asker.party == agent,
            Event::ModelReplied { agent: own, .. } | Event::OutputGiven { agent: own, .. } => {
                *own == agent
            }
            Event::ToolFinished { call, .. } => call.agent == agent,
            _ => false,
        })
    }

    /// Why a task is done or failed: its checks, or the end of who was last at work at it.
    fn of_end(&self, task: &TaskId) -> Option<usize> {
        let worker = self.agent_of(&Purpose::Task(task.clone()));
        self.last(|event| match event {
            Event::ChecksFinished {
                task: Some(own), ..
            } => own == task,
            Event::OutputGiven { agent, .. } | Event::AgentEnded { agent, .. } => {
                Some(*agent) == worker
            }
            Event::ToolFinished { call, .. } => Some(call.agent) == worker,
            _ => false,
        })
    }

    fn of_question(&self, ask: &Ask) -> Option<usize> {
        match ask {
            Ask::Plan { .. } => self.of_plan(),
            Ask::Tool { call, .. } | Ask::Outcome { call, .. } => self.called(*call),
            Ask::Task { task } => self.ready(&task.id),
            Ask::Finding { .. } => self.last(|event| matches!(event, Event::Found(_))),
        }
    }

    fn asked(&self, question: RequestId) -> Option<usize> {
        self.last(
            |event| matches!(event, Event::PersonAsked { request, .. } if *request == question),
        )
    }

    fn of_stop(&self) -> Option<usize> {
        self.last(|event| {
            matches!(
                event,
                Event::StopOrdered { .. }
                    | Event::PersonOrdered { .. }
                    | Event::PersonAsked { .. }
                    | Event::TimeUp
                    | Event::Found(_)
                    | Event::AnswerGiven { .. }
                    | Event::TaskFailed { .. }
                    | Event::ModelFailed { .. }
                    | Event::ChecksFinished { task: None, .. }
            )
        })
    }

    fn agent_of(&self, purpose: &Purpose) -> Option<AgentId> {
        let mut all = self.0.iter().rev();
        all.find_map(|record| match &*record.event {
            Event::AgentStarted {
                agent,
                purpose: own,
                ..
            } if own == purpose => Some(*agent),
            _ => None,
        })
    }
}

/// Whether an agent did something in this event or was given something.
fn concerns(event: &Event, agent: AgentId) -> bool {
    match event {
        Event::ToolFinished { call, .. } => call.agent == agent,
        Event::ToolCalled { call, .. } => call.agent == agent,
        Event::AgentStarted { agent: own, .. }
        | Event::ModelReplied { agent: own, .. }
        | Event::ModelFailed { agent: own, .. }
        | Event::Told { agent: own, .. }
        | Event::OutputGiven { agent: own, .. } => *own == agent,
        _ => false,
    }
}

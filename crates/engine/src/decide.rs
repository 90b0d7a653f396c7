//! An input becomes facts. An input of the world that fits nothing (an answer that comes late)
//! becomes no fact at all: the world may stutter, the journal does not. What a person orders and
//! cannot be followed is refused in words.

use crate::agent::{Agent, AgentState, CallStatus, PendingCall};
use crate::coordination;
use crate::orders;
use crate::run::Run;
use crate::time;
use leadhand_protocol::{
    AgentId, CallId, Event, Grade, Input, ModelFaultKind, Origin, OutcomeKind, Timed, ToolFault,
    ToolFaultKind,
};

/// Why an order cannot be followed, and what to do instead. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// The facts that follow from `input` in the state `run`. What follows from the facts in turn
/// is [`settle`](crate::settle)'s to say.
///
/// # Errors
/// [`Refusal`], and only for what a person orders.
pub fn decide(run: &Run, input: &Timed) -> Result<Vec<Event>, Refusal> {
    Ok(match &input.input {
        Input::Start(start) if run.setting.is_none() => vec![Event::RunStarted(start.clone())],
        Input::Start(_) => Vec::new(),
        _ if run.setting.is_none() => Vec::new(),
        Input::Resume => resume(run),
        Input::Fork { from } => vec![Event::Forked { from: from.clone() }],
        Input::ModelReplied { agent, turn, reply } if is_thinking(run, *agent, *turn) => {
            vec![Event::ModelReplied {
                agent: *agent,
                turn: *turn,
                reply: reply.clone(),
            }]
        }
        Input::ModelFailed { agent, turn, fault } if is_thinking(run, *agent, *turn) => {
            let mut events = vec![Event::ModelFailed {
                agent: *agent,
                turn: *turn,
                fault: fault.clone(),
            }];
            if is_out_of_reach(fault.kind) {
                events.push(stop(OutcomeKind::ModelUnreachable, fault.message.clone()));
            }
            events
        }
        Input::ModelReplied { .. } | Input::ModelFailed { .. } => Vec::new(),
        Input::ToolFinished { call, outcome } if is_in_flight(run, *call) => {
            vec![Event::ToolFinished {
                call: *call,
                outcome: outcome.clone(),
            }]
        }
        Input::ToolFinished { .. } => Vec::new(),
        Input::ChecksFinished { task, results } => {
            vec![Event::ChecksFinished {
                task: task.clone(),
                results: results.clone(),
            }]
        }
        Input::Requested { asker, request } => {
            coordination::decide(run, *asker, request, input.at_ms)
        }
        Input::Person(order) => return orders::decide(run, order),
        Input::TimeUp => time::up(run, input.at_ms),
    })
}

pub(crate) fn stop(kind: OutcomeKind, why: String) -> Event {
    Event::StopOrdered {
        kind,
        why,
        grade: Grade::Stop,
    }
}

fn is_thinking(run: &Run, agent: AgentId, turn: u32) -> bool {
    run.agents
        .get(&agent)
        .is_some_and(|agent| matches!(agent.state, AgentState::Thinking) && agent.turns == turn)
}

fn is_in_flight(run: &Run, id: CallId) -> bool {
    run.agents.get(&id.agent).is_some_and(|agent| {
        agent
            .calls()
            .iter()
            .any(|call| call.id == id && call.status.is_in_flight())
    })
}

/// Failures that say nothing about the request: going on with other tasks would fail alike.
fn is_out_of_reach(kind: ModelFaultKind) -> bool {
    match kind {
        ModelFaultKind::Unreachable
        | ModelFaultKind::Unauthorised
        | ModelFaultKind::RateLimited
        | ModelFaultKind::ServerFailed
        | ModelFaultKind::TimedOut
        | ModelFaultKind::NotFound => true,
        ModelFaultKind::BadAnswer
        | ModelFaultKind::Refused
        | ModelFaultKind::ContextFull
        | ModelFaultKind::Cancelled => false,
    }
}

/// Whether a call that was in flight when the run died may be made again as if nothing had
/// happened.
pub(crate) fn may_be_repeated(run: &Run, pending: &PendingCall) -> bool {
    match &pending.status {
        // To ask again whether something happened changes nothing.
        CallStatus::Probing { .. } => true,
        CallStatus::Running => run.started().is_repeatable(&pending.call.name),
        _ => false,
    }
}

/// A call that was in flight when the run died may or may not have taken effect: where that
/// matters it is in doubt, and never made again by the program.
fn resume(run: &Run) -> Vec<Event> {
    if run
        .outcome
        .as_ref()
        .is_some_and(|outcome| !outcome.kind.resumable())
    {
        return Vec::new();
    }
    let mut events = vec![Event::RunResumed];
    for pending in run.agents.values().flat_map(Agent::calls) {
        let may_be_repeated = may_be_repeated(run, pending);
        if pending.status == CallStatus::Running && !may_be_repeated {
            events.push(Event::CallInDoubt {
                call: pending.id,
                why: "the program ended while the call was at work".to_owned(),
            });
        } else if may_be_repeated && run.is_cancelled() && pending.origin != Origin::Undo {
            events.push(Event::ToolFinished {
                call: pending.id,
                outcome: Err(given_up(&pending.call.name)),
            });
        }
    }
    events
}

/// What becomes of a call whose result nobody wants any more and that did no harm.
pub(crate) fn given_up(tool: &str) -> ToolFault {
    ToolFault {
        kind: ToolFaultKind::InDoubt,
        message: format!("the run was cancelled while `{tool}` was at work"),
        retryable: false,
    }
}

//! An input becomes facts. An input that fits nothing (an answer that comes late, a question
//! already answered) becomes no fact at all: the world may stutter, the journal does not.

use crate::agent::{Agent, AgentState, CallStatus, PendingCall};
use crate::run::Run;
use leadhand_protocol::{
    AgentId, CallId, Effect, Event, Input, ModelFaultKind, OutcomeKind, PersonInput, Purpose,
    Timed, ToolFault, ToolFaultKind,
};

/// The facts that follow from `input` in the state `run`. What follows from the facts in turn
/// is [`settle`](crate::settle)'s to say.
#[must_use]
pub fn decide(run: &Run, input: &Timed) -> Vec<Event> {
    match &input.input {
        Input::Start(start) if run.setting.is_none() => vec![Event::RunStarted(start.clone())],
        Input::Start(_) => Vec::new(),
        _ if run.setting.is_none() => Vec::new(),
        Input::Resume => resume(run),
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
        Input::ToolFinished { call, outcome } if is_running(run, *call) => {
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
        Input::Person(person) => decide_person(run, person),
        Input::TimeUp => vec![stop(
            OutcomeKind::BudgetSpent,
            "the time allowed is over".into(),
        )],
    }
}

fn stop(kind: OutcomeKind, why: String) -> Event {
    Event::StopOrdered { kind, why }
}

fn is_thinking(run: &Run, agent: AgentId, turn: u32) -> bool {
    run.agents
        .get(&agent)
        .is_some_and(|agent| matches!(agent.state, AgentState::Thinking) && agent.turns == turn)
}

fn is_running(run: &Run, id: CallId) -> bool {
    run.agents.get(&id.agent).is_some_and(|agent| {
        agent
            .calls()
            .iter()
            .any(|call| call.id == id && call.status == CallStatus::Running)
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

fn decide_person(run: &Run, person: &PersonInput) -> Vec<Event> {
    match person {
        PersonInput::Answers { request, answer } if run.people.open.contains_key(request) => {
            vec![Event::PersonAnswered {
                request: *request,
                answer: answer.clone(),
            }]
        }
        PersonInput::Absent { request } if run.people.open.contains_key(request) => vec![stop(
            OutcomeKind::WaitingForPerson,
            format!("question {request} waits for a person and nobody is there to answer"),
        )],
        PersonInput::Answers { .. } | PersonInput::Absent { .. } => Vec::new(),
        PersonInput::Pause => vec![stop(OutcomeKind::Interrupted, "paused by a person".into())],
        PersonInput::Cancel { why } => vec![stop(OutcomeKind::Cancelled, why.clone())],
        PersonInput::Steer { task, text } => {
            let mut events = vec![Event::Steered {
                task: task.clone(),
                text: text.clone(),
            }];
            let concerned = run
                .agents
                .values()
                .filter(|agent| match (&agent.purpose, task) {
                    (Purpose::Task(own), Some(task)) => own == task,
                    (_, Some(_)) => false,
                    (_, None) => true,
                });
            events.extend(concerned.map(|agent| Event::Told {
                agent: agent.id,
                fault: false,
                text: format!("The person you work for says: {text}"),
            }));
            events
        }
    }
}

/// Whether a call that was in flight when the run died may be made again: not one of effect
/// `once`, and none at all for a run that was cancelled before it died.
pub(crate) fn may_be_repeated(run: &Run, pending: &PendingCall) -> bool {
    let tool = run.started().tool(&pending.call.name);
    tool.is_some_and(|tool| tool.effect != Effect::Once) && !run.is_cancelled()
}

/// A call that was in flight when the run stopped may or may not have taken effect: where that
/// matters, it is never made again by the program.
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
        if pending.status == CallStatus::Running && !may_be_repeated(run, pending) {
            events.push(Event::ToolFinished {
                call: pending.id,
                outcome: Err(ToolFault {
                    kind: ToolFaultKind::InDoubt,
                    message: format!(
                        "the run stopped while `{}` was at work; nobody knows whether it took effect, so it was not repeated",
                        pending.call.name
                    ),
                    retryable: false,
                }),
            });
        }
    }
    events
}

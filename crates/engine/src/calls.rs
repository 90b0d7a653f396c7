//! A tool call on its way: it is judged before anything happens, a person is asked where policy
//! says so, and what cannot be made at all is refused with what to do instead.

use crate::agent::{Agent, CallStatus, PendingCall};
use crate::bars;
use crate::budget;
use crate::doubt;
use crate::labels;
use crate::permits;
use crate::roll_back::once_key;
use crate::run::Run;
use leadhand_policy::Question;
use leadhand_protocol::{
    Ask, CallId, Capability, Decision, Event, Isolation, Origin, Permit, RequestId, ToolCall,
    ToolFault, ToolFaultKind, ToolOutput, ToolSpec, Verdict,
};
use leadhand_schema::no_such_tool;
use serde_json::Value;
use std::sync::Arc;

/// A judged tool call, and its end at once if it cannot be made at all, or took effect in an
/// earlier attempt at the task and must not be made twice.
pub(crate) fn called(
    run: &Run,
    agent: &Agent,
    origin: Origin,
    index: u32,
    tool_call: impl Into<Arc<ToolCall>>,
) -> Vec<Event> {
    let tool_call = tool_call.into();
    let call = CallId {
        agent: agent.id,
        turn: agent.turns,
        index,
    };
    let not_made = |because: &str| Verdict {
        decision: Decision::Deny,
        because: because.to_owned(),
    };
    let (verdict, permit, outcome) = match makeable(run, agent, origin, &tool_call) {
        Ok(tool) => match done_before(run, agent, origin, &tool_call) {
            Some(output) => {
                let verdict = not_made("it took effect in an earlier attempt at the task");
                (verdict, Arc::default(), Some(Ok(output)))
            }
            None => {
                let (verdict, permit) = judged(run, agent, origin, tool, &tool_call);
                (verdict, permit, None)
            }
        },
        Err(fault) => (not_made(&fault.message), Arc::default(), Some(Err(fault))),
    };
    let mut events = vec![Event::ToolCalled {
        call,
        origin,
        tool_call,
        verdict,
        permit,
    }];
    events.extend(outcome.map(|outcome| Event::ToolFinished { call, outcome }));
    events
}

/// What the very same call gave in an earlier attempt at the task, if it must not be made twice.
fn done_before(run: &Run, agent: &Agent, origin: Origin, call: &ToolCall) -> Option<ToolOutput> {
    let key = once_key(run, call)?;
    let (attempt, text) = run.task(agent.task()?)?.done_once.get(&key)?;
    (*attempt < agent.attempt).then(|| match origin {
        Origin::Model => ToolOutput::text(format!(
            "This very call took effect in an earlier attempt at the task and was not made again. \
             It gave: {text}"
        )),
        _ => ToolOutput::text(text),
    })
}

/// The tool of a call that can be made as it stands, or what is wrong with it.
pub(crate) fn makeable<'a>(
    run: &'a Run,
    agent: &Agent,
    origin: Origin,
    call: &ToolCall,
) -> Result<&'a ToolSpec, ToolFault> {
    let setting = run.started();
    let offered = agent
        .equipment
        .tools
        .iter()
        .any(|tool| tool.name == call.name);
    let tool = setting
        .tool(&call.name)
        .filter(|_| offered || origin != Origin::Model);
    let Some(tool) = tool else {
        let names: Vec<&str> = agent
            .equipment
            .tools
            .iter()
            .map(|tool| tool.name.as_str())
            .collect();
        return Err(refused(
            ToolFaultKind::UnknownTool,
            no_such_tool(&call.name, &names),
        ));
    };
    let faults = setting.schemas.faults(tool, &call.arguments);
    if !faults.is_empty() {
        let message = format!(
            "The arguments of `{}` do not fit: {}.",
            call.name,
            faults.join("; ")
        );
        return Err(refused(ToolFaultKind::InvalidArguments, message));
    }
    if origin == Origin::Model && bars::bar(setting, agent, call).is_some() {
        return Err(refused(ToolFaultKind::Failed, bars::refusal(call)));
    }
    if origin == Origin::Model && repeats(run, agent, call) {
        let message = format!(
            "You have made this very call of `{}` before, its result stands above, and no file has changed since. Go on with the next step, or give the final result.",
            call.name
        );
        return Err(refused(ToolFaultKind::Failed, message));
    }
    Ok(tool)
}

/// What policy says of a call, and what the call may touch.
pub(crate) fn judged(
    run: &Run,
    agent: &Agent,
    origin: Origin,
    tool: &ToolSpec,
    call: &ToolCall,
) -> (Verdict, Arc<Permit>) {
    let policy = &run.started().policy;
    let task = agent.task().and_then(|id| run.graph()?.task(id));
    let sound = task.is_none_or(|task| labels::is_sound(run, &task.id));
    let task = task.map(|task| labels::declared(run, task));
    let question = Question {
        tool,
        role: &agent.role,
        task: task.as_deref(),
        call,
        grants: &agent.equipment.grants,
        autonomy: labels::autonomy(run, agent),
        planned: origin != Origin::Model && sound,
        label: &agent.label,
        approvals: &run.people.approvals,
        now_ms: run.at_ms,
    };
    let mut verdict = policy.judge(&question);
    // A person ordered to undo: that is the yes which policy would ask for.
    if origin == Origin::Undo && verdict.decision == Decision::Ask {
        verdict = Verdict {
            decision: Decision::Allow,
            because: "a person ordered to roll back".to_owned(),
        };
    }
    (verdict, Arc::new(policy.permit(&question)))
}

/// A call with other arguments, which a person wants in place of its own.
///
/// # Errors
/// Why it cannot be made so.
pub(crate) fn edited(
    run: &Run,
    agent: &Agent,
    pending: &PendingCall,
    arguments: &Value,
) -> Result<Event, String> {
    let tool_call = ToolCall {
        arguments: arguments.clone(),
        ..ToolCall::clone(&pending.call)
    };
    let tool = makeable(run, agent, Origin::Check, &tool_call).map_err(|fault| fault.message)?;
    let (verdict, permit) = judged(run, agent, pending.origin, tool, &tool_call);
    if verdict.decision == Decision::Deny {
        return Err(format!("policy refuses the call: {}", verdict.because));
    }
    Ok(Event::CallEdited {
        call: pending.id,
        tool_call: Arc::new(tool_call),
        permit,
    })
}

/// Whether the agent has made the same call before. What a sandboxed tool answers that reaches
/// neither network nor clock nor chance depends on the workspace alone, so while no file changes,
/// making it again brings nothing new. An agent that is sent only a part of its conversation may
/// no longer have the result before it, and reads again.
fn repeats(run: &Run, agent: &Agent, call: &ToolCall) -> bool {
    let tool = run.started().tool(&call.name);
    agent.equipment.history_max == 0
        && tool.is_some_and(depends_on_files_alone)
        && agent.made.contains(&call.key(&run.started().start.run))
}

/// Whether a call of this tool brings nothing new while no file changes.
pub(crate) fn depends_on_files_alone(tool: &ToolSpec) -> bool {
    let mut wanted = tool.accesses.iter().map(|access| access.capability);
    tool.isolation == Isolation::Sandboxed
        && wanted.all(|one| matches!(one, Capability::FsRead | Capability::FsWrite))
}

fn refused(kind: ToolFaultKind, message: String) -> ToolFault {
    ToolFault {
        kind,
        message,
        retryable: false,
    }
}

/// Brings one call a step further: a person is asked, or a refusal becomes its result.
pub(crate) fn step_call(run: &Run, agent: &Agent, pending: &PendingCall) -> Option<Event> {
    match &pending.status {
        CallStatus::ToAsk(because) => Some(Event::PersonAsked {
            request: RequestId(run.people.asked),
            ask: Ask::Tool {
                call: pending.id,
                role: agent.role.clone(),
                tool_call: ToolCall::clone(&pending.call),
                because: because.clone(),
            },
        }),
        CallStatus::Refused(why) => {
            let message = format!("`{}` was not allowed: {why}", pending.call.name);
            Some(not_made(pending, ToolFaultKind::Denied, message))
        }
        CallStatus::Declined(why) => {
            let message = format!(
                "A person said no to this call of `{}`: {why}",
                pending.call.name
            );
            Some(not_made(pending, ToolFaultKind::Declined, message))
        }
        CallStatus::Approved => {
            permits::may_begin(run, agent, Some(pending)).then(|| started(run, agent, pending))
        }
        CallStatus::InDoubt { evidence, probed } => {
            doubt::settle(run, agent, pending, evidence, *probed)
        }
        CallStatus::Asked(_)
        | CallStatus::Running
        | CallStatus::Probing { .. }
        | CallStatus::Finished(_) => None,
    }
}

/// The order of a call that is allowed and has its permits, if the budget still allows it. What
/// undoes a run is no matter of its budget.
fn started(run: &Run, agent: &Agent, pending: &PendingCall) -> Event {
    if pending.origin == Origin::Undo {
        return Event::CallStarted { call: pending.id };
    }
    let instead = budget::instead_of_calls(run, agent, 1)
        .into_iter()
        .flatten();
    match instead.into_iter().next() {
        None => Event::CallStarted { call: pending.id },
        Some(stop @ Event::StopOrdered { .. }) => stop,
        Some(_) => {
            let message = format!(
                "the budget allows no further call of `{}`",
                pending.call.name
            );
            not_made(pending, ToolFaultKind::LimitExceeded, message)
        }
    }
}

fn not_made(pending: &PendingCall, kind: ToolFaultKind, message: String) -> Event {
    let outcome = Err(ToolFault {
        kind,
        message,
        retryable: false,
    });
    Event::ToolFinished {
        call: pending.id,
        outcome,
    }
}

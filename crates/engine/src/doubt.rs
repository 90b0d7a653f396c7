//! A call of which nobody knows whether it took effect. The program never repeats it by itself:
//! the tool that can tell is asked, and where there is none, or it does not know, a person is.

use crate::agent::{Agent, CallStatus, PendingCall};
use crate::budget;
use crate::calls::{judged, makeable};
use crate::permits;
use crate::run::Run;
use leadhand_protocol::{
    Ask, Decision, Event, Origin, Permit, RequestId, ToolCall, ToolFault, ToolOutput, Verdict,
};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// What a probing tool answers.
#[derive(Deserialize)]
struct Probed {
    took_effect: bool,
    #[serde(default)]
    result: String,
}

/// The next step of a call in doubt; none while the tool that could tell has no permit.
pub(crate) fn settle(
    run: &Run,
    agent: &Agent,
    pending: &PendingCall,
    evidence: &[String],
    probed: bool,
) -> Option<Event> {
    let mut evidence = evidence.to_vec();
    if !probed {
        match probe(run, agent, pending) {
            Ok((tool_call, verdict, permit)) => {
                return permits::are_free(run, &tool_call.name, &permit).then(|| {
                    Event::ProbeOrdered {
                        call: pending.id,
                        tool_call: Arc::new(tool_call),
                        verdict,
                        permit,
                    }
                });
            }
            Err(Some(why)) => evidence.push(why),
            Err(None) => {}
        }
    }
    Some(Event::PersonAsked {
        request: RequestId(run.people.asked),
        ask: Ask::Outcome {
            call: pending.id,
            role: agent.role.clone(),
            tool_call: ToolCall::clone(&pending.call),
            evidence,
        },
    })
}

/// The call that tells whether another one took effect; none where there is no tool for it, and
/// why where there is one that may not be called.
fn probe(
    run: &Run,
    agent: &Agent,
    pending: &PendingCall,
) -> Result<(ToolCall, Verdict, Arc<Permit>), Option<String>> {
    let setting = run.started();
    let spec = setting.tool(&pending.call.name).ok_or(None)?;
    let name = spec.probe.clone().ok_or(None)?;
    let key = pending.call.key(&setting.start.run);
    let tool_call = ToolCall {
        id: format!("probe-{}", pending.call.id),
        name: name.clone(),
        arguments: json!({ "arguments": pending.call.arguments, "key": key }),
    };
    let tool = makeable(run, agent, Origin::Check, &tool_call).map_err(|fault| {
        Some(format!(
            "`{name}`, which could tell, cannot be called: {}",
            fault.message
        ))
    })?;
    if budget::instead_of_calls(run, agent, 1).is_some() {
        return Err(Some(format!(
            "`{name}`, which could tell, may not be called: the budget of tool calls is spent"
        )));
    }
    let (verdict, permit) = judged(run, agent, Origin::Check, tool, &tool_call);
    if verdict.decision != Decision::Allow {
        return Err(Some(format!(
            "`{name}`, which could tell, may not be called: {}",
            verdict.because
        )));
    }
    Ok((tool_call, verdict, permit))
}

/// What becomes of the call in doubt when its probe is over.
pub(crate) fn probed(
    evidence: &[String],
    probe: &ToolCall,
    outcome: &Result<ToolOutput, ToolFault>,
) -> CallStatus {
    let said = outcome.as_ref().map_err(|fault| fault.message.clone());
    let read = said.and_then(|output| {
        serde_json::from_str::<Probed>(&output.text)
            .map_err(|error| format!("its answer cannot be read: {error}"))
    });
    match read {
        Ok(Probed {
            took_effect: true,
            result,
        }) => CallStatus::Finished(Ok(ToolOutput::text(result))),
        Ok(Probed {
            took_effect: false, ..
        }) => CallStatus::Approved,
        Err(why) => {
            let mut evidence = evidence.to_vec();
            evidence.push(format!("`{}` could not tell: {why}", probe.name));
            CallStatus::InDoubt {
                evidence,
                probed: true,
            }
        }
    }
}

//! The service's own books against what people said: for each call of a tool that must not act
//! twice there is one deed, and one more for each time that a person wanted it made again.

use crate::trace::Trace;
use leadhand_protocol::{Answer, CallId, Effect, Event};
use std::collections::BTreeMap;

pub(super) fn check(trace: &Trace) -> Result<(), String> {
    let harmful = |name: &str| {
        let mut tools = trace.script.tools.iter();
        tools.any(|tool| {
            tool.name == name && matches!(tool.effect, Effect::Once | Effect::Compensable)
        })
    };
    let mut deeds: BTreeMap<(CallId, &str), usize> = BTreeMap::new();
    for deed in trace.deeds.iter().filter(|deed| harmful(&deed.tool)) {
        *deeds.entry((deed.call, &deed.tool)).or_default() += 1;
    }
    for ((call, tool), times) in deeds {
        let allowed = 1 + repeats(trace, call);
        if times > allowed {
            return Err(format!(
                "`{tool}` did what call {call} asks for {times} times, and may have {allowed} times"
            ));
        }
    }
    Ok(())
}

/// How often a person wanted a call made again.
fn repeats(trace: &Trace, call: CallId) -> usize {
    let about = |request| {
        let mut asked = trace.asked.iter();
        asked.any(|asked| asked.request == request && asked.call == Some(call))
    };
    trace
        .records
        .iter()
        .filter(|record| match &*record.event {
            Event::PersonAnswered {
                request, answer, ..
            } => *answer == Answer::Repeat && about(*request),
            _ => false,
        })
        .count()
}

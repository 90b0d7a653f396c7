//! A trace of others as a timeline: its agents, what they said, and the tools they called. What
//! they were there for, and what allowed them, nobody wrote down.

use crate::timeline::{AgentLine, Reached, Spent, Step, Timeline};
use leadhand_detectors::{Arguments, Call, Came, Trace};
use leadhand_protocol::{AgentId, Decision, Origin, ToolFault, ToolFaultKind, Usage};
use serde_json::Value;
use std::collections::BTreeMap;

/// The timeline of a trace. The numbers of its records are those of the trace's steps; times that
/// are not known are 0, and what ends before it begins took no time.
#[must_use]
pub fn foreign(trace: &Trace) -> Timeline {
    let mut timeline = Timeline::named(trace.id().to_owned());
    timeline.records = trace.len();
    let mut places: BTreeMap<AgentId, usize> = BTreeMap::new();
    trace.find(|at, step| {
        let (began_ms, answered) = trace
            .answered(at)
            .map_or((None, None), |(began, by)| (began, Some(by)));
        let ended_ms = step.at_ms.unwrap_or_default();
        let began_ms = began_ms.unwrap_or(ended_ms);
        if timeline.began_ms == 0 || began_ms < timeline.began_ms {
            timeline.began_ms = began_ms;
        }
        timeline.ended_ms = timeline.ended_ms.max(ended_ms);
        let place = *places.entry(step.agent).or_insert_with(|| {
            timeline.others.push(agent(trace, step.agent, began_ms));
            timeline.others.len() - 1
        });
        let line = &mut timeline.others[place];
        let seq = at as u64;
        let is_turn = answered.is_some_and(|by| !by.model.is_empty()) || !step.said.is_empty();
        if is_turn {
            let usage = answered.map_or(Usage::default(), |by| Usage {
                input_tokens: by.input_tokens,
                output_tokens: by.output_tokens,
                ..Usage::default()
            });
            line.spent.turns += 1;
            line.spent.usage.add(usage);
            line.steps.push(Step::Turn {
                seq,
                turn: u32::try_from(line.spent.turns).unwrap_or(u32::MAX),
                began_ms,
                took_ms: Some(ended_ms.saturating_sub(began_ms)),
                model: answered.map_or(String::new(), |by| by.model.clone()),
                usage,
                micro_usd: 0,
                attempts_failed: Vec::new(),
                fault: None,
                text: step.said.to_owned(),
            });
        }
        line.spent.tool_calls += step.calls.len();
        let calls = step.calls.iter();
        line.steps
            .extend(calls.map(|made| call(seq, made, began_ms, ended_ms)));
        line.ended_ms = line.ended_ms.max(Some(ended_ms));
        // Nothing is looked for: all steps are to be seen.
        None::<()>
    });
    timeline.others.sort_by_key(|line| line.began_ms);
    for line in &timeline.others {
        timeline.spent.turns += line.spent.turns;
        timeline.spent.tool_calls += line.spent.tool_calls;
        timeline.spent.usage.add(line.spent.usage);
    }
    timeline
}

fn agent(trace: &Trace, agent: AgentId, began_ms: u64) -> AgentLine {
    AgentLine {
        agent,
        role: trace.name(agent).to_owned(),
        purpose: String::new(),
        attempt: 1,
        began_ms,
        ended_ms: None,
        failure: None,
        spent: Spent::default(),
        steps: Vec::new(),
    }
}

fn call(seq: u64, made: &Call<'_>, began_ms: u64, ended_ms: u64) -> Step {
    let result = match made.came {
        Came::Failed | Came::Unavailable | Came::Blocked => Err(ToolFault {
            kind: ToolFaultKind::Failed,
            message: made.result.to_owned(),
            retryable: made.came == Came::Unavailable,
        }),
        Came::Done | Came::Unknown => Ok(made.result.to_owned()),
    };
    Step::Call {
        seq,
        call: String::new(),
        origin: Origin::Model,
        tool: made.tool.to_owned(),
        arguments: match made.arguments {
            Arguments::Text(text) => Value::String(text.to_owned()),
            Arguments::Json(value) => value.clone(),
        },
        decision: Decision::Allow,
        because: String::new(),
        began_ms,
        took_ms: Some(ended_ms.saturating_sub(began_ms)),
        result: Some(result),
        reached: Reached::default(),
    }
}

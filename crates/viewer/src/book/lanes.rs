//! What some agents did when, as bars: as many as can be told apart at the width at hand.

use super::Book;
use leadhand_inspector::{AgentLine, Step};
use leadhand_protocol::{AgentId, Decision};
use serde_json::{Value, json};

/// Most lanes that are given at once.
const LANES_MAX: usize = 200;
/// Widest picture, in pixels.
const PIXELS_MAX: u64 = 8_192;

/// Which lanes, from when to when, and how wide.
pub(crate) struct LanesAsked {
    pub(crate) agents: Vec<AgentId>,
    pub(crate) from_ms: u64,
    pub(crate) to_ms: u64,
    pub(crate) pixels: u64,
}

/// A bar: what, from when, how long, and where in the list what it began with is.
struct Bar {
    kind: &'static str,
    from_ms: u64,
    to_ms: u64,
    at: Option<usize>,
}

impl Book {
    /// The bars of each lane, from left to right.
    pub(crate) fn lanes(&self, asked: &LanesAsked) -> Vec<Value> {
        let span = asked.to_ms.saturating_sub(asked.from_ms).max(1);
        let least_ms = span / asked.pixels.clamp(1, PIXELS_MAX);
        let lanes = asked.agents.iter().take(LANES_MAX);
        lanes
            .filter_map(|agent| {
                let (line, _) = self.agent_named(*agent)?;
                let bars = self.bars(line, asked, least_ms);
                let bars: Vec<Value> = bars
                    .iter()
                    .map(|bar| json!([bar.kind, bar.from_ms, bar.to_ms, bar.at]))
                    .collect();
                Some(json!({"agent": agent, "bars": bars}))
            })
            .collect()
    }

    fn bars(&self, line: &AgentLine, asked: &LanesAsked, least_ms: u64) -> Vec<Bar> {
        let now = line.ended_ms.unwrap_or(self.timeline.ended_ms);
        let mut bars: Vec<Bar> = Vec::new();
        for step in &line.steps {
            let Some((kind, from_ms, to_ms)) = bar(step, now) else {
                continue;
            };
            if to_ms < asked.from_ms || from_ms > asked.to_ms {
                continue;
            }
            match bars.last_mut() {
                Some(last)
                    if last.kind == kind && from_ms <= last.to_ms.saturating_add(least_ms) =>
                {
                    last.to_ms = last.to_ms.max(to_ms);
                }
                // What is too short to be seen beside its neighbour is left out, but never what
                // went wrong.
                Some(last)
                    if kind != "bad"
                        && to_ms.saturating_sub(from_ms) < least_ms
                        && from_ms <= last.to_ms.saturating_add(least_ms) => {}
                _ => bars.push(Bar {
                    kind,
                    from_ms,
                    to_ms,
                    at: self.place_of(step.seq()),
                }),
            }
        }
        bars
    }
}

/// What a step is drawn as; none for what takes no time.
fn bar(step: &Step, now: u64) -> Option<(&'static str, u64, u64)> {
    match step {
        Step::Turn {
            began_ms,
            took_ms,
            fault,
            ..
        } => {
            let kind = if fault.is_some() { "bad" } else { "model" };
            Some((kind, *began_ms, end(*began_ms, *took_ms, now)))
        }
        Step::Call {
            began_ms,
            took_ms,
            decision,
            result,
            ..
        } => {
            let kind = match (decision, result) {
                (Decision::Deny, _) | (_, Some(Err(_))) => "bad",
                (Decision::Ask, None) => "person",
                (Decision::Allow, None) | (Decision::Allow | Decision::Ask, Some(Ok(_))) => "tool",
            };
            Some((kind, *began_ms, end(*began_ms, *took_ms, now)))
        }
        Step::Told { .. } | Step::Coordinated { .. } | Step::Checked { .. } => None,
    }
}

fn end(began_ms: u64, took_ms: Option<u64>, now: u64) -> u64 {
    took_ms.map_or(now.max(began_ms), |took| began_ms.saturating_add(took))
}

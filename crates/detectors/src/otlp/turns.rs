//! From spans to steps: what a model said and the calls that it wants are one step, which ends
//! with the last of those calls.

use super::parts::parts;
use super::span::{Kind, Span, Wanted};
use crate::Trace;
use crate::trace::{Asked, TraceCall, TraceStep};
use leadhand_protocol::AgentId;
use std::collections::{BTreeMap, VecDeque};

/// Most turns whose calls are waited for at once; beyond, the oldest is ended as it stands, so
/// that a trace whose calls never come costs no more than others.
const TURNS_OPEN_MAX: usize = 64;
/// How far up is looked from a span: a trace may say that a span is its own parent.
pub(super) const ANCESTORS_MAX: usize = 64;

/// A turn with calls that are still to come.
struct Turn {
    step: TraceStep,
    parent: String,
    wanted: Vec<Wanted>,
}

struct Reading {
    trace: Trace,
    open: VecDeque<Turn>,
}

pub(super) fn trace(id: String, mut spans: Vec<Span>) -> Trace {
    spans.sort_by_key(|span| span.ended_nanos);
    let (whose, agents) = agents(&spans);
    let (parts, places) = parts(&spans, |at| {
        agents.get(&whose[at]).map_or("", String::as_str)
    });
    let mut reading = Reading {
        trace: Trace {
            id,
            agents,
            parts,
            ..Trace::default()
        },
        open: VecDeque::new(),
    };
    for ((span, agent), part) in spans.into_iter().zip(whose).zip(places) {
        reading.take(span, (agent, part));
    }
    while let Some(turn) = reading.open.pop_front() {
        reading.end(turn);
    }
    reading.trace
}

/// Whose each span is: of the nearest ancestor that names an agent, else of the topmost one; and
/// the names of those agents.
fn agents(spans: &[Span]) -> (Vec<AgentId>, BTreeMap<AgentId, String>) {
    let by_id: BTreeMap<&str, &Span> = spans.iter().map(|span| (span.id.as_str(), span)).collect();
    let mut numbers: BTreeMap<&str, AgentId> = BTreeMap::new();
    let whose = spans.iter().map(|span| {
        if matches!(span.kind, Kind::Other) {
            return AgentId(0);
        }
        let above = |span: &&Span| by_id.get(span.parent.as_str()).copied();
        let line = std::iter::successors(Some(span), above).take(ANCESTORS_MAX);
        let named = line.clone().find_map(|span| span.agent.as_deref());
        let name = named.unwrap_or_else(|| line.last().map_or("", |top| &top.name));
        let next = AgentId(u32::try_from(numbers.len()).unwrap_or(u32::MAX));
        *numbers.entry(name).or_insert(next)
    });
    let whose = whose.collect();
    let names = numbers.into_iter();
    let names = names.map(|(name, agent)| (agent, name.to_owned()));
    (whose, names.collect())
}

impl Reading {
    fn take(&mut self, span: Span, whose: (AgentId, usize)) {
        let times = (span.began_ms(), span.ended_ms());
        match span.kind {
            Kind::Other => {}
            Kind::Model {
                told,
                said,
                calls,
                answered,
            } => {
                let of_parent = |turn: &Turn| turn.parent == span.parent;
                if let Some(before) = self.open.iter().position(of_parent) {
                    self.end_at(before);
                }
                let asked = Asked {
                    told,
                    by: answered,
                    ended_ms: times.1,
                    failure: span.failure,
                };
                let turn = Turn {
                    step: TraceStep {
                        said,
                        asked: Some(Box::new(asked)),
                        ..step(whose, times)
                    },
                    parent: span.parent,
                    wanted: calls,
                };
                if turn.wanted.is_empty() {
                    self.end(turn);
                } else {
                    self.open.push_back(turn);
                }
                if self.open.len() > TURNS_OPEN_MAX {
                    self.end_at(0);
                }
            }
            Kind::Tool { id, mut call } => {
                call.made = Some(times);
                self.call(&id, call, whose, times);
            }
        }
    }

    fn call(
        &mut self,
        id: &str,
        call: TraceCall,
        whose: (AgentId, usize),
        times: (Option<u64>, Option<u64>),
    ) {
        let is_it = |wanted: &Wanted| {
            wanted.tool == call.tool && (id.is_empty() || wanted.id.is_empty() || wanted.id == id)
        };
        let found = self.open.iter().enumerate().rev().find_map(|(at, turn)| {
            let of_turn = turn.wanted.iter().position(is_it)?;
            Some((at, of_turn))
        });
        let Some((at, of_turn)) = found else {
            let mut step = step(whose, times);
            step.calls.push(call);
            self.trace.steps.push(step);
            return;
        };
        let turn = &mut self.open[at];
        turn.wanted.remove(of_turn);
        turn.step.calls.push(call);
        turn.step.at_ms = times.1;
        if turn.wanted.is_empty() {
            self.end_at(at);
        }
    }

    fn end_at(&mut self, at: usize) {
        if let Some(turn) = self.open.remove(at) {
            self.end(turn);
        }
    }

    /// Calls of which no span tells stand in the step all the same, without a result.
    fn end(&mut self, turn: Turn) {
        let mut step = turn.step;
        step.calls
            .extend(turn.wanted.into_iter().map(|wanted| TraceCall {
                tool: wanted.tool,
                arguments: wanted.arguments,
                ..TraceCall::default()
            }));
        self.trace.steps.push(step);
    }
}

fn step(
    (agent, part): (AgentId, usize),
    (began_ms, at_ms): (Option<u64>, Option<u64>),
) -> TraceStep {
    TraceStep {
        part,
        began_ms,
        at_ms,
        ..TraceStep::of(agent)
    }
}

//! The parts of a trace: the spans around those of models and tools that say whose work it is,
//! be it an agent or a node of a graph of them. A span that says neither its kind nor an agent is
//! passed over: it may be a server's, or a step of a framework.

use super::span::{Kind, NO_KIND, Span};
use super::turns::ANCESTORS_MAX;
use crate::trace::Part;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The parts in the order in which they began, and the place among them of each span of a model
/// or a tool; of other spans it is 0. A span is a part that is next around one of those, that
/// names an agent, or that is around all of them. `agent` is the name of the agent whose a span
/// of a model or tool is; those around which there is nothing are of a part of that agent.
pub(super) fn parts<'a>(
    spans: &'a [Span],
    agent: impl Fn(usize) -> &'a str,
) -> (Vec<Part>, Vec<usize>) {
    let around = Around::of(spans);
    let is_step = |at: &usize| !matches!(spans[*at].kind, Kind::Other);
    let mut chosen = BTreeSet::new();
    for (at, span) in spans.iter().enumerate() {
        if is_step(&at) {
            chosen.extend(around.each(at).next());
            chosen.extend(around.each(at).last());
        } else if span.agent.is_some() {
            chosen.insert(at);
        }
    }
    let mut in_order: Vec<usize> = chosen.into_iter().collect();
    // Of those that began at once the one that is around the others ends last.
    in_order.sort_by_key(|at| (spans[*at].began_nanos, Reverse(spans[*at].ended_nanos)));
    let places: BTreeMap<usize, usize> = in_order.iter().copied().zip(0..).collect();
    let part_of = |at| {
        around
            .each(at)
            .find_map(|above| places.get(&above).copied())
    };
    let mut parts: Vec<Part> = in_order
        .iter()
        .map(|at| part(spans, &around, *at, part_of(*at)))
        .collect();
    let mut loose: BTreeMap<&str, usize> = BTreeMap::new();
    let places = (0..spans.len()).map(|at| {
        if !is_step(&at) {
            return 0;
        }
        part_of(at).unwrap_or_else(|| {
            *loose.entry(agent(at)).or_insert_with(|| {
                parts.push(Part {
                    agent: agent(at).to_owned(),
                    ..Part::default()
                });
                parts.len() - 1
            })
        })
    });
    let places = places.collect();
    (parts, places)
}

fn part(spans: &[Span], around: &Around<'_>, at: usize, within: Option<usize>) -> Part {
    let span = &spans[at];
    let line = || std::iter::once(at).chain(around.each(at));
    let named = line().find_map(|at| spans[at].agent.as_deref());
    let topmost = || line().last().map_or("", |at| &spans[at].name);
    Part {
        name: span.agent.as_ref().unwrap_or(&span.name).clone(),
        agent: named.unwrap_or_else(topmost).to_owned(),
        within,
        began_ms: span.began_ms(),
        ended_ms: span.ended_ms(),
        failure: span.failure.clone(),
    }
}

/// What is around each span.
struct Around<'a> {
    spans: &'a [Span],
    by_id: BTreeMap<&'a str, usize>,
}

impl<'a> Around<'a> {
    fn of(spans: &'a [Span]) -> Self {
        let by_id = spans.iter().zip(0..);
        Self {
            spans,
            by_id: by_id.map(|(span, at)| (span.id.as_str(), at)).collect(),
        }
    }

    /// The spans around one that may be parts, the next one first.
    fn each(&self, of: usize) -> impl Iterator<Item = usize> {
        let above = |at: &usize| self.by_id.get(self.spans[*at].parent.as_str()).copied();
        let line = std::iter::successors(above(&of), above).take(ANCESTORS_MAX);
        line.filter(move |at| {
            let span = &self.spans[*at];
            let says_what = span.agent.is_some() || span.label != NO_KIND;
            *at != of && says_what && matches!(span.kind, Kind::Other)
        })
    }
}

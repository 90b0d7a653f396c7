//! What follows from the state alone. The runtime asks again after each answer has been
//! applied, until nothing more follows; so after a crash, applying the journal and settling
//! goes on exactly where the run stood.

use crate::run::{Run, Stop};
use crate::{
    account, budget, coordination, delivery, drift, permits, roll_back, schedule, turn, watch,
};
use leadhand_protocol::{Event, Grade, OutcomeKind};
use std::sync::Arc;

/// How often in a row the state may be settled after one input. Each round brings at least one
/// agent or task a step further, so more than this is a fault of the engine, not a long run.
pub const SETTLE_ROUNDS_MAX: usize = 100_000;

/// The events that must happen now; empty when the run waits for the world, or is over.
#[must_use]
pub fn settle(run: &Run) -> Vec<Event> {
    if run.setting.is_none() || run.outcome.is_some() {
        return Vec::new();
    }
    let events = match coordination::settle(run) {
        events if events.is_empty() => permits::settle(run),
        events => events,
    };
    if !events.is_empty() {
        return events;
    }
    if let Some(stop) = &run.stop
        && coordination::is_stopping(run)
    {
        return finish(run, stop);
    }
    for settle in [watch::settle, drift::settle] {
        let events = settle(run);
        if !events.is_empty() {
            return budget::within_agents(run, events);
        }
    }
    // Who waits for permits comes last: what became of a call is asked before others are made.
    for agent in run.agents.stirring().chain(permits::next(run)) {
        if watch::holds(run, agent) {
            continue;
        }
        let events = match delivery::settle(run, agent) {
            events if events.is_empty() => turn::settle(run, agent),
            events => events,
        };
        if !events.is_empty() {
            return budget::within_agents(run, events);
        }
    }
    match &run.stop {
        None => budget::within_agents(run, schedule::settle(run)),
        // Who wraps up starts nothing new.
        Some(_) => Vec::new(),
    }
}

/// A run that is to stop waits for the tool calls in flight: what they did must be known.
fn finish(run: &Run, stop: &Stop) -> Vec<Event> {
    if run
        .agents
        .values()
        .any(|agent| coordination::holds_up(run, agent))
    {
        return Vec::new();
    }
    // Who aborts a roll back gives up the steps that are left as well.
    if stop.grade != Grade::Abort
        && let Some(events) = roll_back::settle(run)
    {
        return events;
    }
    vec![ended(run, stop.kind, &stop.why)]
}

/// The event that ends or suspends the run.
pub(crate) fn ended(run: &Run, kind: OutcomeKind, why: &str) -> Event {
    let outcome = Arc::new(account::outcome(run, kind, why));
    if kind.resumable() {
        Event::RunSuspended(outcome)
    } else {
        Event::RunEnded(outcome)
    }
}

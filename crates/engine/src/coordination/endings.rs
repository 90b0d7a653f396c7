//! What follows from the state alone when an agent ends, a call is over, or the run stops.

use super::speech::for_the_manager;
use super::{OF_THE_RUN, PRIORITY, events, may_ask};
use crate::agent::{Agent, PendingCall};
use crate::decide::may_be_repeated;
use crate::run::Run;
use leadhand_protocol::coordination::{Asker, Fact, Request, WaitId};
use leadhand_protocol::{Event, Grade, Purpose};

/// What follows from the state alone: what ended agents held goes on to others, nobody waits for
/// a call that is over, and a run that stops keeps nobody waiting.
pub(crate) fn settle(run: &Run) -> Vec<Event> {
    let over = run.coordination.over.iter();
    let over = over.map(|id| match run.agents.get(id) {
        Some(agent) => take_back(run, agent, |wait| !may_ask(agent, wait)),
        None => run.coordination.room.ended(*id),
    });
    let stopping = is_stopping(run)
        .then(|| run.agents.values())
        .into_iter()
        .flatten();
    let stopping = stopping.map(|agent| stopped(run, agent));
    let mut facts = over.chain(stopping).filter(|facts| !facts.is_empty());
    match facts.next() {
        Some(facts) => events(facts),
        None => for_the_manager(run),
    }
}

/// Whether a run stops and nobody wraps up any more.
pub(crate) fn is_stopping(run: &Run) -> bool {
    run.stop.as_ref().is_some_and(|stop| {
        stop.grade != Grade::WrapUp || !run.agents.values().any(|agent| agent.task().is_some())
    })
}

/// An agent of a run that stops: a call that must not be made twice is told that it waits in
/// vain, and of a run that is cancelled nobody holds anything who is not at work any more, so
/// that what undoes it can have it.
fn stopped(run: &Run, agent: &Agent) -> Vec<Fact> {
    let undoes = agent.purpose == Purpose::RollBack;
    if run.is_cancelled() && !undoes && !agent.is_acting() {
        return run.coordination.room.ended(agent.id);
    }
    take_back(run, agent, |wait| {
        let is_it = |call: &&PendingCall| wait.is_of(call.id);
        let call = agent.calls().iter().find(is_it);
        !undoes && call.is_some_and(|call| !may_be_repeated(run, call))
    })
}

/// Ends the wait of an agent, if it is one of these.
fn take_back(run: &Run, agent: &Agent, is_over: impl Fn(WaitId) -> bool) -> Vec<Fact> {
    let room = &run.coordination.room;
    let Some(wait) = room.wait_of(agent.id).map(|wait| wait.id) else {
        return Vec::new();
    };
    if wait.nth() == OF_THE_RUN.nth() || !is_over(wait) {
        return Vec::new();
    }
    let asker = Asker {
        party: agent.id,
        wait: OF_THE_RUN,
    };
    let request = Request::CancelWait { wait };
    let facts = room.decide(asker, PRIORITY, run.at_ms, &request);
    facts.unwrap_or_default()
}

/// Whether a run that stops waits for what the agent has in flight. A call that waits for others
/// and may be made again is not waited for: it asks again when the run goes on.
pub(crate) fn holds_up(run: &Run, agent: &Agent) -> bool {
    let wait = run.coordination.room.wait_of(agent.id);
    let waits = |call: &PendingCall| wait.is_some_and(|wait| wait.id.is_of(call.id));
    agent
        .calls()
        .iter()
        .any(|call| call.status.is_in_flight() && !(waits(call) && may_be_repeated(run, call)))
}

//! What agents at work ask of the run and of each other: locks and their kin, which the room
//! `coordination` decides. Here stands who may ask, what is told again to a call that is made
//! again after a crash, and what follows when an agent or a call that waited is over.

mod endings;
mod speech;

pub(crate) use endings::{holds_up, is_stopping, settle};
pub(crate) use speech::{mail, reply, unanswered};

use crate::agent::{Agent, CallStatus};
use crate::permits;
use crate::run::Run;
use leadhand_coordination::{Coordination, Holder};
use leadhand_protocol::coordination::{
    Asker, Fact, LockAsk, LockMode, Obtained, PrimitiveKind, PrimitiveName, Request, Told, WaitId,
};
use leadhand_protocol::{AgentId, Event, Finding, Label, Lock, Task};
use serde::{Deserialize, Serialize};
use speech::{misspoken, named};
use std::collections::{BTreeMap, BTreeSet};

/// How urgent an agent's requests are: all alike, so that in a deadlock the request that closed
/// it is the one that is given up.
pub(crate) const PRIORITY: u8 = 0;

/// The name under which the run itself asks something in place of an agent.
pub(crate) const OF_THE_RUN: WaitId = WaitId(0);

/// Locks and their kin, and what agents were told of them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Coordinating {
    pub(crate) room: Coordination,
    /// Where that came from what agents wrote and voted.
    pub(crate) labels: BTreeMap<PrimitiveKind, BTreeMap<PrimitiveName, Label>>,
    pub(crate) asked: BTreeMap<AgentId, Requests>,
    /// Agents that ended, or a call of which is over, while the room counts on them.
    pub(crate) over: BTreeSet<AgentId>,
}

/// What one agent asked.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Requests {
    /// How many requests it made in its life.
    pub(crate) count: u32,
    /// Those of calls that are not over.
    pub(crate) of_calls: BTreeMap<WaitId, Asked>,
}

/// A request and what came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// What was asked, without its deadline, which is another one when it is asked again.
    pub(crate) request: Request,
    /// What was told; none while it waits.
    pub(crate) told: Option<Result<Told, String>>,
}

impl Coordinating {
    pub(crate) fn asked(&self, asker: Asker) -> Option<&Asked> {
        self.asked.get(&asker.party)?.of_calls.get(&asker.wait)
    }

    /// Whether a party has what it was once told that it has. A later grant of the same lock to
    /// it, if it has it in no lesser mode, keeps out the same others.
    pub(crate) fn has_still(&self, party: AgentId, asked: &Asked) -> bool {
        match &asked.told {
            Some(Ok(Told::Obtained(Obtained::Locks(held)))) => held.iter().all(|held| {
                let mut holders = self.room.holders(&held.lock);
                let is_no_less = |it: &Holder| it.fence >= held.fence && it.mode >= held.mode;
                holders.any(|it| it.party == party && is_no_less(&it))
            }),
            Some(Ok(Told::Obtained(Obtained::Permits { semaphore, permits }))) => {
                let semaphore = self.room.semaphore(semaphore);
                let holders = semaphore.into_iter().flat_map(|it| it.holders);
                let mut holders = holders.filter(|(it, _)| *it == party);
                holders.any(|(_, held)| held >= *permits)
            }
            _ => true,
        }
    }

    pub(crate) fn waits(&self, asker: Asker) -> bool {
        let wait = self.room.wait_of(asker.party);
        wait.is_some_and(|wait| wait.id == asker.wait)
    }
}

/// What follows from a request.
pub(crate) fn decide(run: &Run, asker: Asker, request: &Request, at_ms: u64) -> Vec<Event> {
    let Some(agent) = run.agents.get(&asker.party) else {
        return Vec::new();
    };
    if run.outcome.is_some() {
        return Vec::new();
    }
    let requests = run.coordination.asked.get(&asker.party);
    let count = requests.map_or(0, |requests| requests.count);
    let count_max = run.started().start.limits.requests_per_agent_max;
    let counts = is_counted(agent, asker, request);
    // What takes no room in the state is not let grow the journal either.
    if !counts && count >= count_max {
        return Vec::new();
    }
    let follows = match run.coordination.asked(asker) {
        _ if !may_ask(agent, asker.wait) => {
            let why = "no tool call that makes this request is at work: ask while one is";
            vec![refused(asker, why.to_owned())]
        }
        _ if !counts => ask(run, asker, request, at_ms),
        Some(asked) if asked.request == request.clone().with_deadline(None) => {
            let gone = !run.coordination.has_still(asker.party, asked);
            let why = "this call was made before and has given back by now what it had: call anew";
            Vec::from_iter(gone.then(|| refused(asker, why.to_owned())))
        }
        Some(_) => {
            let why = format!(
                "request {} of this call was another one when the call was made before: a call that is made again asks for the same in the same order",
                asker.wait.nth()
            );
            vec![refused(asker, why)]
        }
        None if count >= count_max => {
            let why = format!(
                "{} has made {count} requests, which is the most for one agent: ask less often, or raise `requests_per_agent_max`",
                agent.id
            );
            vec![refused(asker, why)]
        }
        None => ask(run, asker, request, at_ms),
    };
    let requested = Event::Requested {
        asker,
        request: Box::new(request.clone()),
    };
    std::iter::once(requested).chain(follows).collect()
}

/// Whether what came of a request is kept until its call is over. A wait is taken back by its own
/// name, and that is no request beside it.
pub(crate) fn is_counted(agent: &Agent, asker: Asker, request: &Request) -> bool {
    let takes_back = matches!(request, Request::CancelWait { wait } if *wait == asker.wait);
    may_ask(agent, asker.wait) && !takes_back
}

/// Whether a call of the agent's is at work that can have made a request of this name. A call
/// that only asks what became of another one is none.
fn may_ask(agent: &Agent, wait: WaitId) -> bool {
    let mut calls = agent.calls().iter();
    calls.any(|call| wait.is_of(call.id) && call.status == CallStatus::Running)
}

fn ask(run: &Run, asker: Asker, request: &Request, at_ms: u64) -> Vec<Event> {
    if let Some(absent) = named(request).find(|party| !run.agents.contains_key(party)) {
        let why = if absent.0 < run.agents_started {
            format!("{absent} has ended: name only agents that are at work")
        } else {
            format!("there is no agent {absent}: name only agents that are at work")
        };
        return vec![refused(asker, why)];
    }
    if let Some(why) = permits::kept(run, request).or_else(|| misspoken(run, asker, request)) {
        return vec![refused(asker, why)];
    }
    let room = &run.coordination.room;
    match room.decide(asker, PRIORITY, at_ms, request) {
        Ok(facts) => events(facts),
        Err(refusal) => vec![refused(asker, refusal.to_string())],
    }
}

fn refused(asker: Asker, why: String) -> Event {
    Event::RequestRefused { asker, why }
}

/// The facts of the room as events; of a deadlock people are told as well.
fn events(facts: Vec<Fact>) -> Vec<Event> {
    let event = |fact: Fact| {
        let found = match &fact {
            Fact::DeadlockBroken { victim, cycle } => Some(Event::Found(Finding::Deadlock {
                victim: *victim,
                cycle: cycle.clone(),
            })),
            _ => None,
        };
        let fact = Box::new(fact);
        std::iter::once(Event::Coordinated { fact }).chain(found)
    };
    facts.into_iter().flat_map(event).collect()
}

/// The locks that a task declares, for the agent that begins with it: what follows when it has
/// them all; nothing while it cannot.
pub(crate) fn locks_of(run: &Run, agent: AgentId, task: &Task) -> Option<Vec<Event>> {
    let ask = |lock: &Lock| {
        let mode = if lock.shared {
            LockMode::Shared
        } else {
            LockMode::Exclusive
        };
        let lock = PrimitiveName::new(&lock.name).ok()?;
        Some(LockAsk { lock, mode })
    };
    let request = Request::Acquire {
        locks: task.locks.iter().map(ask).collect::<Option<_>>()?,
        // It does not wait: other tasks may begin in its place.
        deadline_ms: Some(run.at_ms),
    };
    let asker = Asker {
        party: agent,
        wait: OF_THE_RUN,
    };
    let room = &run.coordination.room;
    let facts = room.decide(asker, PRIORITY, run.at_ms, &request).ok()?;
    Some(events(facts))
}

/// What follows from time: waits whose deadline is reached end.
pub(crate) fn due(run: &Run, at_ms: u64) -> Vec<Event> {
    events(run.coordination.room.due(at_ms))
}

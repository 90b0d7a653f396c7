//! Permits that the run itself keeps: how many turns, tasks of a role and calls go on at once.
//! They are semaphores of the coordination room. What an agent is to hold follows from where it
//! stands, and settling brings the room in line with that; so after a crash, or in a branch, it
//! holds just what it needs for what it is at. A turn or a call begins when its permits are free
//! and nobody stands before it in line; a task is handed out when its role has one.

mod bounds;
mod queue;

pub(crate) use bounds::Bounds;
pub use bounds::{PERMIT_NAMES_MAX, permit_fault};

use crate::agent::{Agent, AgentState, CallStatus, PendingCall};
use crate::coordination::{OF_THE_RUN, PRIORITY, is_stopping};
use crate::run::Run;
use leadhand_protocol::coordination::{Asker, Declaration, Fact, PrimitiveName, Request};
use leadhand_protocol::{AgentId, CallId, Event, Permit, Purpose};
use queue::{For, Queue};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// In whose name the run declares what it keeps itself: no agent's.
const THE_RUN: AgentId = AgentId(u32::MAX);

/// Who waits for permits, and whose are not yet what they are to be.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Permits {
    queue: Queue,
    /// Agents that hold other permits than they are to hold.
    uneven: BTreeSet<AgentId>,
}

impl Permits {
    /// Whether all that an agent could do next waits for permits.
    pub(crate) fn hold_back(&self, agent: &Agent) -> bool {
        let waits = |call: For| self.queue.ticket(agent.id, call).is_some();
        let held = |call: &PendingCall| call.status.waits() || waits(Some(call.id));
        match &agent.state {
            AgentState::Due => waits(None),
            AgentState::Acting(calls) => calls.iter().all(held),
            AgentState::Delivered(delivery) => {
                delivery.call.as_ref().is_some_and(|it| waits(Some(it.id)))
            }
            AgentState::Preparing
            | AgentState::Prepared(_)
            | AgentState::Thinking
            | AgentState::Unanswered(_)
            | AgentState::Replied(_) => false,
        }
    }
}

/// What follows from the state alone: what is bounded is declared, and each agent holds what it
/// is to hold.
pub(crate) fn settle(run: &Run) -> Vec<Event> {
    let bounds = &run.started().bounds;
    if bounds.is_empty() {
        return Vec::new();
    }
    if run.graph().is_none() && run.agents_started == 0 {
        let facts = bounds.counts().iter().flat_map(|it| declare(run, it));
        let facts: Vec<Event> = facts.collect();
        if !facts.is_empty() {
            return facts;
        }
    }
    if run.permits.uneven.is_empty() {
        return Vec::new();
    }
    // Of a run that is cancelled nobody is given anything who is not at work any more.
    let is_over = run.is_cancelled() && is_stopping(run);
    let agents = run.permits.uneven.iter();
    let agents = agents.filter_map(|id| run.agents.get(id));
    let mut facts = agents
        .filter(|it| !is_over || it.is_acting() || it.purpose == Purpose::RollBack)
        .map(|agent| even_out(run, agent))
        .filter(|facts| !facts.is_empty());
    facts.next().unwrap_or_default()
}

fn declare(run: &Run, (name, permits): (&PrimitiveName, &u32)) -> Vec<Event> {
    let room = &run.coordination.room;
    if room.free_permits(name).is_some() {
        return Vec::new();
    }
    let declaration = Declaration::Semaphore { permits: *permits };
    let name = name.clone();
    let request = Request::Declare { name, declaration };
    let facts = room.decide(asker(THE_RUN), PRIORITY, run.at_ms, &request);
    coordinated(facts.unwrap_or_default())
}

/// Gives back what an agent holds and needs no more, and takes what it needs.
fn even_out(run: &Run, agent: &Agent) -> Vec<Event> {
    let room = &run.coordination.room;
    let (held, due) = (held(run, agent.id), due(run, agent));
    let asker = asker(agent.id);
    let of = |counts: &BTreeMap<PrimitiveName, u32>, name| counts.get(name).copied().unwrap_or(0);
    let too_many = held.iter().filter_map(|(name, count)| {
        let more = count.saturating_sub(of(&due, name));
        (more > 0).then_some((name, more))
    });
    let mut facts = Vec::new();
    for (name, permits) in too_many {
        let semaphore = name.clone();
        let request = Request::Give { semaphore, permits };
        let given = room.decide(asker, PRIORITY, run.at_ms, &request);
        facts.extend(given.unwrap_or_default());
    }
    for (name, count) in &due {
        let missing = count.saturating_sub(of(&held, name));
        if missing > 0 {
            facts.extend(room.take_beside(asker, PRIORITY, name, missing));
        }
    }
    coordinated(facts)
}

fn asker(party: AgentId) -> Asker {
    let wait = OF_THE_RUN;
    Asker { party, wait }
}

fn coordinated(facts: Vec<Fact>) -> Vec<Event> {
    let event = |fact: Fact| Event::Coordinated {
        fact: Box::new(fact),
    };
    facts.into_iter().map(event).collect()
}

/// What an agent holds of what the run keeps.
fn held(run: &Run, agent: AgentId) -> BTreeMap<PrimitiveName, u32> {
    let bounds = &run.started().bounds;
    let held = run.coordination.room.permits_of(agent);
    let held = held.filter(|(name, _)| bounds.contains(name));
    held.map(|(name, count)| (name.clone(), count)).collect()
}

/// What an agent is to hold: for its role while it lives, for its model while that thinks, and
/// for its calls while they are at work.
fn due(run: &Run, agent: &Agent) -> BTreeMap<PrimitiveName, u32> {
    let bounds = &run.started().bounds;
    let role = bounds.role(&agent.role).filter(|_| agent.task().is_some());
    let thinks = matches!(agent.state, AgentState::Thinking);
    // A person who changes the models of a role does not change which one is at work.
    let model = thinks.then(|| model_held(run, agent).or_else(|| model(run, agent).cloned()));
    let calls = agent.calls().iter().flat_map(|call| match &call.status {
        CallStatus::Running => bounds.call(&call.call.name, &call.permit),
        CallStatus::Probing { probe, .. } => bounds.call(&probe.0.name, &probe.1),
        CallStatus::ToAsk(_)
        | CallStatus::Asked(_)
        | CallStatus::Refused(_)
        | CallStatus::Declined(_)
        | CallStatus::Approved
        | CallStatus::InDoubt { .. }
        | CallStatus::Finished(_) => Vec::new(),
    });
    let mut due = BTreeMap::new();
    for name in role
        .cloned()
        .into_iter()
        .chain(model.flatten())
        .chain(calls)
    {
        *due.entry(name).or_insert(0) += 1;
    }
    due
}

/// The model of an agent's turn, if it is bounded.
fn model<'a>(run: &'a Run, agent: &Agent) -> Option<&'a PrimitiveName> {
    let setting = run.started();
    let default = &setting.start.default_model;
    setting.bounds.model(&agent.equipment.models, default)
}

fn model_held(run: &Run, agent: &Agent) -> Option<PrimitiveName> {
    let bounds = &run.started().bounds;
    let mut held = run.coordination.room.permits_of(agent.id);
    let held = held.find(|(name, _)| bounds.is_model(name))?;
    Some(held.0.clone())
}

/// Whether an agent holds what its next turn needs, under the models that it has now.
pub(crate) fn cover_turn(run: &Run, agent: &Agent) -> bool {
    let bounded = model(run, agent);
    bounded.is_none() || model_held(run, agent).as_ref() == bounded
}

fn free(run: &Run, name: &PrimitiveName) -> u32 {
    let free = run.coordination.room.free_permits(name);
    free.unwrap_or(u32::MAX)
}

/// Whether a turn, or a call that is to be ordered, has its permits and its turn in line. What
/// undoes a run waits for no line: those who stand there do not go on any more.
pub(crate) fn may_begin(run: &Run, agent: &Agent, call: Option<&PendingCall>) -> bool {
    if let (Purpose::RollBack, Some(call)) = (&agent.purpose, call) {
        return are_free(run, &call.call.name, &call.permit);
    }
    let queue = &run.permits.queue;
    let ticket = queue.ticket(agent.id, call.map(|call| call.id));
    ticket.is_none_or(|ticket| queue.is_next(ticket, |name| free(run, name)))
}

/// Whether a call could be made as far as permits go, whoever waits for them.
pub(crate) fn are_free(run: &Run, tool: &str, permit: &Permit) -> bool {
    let names = run.started().bounds.call(tool, permit);
    names.iter().all(|name| free(run, name) > 0)
}

/// Whether one more task of a role may begin, beside so many that have just begun.
pub(crate) fn leave_room_for(run: &Run, role: &str, begun: impl FnOnce() -> usize) -> bool {
    let name = run.started().bounds.role(role);
    name.is_none_or(|name| free(run, name) as usize > begun())
}

/// Agents that wait for permits and can have them, first come first served.
pub(crate) fn next(run: &Run) -> impl Iterator<Item = &Agent> {
    let queue = &run.permits.queue;
    let tickets = queue.next(|name| free(run, name)).into_iter();
    tickets.filter_map(|ticket| run.agents.get(&queue.get(ticket)?.agent))
}

/// Whether a call waits for permits before it is made.
pub(crate) fn are_wanted(run: &Run, call: &PendingCall) -> bool {
    let bounds = &run.started().bounds;
    !bounds.call(&call.call.name, &call.permit).is_empty()
}

/// Why an agent may not ask this itself: the permits are the run's own.
pub(crate) fn kept(run: &Run, request: &Request) -> Option<String> {
    let (Request::Take {
        semaphore: name, ..
    }
    | Request::Give {
        semaphore: name, ..
    }
    | Request::Declare { name, .. }) = request
    else {
        return None;
    };
    run.started().bounds.contains(name).then(|| {
        format!("the run itself takes and gives the permits of `{name}`: use a name of your own")
    })
}

impl Run {
    /// What permits an agent waits for before its turn or its calls go on.
    pub fn awaited_permits(
        &self,
        agent: AgentId,
    ) -> impl Iterator<Item = (Option<CallId>, &[PrimitiveName])> {
        self.permits.queue.of(agent)
    }

    /// Takes note, once a fact is applied, of who wants what by now.
    pub(crate) fn note_permits(&mut self, event: &Event) {
        if self.started().bounds.is_empty() {
            return;
        }
        if let Event::Coordinated { fact } = event
            && let Fact::Granted { asker, .. } | Fact::Returned { asker, .. } = fact.as_ref()
        {
            self.agents.touch(asker.party);
        }
        if let Event::Coordinated { fact } = event
            && let Fact::PartyEnded { party } = fact.as_ref()
        {
            self.agents.touch(*party);
        }
        for id in self.agents.touched() {
            let agent = self.agents.get(&id);
            let wants = agent.map_or_else(Vec::new, |agent| wants(self, agent));
            let is_even = agent.is_none_or(|agent| held(self, id) == due(self, agent));
            self.permits.queue.wants(id, wants);
            if is_even {
                self.permits.uneven.remove(&id);
            } else {
                self.permits.uneven.insert(id);
            }
        }
    }
}

/// What an agent wants permits for.
fn wants(run: &Run, agent: &Agent) -> Vec<(For, Vec<PrimitiveName>)> {
    let bounds = &run.started().bounds;
    if matches!(agent.state, AgentState::Due) {
        let model = model(run, agent).cloned();
        return Vec::from_iter(model.map(|name| (None, vec![name])));
    }
    let approved = agent.calls().iter();
    let approved = approved.filter(|call| call.status == CallStatus::Approved);
    let wants = approved.map(|call| {
        let names = bounds.call(&call.call.name, &call.permit);
        (Some(call.id), names)
    });
    wants.filter(|(_, names)| !names.is_empty()).collect()
}

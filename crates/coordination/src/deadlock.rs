//! Deadlocks: found on the wait-for graph when one forms, which is when somebody begins to wait
//! or somebody on whom a latch depended is gone. Never by time.
//!
//! A party that waits is **stuck** when it could not go on even if everybody who is not stuck
//! gave back all it holds and did all it is to do (the reduction of R. C. Holt, "Some Deadlock
//! Properties of Computer Systems", 1972, with the queues as they are). Only what known parties
//! hold or are to do counts: a barrier, a vote of anybody, a write to the board or a message can
//! come from anywhere, so a wait for one is never part of a deadlock.

use crate::draft::Draft;
use crate::latch::{LatchState, number};
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{CycleStep, PrimitiveKind, PrimitiveName, Want};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Parties that are looked at from behind before the whole graph is.
const BEHIND_LOOKED_AT_MAX: usize = 256;

/// Who keeps a party waiting, and by what.
struct Blocker<'a> {
    party: AgentId,
    /// A question is named when it is found to keep somebody waiting.
    name: Cow<'a, PrimitiveName>,
}

type Graph<'a> = BTreeMap<AgentId, Vec<Blocker<'a>>>;

/// Ends waits until a party is not stuck, or does not wait. A cycle is broken by ending the wait
/// of one: that whose request closed it, unless another of the cycle has a lower priority; then
/// that of the lowest priority, and among equals of the highest id.
pub(crate) fn break_from(draft: &mut Draft<'_>, closer: AgentId) {
    while let Some(cycle) = find(draft, closer) {
        let victim = victim(draft, closer, &cycle);
        draft.break_deadlock(victim, cycle);
    }
}

fn victim(draft: &Draft<'_>, closer: AgentId, cycle: &[CycleStep]) -> AgentId {
    let priority = |party| draft.wait(party).map_or(0, |it| it.priority);
    let others = cycle.iter().map(|step| step.party);
    others
        .filter(|party| priority(*party) < priority(closer))
        .min_by_key(|party| (priority(*party), std::cmp::Reverse(*party)))
        .unwrap_or(closer)
}

/// A cycle through a party, if it is stuck.
fn find(draft: &Draft<'_>, closer: AgentId) -> Option<Vec<CycleStep>> {
    let alone = draft.wait(closer).is_none() || !is_waited_for(draft, closer);
    if alone || !may_be_a_circle(draft, closer) {
        return None;
    }
    let graph = reachable(draft, closer);
    let stuck = reduce(draft, &graph);
    if !stuck.contains(&closer) {
        return None;
    }
    way_back(draft, &graph, &stuck, closer)
}

/// Whether anybody could wait for a party: without that it closes no cycle. This keeps the
/// common wait, of a party that holds nothing others want, from looking at any queue. Nobody
/// stands behind it: it has just come to its queues, or waits for latches, where nobody does.
fn is_waited_for(draft: &Draft<'_>, party: AgentId) -> bool {
    let Some(own) = draft.state.parties.get(&party) else {
        return false;
    };
    let on_itself = match draft.wait(party).map(|it| &it.want) {
        Some(Want::Upgrade(_)) => true,
        Some(Want::Permits { semaphore, .. }) => own.semaphores.contains(semaphore),
        Some(Want::Join { latches, .. }) => latches.iter().any(|it| own.latches.contains(it)),
        Some(
            Want::Locks(_)
            | Want::Barrier { .. }
            | Want::Quorum(_)
            | Want::Change { .. }
            | Want::Message
            | Want::Answer { .. },
        )
        | None => false,
    };
    let waits = |kind, name| draft.first(kind, name).is_some();
    on_itself
        || own
            .locks
            .iter()
            .any(|it| draft.upgrader(it).is_some() || waits(PrimitiveKind::Lock, it))
        || own
            .semaphores
            .iter()
            .any(|it| waits(PrimitiveKind::Semaphore, it))
        || own.latches.iter().any(|it| waits(PrimitiveKind::Latch, it))
        || !own.asked.is_empty()
}

/// Whether anybody who keeps a party waiting may itself wait for that party. They are looked for
/// from behind, among those who wait for it, who are mostly few, while it may stand last in a
/// queue of thousands. Looked at is the state before the decision, in which at least those wait
/// for each other who do so after it.
fn may_be_a_circle(draft: &Draft<'_>, closer: AgentId) -> bool {
    let before: BTreeSet<AgentId> = blockers(draft, closer).iter().map(|it| it.party).collect();
    if before.contains(&closer) {
        return true;
    }
    let mut behind = draft.state.kept_waiting_by(closer);
    if let Some(Want::Upgrade(lock)) = draft.wait(closer).map(|it| &it.want) {
        behind.extend(draft.queue(PrimitiveKind::Lock, lock));
    }
    let mut seen = BTreeSet::from([closer]);
    while let Some(party) = behind.pop() {
        if before.contains(&party) || seen.len() > BEHIND_LOOKED_AT_MAX {
            return true;
        }
        if seen.insert(party) {
            behind.extend(draft.state.kept_waiting_by(party));
        }
    }
    false
}

/// All that a party waits for, and they in turn, as far as they wait.
fn reachable<'a>(draft: &'a Draft<'_>, from: AgentId) -> Graph<'a> {
    let mut graph = Graph::new();
    let mut open = vec![from];
    while let Some(party) = open.pop() {
        if graph.contains_key(&party) || draft.wait(party).is_none() {
            continue;
        }
        let blockers = blockers(draft, party);
        open.extend(blockers.iter().map(|it| it.party));
        graph.insert(party, blockers);
    }
    graph
}

fn blockers<'a>(draft: &'a Draft<'_>, party: AgentId) -> Vec<Blocker<'a>> {
    let Some(wait) = draft.wait(party) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut add = |party, name| {
        let name = Cow::Borrowed(name);
        found.push(Blocker { party, name });
    };
    match &wait.want {
        Want::Locks(asks) => {
            for ask in asks {
                let name = &ask.lock;
                let ahead = draft.before(PrimitiveKind::Lock, name, wait.ticket);
                ahead.into_iter().for_each(|it| add(it, name));
                draft
                    .upgrader(name)
                    .into_iter()
                    .for_each(|it| add(it, name));
                let holders = draft.holders(name);
                let others = holders.filter(|(_, mode)| !ask.mode.goes_with(*mode));
                others.for_each(|(it, _)| add(it, name));
            }
        }
        Want::Upgrade(name) => {
            let others = draft.holders(name).filter(|(it, _)| *it != party);
            others.for_each(|(it, _)| add(it, name));
        }
        Want::Permits { semaphore, .. } => {
            let ahead = draft.before(PrimitiveKind::Semaphore, semaphore, wait.ticket);
            ahead.into_iter().for_each(|it| add(it, semaphore));
            let holders = draft.takers(semaphore);
            let holders = holders.filter(|it| draft.permits(semaphore, *it) > 0);
            holders.for_each(|it| add(it, semaphore));
        }
        Want::Join { latches, .. } => {
            for name in latches {
                members(draft, name).for_each(|it| add(it, name));
            }
        }
        Want::Answer { question, to } => {
            let name = Cow::Owned((*question).into());
            found.extend(to.map(|party| Blocker { party, name }));
        }
        Want::Barrier { .. } | Want::Quorum(_) | Want::Change { .. } | Want::Message => {}
    }
    found
}

/// Those who may count a latch down, while it is open and if they are named.
fn members(draft: &Draft<'_>, name: &PrimitiveName) -> impl Iterator<Item = AgentId> {
    let open = draft.latch_state(name) == LatchState::Open;
    let latch = draft.state.latches.get(name).filter(|_| open).into_iter();
    let ended = draft.ended;
    let members = latch.flat_map(|it| it.members.iter().copied());
    members.filter(move |it| Some(*it) != ended)
}

/// Those of a graph who are stuck.
fn reduce(draft: &Draft<'_>, graph: &Graph<'_>) -> BTreeSet<AgentId> {
    let mut stuck: BTreeSet<AgentId> = graph.keys().copied().collect();
    let mut waited_by: BTreeMap<AgentId, Vec<AgentId>> = BTreeMap::new();
    for (party, blockers) in graph {
        for blocker in blockers {
            waited_by.entry(blocker.party).or_default().push(*party);
        }
    }
    let mut open: Vec<AgentId> = graph.keys().copied().collect();
    while let Some(party) = open.pop() {
        if stuck.contains(&party) && goes_on(draft, party, &graph[&party], &stuck) {
            stuck.remove(&party);
            open.extend(waited_by.get(&party).into_iter().flatten());
        }
    }
    stuck
}

/// Whether a party could go on if all who are not stuck did what they can.
fn goes_on(
    draft: &Draft<'_>,
    party: AgentId,
    blockers: &[Blocker<'_>],
    stuck: &BTreeSet<AgentId>,
) -> bool {
    let Some(wait) = draft.wait(party) else {
        return true;
    };
    match &wait.want {
        Want::Locks(_) | Want::Upgrade(_) | Want::Answer { .. } => {
            blockers.iter().all(|it| !stuck.contains(&it.party))
        }
        Want::Permits { semaphore, permits } => {
            let ahead = draft.before(PrimitiveKind::Semaphore, semaphore, wait.ticket);
            let holders = draft.takers(semaphore).filter(|it| !stuck.contains(it));
            let back: u32 = holders.map(|it| draft.permits(semaphore, it)).sum();
            ahead.is_none_or(|it| !stuck.contains(&it)) && draft.free(semaphore) + back >= *permits
        }
        Want::Join { latches, need } => {
            let possible = latches.iter().filter(|name| match draft.latch_state(name) {
                LatchState::Done => true,
                LatchState::GivenUp => false,
                LatchState::Open => {
                    let named = draft.state.latches.get(*name).is_some_and(|it| it.is_named);
                    !named || members(draft, name).any(|it| !stuck.contains(&it))
                }
            });
            possible.count() >= number(*need, latches.len())
        }
        Want::Barrier { .. } | Want::Quorum(_) | Want::Change { .. } | Want::Message => true,
    }
}

/// The shortest way from a stuck party back to itself over others. There is one, since without
/// its wait nobody here would be stuck, so each of them depends on it; unless it waits for
/// nothing but what it holds itself.
fn way_back(
    draft: &Draft<'_>,
    graph: &Graph<'_>,
    stuck: &BTreeSet<AgentId>,
    closer: AgentId,
) -> Option<Vec<CycleStep>> {
    let step = |party, name: &PrimitiveName| {
        let kind = draft.wait(party)?.want.kind();
        let name = name.clone();
        Some(CycleStep { party, kind, name })
    };
    let mut came_by: BTreeMap<AgentId, CycleStep> = BTreeMap::new();
    let mut open = VecDeque::from([closer]);
    while let Some(party) = open.pop_front() {
        for blocker in &graph[&party] {
            let known = came_by.contains_key(&blocker.party) || blocker.party == party;
            if known || !stuck.contains(&blocker.party) {
                continue;
            }
            came_by.insert(blocker.party, step(party, &blocker.name)?);
            open.push_back(blocker.party);
        }
        if came_by.contains_key(&closer) {
            break;
        }
    }
    let Some(last) = came_by.get(&closer) else {
        let itself = graph[&closer].iter().find(|it| it.party == closer)?;
        return Some(vec![step(closer, &itself.name)?]);
    };
    let mut cycle = vec![last.clone()];
    while cycle[cycle.len() - 1].party != closer {
        let earlier = came_by.get(&cycle[cycle.len() - 1].party)?.clone();
        cycle.push(earlier);
    }
    cycle.reverse();
    Some(cycle)
}

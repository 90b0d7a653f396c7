//! What must hold, worked out from scratch: it looks at all that is held and awaited, knows
//! nothing of decisions in the making, and takes as long as it takes.

use leadhand_coordination::{Coordination, Wait};
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{
    CycleStep, Fact, LockMode, Need, Obtained, PrimitiveKind, PrimitiveName, Want,
};
use std::collections::BTreeSet;

const LOCK: PrimitiveKind = PrimitiveKind::Lock;
const SEMAPHORE: PrimitiveKind = PrimitiveKind::Semaphore;

fn exclude(one: LockMode, other: LockMode) -> bool {
    let exclusive = one == LockMode::Exclusive || other == LockMode::Exclusive;
    exclusive || (one == LockMode::Upgradable && other == LockMode::Upgradable)
}

/// Mutual exclusion, no lost wake-up, no deadlock, and nothing kept that nobody needs.
pub(crate) fn check_state(state: &Coordination) {
    for lock in state.locks() {
        let holders: Vec<_> = state.holders(lock).collect();
        for (place, one) in holders.iter().enumerate() {
            for other in &holders[place + 1..] {
                assert!(!exclude(one.mode, other.mode), "{lock}: {holders:?}");
            }
        }
        let awaited = state.waiting_for(LOCK, lock).next().is_some();
        assert!(!holders.is_empty() || awaited, "{lock} is kept unused");
    }
    for (party, wait) in state.waits() {
        assert!(
            !could_have(state, party, &wait.want),
            "{party} waits for what is free: {wait:?}"
        );
        check_queues(state, party, wait);
        if let Want::Permits { semaphore, .. } = &wait.want {
            let it = state.semaphore(semaphore).unwrap();
            let held: u32 = it.holders.iter().map(|it| it.1).sum();
            assert_eq!(held + it.free, it.permits);
        }
    }
    assert_eq!(stuck(state), BTreeSet::new(), "a deadlock was not broken");
}

fn check_queues(state: &Coordination, party: AgentId, wait: &Wait) {
    if matches!(wait.want, Want::Upgrade(_)) {
        return;
    }
    for name in wait.want.names() {
        let queue: Vec<_> = state.waiting_for(wait.want.kind(), name).collect();
        let tickets = queue
            .iter()
            .map(|it| state.wait_of(*it).map(|it| it.ticket));
        let tickets: Vec<_> = tickets.collect();
        assert!(
            tickets.is_sorted() && tickets.iter().all(Option::is_some),
            "{name}: {queue:?}"
        );
        assert_eq!(
            queue.iter().filter(|it| **it == party).count(),
            1,
            "{name}: {queue:?}"
        );
    }
}

/// Whether what a party waits for is there for it.
fn could_have(state: &Coordination, party: AgentId, want: &Want) -> bool {
    match want {
        Want::Locks(asks) => asks.iter().all(|ask| {
            let mut holders = state.holders(&ask.lock);
            state.waiting_for(LOCK, &ask.lock).next() == Some(party)
                && state.upgrading(&ask.lock).is_none()
                && !holders.any(|it| exclude(it.mode, ask.mode))
        }),
        Want::Upgrade(lock) => state.holders(lock).all(|it| it.party == party),
        Want::Permits { semaphore, permits } => {
            let free = state.semaphore(semaphore).unwrap().free;
            let first = state.waiting_for(SEMAPHORE, semaphore).next();
            first == Some(party) && free >= *permits
        }
        Want::Barrier { barrier, parties } => {
            let arrived = state.waiting_for(PrimitiveKind::Barrier, barrier).count();
            arrived >= *parties as usize
        }
        Want::Join { latches, need } => {
            let left: Vec<_> = latches.iter().map(|it| state.latch_left(it)).collect();
            let wanted = number(*need, latches.len());
            let done = left.iter().filter(|it| **it == Some(0)).count();
            let given_up = left.iter().filter(|it| it.is_none()).count();
            done >= wanted || latches.len() - given_up < wanted
        }
        Want::Quorum(quorum) => state.decision(quorum).is_some(),
        Want::Message => state.inbox(party).next().is_some(),
        Want::Answer { question, .. } => state.question(*question).is_none(),
        Want::Change { key, after_version } => state
            .entry(key)
            .is_some_and(|(version, _)| version > *after_version),
    }
}

fn number(need: Need, of: usize) -> usize {
    match need {
        Need::All => of,
        Need::Any => 1,
        Need::KOf(number) => number as usize,
    }
}

/// Those who would wait for ever if all others gave back what they hold and did what they can.
pub(crate) fn stuck(state: &Coordination) -> BTreeSet<AgentId> {
    let mut stuck: BTreeSet<AgentId> = state.waits().map(|(party, _)| party).collect();
    loop {
        let free = stuck.iter().copied().find(|it| goes_on(state, *it, &stuck));
        match free {
            Some(party) => stuck.remove(&party),
            None => return stuck,
        };
    }
}

fn goes_on(state: &Coordination, party: AgentId, stuck: &BTreeSet<AgentId>) -> bool {
    let moves = |it: AgentId| !stuck.contains(&it);
    let queue_moves = |kind, name: &PrimitiveName| {
        let mut ahead = state.waiting_for(kind, name).take_while(|it| *it != party);
        ahead.all(moves)
    };
    match &state.wait_of(party).unwrap().want {
        Want::Locks(asks) => asks.iter().all(|ask| {
            let mut holders = state.holders(&ask.lock);
            queue_moves(LOCK, &ask.lock)
                && state.upgrading(&ask.lock).is_none_or(moves)
                && holders.all(|it| moves(it.party) || !exclude(it.mode, ask.mode))
        }),
        Want::Upgrade(lock) => {
            let mut others = state.holders(lock).filter(|it| it.party != party);
            others.all(|it| moves(it.party))
        }
        Want::Permits { semaphore, permits } => {
            let it = state.semaphore(semaphore).unwrap();
            let back = it.holders.iter().filter(|it| moves(it.0)).map(|it| it.1);
            queue_moves(SEMAPHORE, semaphore) && it.free + back.sum::<u32>() >= *permits
        }
        Want::Join { latches, need } => {
            let possible = latches.iter().filter(|name| {
                let members: Vec<_> = state.latch_members(name).collect();
                match state.latch_left(name) {
                    Some(0) => true,
                    Some(_) => members.is_empty() || members.into_iter().any(moves),
                    None => false,
                }
            });
            possible.count() >= number(*need, latches.len())
        }
        Want::Answer { to, .. } => to.is_none_or(moves),
        Want::Barrier { .. } | Want::Quorum(_) | Want::Change { .. } | Want::Message => true,
    }
}

/// A deadlock that is told of is one: all of its cycle are stuck, each step is so, and the wait
/// that is ended is the one that the rule names.
pub(crate) fn check_fact(before: &Coordination, fact: &Fact) {
    let Fact::DeadlockBroken { victim, cycle } = fact else {
        return;
    };
    let stuck = stuck(before);
    for (place, step) in cycle.iter().enumerate() {
        assert!(
            stuck.contains(&step.party),
            "{step:?} is not stuck: {stuck:?}"
        );
        let next = cycle[(place + 1) % cycle.len()].party;
        assert!(
            waits_for(before, step, next),
            "{step:?} does not wait for {next}"
        );
    }
    let parties: BTreeSet<_> = cycle.iter().map(|it| it.party).collect();
    assert_eq!(parties.len(), cycle.len(), "a party is twice in {cycle:?}");
    let priority = |party| before.wait_of(party).unwrap().priority;
    let lowest = parties.iter().map(|it| priority(*it)).min().unwrap();
    let closer = cycle[0].party;
    let expected = if priority(closer) == lowest {
        closer
    } else {
        *parties
            .iter()
            .rev()
            .find(|it| priority(**it) == lowest)
            .unwrap()
    };
    assert_eq!(victim.party, expected, "{cycle:?}");
}

fn waits_for(state: &Coordination, step: &CycleStep, next: AgentId) -> bool {
    let want = &state.wait_of(step.party).unwrap().want;
    assert_eq!(want.kind(), step.kind);
    if let Want::Answer { question, to } = want {
        return step.name == PrimitiveName::from(*question) && *to == Some(next);
    }
    assert!(want.names().any(|it| *it == step.name));
    let ahead = |kind| {
        let mut ahead = state
            .waiting_for(kind, &step.name)
            .take_while(|it| *it != step.party);
        ahead.any(|it| it == next)
    };
    match step.kind {
        LOCK => {
            let mut holders = state.holders(&step.name);
            holders.any(|it| it.party == next) || ahead(LOCK)
        }
        SEMAPHORE => {
            let it = state.semaphore(&step.name).unwrap();
            it.holders.iter().any(|it| it.0 == next) || ahead(SEMAPHORE)
        }
        PrimitiveKind::Latch => state.latch_members(&step.name).any(|it| it == next),
        PrimitiveKind::Barrier
        | PrimitiveKind::Quorum
        | PrimitiveKind::Board
        | PrimitiveKind::Topic
        | PrimitiveKind::Inbox
        | PrimitiveKind::Question => false,
    }
}

/// Nobody who asked later for the same is granted first. Who upgrades has asked when it got the
/// lock that it holds.
pub(crate) fn check_fairness(before: &Coordination, facts: &[Fact], after: &Coordination) {
    for fact in facts {
        let Fact::Granted {
            asker, obtained, ..
        } = fact
        else {
            continue;
        };
        let (kind, names): (_, Vec<&PrimitiveName>) = match obtained {
            Obtained::Locks(held) => (LOCK, held.iter().map(|it| &it.lock).collect()),
            Obtained::Permits { semaphore, .. } => (SEMAPHORE, vec![semaphore]),
            _ => continue,
        };
        for name in names {
            let held_before = before.holders(name).any(|it| it.party == asker.party);
            if kind == LOCK && held_before {
                continue;
            }
            let upgrading = before.upgrading(name);
            let still = upgrading.is_some() && upgrading == after.upgrading(name);
            assert!(!still, "{} passed an upgrade of {name}", asker.party);
            let mut earlier = before
                .waiting_for(kind, name)
                .take_while(|it| *it != asker.party);
            let passed = earlier.find(|it| after.waiting_for(kind, name).any(|now| now == *it));
            assert_eq!(passed, None, "{} passed it for {name}", asker.party);
        }
    }
}

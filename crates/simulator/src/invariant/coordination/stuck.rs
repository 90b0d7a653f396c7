//! Who could go on, and who never can, worked out from scratch for each state of the books.

use super::book::{Book, Semaphore, Wait, number};
use super::{Moment, walk};
use crate::trace::Trace;
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{
    CycleStep, Fact, LockMode, Obtained, PrimitiveKind, PrimitiveName, Want,
};
use std::collections::BTreeSet;

/// Nobody waits for what is free, and who asked later is not granted first.
pub(in crate::invariant) fn awake(trace: &Trace) -> Result<(), String> {
    let mut passed: Vec<(AgentId, u64, AgentId)> = Vec::new();
    walk(&trace.records, |book, moment| match moment {
        Moment::Before(Fact::Granted {
            asker, obtained, ..
        }) => {
            passed.extend(passes(book, asker.party, obtained));
            Ok(())
        }
        Moment::Before(_) => Ok(()),
        Moment::Whole => {
            for (by, ticket, party) in passed.drain(..) {
                if book.waits.get(&party).is_some_and(|it| it.ticket == ticket) {
                    return Err(format!(
                        "{by} was granted before {party}, who asked earlier"
                    ));
                }
            }
            let free = |(party, wait): &(&AgentId, &Wait)| is_free(book, **party, wait);
            match book.waits.iter().find(free) {
                Some((party, wait)) => {
                    Err(format!("{party} waits for what is free: {:?}", wait.want))
                }
                None => Ok(()),
            }
        }
    })
}

/// Those who asked earlier for what a party is granted, and by which of their waits.
fn passes(book: &Book, by: AgentId, obtained: &Obtained) -> Vec<(AgentId, u64, AgentId)> {
    let (kind, names): (_, Vec<&PrimitiveName>) = match obtained {
        Obtained::Locks(held) => {
            let held = held.iter().map(|it| &it.lock);
            // Whoever upgrades has asked when it got the lock.
            let upgrades = |lock: &&PrimitiveName| {
                let holders = book.locks.get(*lock);
                holders.is_some_and(|it| it.contains_key(&by))
            };
            (
                PrimitiveKind::Lock,
                held.filter(|it| !upgrades(it)).collect(),
            )
        }
        Obtained::Permits { semaphore, .. } => (PrimitiveKind::Semaphore, vec![semaphore]),
        _ => return Vec::new(),
    };
    let ticket = book.waits.get(&by).map_or(u64::MAX, |wait| wait.ticket);
    let earlier = names
        .into_iter()
        .flat_map(|name| book.before(ticket, kind, name));
    let earlier = earlier.filter_map(|party| {
        let ticket = book.waits.get(&party)?.ticket;
        Some((by, ticket, party))
    });
    earlier.collect()
}

fn is_free(book: &Book, party: AgentId, wait: &Wait) -> bool {
    let is_first = |kind, name| book.before(wait.ticket, kind, name).next().is_none();
    match &wait.want {
        Want::Locks(asks) => asks.iter().all(|ask| {
            is_first(PrimitiveKind::Lock, &ask.lock)
                && book.upgrading(&ask.lock).is_none()
                && book.against(party, &ask.lock, ask.mode).next().is_none()
        }),
        Want::Upgrade(lock) => {
            let mut others = book.against(party, lock, LockMode::Exclusive);
            others.next().is_none()
        }
        Want::Permits { semaphore, permits } => {
            let free = book.semaphores.get(semaphore).map_or(0, Semaphore::free);
            is_first(PrimitiveKind::Semaphore, semaphore) && free >= *permits
        }
        Want::Barrier { barrier, parties } => {
            let arrived = book
                .before(u64::MAX, PrimitiveKind::Barrier, barrier)
                .count();
            u32::try_from(arrived).is_ok_and(|arrived| arrived >= *parties)
        }
        Want::Join { latches, need } => {
            let latches = latches.iter().filter_map(|name| book.latches.get(name));
            let (mut done, mut possible, mut all) = (0, 0, 0);
            for latch in latches {
                all += 1;
                done += usize::from(latch.left == 0);
                possible += usize::from(latch.left == 0 || !latch.is_given_up);
            }
            let wanted = number(*need, all);
            done >= wanted || possible < wanted
        }
        Want::Change { key, after_version } => {
            let version = book.board.get(key).copied().unwrap_or_default();
            version > *after_version
        }
        // The votes, inboxes and answers are in other books, or in none.
        Want::Quorum(_) | Want::Message | Want::Answer { .. } => false,
    }
}

/// Each deadlock that is broken was one, step by step, and none is left.
pub(in crate::invariant) fn deadlocks(trace: &Trace) -> Result<(), String> {
    walk(&trace.records, |book, moment| match moment {
        Moment::Before(Fact::DeadlockBroken { victim, cycle }) => {
            let stuck = stuck(book);
            let is_in = |step: &CycleStep| stuck.contains(&step.party);
            let nexts = cycle.iter().cycle().skip(1);
            let is_step = |(step, next): (&CycleStep, &CycleStep)| {
                is_in(step) && keeps(book, step, next.party)
            };
            let is_real = !cycle.is_empty() && cycle.iter().zip(nexts).all(is_step);
            let closer = cycle.first().map(|step| step.party);
            // All are as urgent as the others, so that it is whoever closed the cycle.
            if !is_real || closer != Some(victim.party) {
                return Err(format!(
                    "there is no such deadlock: {cycle:?}, and stuck are {stuck:?}"
                ));
            }
            Ok(())
        }
        Moment::Before(_) => Ok(()),
        Moment::Whole => {
            let stuck = stuck(book);
            if stuck.is_empty() {
                return Ok(());
            }
            Err(format!("a deadlock is left: {stuck:?} wait for each other"))
        }
    })
}

/// Those who wait for ever, even if all others give back what they have and do what they can.
fn stuck(book: &Book) -> BTreeSet<AgentId> {
    let mut stuck: BTreeSet<AgentId> = book.waits.keys().copied().collect();
    loop {
        let moves = |party: &AgentId| goes_on(book, *party, &stuck);
        let Some(party) = stuck.iter().copied().find(moves) else {
            return stuck;
        };
        stuck.remove(&party);
    }
}

fn goes_on(book: &Book, party: AgentId, stuck: &BTreeSet<AgentId>) -> bool {
    let Some(wait) = book.waits.get(&party) else {
        return true;
    };
    let moves = |it: AgentId| !stuck.contains(&it);
    let before = |kind, name| book.before(wait.ticket, kind, name);
    match &wait.want {
        Want::Locks(asks) => asks.iter().all(|ask| {
            before(PrimitiveKind::Lock, &ask.lock).all(moves)
                && book.upgrading(&ask.lock).is_none_or(moves)
                && book.against(party, &ask.lock, ask.mode).all(moves)
        }),
        Want::Upgrade(lock) => book.against(party, lock, LockMode::Exclusive).all(moves),
        Want::Permits { semaphore, permits } => {
            let it = book.semaphores.get(semaphore);
            let held = it.into_iter().flat_map(|it| &it.held);
            let back = held.filter(|(it, _)| moves(**it)).map(|(_, held)| held);
            let free = it.map_or(0, Semaphore::free) + back.sum::<u32>();
            before(PrimitiveKind::Semaphore, semaphore).all(moves) && free >= *permits
        }
        Want::Join { latches, need } => {
            let possible = latches.iter().filter(|name| {
                book.latches.get(*name).is_some_and(|it| {
                    let by_some = it.by.is_empty() || it.by.iter().any(|it| moves(*it));
                    it.left == 0 || (!it.is_given_up && by_some)
                })
            });
            possible.count() >= number(*need, latches.len())
        }
        Want::Answer { to, .. } => to.is_none_or(moves),
        // These can come from anybody.
        Want::Barrier { .. } | Want::Quorum(_) | Want::Change { .. } | Want::Message => true,
    }
}

/// Whether the next party of a cycle is what keeps one waiting.
fn keeps(book: &Book, step: &CycleStep, next: AgentId) -> bool {
    let Some(wait) = book.waits.get(&step.party) else {
        return false;
    };
    let is_before = |kind| {
        book.before(wait.ticket, kind, &step.name)
            .any(|it| it == next)
    };
    let names_it = wait.want.names().any(|it| *it == step.name);
    let holds = book
        .locks
        .get(&step.name)
        .is_some_and(|it| it.contains_key(&next));
    match &wait.want {
        Want::Locks(_) => names_it && (holds || is_before(PrimitiveKind::Lock)),
        Want::Upgrade(_) => names_it && holds,
        Want::Permits { semaphore, .. } => {
            let it = book.semaphores.get(semaphore);
            let has = it
                .and_then(|it| it.held.get(&next))
                .is_some_and(|held| *held > 0);
            names_it && (has || is_before(PrimitiveKind::Semaphore))
        }
        Want::Join { .. } => {
            let latch = book.latches.get(&step.name);
            names_it && latch.is_some_and(|it| it.by.contains(&next))
        }
        Want::Answer { question, to } => {
            step.name == PrimitiveName::from(*question) && *to == Some(next)
        }
        Want::Barrier { .. } | Want::Quorum(_) | Want::Change { .. } | Want::Message => false,
    }
}

//! Locks: shared, upgradable, exclusive, in sets taken all or nothing. One queue a lock, first
//! come first served; a set is granted when it stands first in all its queues and all is free.

use crate::Refusal;
use crate::bounds::{HOLDS_MAX, HOLDS_PER_PARTY_MAX, LOCKS_PER_REQUEST_MAX};
use crate::decide::{Ask, wait};
use crate::draft::Draft;
use crate::state::{Coordination, Party, Queue};
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{
    Fact, LockAsk, LockHeld, LockMode, Obtained, PrimitiveKind, PrimitiveName, Want,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lock {
    pub(crate) holders: BTreeMap<AgentId, Hold>,
    /// Its upgradable holder, while that waits for the others to leave. It goes before the
    /// queue: its place is that of the request by which it holds the lock.
    pub(crate) upgrading: Option<AgentId>,
    pub(crate) queue: Queue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hold {
    pub(crate) mode: LockMode,
    pub(crate) fence: u64,
}

impl Lock {
    pub(crate) fn is_waited_for(&self) -> bool {
        self.upgrading.is_some() || !self.queue.is_empty()
    }

    pub(crate) fn is_unused(&self) -> bool {
        self.holders.is_empty() && !self.is_waited_for()
    }

    fn admits(&self, mode: LockMode) -> bool {
        !self.is_waited_for() && self.holders.values().all(|it| mode.goes_with(it.mode))
    }
}

pub(crate) fn acquire(
    state: &Coordination,
    ask: &Ask,
    asks: &[LockAsk],
    deadline_ms: Option<u64>,
) -> Result<Vec<Fact>, Refusal> {
    check_set(state, ask, asks)?;
    let free = |it: &LockAsk| {
        let lock = state.locks.get(&it.lock);
        lock.is_none_or(|lock| lock.admits(it.mode))
    };
    if !asks.iter().all(free) {
        return wait(state, ask, Want::Locks(asks.to_vec()), deadline_ms);
    }
    let fences = state.counts.fence + 1..;
    let held = asks.iter().zip(fences).map(|(it, fence)| LockHeld {
        lock: it.lock.clone(),
        mode: it.mode,
        fence,
    });
    Ok(vec![ask.granted(Obtained::Locks(held.collect()))])
}

fn check_set(state: &Coordination, ask: &Ask, asks: &[LockAsk]) -> Result<(), Refusal> {
    let kind = PrimitiveKind::Lock;
    if asks.is_empty() {
        return Err(Refusal::NothingNamed { kind });
    }
    if asks.len() > LOCKS_PER_REQUEST_MAX {
        return Err(Refusal::TooMany {
            what: "locks in one request",
            found: asks.len(),
            max: LOCKS_PER_REQUEST_MAX,
        });
    }
    for (place, it) in asks.iter().enumerate() {
        if asks[..place].iter().any(|earlier| earlier.lock == it.lock) {
            return Err(Refusal::NamedTwice {
                kind,
                name: it.lock.clone(),
            });
        }
        let lock = state.locks.get(&it.lock);
        if let Some(hold) = lock.and_then(|lock| lock.holders.get(&ask.asker.party)) {
            return Err(Refusal::AlreadyHeld {
                lock: it.lock.clone(),
                mode: hold.mode,
            });
        }
    }
    check_holds(state, ask.asker.party, asks.len())
}

/// Whether a party may hold so many locks or semaphores more. What others wait for is not
/// counted: a wait is bounded as such, and the sum of both bounds is the bound.
pub(crate) fn check_holds(
    state: &Coordination,
    party: AgentId,
    more: usize,
) -> Result<(), Refusal> {
    let own = state.parties.get(&party).map_or(0, Party::holds);
    let bounds = [
        (
            "locks and semaphores that you hold",
            own,
            HOLDS_PER_PARTY_MAX,
        ),
        (
            "locks and semaphores held by all",
            state.counts.holds,
            HOLDS_MAX,
        ),
    ];
    for (what, held, max) in bounds {
        if held + more > max {
            let found = held + more;
            return Err(Refusal::TooMany { what, found, max });
        }
    }
    Ok(())
}

pub(crate) fn upgrade(
    state: &Coordination,
    ask: &Ask,
    name: &PrimitiveName,
    deadline_ms: Option<u64>,
) -> Result<Vec<Fact>, Refusal> {
    let lock = state.locks.get(name);
    let hold = lock.and_then(|lock| lock.holders.get(&ask.asker.party));
    let (Some(lock), Some(hold)) = (lock, hold) else {
        return Err(Refusal::NotHeld { lock: name.clone() });
    };
    match hold.mode {
        LockMode::Exclusive => Err(Refusal::AlreadyHeld {
            lock: name.clone(),
            mode: hold.mode,
        }),
        LockMode::Shared => Err(Refusal::NotUpgradable {
            lock: name.clone(),
            mode: hold.mode,
        }),
        LockMode::Upgradable if lock.holders.len() == 1 => {
            Ok(vec![ask.granted(upgraded(name, state.counts.fence + 1))])
        }
        LockMode::Upgradable => wait(state, ask, Want::Upgrade(name.clone()), deadline_ms),
    }
}

fn upgraded(lock: &PrimitiveName, fence: u64) -> Obtained {
    Obtained::Locks(vec![LockHeld {
        lock: lock.clone(),
        mode: LockMode::Exclusive,
        fence,
    }])
}

pub(crate) fn release(
    state: &Coordination,
    ask: &Ask,
    name: &PrimitiveName,
    fence: u64,
) -> Result<Vec<Fact>, Refusal> {
    let party = ask.asker.party;
    let lock = state.locks.get(name);
    let hold = lock.and_then(|lock| lock.holders.get(&party));
    let (Some(lock), Some(hold)) = (lock, hold) else {
        return Err(Refusal::NotHeld { lock: name.clone() });
    };
    if hold.fence != fence {
        return Err(Refusal::OldFence {
            lock: name.clone(),
            given: fence,
            current: hold.fence,
        });
    }
    if lock.upgrading == Some(party) {
        return Err(Refusal::UpgradeWaits { lock: name.clone() });
    }
    let fact = Fact::Released {
        asker: ask.asker,
        lock: name.clone(),
        fence,
    };
    if !lock.is_waited_for() {
        return Ok(vec![fact]);
    }
    let mut draft = Draft::new(state, fact);
    draft.hold(party, name.clone(), None);
    draft.settle();
    Ok(draft.facts)
}

/// Grants one lock to whoever is next, as long as there is somebody whom it admits.
pub(crate) fn settle(draft: &mut Draft<'_>, name: &PrimitiveName) {
    if let Some(party) = draft.upgrader(name) {
        if draft.holders(name).all(|(it, _)| it == party) {
            let fence = draft.next_fence();
            draft.grant(party, upgraded(name, fence));
            draft.hold(party, name.clone(), Some(LockMode::Exclusive));
        }
        return;
    }
    while let Some(party) = draft.first(PrimitiveKind::Lock, name) {
        let Some(asks) = grantable(draft, party) else {
            return;
        };
        let mut held = Vec::with_capacity(asks.len());
        for LockAsk { lock, mode } in asks {
            draft.hold(party, lock.clone(), Some(mode));
            let fence = draft.next_fence();
            held.push(LockHeld { lock, mode, fence });
        }
        draft.grant(party, Obtained::Locks(held));
    }
}

/// The set that a party waits for, if all of it is free and the party next everywhere.
fn grantable(draft: &Draft<'_>, party: AgentId) -> Option<Vec<LockAsk>> {
    let Want::Locks(asks) = &draft.wait(party)?.want else {
        return None;
    };
    let free = |ask: &LockAsk| {
        draft.first(PrimitiveKind::Lock, &ask.lock) == Some(party)
            && draft.upgrader(&ask.lock).is_none()
            && draft
                .holders(&ask.lock)
                .all(|(_, mode)| ask.mode.goes_with(mode))
    };
    asks.iter().all(free).then(|| asks.clone())
}

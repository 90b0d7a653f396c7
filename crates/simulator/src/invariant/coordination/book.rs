//! Who holds and awaits what, from the facts.

use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{
    Asker, Declaration, Fact, LockHeld, LockMode, Need, Obtained, PrimitiveKind, PrimitiveName,
    WaitId, Want,
};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(super) struct Book {
    pub(super) locks: BTreeMap<PrimitiveName, BTreeMap<AgentId, LockMode>>,
    pub(super) waits: BTreeMap<AgentId, Wait>,
    pub(super) semaphores: BTreeMap<PrimitiveName, Semaphore>,
    pub(super) latches: BTreeMap<PrimitiveName, Latch>,
    /// Versions of the entries of the board.
    pub(super) board: BTreeMap<PrimitiveName, u64>,
    /// The greatest number of a grant.
    fence: u64,
}

pub(super) struct Wait {
    pub(super) id: WaitId,
    pub(super) ticket: u64,
    pub(super) want: Want,
}

#[derive(Default)]
pub(super) struct Semaphore {
    pub(super) permits: u32,
    pub(super) held: BTreeMap<AgentId, u32>,
}

impl Semaphore {
    pub(super) fn free(&self) -> u32 {
        let held = self.held.values().sum();
        self.permits.saturating_sub(held)
    }
}

pub(super) struct Latch {
    pub(super) left: u32,
    pub(super) is_given_up: bool,
    /// Those who are to count it down and have not ended; nobody named is anybody.
    pub(super) by: BTreeSet<AgentId>,
}

pub(super) fn excludes(one: LockMode, other: LockMode) -> bool {
    match (one, other) {
        (LockMode::Exclusive, _) | (_, LockMode::Exclusive) => true,
        (LockMode::Upgradable, LockMode::Upgradable) => true,
        (LockMode::Shared | LockMode::Upgradable, LockMode::Shared)
        | (LockMode::Shared, LockMode::Upgradable) => false,
    }
}

pub(super) fn number(need: Need, of: usize) -> usize {
    match need {
        Need::All => of,
        Need::Any => 1,
        Need::KOf(number) => usize::try_from(number).unwrap_or(usize::MAX),
    }
}

impl Book {
    /// Whether a party may have this beside what others have.
    pub(super) fn may_have(&self, party: AgentId, obtained: &Obtained) -> Result<(), String> {
        match obtained {
            Obtained::Locks(held) => held.iter().try_fold(self.fence, |fence, held| {
                let holders = self.locks.get(&held.lock).into_iter().flatten();
                let mut others = holders.filter(|(other, _)| **other != party);
                let other = others.find(|(_, mode)| excludes(held.mode, **mode));
                if let Some((other, mode)) = other {
                    return Err(format!(
                        "{party} has {held:?} while {other} has it {mode:?}"
                    ));
                }
                if held.fence <= fence {
                    return Err(format!("{held:?} came after the number {fence}"));
                }
                Ok(held.fence)
            }),
            Obtained::Permits { semaphore, permits } => {
                let free = self.semaphores.get(semaphore).map_or(0, Semaphore::free);
                if *permits > free {
                    return Err(format!(
                        "{party} has {permits} permits of `{semaphore}`, of which {free} were free"
                    ));
                }
                Ok(self.fence)
            }
            _ => Ok(self.fence),
        }
        .map(drop)
    }

    pub(super) fn take(&mut self, fact: &Fact) {
        match fact {
            Fact::Waiting {
                asker,
                ticket,
                want,
                ..
            } => {
                let wait = Wait {
                    id: asker.wait,
                    ticket: *ticket,
                    want: want.clone(),
                };
                self.waits.insert(asker.party, wait);
            }
            Fact::Granted {
                asker, obtained, ..
            } => {
                self.waits_no_more(*asker);
                self.has(asker.party, obtained);
            }
            Fact::WaitEnded { asker, .. } | Fact::DeadlockBroken { victim: asker, .. } => {
                self.waits_no_more(*asker);
            }
            Fact::Cancelled { asker, wait } => self.waits_no_more(Asker {
                wait: *wait,
                ..*asker
            }),
            Fact::Released { asker, lock, .. } => {
                if let Some(holders) = self.locks.get_mut(lock) {
                    holders.remove(&asker.party);
                }
            }
            Fact::Returned {
                asker,
                semaphore,
                permits,
            } => {
                let it = self.semaphores.get_mut(semaphore);
                let held = it.and_then(|it| it.held.get_mut(&asker.party));
                held.into_iter()
                    .for_each(|held| *held = held.saturating_sub(*permits));
            }
            Fact::Declared {
                name, declaration, ..
            } => self.declared(name, declaration),
            Fact::CountedDown { latch, .. } => {
                let latch = self.latches.get_mut(latch).into_iter();
                latch.for_each(|it| it.left = it.left.saturating_sub(1));
            }
            Fact::GivenUp { latch, .. } => {
                let latch = self.latches.get_mut(latch).into_iter();
                latch.for_each(|it| it.is_given_up = true);
            }
            Fact::Written { key, version, .. } => {
                self.board.insert(key.clone(), *version);
            }
            Fact::PartyEnded { party } => self.ended(*party),
            Fact::Voted { .. }
            | Fact::WasRead { .. }
            | Fact::Subscribed { .. }
            | Fact::Unsubscribed { .. }
            | Fact::Published { .. }
            | Fact::DeadLetter(_)
            | Fact::Received { .. }
            | Fact::Asked { .. }
            | Fact::Answered { .. }
            | Fact::Unchanged { .. } => {}
        }
    }

    fn waits_no_more(&mut self, asker: Asker) {
        let waits = self.waits.get(&asker.party);
        if waits.is_some_and(|wait| wait.id == asker.wait) {
            self.waits.remove(&asker.party);
        }
    }

    fn has(&mut self, party: AgentId, obtained: &Obtained) {
        match obtained {
            Obtained::Locks(held) => {
                for LockHeld { lock, mode, fence } in held {
                    let holders = self.locks.entry(lock.clone()).or_default();
                    holders.insert(party, *mode);
                    self.fence = self.fence.max(*fence);
                }
            }
            Obtained::Permits { semaphore, permits } => {
                let it = self.semaphores.entry(semaphore.clone()).or_default();
                *it.held.entry(party).or_default() += permits;
            }
            _ => {}
        }
    }

    fn declared(&mut self, name: &PrimitiveName, declaration: &Declaration) {
        match declaration {
            Declaration::Semaphore { permits } => {
                self.semaphores.entry(name.clone()).or_default().permits = *permits;
            }
            Declaration::Latch { count, by } => {
                let latch = Latch {
                    left: *count,
                    is_given_up: false,
                    by: by.iter().copied().collect(),
                };
                self.latches.insert(name.clone(), latch);
            }
            Declaration::Quorum { .. } => {}
        }
    }

    fn ended(&mut self, party: AgentId) {
        self.waits.remove(&party);
        for holders in self.locks.values_mut() {
            holders.remove(&party);
        }
        for semaphore in self.semaphores.values_mut() {
            semaphore.held.remove(&party);
        }
        for latch in self.latches.values_mut() {
            let was_last = latch.by.remove(&party) && latch.by.is_empty();
            latch.is_given_up |= was_last && latch.left > 0;
        }
    }

    /// Who stands before a party in a queue, in no order; who upgrades stands in none.
    pub(super) fn before(
        &self,
        ticket: u64,
        kind: PrimitiveKind,
        name: &PrimitiveName,
    ) -> impl Iterator<Item = AgentId> {
        let stands = move |wait: &Wait| {
            let mut names = wait.want.names();
            let is_upgrade = matches!(wait.want, Want::Upgrade(_));
            !is_upgrade && wait.want.kind() == kind && names.any(|it| it == name)
        };
        let waits = self.waits.iter();
        let before = waits.filter(move |(_, wait)| wait.ticket < ticket && stands(wait));
        before.map(|(party, _)| *party)
    }

    /// Who waits to hold a lock alone that it holds.
    pub(super) fn upgrading(&self, lock: &PrimitiveName) -> Option<AgentId> {
        let upgrades = |wait: &Wait| matches!(&wait.want, Want::Upgrade(it) if it == lock);
        let mut waits = self.waits.iter();
        waits
            .find(|(_, wait)| upgrades(wait))
            .map(|(party, _)| *party)
    }

    /// Who but this party holds a lock so that it excludes this mode.
    pub(super) fn against(
        &self,
        party: AgentId,
        lock: &PrimitiveName,
        mode: LockMode,
    ) -> impl Iterator<Item = AgentId> {
        let holders = self.locks.get(lock).into_iter().flatten();
        let others = holders.filter(move |(it, held)| **it != party && excludes(**held, mode));
        others.map(|(it, _)| *it)
    }
}

//! The only code that changes the state. It decides nothing: each fact says what it changes, so
//! that a record is read in the same way by a later version with other rules.

mod letters;
mod waits;

use crate::barrier::{self, Barrier};
use crate::board::{self, Entry};
use crate::declare;
use crate::latch::{Latch, LatchState};
use crate::lock::Hold;
use crate::quorum::{Quorum, vote_bytes};
use crate::semaphore::Semaphore;
use crate::state::{Coordination, Party, Wait};
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{
    Asker, Declaration, Fact, LockHeld, Notice, Obtained, PrimitiveName, Told, WaitEnd,
};
use serde_json::Value;
use std::collections::btree_map::Entry as Place;
use std::sync::Arc;

impl Coordination {
    /// Makes a fact part of the state, and says whom to tell what. Facts are applied in the
    /// order in which they were decided, each once.
    pub fn apply(&mut self, fact: &Fact) -> Vec<Notice> {
        match fact {
            Fact::Waiting {
                asker,
                ticket,
                priority,
                deadline_ms,
                want,
            } => {
                let wait = Wait {
                    id: asker.wait,
                    ticket: *ticket,
                    priority: *priority,
                    deadline_ms: *deadline_ms,
                    want: want.clone(),
                };
                self.begin_wait(asker.party, wait);
                Vec::new()
            }
            Fact::Granted {
                asker,
                priority,
                obtained,
            } => self.granted(*asker, *priority, obtained),
            Fact::WaitEnded { asker, why } => {
                self.end_wait(asker.party);
                tell(*asker, Told::Ended(why.clone()))
            }
            Fact::DeadlockBroken { victim, cycle } => {
                self.end_wait(victim.party);
                tell(*victim, Told::Deadlock(cycle.clone()))
            }
            Fact::Cancelled { asker, wait } => {
                self.end_wait(asker.party);
                let cancelled = Asker {
                    party: asker.party,
                    wait: *wait,
                };
                let mut notices = tell(cancelled, Told::Ended(WaitEnd::Cancelled));
                notices.extend(tell(*asker, Told::Done));
                notices
            }
            Fact::WasRead { asker, key } => tell(*asker, self.entry_of(key)),
            Fact::PartyEnded { party } => {
                self.end_party(*party);
                Vec::new()
            }
            Fact::Subscribed { .. }
            | Fact::Unsubscribed { .. }
            | Fact::Published { .. }
            | Fact::DeadLetter(_)
            | Fact::Received { .. }
            | Fact::Asked { .. }
            | Fact::Answered { .. } => self.letter(fact),
            Fact::Released { .. }
            | Fact::Returned { .. }
            | Fact::Declared { .. }
            | Fact::CountedDown { .. }
            | Fact::GivenUp { .. }
            | Fact::Voted { .. }
            | Fact::Written { .. }
            | Fact::Unchanged { .. } => self.done(fact),
        }
    }

    /// What a party did of itself, and is told no more of than that it is done.
    fn done(&mut self, fact: &Fact) -> Vec<Notice> {
        let asker = match fact {
            Fact::Released { asker, lock, .. } => {
                self.unlock(asker.party, lock);
                asker
            }
            Fact::Returned {
                asker,
                semaphore,
                permits,
            } => {
                self.give_back(asker.party, semaphore, *permits);
                asker
            }
            Fact::Declared {
                asker,
                name,
                declaration,
            } => {
                self.declared(name, declaration);
                asker
            }
            Fact::CountedDown { asker, latch } => {
                self.move_latch(latch, |it| it.left = it.left.saturating_sub(1));
                asker
            }
            Fact::GivenUp { asker, latch } => {
                self.move_latch(latch, |it| it.given_up = true);
                asker
            }
            Fact::Voted {
                asker,
                quorum,
                choice,
            } => {
                self.counts.kept_bytes += vote_bytes(choice);
                if let Some(quorum) = self.quorums.get_mut(quorum) {
                    quorum.vote(asker.party, choice);
                }
                self.change_party(asker.party, |it| it.quorums.remove(quorum));
                asker
            }
            Fact::Written {
                asker,
                key,
                version,
                value,
            } => {
                self.write(key, *version, value);
                asker
            }
            Fact::Unchanged { asker } => asker,
            Fact::Waiting { .. }
            | Fact::Granted { .. }
            | Fact::WaitEnded { .. }
            | Fact::DeadlockBroken { .. }
            | Fact::WasRead { .. }
            | Fact::Cancelled { .. }
            | Fact::Subscribed { .. }
            | Fact::Unsubscribed { .. }
            | Fact::Published { .. }
            | Fact::DeadLetter(_)
            | Fact::Received { .. }
            | Fact::Asked { .. }
            | Fact::Answered { .. }
            | Fact::PartyEnded { .. } => return Vec::new(),
        };
        tell(*asker, Told::Done)
    }

    fn granted(&mut self, asker: Asker, priority: u8, obtained: &Obtained) -> Vec<Notice> {
        let party = asker.party;
        // What its run has taken for it leaves what it waits for itself.
        if self
            .wait_of(party)
            .is_some_and(|wait| wait.id == asker.wait)
        {
            self.end_wait(party);
        }
        let told = match obtained {
            Obtained::Changed { key, .. } => self.entry_of(key),
            other => Told::Obtained(other.clone()),
        };
        match obtained {
            Obtained::Locks(held) => {
                let own = self.parties.entry(party).or_default();
                own.priority = priority;
                own.locks.extend(held.iter().map(|it| it.lock.clone()));
                for it in held {
                    self.lock(party, it);
                }
            }
            Obtained::Permits { semaphore, permits } => {
                let own = self.parties.entry(party).or_default();
                own.priority = priority;
                own.semaphores.insert(semaphore.clone());
                if let Some(semaphore) = self.semaphores.get_mut(semaphore) {
                    semaphore.out += permits;
                    let held = semaphore.holders.entry(party).or_insert(0);
                    self.counts.holds += usize::from(*held == 0);
                    *held += permits;
                }
            }
            Obtained::Passed {
                barrier,
                parties,
                generation,
            } => self.barrier(barrier, *parties).generation = generation + 1,
            Obtained::Message(_) => self.take_letter(party),
            Obtained::Joined { .. }
            | Obtained::Decided { .. }
            | Obtained::Changed { .. }
            | Obtained::Answered { .. } => {}
        }
        tell(asker, told)
    }

    fn write(&mut self, key: &PrimitiveName, version: u64, value: &Arc<Value>) {
        let entry = Entry {
            version,
            value: value.clone(),
            bytes: board::bytes(key, value),
        };
        self.counts.kept_bytes += entry.bytes;
        let before = self.board.entries.insert(key.clone(), entry);
        self.counts.kept_bytes -= before.map_or(0, |it| it.bytes);
    }

    fn lock(&mut self, party: AgentId, it: &LockHeld) {
        let hold = Hold {
            mode: it.mode,
            fence: it.fence,
        };
        let lock = self.locks.entry(it.lock.clone()).or_default();
        let before = lock.holders.insert(party, hold);
        self.counts.holds += usize::from(before.is_none());
        self.counts.fence = self.counts.fence.max(it.fence);
    }

    fn unlock(&mut self, party: AgentId, name: &PrimitiveName) {
        if let Place::Occupied(mut place) = self.locks.entry(name.clone()) {
            let before = place.get_mut().holders.remove(&party);
            self.counts.holds -= usize::from(before.is_some());
            if place.get().is_unused() {
                place.remove();
            }
        }
        self.change_party(party, |it| it.locks.remove(name));
    }

    fn give_back(&mut self, party: AgentId, name: &PrimitiveName, permits: u32) {
        let Some(semaphore) = self.semaphores.get_mut(name) else {
            return;
        };
        let Place::Occupied(mut held) = semaphore.holders.entry(party) else {
            return;
        };
        let permits = permits.min(*held.get());
        semaphore.out -= permits;
        *held.get_mut() -= permits;
        if *held.get() == 0 {
            held.remove();
            self.counts.holds -= 1;
            self.change_party(party, |it| it.semaphores.remove(name));
        }
    }

    fn barrier(&mut self, name: &PrimitiveName, parties: u32) -> &mut Barrier {
        let kept_bytes = &mut self.counts.kept_bytes;
        self.barriers.entry(name.clone()).or_insert_with(|| {
            *kept_bytes += barrier::bytes(name);
            Barrier::new(parties)
        })
    }

    fn declared(&mut self, name: &PrimitiveName, declaration: &Declaration) {
        self.counts.kept_bytes += declare::bytes(name, declaration);
        let name = name.clone();
        let whole = declaration.clone();
        match declaration {
            Declaration::Semaphore { permits } => {
                self.semaphores.insert(name, Semaphore::new(*permits));
            }
            Declaration::Latch { count, by } => {
                for party in by {
                    let own = self.parties.entry(*party).or_default();
                    own.latches.insert(name.clone());
                }
                self.latches.insert(name, Latch::new(whole, *count, by));
            }
            Declaration::Quorum {
                electorate,
                threshold,
                ..
            } => {
                let quorum = Quorum::new(whole, electorate, *threshold);
                for party in quorum.outstanding.keys() {
                    let own = self.parties.entry(*party).or_default();
                    own.quorums.insert(name.clone());
                }
                self.quorums.insert(name, quorum);
            }
        }
    }

    /// Changes a latch. Once it is over, nobody is to do anything for it.
    fn move_latch(&mut self, name: &PrimitiveName, change: impl FnOnce(&mut Latch)) {
        let Some(latch) = self.latches.get_mut(name) else {
            return;
        };
        change(latch);
        if latch.state() != LatchState::Open {
            for party in std::mem::take(&mut latch.members) {
                self.change_party(party, |it| it.latches.remove(name));
            }
        }
    }

    fn end_party(&mut self, party: AgentId) {
        self.end_wait(party);
        let Some(own) = self.parties.get(&party).cloned() else {
            return;
        };
        for lock in &own.locks {
            self.unlock(party, lock);
        }
        for semaphore in &own.semaphores {
            self.give_back(party, semaphore, u32::MAX);
        }
        for name in &own.latches {
            self.move_latch(name, |it| {
                it.members.remove(&party);
                it.given_up = it.members.is_empty();
            });
        }
        for name in &own.quorums {
            if let Some(quorum) = self.quorums.get_mut(name) {
                quorum.outstanding.remove(&party);
            }
        }
        self.end_letters(party, &own);
        self.parties.remove(&party);
    }

    fn change_party(&mut self, party: AgentId, change: impl FnOnce(&mut Party) -> bool) {
        if let Some(own) = self.parties.get_mut(&party) {
            change(own);
            self.forget_if_idle(party);
        }
    }

    fn entry_of(&self, key: &PrimitiveName) -> Told {
        let entry = self.board.entries.get(key);
        Told::Entry {
            key: key.clone(),
            version: entry.map_or(0, |it| it.version),
            value: entry.map(|it| it.value.clone()),
        }
    }
}

fn tell(asker: Asker, told: Told) -> Vec<Notice> {
    vec![Notice { asker, told }]
}

//! A decision in the making: the state as it will be once the facts so far are applied, seen
//! through the few things that they change. It is looked at, never copied: a queue of ten
//! thousand costs a decision no more than a queue of one.

use crate::state::{Coordination, Wait};
use crate::{lock, semaphore};
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{
    Asker, CycleStep, Fact, LockMode, Obtained, PrimitiveKind, PrimitiveName, WaitEnd, Want,
};
use std::collections::{BTreeMap, BTreeSet};

/// The changes of a decision, over the state that it was made on.
pub(crate) struct Draft<'a> {
    pub(crate) state: &'a Coordination,
    pub(crate) facts: Vec<Fact>,
    /// The wait that this decision begins.
    begun: Option<(AgentId, Wait)>,
    /// Whose waits are over.
    over: BTreeSet<AgentId>,
    /// Locks held otherwise than in the state: none is no longer held.
    locks: BTreeMap<PrimitiveName, BTreeMap<AgentId, Option<LockMode>>>,
    /// Permits held otherwise than in the state.
    permits: BTreeMap<PrimitiveName, BTreeMap<AgentId, u32>>,
    pub(crate) latches_done: BTreeSet<PrimitiveName>,
    pub(crate) latches_given_up: BTreeSet<PrimitiveName>,
    /// The party whose end this decision is about.
    pub(crate) ended: Option<AgentId>,
    fence: u64,
    /// Locks and semaphores whose first in the queue may have become grantable.
    unsettled: BTreeSet<(PrimitiveKind, PrimitiveName)>,
    /// The ticket below which a queue holds only waits that are over, so that a decision that
    /// grants to many looks at each of them once.
    passed: BTreeMap<(PrimitiveKind, PrimitiveName), u64>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(state: &'a Coordination, fact: Fact) -> Self {
        let mut draft = Self::over(state);
        draft.facts.push(fact);
        draft
    }

    pub(crate) fn over(state: &'a Coordination) -> Self {
        Self {
            state,
            facts: Vec::new(),
            begun: None,
            over: BTreeSet::new(),
            locks: BTreeMap::new(),
            permits: BTreeMap::new(),
            latches_done: BTreeSet::new(),
            latches_given_up: BTreeSet::new(),
            ended: None,
            fence: state.counts.fence,
            unsettled: BTreeSet::new(),
            passed: BTreeMap::new(),
        }
    }

    pub(crate) fn begin_wait(&mut self, party: AgentId, wait: Wait) {
        self.begun = Some((party, wait));
    }

    /// What a party waits for, if its wait is not over.
    pub(crate) fn wait(&self, party: AgentId) -> Option<&Wait> {
        if self.over.contains(&party) {
            return None;
        }
        match &self.begun {
            Some((it, wait)) if *it == party => Some(wait),
            _ => self.state.wait_of(party),
        }
    }

    /// Those who wait for a primitive, first come first; who waits to upgrade a lock stands
    /// beside its queue.
    pub(crate) fn queue(
        &self,
        kind: PrimitiveKind,
        name: &PrimitiveName,
    ) -> impl Iterator<Item = AgentId> {
        let begun = self.begun.as_ref().filter(|(_, wait)| {
            let upgrade = matches!(wait.want, Want::Upgrade(_));
            !upgrade && wait.want.kind() == kind && wait.want.names().any(|it| it == name)
        });
        let from = self.passed_below(kind, name);
        let queue = self.state.queue(kind, name).into_iter();
        let waiting = queue.flat_map(move |it| it.range(from..).map(|(_, party)| *party));
        waiting
            .chain(begun.map(|(party, _)| *party))
            .filter(|party| !self.over.contains(party))
    }

    fn passed_below(&self, kind: PrimitiveKind, name: &PrimitiveName) -> u64 {
        if self.passed.is_empty() {
            return 0;
        }
        let place = (kind, name.clone());
        self.passed.get(&place).copied().unwrap_or(0)
    }

    pub(crate) fn first(&self, kind: PrimitiveKind, name: &PrimitiveName) -> Option<AgentId> {
        self.queue(kind, name).next()
    }

    /// Who stands before a ticket in a queue.
    pub(crate) fn before(
        &self,
        kind: PrimitiveKind,
        name: &PrimitiveName,
        ticket: u64,
    ) -> Option<AgentId> {
        let earlier = self.state.queue(kind, name)?.range(..ticket).rev();
        earlier
            .map(|(_, party)| *party)
            .find(|party| !self.over.contains(party))
    }

    /// Who waits to hold a lock alone that it holds already.
    pub(crate) fn upgrader(&self, lock: &PrimitiveName) -> Option<AgentId> {
        let begun = self.begun.as_ref().and_then(|(party, wait)| {
            matches!(&wait.want, Want::Upgrade(it) if it == lock).then_some(*party)
        });
        let waiting = self.state.locks.get(lock).and_then(|it| it.upgrading);
        begun.or(waiting).filter(|party| !self.over.contains(party))
    }

    pub(crate) fn holders(
        &self,
        lock: &PrimitiveName,
    ) -> impl Iterator<Item = (AgentId, LockMode)> {
        let changed = self.locks.get(lock);
        let held = self.state.locks.get(lock).into_iter();
        let kept = held
            .flat_map(|it| it.holders.iter().map(|(party, hold)| (*party, hold.mode)))
            .filter(move |(party, _)| !changed.is_some_and(|it| it.contains_key(party)));
        let new = changed.into_iter().flatten();
        kept.chain(new.filter_map(|(party, mode)| mode.map(|mode| (*party, mode))))
    }

    pub(crate) fn hold(&mut self, party: AgentId, lock: PrimitiveName, mode: Option<LockMode>) {
        self.unsettled.insert((PrimitiveKind::Lock, lock.clone()));
        self.locks.entry(lock).or_default().insert(party, mode);
    }

    /// Permits that a party holds.
    pub(crate) fn permits(&self, semaphore: &PrimitiveName, party: AgentId) -> u32 {
        let changed = self.permits.get(semaphore).and_then(|it| it.get(&party));
        let held = self.state.semaphores.get(semaphore);
        let held = held.and_then(|it| it.holders.get(&party));
        changed.or(held).copied().unwrap_or(0)
    }

    /// Who holds permits; also some who have just given all back.
    pub(crate) fn takers(&self, semaphore: &PrimitiveName) -> impl Iterator<Item = AgentId> {
        let held = self.state.semaphores.get(semaphore).into_iter();
        let changed = self.permits.get(semaphore);
        let kept = held
            .flat_map(|it| it.holders.keys())
            .filter(move |party| !changed.is_some_and(|it| it.contains_key(party)));
        let new = changed.into_iter().flat_map(BTreeMap::keys);
        kept.chain(new).copied()
    }

    /// Permits that nobody holds.
    pub(crate) fn free(&self, semaphore: &PrimitiveName) -> u32 {
        let Some(it) = self.state.semaphores.get(semaphore) else {
            return 0;
        };
        let (mut before, mut now) = (0, 0);
        for (party, held) in self.permits.get(semaphore).into_iter().flatten() {
            before += it.holders.get(party).copied().unwrap_or(0);
            now += held;
        }
        (it.free() + before) - now
    }

    pub(crate) fn set_permits(&mut self, party: AgentId, semaphore: &PrimitiveName, now: u32) {
        let place = (PrimitiveKind::Semaphore, semaphore.clone());
        self.unsettled.insert(place);
        self.permits
            .entry(semaphore.clone())
            .or_default()
            .insert(party, now);
    }

    pub(crate) fn next_fence(&mut self) -> u64 {
        self.fence += 1;
        self.fence
    }

    /// A wait that ends with what it was for.
    pub(crate) fn grant(&mut self, party: AgentId, obtained: Obtained) {
        let Some(wait) = self.wait(party) else {
            return;
        };
        let asker = Asker {
            party,
            wait: wait.id,
        };
        let priority = wait.priority;
        self.facts.push(Fact::Granted {
            asker,
            priority,
            obtained,
        });
        self.leave(party);
    }

    /// A wait that ends without.
    pub(crate) fn end(&mut self, party: AgentId, why: WaitEnd) {
        if let Some(asker) = self.asker(party) {
            self.facts.push(Fact::WaitEnded { asker, why });
            self.leave(party);
        }
    }

    pub(crate) fn break_deadlock(&mut self, party: AgentId, cycle: Vec<CycleStep>) {
        if let Some(victim) = self.asker(party) {
            self.facts.push(Fact::DeadlockBroken { victim, cycle });
            self.leave(party);
        }
    }

    fn asker(&self, party: AgentId) -> Option<Asker> {
        let wait = self.wait(party)?.id;
        Some(Asker { party, wait })
    }

    /// Takes a party out of the queues it stands in. Whoever stood behind it may be next.
    pub(crate) fn leave(&mut self, party: AgentId) {
        let Some(wait) = self.wait(party) else {
            return;
        };
        let kind = wait.want.kind();
        let settles = matches!(kind, PrimitiveKind::Lock | PrimitiveKind::Semaphore);
        let names: Vec<_> = wait.want.names().filter(|_| settles).cloned().collect();
        self.over.insert(party);
        for name in names {
            self.pass(kind, &name);
            self.unsettled.insert((kind, name));
        }
    }

    fn pass(&mut self, kind: PrimitiveKind, name: &PrimitiveName) {
        let from = self.passed_below(kind, name);
        let Some(queue) = self.state.queue(kind, name) else {
            return;
        };
        let over = queue
            .range(from..)
            .take_while(|it| self.over.contains(it.1));
        if let Some((last, _)) = over.last() {
            self.passed.insert((kind, name.clone()), last + 1);
        }
    }

    /// Grants until nobody waits for what is free. The order in which it looks does not matter:
    /// a grant takes nothing from anybody who stands first elsewhere.
    pub(crate) fn settle(&mut self) {
        while let Some((kind, name)) = self.unsettled.pop_first() {
            match kind {
                PrimitiveKind::Lock => lock::settle(self, &name),
                PrimitiveKind::Semaphore => semaphore::settle(self, &name),
                PrimitiveKind::Barrier
                | PrimitiveKind::Latch
                | PrimitiveKind::Quorum
                | PrimitiveKind::Board
                | PrimitiveKind::Topic
                | PrimitiveKind::Inbox
                | PrimitiveKind::Question => {}
            }
        }
    }
}

//! Priority inversion: whoever keeps an urgent party waiting is as urgent as that party. Queues
//! do not go by this; whoever hands out turns and workers does.

use crate::state::Coordination;
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{PrimitiveKind, PrimitiveName, Want};
use std::collections::BTreeSet;

impl Coordination {
    /// The highest of a party's own priority and those of all that wait for it, be it through
    /// others. 0 for a party that neither holds nor awaits anything.
    #[must_use]
    pub fn effective_priority(&self, party: AgentId) -> u8 {
        let mut seen = BTreeSet::from([party]);
        let mut open = vec![party];
        let mut highest = 0;
        while let Some(party) = open.pop() {
            let own = self.parties.get(&party).map_or(0, |it| it.priority);
            highest = highest.max(own);
            let waiting = self.kept_waiting_by(party).into_iter();
            open.extend(waiting.filter(|it| seen.insert(*it)));
        }
        highest
    }

    /// Those who wait for what a party holds or is to do, or behind it.
    pub(crate) fn kept_waiting_by(&self, party: AgentId) -> Vec<AgentId> {
        let Some(own) = self.parties.get(&party) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for name in &own.locks {
            self.kept_from_lock(name, party, &mut found);
        }
        let semaphores = own
            .semaphores
            .iter()
            .map(|it| (PrimitiveKind::Semaphore, it));
        let latches = own.latches.iter().map(|it| (PrimitiveKind::Latch, it));
        for (kind, name) in semaphores.chain(latches) {
            found.extend(
                self.queue(kind, name)
                    .into_iter()
                    .flat_map(|it| it.values()),
            );
        }
        let questions = own.asked.iter().filter_map(|it| self.questions.get(it));
        found.extend(questions.map(|it| it.asker.party));
        if let Some(wait) = &own.wait
            && matches!(wait.want, Want::Locks(_) | Want::Permits { .. })
        {
            for name in wait.want.names() {
                let queue = self.queue(wait.want.kind(), name).into_iter();
                let behind = queue.flat_map(|it| it.range(wait.ticket + 1..));
                found.extend(behind.map(|(_, party)| *party));
            }
        }
        found
    }

    /// Of those who wait for a lock that a party holds: the first whom that hinders, and all
    /// who stand behind.
    fn kept_from_lock(&self, name: &PrimitiveName, party: AgentId, found: &mut Vec<AgentId>) {
        let Some(lock) = self.locks.get(name) else {
            return;
        };
        let Some(hold) = lock.holders.get(&party) else {
            return;
        };
        // Who upgrades keeps the whole queue waiting, and every other holder keeps it waiting.
        let mut hindered = lock.upgrading.is_some();
        found.extend(lock.upgrading.filter(|it| *it != party));
        for waiting in lock.queue.values() {
            let want = self.wait_of(*waiting).map(|it| &it.want);
            if let Some(Want::Locks(asks)) = want
                && let Some(ask) = asks.iter().find(|it| it.lock == *name)
            {
                hindered |= !ask.mode.goes_with(hold.mode);
            }
            if hindered {
                found.push(*waiting);
            }
        }
    }
}

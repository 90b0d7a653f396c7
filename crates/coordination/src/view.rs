//! The state for whoever looks at it: who holds and awaits what. Nothing here decides.

use crate::question::Question;
use crate::quorum::Standing;
use crate::state::{Coordination, Queue, Wait};
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{
    DeadLetter, LockMode, PrimitiveKind, PrimitiveName, QuestionId,
};
use serde_json::Value;
use std::sync::Arc;

/// Who holds a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The party.
    pub party: AgentId,
    /// How.
    pub mode: LockMode,
    /// The number of its grant.
    pub fence: u64,
}

/// A semaphore as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SemaphoreView {
    /// How many permits there are.
    pub permits: u32,
    /// How many nobody holds.
    pub free: u32,
    /// Who holds how many.
    pub holders: Vec<(AgentId, u32)>,
}

impl Coordination {
    /// Whether nobody holds or awaits anything and nothing was declared or written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parties.is_empty() && self.locks.is_empty() && self.primitives() == 0
    }

    /// Whether a party holds or awaits anything, or is to do something that others count on.
    #[must_use]
    pub fn is_party(&self, party: AgentId) -> bool {
        self.parties.contains_key(&party)
    }

    /// All waits, by party.
    pub fn waits(&self) -> impl Iterator<Item = (AgentId, &Wait)> {
        let parties = self.parties.iter();
        parties.filter_map(|(party, it)| Some((*party, it.wait.as_ref()?)))
    }

    /// Locks that somebody holds or waits for.
    pub fn locks(&self) -> impl Iterator<Item = &PrimitiveName> {
        self.locks.keys()
    }

    /// Who holds a lock.
    pub fn holders<'a>(&'a self, lock: &PrimitiveName) -> impl Iterator<Item = Holder> + use<'a> {
        let holders = self.locks.get(lock).into_iter().flat_map(|it| &it.holders);
        holders.map(|(party, hold)| Holder {
            party: *party,
            mode: hold.mode,
            fence: hold.fence,
        })
    }

    /// The holder of a lock that waits to hold it alone.
    #[must_use]
    pub fn upgrading(&self, lock: &PrimitiveName) -> Option<AgentId> {
        self.locks.get(lock)?.upgrading
    }

    /// Who waits for a primitive, first come first; who waits to upgrade a lock is not in its
    /// queue.
    pub fn waiting_for<'a>(
        &'a self,
        kind: PrimitiveKind,
        name: &PrimitiveName,
    ) -> impl Iterator<Item = AgentId> + use<'a> {
        let queue = self.queue(kind, name).into_iter();
        queue.flat_map(Queue::values).copied()
    }

    /// A semaphore, if it was declared.
    #[must_use]
    pub fn semaphore(&self, name: &PrimitiveName) -> Option<SemaphoreView> {
        let it = self.semaphores.get(name)?;
        let holders = it.holders.iter().map(|(party, held)| (*party, *held));
        Some(SemaphoreView {
            permits: it.permits,
            free: it.free(),
            holders: holders.collect(),
        })
    }

    /// How often a latch is still to be counted down, if it was declared; none once it was
    /// given up.
    #[must_use]
    pub fn latch_left(&self, name: &PrimitiveName) -> Option<u32> {
        let latch = self.latches.get(name)?;
        (latch.left == 0 || !latch.given_up).then_some(latch.left)
    }

    /// Those who are named to count a latch down and have not ended; none while anybody may, or
    /// once it is over.
    pub fn latch_members<'a>(
        &'a self,
        name: &PrimitiveName,
    ) -> impl Iterator<Item = AgentId> + use<'a> {
        let latch = self.latches.get(name).into_iter();
        latch.flat_map(|it| it.members.iter().copied())
    }

    /// What a quorum decided for, if it did.
    #[must_use]
    pub fn decision(&self, quorum: &PrimitiveName) -> Option<Arc<Value>> {
        match self.quorums.get(quorum)?.standing() {
            Standing::Decided(choice) => Some(choice),
            Standing::Open | Standing::CannotBeMet => None,
        }
    }

    /// An entry of the board: its version and its value.
    #[must_use]
    pub fn entry(&self, key: &PrimitiveName) -> Option<(u64, &Arc<Value>)> {
        let entry = self.board.entries.get(key)?;
        Some((entry.version, &entry.value))
    }

    /// Topics to which somebody has subscribed or published.
    pub fn topics(&self) -> impl Iterator<Item = &PrimitiveName> {
        self.topics.keys()
    }

    /// Who gets what is published in a topic.
    pub fn subscribers<'a>(
        &'a self,
        topic: &PrimitiveName,
    ) -> impl Iterator<Item = AgentId> + use<'a> {
        let topic = self.topics.get(topic).into_iter();
        topic.flat_map(|it| it.subscribers.iter().copied())
    }

    /// How much was published in a topic.
    #[must_use]
    pub fn published(&self, topic: &PrimitiveName) -> u64 {
        self.topics.get(topic).map_or(0, |it| it.sequence)
    }

    /// Questions that are not answered yet, the oldest first.
    pub fn questions(&self) -> impl Iterator<Item = (QuestionId, &Question)> {
        self.questions.iter().map(|(id, it)| (*id, it))
    }

    /// A question, if it is not answered yet.
    #[must_use]
    pub fn question(&self, id: QuestionId) -> Option<&Question> {
        self.questions.get(&id)
    }

    /// The last of the messages that did not reach all they were for, the oldest first.
    pub fn dead_letters(&self) -> impl Iterator<Item = &DeadLetter> {
        self.dead_letters.kept.iter()
    }

    /// How many messages ever did not reach somebody: one for each whom one did not reach, and
    /// one where there was nobody to reach.
    #[must_use]
    pub fn dead_letters_total(&self) -> u64 {
        self.dead_letters.total
    }

    pub(crate) fn queue(&self, kind: PrimitiveKind, name: &PrimitiveName) -> Option<&Queue> {
        match kind {
            PrimitiveKind::Lock => Some(&self.locks.get(name)?.queue),
            PrimitiveKind::Semaphore => Some(&self.semaphores.get(name)?.queue),
            PrimitiveKind::Barrier => Some(&self.barriers.get(name)?.queue),
            PrimitiveKind::Latch => Some(&self.latches.get(name)?.queue),
            PrimitiveKind::Quorum => Some(&self.quorums.get(name)?.queue),
            PrimitiveKind::Board => self.board.watches.get(name),
            PrimitiveKind::Topic | PrimitiveKind::Inbox | PrimitiveKind::Question => None,
        }
    }
}

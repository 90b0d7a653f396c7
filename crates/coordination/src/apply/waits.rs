//! How a wait enters the queues and leaves them, the deadlines and the counts with it.

use crate::lock::Lock;
use crate::state::{Coordination, Queue, Wait};
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{PrimitiveKind, PrimitiveName, Want};

impl Coordination {
    pub(super) fn begin_wait(&mut self, party: AgentId, wait: Wait) {
        self.counts.ticket = wait.ticket;
        self.counts.waits += 1;
        self.counts.waited_names += wait.want.names().count();
        if let Some(at_ms) = wait.deadline_ms {
            self.deadlines.insert((at_ms, party));
        }
        match &wait.want {
            Want::Upgrade(name) => {
                self.locks.entry(name.clone()).or_default().upgrading = Some(party);
            }
            Want::Barrier { barrier, parties } => {
                let barrier = self.barrier(barrier, *parties);
                barrier.queue.insert(wait.ticket, party);
            }
            Want::Locks(_)
            | Want::Permits { .. }
            | Want::Join { .. }
            | Want::Quorum(_)
            | Want::Change { .. }
            | Want::Message
            | Want::Answer { .. } => {
                for name in wait.want.names() {
                    if let Some(queue) = self.queue_mut(wait.want.kind(), name) {
                        queue.insert(wait.ticket, party);
                    }
                }
            }
        }
        let own = self.parties.entry(party).or_default();
        own.priority = wait.priority;
        own.wait = Some(wait);
    }

    /// The queue of a primitive; one of a lock or of a watched entry comes into being.
    fn queue_mut(&mut self, kind: PrimitiveKind, name: &PrimitiveName) -> Option<&mut Queue> {
        match kind {
            PrimitiveKind::Lock => Some(&mut self.locks.entry(name.clone()).or_default().queue),
            PrimitiveKind::Semaphore => Some(&mut self.semaphores.get_mut(name)?.queue),
            PrimitiveKind::Barrier => Some(&mut self.barriers.get_mut(name)?.queue),
            PrimitiveKind::Latch => Some(&mut self.latches.get_mut(name)?.queue),
            PrimitiveKind::Quorum => Some(&mut self.quorums.get_mut(name)?.queue),
            PrimitiveKind::Board => Some(self.board.watches.entry(name.clone()).or_default()),
            PrimitiveKind::Topic | PrimitiveKind::Inbox | PrimitiveKind::Question => None,
        }
    }

    /// Takes a party out of all queues, if it waits.
    pub(super) fn end_wait(&mut self, party: AgentId) {
        let own = self.parties.get_mut(&party);
        let Some(wait) = own.and_then(|it| it.wait.take()) else {
            return;
        };
        self.counts.waits -= 1;
        self.counts.waited_names -= wait.want.names().count();
        if let Some(at_ms) = wait.deadline_ms {
            self.deadlines.remove(&(at_ms, party));
        }
        if let Want::Answer { question, .. } = wait.want {
            self.close_question(question);
        }
        let kind = wait.want.kind();
        for name in wait.want.names() {
            if let Want::Upgrade(_) = wait.want
                && let Some(lock) = self.locks.get_mut(name)
            {
                lock.upgrading = None;
            } else if let Some(queue) = self.queue_mut(kind, name) {
                queue.remove(&wait.ticket);
            }
            self.tidy(kind, name);
        }
        self.forget_if_idle(party);
    }

    /// Forgets a lock that nobody uses and the watches of an entry that nobody watches.
    fn tidy(&mut self, kind: PrimitiveKind, name: &PrimitiveName) {
        match kind {
            PrimitiveKind::Lock => {
                if self.locks.get(name).is_some_and(Lock::is_unused) {
                    self.locks.remove(name);
                }
            }
            PrimitiveKind::Board => {
                if self.board.watches.get(name).is_some_and(Queue::is_empty) {
                    self.board.watches.remove(name);
                }
            }
            PrimitiveKind::Semaphore
            | PrimitiveKind::Barrier
            | PrimitiveKind::Latch
            | PrimitiveKind::Quorum
            | PrimitiveKind::Topic
            | PrimitiveKind::Inbox
            | PrimitiveKind::Question => {}
        }
    }
}

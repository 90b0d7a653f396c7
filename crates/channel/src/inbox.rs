//! A bounded queue in three lanes. Senders that wait for room get it in the order in which they
//! came; everything else is behind one lock, which is held for a few moves and never awaited under.

use crate::ChannelError;
use crate::dead_letters::Ledger;
use crate::lane::{CONTROL_MESSAGES_MAX, Lane};
use crate::sync::{Mutex, MutexGuard, within};
use crate::transport::Inbox;
use leadhand_protocol::{Address, AgentId, Envelope};
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit, TryAcquireError};
use tokio::task::coop::cooperative;
use tokio::time::Instant;

/// The receiving end of an inbox in this process.
#[derive(Debug)]
pub struct LocalInbox(Arc<Shared>);

/// The sending end.
#[derive(Debug)]
pub(crate) struct Slot(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    owner: Address,
    ledger: Arc<Ledger>,
    /// The room left in each lane; closed when the receiver goes.
    room: [Semaphore; 3],
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// In boxes: a queue makes room for several messages at once, and most inboxes get few.
    lanes: [VecDeque<Box<Envelope>>; 3],
    /// How many messages were sent here, by sender and lane. Some 40 bytes a sender stay as long as
    /// the inbox: what an agent has sent may be read after its end.
    sent: HashMap<Option<AgentId>, [u64; 3]>,
    /// Who waits for a message.
    reader: Option<Waker>,
    sender_is_gone: bool,
    receiver_is_gone: bool,
}

/// An inbox for `owner` that holds up to `messages_max` messages of work, at least one.
pub(crate) fn inbox(
    owner: &Address,
    messages_max: usize,
    ledger: &Arc<Ledger>,
) -> (Slot, LocalInbox) {
    let shared = Arc::new(Shared {
        owner: owner.clone(),
        ledger: Arc::clone(ledger),
        room: Lane::ALL.map(|lane| match lane {
            Lane::Cancel | Lane::Steer => Semaphore::new(CONTROL_MESSAGES_MAX),
            Lane::Work => Semaphore::new(messages_max.clamp(1, Semaphore::MAX_PERMITS)),
        }),
        queue: Mutex::default(),
    });
    (Slot(Arc::clone(&shared)), LocalInbox(shared))
}

impl Shared {
    /// The queue is whole after every statement, so a panic cannot have spoiled it.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers an envelope and puts it in its lane before another is numbered: so the order in a
    /// lane is the order of the numbers, whoever else sends. One that finds no receiver takes no
    /// number, and is given back.
    fn put(&self, mut envelope: Envelope) -> Option<Envelope> {
        let mut queue = self.lock();
        if queue.receiver_is_gone {
            return Some(envelope);
        }
        let lane = Lane::of(&envelope.message) as usize;
        let next = &mut queue.sent.entry(envelope.id.agent).or_default()[lane];
        envelope.sequence = *next;
        *next += 1;
        queue.lanes[lane].push_back(Box::new(envelope));
        let reader = queue.reader.take();
        drop(queue);
        if let Some(reader) = reader {
            reader.wake();
        }
        None
    }

    fn poll_next(&self, context: &mut Context<'_>) -> Poll<Option<Envelope>> {
        let mut queue = self.lock();
        for (lane, room) in queue.lanes.iter_mut().zip(&self.room) {
            if let Some(envelope) = lane.pop_front() {
                room.add_permits(1);
                return Poll::Ready(Some(*envelope));
            }
        }
        if queue.sender_is_gone {
            return Poll::Ready(None);
        }
        match &mut queue.reader {
            Some(reader) => reader.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}

impl Inbox for LocalInbox {
    async fn recv(&mut self) -> Option<Envelope> {
        loop {
            let next = poll_fn(|context| self.0.poll_next(context));
            let envelope = cooperative(next).await?;
            if let Some(envelope) = self.0.ledger.in_time(envelope) {
                return Some(envelope);
            }
        }
    }
}

impl Drop for LocalInbox {
    fn drop(&mut self) {
        let Shared {
            owner,
            ledger,
            room,
            ..
        } = &*self.0;
        let unread = {
            let mut queue = self.0.lock();
            queue.receiver_is_gone = true;
            queue.reader = None;
            std::mem::take(&mut queue.lanes)
        };
        room.iter().for_each(Semaphore::close);
        for envelope in unread.into_iter().flatten() {
            let why = ChannelError::Unread {
                to: owner.clone(),
                kind: envelope.message.kind(),
            };
            ledger.bury(*envelope, why);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let reader = {
            let mut queue = self.0.lock();
            queue.sender_is_gone = true;
            queue.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl Slot {
    /// Whether nobody will ever read what is sent here.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.lock().receiver_is_gone
    }

    /// See [`crate::Transport::send`].
    pub(crate) async fn send(
        &self,
        envelope: Envelope,
        wait: Option<Duration>,
    ) -> Result<(), ChannelError> {
        match self.room(&envelope, wait).await {
            Ok(room) => room.forget(),
            Err(why) => return Err(self.0.ledger.bury(envelope, why)),
        }
        // The receiver may have gone since there was room.
        match self.0.put(envelope) {
            None => Ok(()),
            Some(envelope) => {
                let why = self.gone(&envelope);
                Err(self.0.ledger.bury(envelope, why))
            }
        }
    }

    fn gone(&self, envelope: &Envelope) -> ChannelError {
        ChannelError::Gone {
            to: self.0.owner.clone(),
            kind: envelope.message.kind(),
        }
    }

    /// A place for an envelope; no timer is made where there is one at once.
    async fn room(
        &self,
        envelope: &Envelope,
        wait: Option<Duration>,
    ) -> Result<SemaphorePermit<'_>, ChannelError> {
        let left = self.0.ledger.left(envelope)?;
        let room = &self.0.room[Lane::of(&envelope.message) as usize];
        match room.try_acquire() {
            Ok(room) => return Ok(room),
            Err(TryAcquireError::Closed) => return Err(self.gone(envelope)),
            Err(TryAcquireError::NoPermits) => {}
        }
        let began = Instant::now();
        let shortest = wait.into_iter().chain(left).min();
        match within(shortest, room.acquire()).await {
            Some(Ok(room)) => Ok(room),
            Some(Err(_)) => Err(self.gone(envelope)),
            None => {
                self.0.ledger.left(envelope)?;
                Err(ChannelError::TimedOut {
                    to: self.0.owner.clone(),
                    kind: envelope.message.kind(),
                    waited_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
                })
            }
        }
    }

    /// See [`crate::Transport::try_send`].
    pub(crate) fn try_send(&self, envelope: Envelope) -> bool {
        let room = self.0.room[Lane::of(&envelope.message) as usize].try_acquire();
        let sent = room.is_ok_and(|room| {
            room.forget();
            self.0.put(envelope).is_none()
        });
        if !sent {
            self.0.ledger.count_dropped_progress();
        }
        sent
    }
}

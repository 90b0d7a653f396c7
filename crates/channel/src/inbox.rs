//! A bounded queue in three lanes, over channels of tokio.

use crate::ChannelError;
use crate::dead_letters::Ledger;
use crate::lane::{CONTROL_MESSAGES_MAX, Lane, Sequences};
use crate::transport::Inbox;
use leadhand_protocol::{Address, Envelope};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Permit, Receiver, Sender};
use tokio::time::{Instant, timeout};

/// The receiving end of an inbox in this process.
#[derive(Debug)]
pub struct LocalInbox {
    owner: Address,
    /// In boxes: a channel makes room for many messages when it comes into being, and most inboxes
    /// get few.
    lanes: [Receiver<Box<Envelope>>; 3],
    sequences: Arc<Sequences>,
    ledger: Arc<Ledger>,
}

/// The sending end.
#[derive(Debug)]
pub(crate) struct Slot {
    owner: Address,
    lanes: [Sender<Box<Envelope>>; 3],
    sequences: Arc<Sequences>,
    ledger: Arc<Ledger>,
}

/// An inbox for `owner` that holds up to `messages_max` messages of work, at least one.
pub(crate) fn inbox(
    owner: &Address,
    messages_max: usize,
    ledger: &Arc<Ledger>,
) -> (Slot, LocalInbox) {
    let lanes = Lane::ALL.map(|lane| match lane {
        Lane::Cancel | Lane::Steer => mpsc::channel(CONTROL_MESSAGES_MAX),
        Lane::Work => mpsc::channel(messages_max.max(1)),
    });
    let [
        (cancels, cancels_end),
        (steers, steers_end),
        (work, work_end),
    ] = lanes;
    let sequences = Arc::new(Sequences::default());
    let slot = Slot {
        owner: owner.clone(),
        lanes: [cancels, steers, work],
        sequences: Arc::clone(&sequences),
        ledger: Arc::clone(ledger),
    };
    let inbox = LocalInbox {
        owner: owner.clone(),
        lanes: [cancels_end, steers_end, work_end],
        sequences,
        ledger: Arc::clone(ledger),
    };
    (slot, inbox)
}

impl LocalInbox {
    /// The next message, wanted or not.
    async fn next(&mut self) -> Option<Envelope> {
        poll_fn(|context| {
            let mut all_closed = true;
            for lane in &mut self.lanes {
                match lane.poll_recv(context) {
                    Poll::Ready(Some(envelope)) => return Poll::Ready(Some(*envelope)),
                    Poll::Ready(None) => {}
                    Poll::Pending => all_closed = false,
                }
            }
            if all_closed {
                Poll::Ready(None)
            } else {
                Poll::Pending
            }
        })
        .await
    }
}

impl Inbox for LocalInbox {
    async fn recv(&mut self) -> Option<Envelope> {
        loop {
            let envelope = self.next().await?;
            if let Some(envelope) = self.ledger.in_time(envelope) {
                return Some(envelope);
            }
        }
    }
}

impl Drop for LocalInbox {
    fn drop(&mut self) {
        let Self {
            owner,
            lanes,
            sequences,
            ledger,
        } = self;
        // A sender that has room would otherwise put its message in after all were taken out.
        sequences.while_nobody_puts(|| {
            for lane in lanes {
                lane.close();
                while let Ok(envelope) = lane.try_recv() {
                    let why = ChannelError::Unread {
                        to: owner.clone(),
                        kind: envelope.message.kind(),
                    };
                    ledger.bury(*envelope, why);
                }
            }
        });
    }
}

impl Slot {
    /// Whether nobody will ever read what is sent here.
    pub(crate) fn is_closed(&self) -> bool {
        self.lane(Lane::Work).is_closed()
    }

    fn lane(&self, lane: Lane) -> &Sender<Box<Envelope>> {
        &self.lanes[lane as usize]
    }

    /// See [`crate::Transport::send`].
    pub(crate) async fn send(
        &self,
        envelope: Envelope,
        wait: Option<Duration>,
    ) -> Result<(), ChannelError> {
        match self.room(&envelope, wait).await {
            Ok(room) => self.sequences.put(envelope, |envelope| {
                // The receiver may have gone since there was room.
                if self.is_closed() {
                    let why = self.gone(&envelope);
                    return Err(self.ledger.bury(envelope, why));
                }
                room.send(Box::new(envelope));
                Ok(())
            }),
            Err(why) => Err(self.ledger.bury(envelope, why)),
        }
    }

    fn gone(&self, envelope: &Envelope) -> ChannelError {
        ChannelError::Gone {
            to: self.owner.clone(),
            kind: envelope.message.kind(),
        }
    }

    /// A place for an envelope; no timer is made where there is one at once.
    async fn room(
        &self,
        envelope: &Envelope,
        wait: Option<Duration>,
    ) -> Result<Permit<'_, Box<Envelope>>, ChannelError> {
        let left = self.ledger.left(envelope)?;
        let lane = self.lane(Lane::of(&envelope.message));
        match lane.try_reserve() {
            Ok(room) => return Ok(room),
            Err(TrySendError::Closed(())) => return Err(self.gone(envelope)),
            Err(TrySendError::Full(())) => {}
        }
        let began = Instant::now();
        let shortest = wait.into_iter().chain(left).min();
        match within(shortest, lane.reserve()).await {
            Some(Ok(room)) => Ok(room),
            Some(Err(_)) => Err(self.gone(envelope)),
            None => {
                self.ledger.left(envelope)?;
                Err(ChannelError::TimedOut {
                    to: self.owner.clone(),
                    kind: envelope.message.kind(),
                    waited_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
                })
            }
        }
    }

    /// See [`crate::Transport::try_send`].
    pub(crate) fn try_send(&self, envelope: Envelope) -> bool {
        let room = self.lane(Lane::of(&envelope.message)).try_reserve();
        let sent = room.is_ok_and(|room| {
            let put = self.sequences.put(envelope, |envelope| {
                if self.is_closed() {
                    return Err(self.gone(&envelope));
                }
                room.send(Box::new(envelope));
                Ok(())
            });
            put.is_ok()
        });
        if !sent {
            self.ledger.count_dropped_progress();
        }
        sent
    }
}

/// The outcome of `work`, or nothing when it takes longer than `wait`.
async fn within<T>(wait: Option<Duration>, work: impl Future<Output = T>) -> Option<T> {
    match wait {
        Some(wait) => timeout(wait, work).await.ok(),
        None => Some(work.await),
    }
}

//! A bounded queue with two lanes: what controls an agent overtakes what gives it work.

use crate::ChannelError;
use crate::dead_letters::Ledger;
use crate::stamp::Stamp;
use leadhand_protocol::{Address, Envelope, Message};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::{Instant, timeout};

/// Control messages that may wait in an inbox beside its work. One would do: they say
/// nothing that another one of them does not.
pub const CONTROL_MESSAGES_MAX: usize = 16;

/// The receiving end. What is left in it when it is dropped becomes dead letters.
#[derive(Debug)]
pub(crate) struct Inbox {
    owner: Address,
    control: Receiver<Envelope>,
    work: Receiver<Envelope>,
    ledger: Arc<Ledger>,
}

/// The sending end.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    owner: Address,
    control: Sender<Envelope>,
    work: Sender<Envelope>,
    ledger: Arc<Ledger>,
}

/// An inbox for `owner` that holds up to `messages_max` messages of work, at least one.
pub(crate) fn inbox(owner: Address, messages_max: usize, ledger: &Arc<Ledger>) -> (Slot, Inbox) {
    let (control, control_end) = mpsc::channel(CONTROL_MESSAGES_MAX);
    let (work, work_end) = mpsc::channel(messages_max.max(1));
    let slot = Slot {
        owner,
        control,
        work,
        ledger: Arc::clone(ledger),
    };
    let inbox = Inbox {
        owner,
        control: control_end,
        work: work_end,
        ledger: Arc::clone(ledger),
    };
    (slot, inbox)
}

impl Inbox {
    /// The next message, control first; `None` when every sender is gone and all is read.
    /// May be dropped at any await without losing a message.
    pub(crate) async fn recv(&mut self) -> Option<Envelope> {
        poll_fn(|context| {
            let control = self.control.poll_recv(context);
            if let Poll::Ready(Some(envelope)) = control {
                return Poll::Ready(Some(envelope));
            }
            match self.work.poll_recv(context) {
                Poll::Ready(None) if control.is_pending() => Poll::Pending,
                work => work,
            }
        })
        .await
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        for lane in [&mut self.control, &mut self.work] {
            lane.close();
            while let Ok(envelope) = lane.try_recv() {
                let why = ChannelError::Unread {
                    to: self.owner,
                    kind: envelope.message.kind(),
                };
                self.ledger.bury(envelope, why);
            }
        }
    }
}

impl Slot {
    /// Whether nobody will ever read what is sent here.
    pub(crate) fn is_closed(&self) -> bool {
        self.work.is_closed()
    }

    /// Waits for room, at most for `wait` if given, then sends. Dropped while it waits, it
    /// has sent nothing.
    pub(crate) async fn send(
        &self,
        stamp: &Stamp,
        message: Message,
        wait: Option<Duration>,
    ) -> Result<(), ChannelError> {
        let lane = self.lane(&message);
        let kind = message.kind();
        let to = self.owner;
        let began = Instant::now();
        let why = match within(wait, lane.reserve()).await {
            // Room may have been given just before the receiver went.
            Some(Ok(room)) if !lane.is_closed() => {
                stamp.put(to, message, |envelope| room.send(envelope));
                return Ok(());
            }
            Some(_) => ChannelError::Gone { to, kind },
            None => ChannelError::TimedOut {
                to,
                kind,
                waited_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            },
        };
        Err(stamp.put(to, message, |envelope| self.ledger.bury(envelope, why)))
    }

    /// Sends if there is room at once; gives whether there was. What does not fit is
    /// counted and gone, and takes no number.
    pub(crate) fn try_progress(&self, stamp: &Stamp, message: Message) -> bool {
        let Ok(room) = self.work.try_reserve() else {
            self.ledger.count_dropped_progress();
            return false;
        };
        stamp.put(self.owner, message, |envelope| room.send(envelope));
        true
    }

    fn lane(&self, message: &Message) -> &Sender<Envelope> {
        match message {
            Message::Cancel | Message::Steer { .. } => &self.control,
            Message::Assign(_)
            | Message::Granted { .. }
            | Message::Progress { .. }
            | Message::Result(_)
            | Message::Failure(_)
            | Message::Request { .. } => &self.work,
        }
    }
}

/// The outcome of `work`, or nothing when it takes longer than `wait`.
async fn within<T>(wait: Option<Duration>, work: impl Future<Output = T>) -> Option<T> {
    match wait {
        Some(wait) => timeout(wait, work).await.ok(),
        None => Some(work.await),
    }
}

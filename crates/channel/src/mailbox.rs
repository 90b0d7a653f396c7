//! An agent's end of the channel.

use crate::replies::Replies;
use crate::stamp::Stamp;
use crate::{ChannelError, Clock, Dispatch, InProcess, Inbox, Thread, Transport};
use leadhand_protocol::{Address, AgentId, Envelope, Message, MessageId};
use std::sync::Arc;
use std::time::Duration;

/// What a registered agent reads from, and sends to its hub with. Dropping it ends the
/// agent as far as the channel knows: unread messages become dead letters.
#[derive(Debug)]
pub struct Mailbox<T: Transport = InProcess> {
    pub(crate) inbox: T::Inbox,
    pub(crate) outbox: Outbox<T>,
}

/// The sending half of a [`Mailbox`], for the parts of an agent that work at once. Its
/// clones count their messages together.
#[derive(Clone)]
pub struct Outbox<T: Transport = InProcess> {
    pub(crate) agent: AgentId,
    pub(crate) stamp: Stamp,
    pub(crate) transport: T,
    pub(crate) replies: Arc<Replies>,
    pub(crate) clock: Clock,
}

impl<T: Transport> std::fmt::Debug for Outbox<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Outbox").field(&self.agent).finish()
    }
}

impl<T: Transport> Mailbox<T> {
    /// Whose it is.
    #[must_use]
    pub fn agent(&self) -> AgentId {
        self.outbox.agent
    }

    /// The next message, a `Cancel` before everything else that waits; `None` once the
    /// agent was closed and all is read. An answer that is waited for in [`Outbox::request`]
    /// goes there. Dropping the future loses no message.
    pub async fn recv(&mut self) -> Option<Envelope> {
        loop {
            let Some(envelope) = self.inbox.recv().await else {
                self.outbox.replies.end();
                return None;
            };
            if let Some(envelope) = self.outbox.replies.hand_over(envelope) {
                return Some(envelope);
            }
        }
    }

    /// A sending half that can go elsewhere.
    #[must_use]
    pub fn outbox(&self) -> Outbox<T> {
        self.outbox.clone()
    }

    /// See [`Outbox::send`].
    ///
    /// # Errors
    /// As [`Outbox::send`].
    pub async fn send(&self, dispatch: impl Into<Dispatch>) -> Result<MessageId, ChannelError> {
        self.outbox.send(dispatch).await
    }

    /// See [`Outbox::try_progress`].
    pub fn try_progress(&self, thread: Option<Thread>, turn: u32, piece: String) -> bool {
        self.outbox.try_progress(thread, turn, piece)
    }
}

impl<T: Transport> Drop for Mailbox<T> {
    fn drop(&mut self) {
        self.outbox.replies.end();
    }
}

impl<T: Transport> Outbox<T> {
    /// Sends to the hub, and waits while its inbox is full: an answer is never given up
    /// while there is a hub to read it. Dropping the future before it is done sends nothing.
    /// Gives the name of the message.
    ///
    /// # Errors
    /// [`ChannelError::Gone`] when the hub is, [`ChannelError::DeadlinePassed`].
    pub async fn send(&self, dispatch: impl Into<Dispatch>) -> Result<MessageId, ChannelError> {
        self.put(dispatch.into(), None).await
    }

    /// Sends to the hub, and gives up when its inbox stays full for `wait`.
    ///
    /// # Errors
    /// As [`Outbox::send`], and [`ChannelError::TimedOut`].
    pub async fn send_within(
        &self,
        dispatch: impl Into<Dispatch>,
        wait: Duration,
    ) -> Result<MessageId, ChannelError> {
        self.put(dispatch.into(), Some(wait)).await
    }

    /// Sends to the hub and waits for the answer: the first message whose cause is this one.
    /// Somebody must read the mailbox meanwhile. Dropping the future gives the wait up; an
    /// answer that comes then is read like any message.
    ///
    /// # Errors
    /// As [`Outbox::send`]; [`ChannelError::NoAnswer`] at the deadline of the request,
    /// [`ChannelError::Gone`] when the mailbox ends, [`ChannelError::TooManyRequests`].
    pub async fn request(&self, dispatch: impl Into<Dispatch>) -> Result<Envelope, ChannelError> {
        let envelope = self.stamp.put(Address::Hub, dispatch.into());
        let (transport, clock) = (&self.transport, &self.clock);
        self.replies.request(transport, clock, envelope, None).await
    }

    /// Sends a piece of the reply that is being written, if there is room at once; gives
    /// whether there was. It never waits: progress may be lost, and the loss is counted.
    pub fn try_progress(&self, thread: Option<Thread>, turn: u32, piece: String) -> bool {
        let mut dispatch = Dispatch::from(Message::Progress { turn, piece });
        dispatch.thread = thread;
        self.transport
            .try_send(self.stamp.put(Address::Hub, dispatch))
    }

    async fn put(
        &self,
        dispatch: Dispatch,
        wait: Option<Duration>,
    ) -> Result<MessageId, ChannelError> {
        let envelope = self.stamp.put(Address::Hub, dispatch);
        let id = envelope.id;
        self.transport.send(envelope, wait).await?;
        Ok(id)
    }
}

//! An agent's end of the channel.

use crate::ChannelError;
use crate::inbox::{Inbox, Slot};
use crate::stamp::Stamp;
use leadhand_protocol::{AgentId, Envelope, Message};
use std::sync::Arc;
use std::time::Duration;

/// What a registered agent reads from, and sends to its hub with. Dropping it ends the
/// agent as far as the channel knows: unread messages become dead letters.
#[derive(Debug)]
pub struct Mailbox {
    pub(crate) inbox: Inbox,
    pub(crate) outbox: Outbox,
}

/// The sending half of a [`Mailbox`], for the parts of an agent that work at once. Its
/// clones count their messages together.
#[derive(Debug, Clone)]
pub struct Outbox {
    pub(crate) agent: AgentId,
    pub(crate) stamp: Arc<Stamp>,
    pub(crate) hub: Slot,
}

impl Mailbox {
    /// Whose it is.
    #[must_use]
    pub fn agent(&self) -> AgentId {
        self.outbox.agent
    }

    /// The next message, a `Cancel` before everything else that waits; `None` once the
    /// agent was closed and all is read. Dropping the future loses no message.
    pub async fn recv(&mut self) -> Option<Envelope> {
        self.inbox.recv().await
    }

    /// A sending half that can go elsewhere.
    #[must_use]
    pub fn outbox(&self) -> Outbox {
        self.outbox.clone()
    }

    /// See [`Outbox::send`].
    ///
    /// # Errors
    /// [`ChannelError::Gone`] when the hub is.
    pub async fn send(&self, message: Message) -> Result<(), ChannelError> {
        self.outbox.send(message).await
    }

    /// See [`Outbox::try_progress`].
    pub fn try_progress(&self, turn: u32, piece: String) -> bool {
        self.outbox.try_progress(turn, piece)
    }
}

impl Outbox {
    /// Sends to the hub, and waits while its inbox is full: an answer is never given up
    /// while there is a hub to read it. Dropping the future before it is done sends nothing.
    ///
    /// # Errors
    /// [`ChannelError::Gone`] when the hub is.
    pub async fn send(&self, message: Message) -> Result<(), ChannelError> {
        self.hub.send(&self.stamp, message, None).await
    }

    /// Sends to the hub, and gives up when its inbox stays full for `wait`.
    ///
    /// # Errors
    /// [`ChannelError::Gone`], [`ChannelError::TimedOut`].
    pub async fn send_within(&self, message: Message, wait: Duration) -> Result<(), ChannelError> {
        self.hub.send(&self.stamp, message, Some(wait)).await
    }

    /// Sends a piece of the reply that is being written, if there is room at once; gives
    /// whether there was. It never waits: progress may be lost, and the loss is counted.
    pub fn try_progress(&self, turn: u32, piece: String) -> bool {
        let message = Message::Progress { turn, piece };
        self.hub.try_progress(&self.stamp, message)
    }
}

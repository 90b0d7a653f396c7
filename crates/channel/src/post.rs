//! The hub's two ends of the channel: one receives from all agents, the other knows them.

use crate::replies::Replies;
use crate::stamp::Stamp;
use crate::{
    ChannelError, Clock, DeadLetters, Dispatch, InProcess, Inbox, Mailbox, Outbox, Transport,
};
use leadhand_protocol::{Address, AgentId, Envelope, MessageId, RunId};
use std::sync::Arc;
use std::time::Duration;

/// How long [`Post::send`] waits for room in an agent's inbox, in milliseconds: one agent
/// that does not read must not hold up the run.
pub const DELIVERY_MS_MAX: u64 = 10_000;

/// Opens the channel of a run in this process. Every inbox, the hub's too, holds
/// `inbox_messages_max` messages of work, at least one, before its senders wait.
#[must_use]
pub fn open(run: RunId, inbox_messages_max: usize, clock: Clock) -> (Hub, Post) {
    let transport = InProcess::new(inbox_messages_max, Arc::clone(&clock));
    open_over(transport, run, clock).expect("a new transport has no inbox yet")
}

/// Opens the channel of a run over a transport.
///
/// # Errors
/// [`ChannelError::AlreadyRegistered`] when a hub has it.
pub fn open_over<T: Transport>(
    transport: T,
    run: RunId,
    clock: Clock,
) -> Result<(Hub<T>, Post<T>), ChannelError> {
    let inbox = transport.register(&Address::Hub, &[])?;
    let replies = Arc::new(Replies::default());
    let hub = Hub {
        inbox,
        replies: Arc::clone(&replies),
    };
    let post = Post(Arc::new(Office {
        stamp: Stamp::new(run),
        transport,
        replies,
        clock,
    }));
    Ok((hub, post))
}

/// Receives what all agents send. Dropping it ends the channel for them: their next send
/// fails, and what was not read becomes dead letters.
#[derive(Debug)]
pub struct Hub<T: Transport = InProcess> {
    inbox: T::Inbox,
    replies: Arc<Replies>,
}

impl<T: Transport> Hub<T> {
    /// The next message of any agent, each agent's in the order of its numbers; `None` once
    /// every [`Post`] and [`Mailbox`] is gone. An answer that is waited for in
    /// [`Post::request`] goes there. Dropping the future loses no message.
    pub async fn recv(&mut self) -> Option<Envelope> {
        loop {
            let envelope = self.inbox.recv().await?;
            if let Some(envelope) = self.replies.hand_over(envelope) {
                return Some(envelope);
            }
        }
    }
}

impl<T: Transport> Drop for Hub<T> {
    fn drop(&mut self) {
        self.replies.end();
    }
}

/// Registers agents and sends to them. A clone knows the same agents; with the last one every
/// agent is closed.
#[derive(Debug, Clone)]
pub struct Post<T: Transport = InProcess>(Arc<Office<T>>);

struct Office<T: Transport> {
    stamp: Stamp,
    transport: T,
    replies: Arc<Replies>,
    clock: Clock,
}

impl<T: Transport> std::fmt::Debug for Office<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Office").field(&self.transport).finish()
    }
}

impl<T: Transport> Drop for Office<T> {
    fn drop(&mut self) {
        self.transport.shut();
    }
}

impl<T: Transport> Post<T> {
    /// Gives an agent an inbox. An agent whose mailbox was dropped may be registered again.
    ///
    /// # Errors
    /// [`ChannelError::AlreadyRegistered`] while it has a mailbox.
    pub fn register(&self, agent: AgentId) -> Result<Mailbox<T>, ChannelError> {
        self.register_as(agent, &[])
    }

    /// The same, and the agent is also reached by its role or its task.
    ///
    /// # Errors
    /// As [`Post::register`].
    pub fn register_as(
        &self,
        agent: AgentId,
        names: &[Address],
    ) -> Result<Mailbox<T>, ChannelError> {
        let office = &self.0;
        let inbox = office.transport.register(&Address::Agent(agent), names)?;
        let outbox = Outbox {
            agent,
            stamp: office.stamp.of(agent),
            transport: office.transport.clone(),
            replies: Arc::default(),
            clock: Arc::clone(&office.clock),
        };
        Ok(Mailbox { inbox, outbox })
    }

    /// Sends to an agent, and waits up to [`DELIVERY_MS_MAX`] while its inbox is full. Gives
    /// the name of the message.
    ///
    /// # Errors
    /// [`ChannelError::UnknownReceiver`], [`ChannelError::ManyReceivers`],
    /// [`ChannelError::Gone`], [`ChannelError::TimedOut`], [`ChannelError::DeadlinePassed`];
    /// the message is then a dead letter.
    pub async fn send(
        &self,
        to: impl Into<Address>,
        dispatch: impl Into<Dispatch>,
    ) -> Result<MessageId, ChannelError> {
        let wait = Duration::from_millis(DELIVERY_MS_MAX);
        self.send_within(to, dispatch, wait).await
    }

    /// Sends to an agent, and waits up to `wait` while its inbox is full. Dropping the
    /// future before it is done sends nothing.
    ///
    /// # Errors
    /// As [`Post::send`].
    pub async fn send_within(
        &self,
        to: impl Into<Address>,
        dispatch: impl Into<Dispatch>,
        wait: Duration,
    ) -> Result<MessageId, ChannelError> {
        let envelope = self.0.stamp.put(to.into(), dispatch.into());
        let id = envelope.id;
        self.0.transport.send(envelope, Some(wait)).await?;
        Ok(id)
    }

    /// Sends to an agent and waits for the answer: the first message whose cause is this one.
    /// Somebody must read the [`Hub`] meanwhile. Dropping the future gives the wait up.
    ///
    /// # Errors
    /// As [`Post::send`]; [`ChannelError::NoAnswer`] at the deadline of the request,
    /// [`ChannelError::Gone`] when the hub ends, [`ChannelError::TooManyRequests`].
    pub async fn request(
        &self,
        to: impl Into<Address>,
        dispatch: impl Into<Dispatch>,
    ) -> Result<Envelope, ChannelError> {
        let office = &self.0;
        let envelope = office.stamp.put(to.into(), dispatch.into());
        let wait = Some(Duration::from_millis(DELIVERY_MS_MAX));
        let (transport, clock) = (&office.transport, &office.clock);
        office
            .replies
            .request(transport, clock, envelope, wait)
            .await
    }

    /// Takes an agent's inbox from it: it reads what is in there, then nothing more. Does
    /// nothing for an agent that has none.
    pub fn close(&self, agent: AgentId) {
        self.0.transport.close(&Address::Agent(agent));
    }

    /// What could not be delivered so far, in either direction.
    #[must_use]
    pub fn dead_letters(&self) -> DeadLetters {
        self.0.transport.dead_letters()
    }
}

//! The hub's two ends of the channel: one receives from all agents, the other knows them.

use crate::dead_letters::Ledger;
use crate::inbox::{Inbox, Slot, inbox};
use crate::stamp::Stamp;
use crate::{ChannelError, DeadLetters, Mailbox, Outbox};
use leadhand_protocol::{Address, AgentId, Envelope, Message, RunId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long [`Post::send`] waits for room in an agent's inbox, in milliseconds: one agent
/// that does not read must not hold up the run.
pub const DELIVERY_MS_MAX: u64 = 10_000;

/// Opens the channel of a run. Every inbox, the hub's too, holds `inbox_messages_max`
/// messages, at least one, before its senders wait.
#[must_use]
pub fn open(run: RunId, inbox_messages_max: usize) -> (Hub, Post) {
    let ledger = Arc::new(Ledger::default());
    let (to_hub, hub_inbox) = inbox(Address::Hub, inbox_messages_max, &ledger);
    let post = Post(Arc::new(Office {
        stamp: Stamp::new(run, Address::Hub),
        to_hub,
        agents: Mutex::default(),
        inbox_messages_max,
        ledger,
    }));
    (Hub(hub_inbox), post)
}

/// Receives what all agents send. Dropping it ends the channel for them: their next send
/// fails, and what was not read becomes dead letters.
#[derive(Debug)]
pub struct Hub(Inbox);

impl Hub {
    /// The next message of any agent, each agent's in the order of its numbers; `None` once
    /// every [`Post`] and [`Mailbox`] is gone. Dropping the future loses no message.
    pub async fn recv(&mut self) -> Option<Envelope> {
        self.0.recv().await
    }
}

/// Registers agents and sends to them. A clone knows the same agents.
#[derive(Debug, Clone)]
pub struct Post(Arc<Office>);

#[derive(Debug)]
struct Office {
    stamp: Stamp,
    to_hub: Slot,
    agents: Mutex<HashMap<AgentId, Slot>>,
    inbox_messages_max: usize,
    ledger: Arc<Ledger>,
}

impl Post {
    /// Gives an agent an inbox. An agent whose mailbox was dropped may be registered again;
    /// it then counts its messages from 0.
    ///
    /// # Errors
    /// [`ChannelError::AlreadyRegistered`] while it has a mailbox.
    pub fn register(&self, agent: AgentId) -> Result<Mailbox, ChannelError> {
        let mut agents = self.agents();
        if agents.get(&agent).is_some_and(|slot| !slot.is_closed()) {
            return Err(ChannelError::AlreadyRegistered { agent });
        }
        let office = &self.0;
        let address = Address::Agent(agent);
        let (slot, inbox) = inbox(address, office.inbox_messages_max, &office.ledger);
        agents.insert(agent, slot);
        let outbox = Outbox {
            agent,
            stamp: Arc::new(Stamp::new(office.stamp.run().clone(), address)),
            hub: office.to_hub.clone(),
        };
        Ok(Mailbox { inbox, outbox })
    }

    /// Sends to an agent, and waits up to [`DELIVERY_MS_MAX`] while its inbox is full.
    ///
    /// # Errors
    /// [`ChannelError::UnknownAgent`], [`ChannelError::Gone`], [`ChannelError::TimedOut`];
    /// the message is then a dead letter.
    pub async fn send(&self, agent: AgentId, message: Message) -> Result<(), ChannelError> {
        let wait = Duration::from_millis(DELIVERY_MS_MAX);
        self.send_within(agent, message, wait).await
    }

    /// Sends to an agent, and waits up to `wait` while its inbox is full. Dropping the
    /// future before it is done sends nothing.
    ///
    /// # Errors
    /// As [`Post::send`].
    pub async fn send_within(
        &self,
        agent: AgentId,
        message: Message,
        wait: Duration,
    ) -> Result<(), ChannelError> {
        let office = &self.0;
        let slot = self.agents().get(&agent).cloned();
        let Some(slot) = slot else {
            let kind = message.kind();
            let why = ChannelError::UnknownAgent { agent, kind };
            let to = Address::Agent(agent);
            return Err(office
                .stamp
                .put(to, message, |envelope| office.ledger.bury(envelope, why)));
        };
        slot.send(&office.stamp, message, Some(wait)).await
    }

    /// Takes an agent's inbox from it: it reads what is in there, then nothing more. Does
    /// nothing for an agent that has none.
    pub fn close(&self, agent: AgentId) {
        self.agents().remove(&agent);
    }

    /// What could not be delivered so far, in either direction.
    #[must_use]
    pub fn dead_letters(&self) -> DeadLetters {
        self.0.ledger.read()
    }

    /// The table is whole after every statement, so a panic cannot have spoiled it.
    fn agents(&self) -> MutexGuard<'_, HashMap<AgentId, Slot>> {
        self.0.agents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

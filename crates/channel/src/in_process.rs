//! Inboxes in this process.

use crate::dead_letters::Ledger;
use crate::inbox::{LocalInbox, Slot, inbox};
use crate::sync::{Mutex, MutexGuard};
use crate::{ChannelError, Clock, DeadLetters, Transport};
use leadhand_protocol::{Address, Envelope};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// The transport of a run whose agents are all in this process: bounded inboxes.
/// Messages are moved and never written out.
#[derive(Debug, Clone)]
pub struct InProcess(Arc<Office>);

#[derive(Debug)]
struct Office {
    table: Mutex<Table>,
    inbox_messages_max: usize,
    ledger: Arc<Ledger>,
}

#[derive(Debug, Default)]
struct Table {
    /// The way to each owner, and its other names.
    slots: HashMap<Address, (Arc<Slot>, Vec<Address>)>,
    /// Who is reached by a role or a task.
    names: HashMap<Address, Vec<Address>>,
}

impl InProcess {
    /// Every inbox holds `inbox_messages_max` messages of work, at least one, before its senders
    /// wait.
    #[must_use]
    pub fn new(inbox_messages_max: usize, clock: Clock) -> Self {
        Self(Arc::new(Office {
            table: Mutex::default(),
            inbox_messages_max,
            ledger: Arc::new(Ledger::new(clock)),
        }))
    }

    /// The table is whole after every statement, so a panic cannot have spoiled it.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn slot(&self, envelope: &Envelope) -> Result<Arc<Slot>, ChannelError> {
        let kind = envelope.message.kind();
        let to = &envelope.to;
        let unknown = || ChannelError::UnknownReceiver {
            to: to.clone(),
            kind,
        };
        let owner = match to {
            Address::Hub | Address::Agent(_) => to,
            Address::Role(_) | Address::Task(_) => match self.names.get(to).map(Vec::as_slice) {
                Some([owner]) => owner,
                None | Some([]) => return Err(unknown()),
                Some(owners) => {
                    return Err(ChannelError::ManyReceivers {
                        to: to.clone(),
                        kind,
                        agents: owners.len(),
                    });
                }
            },
        };
        let found = self.slots.get(owner).map(|(slot, _)| Arc::clone(slot));
        found.ok_or_else(unknown)
    }

    fn remove(&mut self, owner: &Address) {
        let names = self.slots.remove(owner).map(|(_, names)| names);
        for name in names.into_iter().flatten() {
            if let Entry::Occupied(mut owners) = self.names.entry(name) {
                owners.get_mut().retain(|it| it != owner);
                if owners.get().is_empty() {
                    owners.remove();
                }
            }
        }
    }
}

impl Transport for InProcess {
    type Inbox = LocalInbox;

    fn register(&self, owner: &Address, names: &[Address]) -> Result<LocalInbox, ChannelError> {
        let mut table = self.table();
        match table.slots.get(owner) {
            Some((slot, _)) if !slot.is_closed() => {
                return Err(ChannelError::AlreadyRegistered {
                    owner: owner.clone(),
                });
            }
            Some(_) => table.remove(owner),
            None => {}
        }
        let (slot, inbox) = inbox(owner, self.0.inbox_messages_max, &self.0.ledger);
        let slot = (Arc::new(slot), names.to_vec());
        table.slots.insert(owner.clone(), slot);
        for name in names {
            let owners = table.names.entry(name.clone()).or_default();
            owners.push(owner.clone());
        }
        Ok(inbox)
    }

    async fn send(&self, envelope: Envelope, wait: Option<Duration>) -> Result<(), ChannelError> {
        let slot = self.table().slot(&envelope);
        match slot {
            Ok(slot) => slot.send(envelope, wait).await,
            Err(why) => Err(self.0.ledger.bury(envelope, why)),
        }
    }

    fn try_send(&self, envelope: Envelope) -> bool {
        let slot = self.table().slot(&envelope);
        match slot {
            Ok(slot) => slot.try_send(envelope),
            Err(_) => {
                self.0.ledger.count_dropped_progress();
                false
            }
        }
    }

    fn close(&self, owner: &Address) {
        self.table().remove(owner);
    }

    fn shut(&self) {
        let mut table = self.table();
        table.slots.retain(|owner, _| *owner == Address::Hub);
        table.names.clear();
    }

    fn dead_letters(&self) -> DeadLetters {
        self.0.ledger.read()
    }
}

//! What a sender puts on its messages.

use leadhand_protocol::{Address, Envelope, Message, RunId};
use std::sync::{Mutex, PoisonError};

/// Version of the message schema, on every envelope.
pub const MESSAGE_VERSION: u8 = 1;

/// One sender's name and its count of messages. Shared by all clones of the sender.
#[derive(Debug)]
pub(crate) struct Stamp {
    run: RunId,
    from: Address,
    next: Mutex<u64>,
}

impl Stamp {
    pub(crate) fn new(run: RunId, from: Address) -> Self {
        Self {
            run,
            from,
            next: Mutex::new(0),
        }
    }

    pub(crate) fn run(&self) -> &RunId {
        &self.run
    }

    /// Makes the next envelope and puts it where it goes, before another can be made: so
    /// the order in a queue is the order of the numbers, whoever else sends.
    pub(crate) fn put<T>(
        &self,
        to: Address,
        message: Message,
        put: impl FnOnce(Envelope) -> T,
    ) -> T {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let envelope = Envelope {
            run: self.run.clone(),
            from: self.from,
            to,
            sequence: *next,
            version: MESSAGE_VERSION,
            message,
        };
        *next += 1;
        put(envelope)
    }
}

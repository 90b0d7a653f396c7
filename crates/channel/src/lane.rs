//! Which messages overtake which.

use crate::ChannelError;
use leadhand_protocol::{AgentId, Envelope, Message};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Steers, and beside them cancels, that may wait in an inbox beside its work.
pub const CONTROL_MESSAGES_MAX: usize = 16;

/// A queue of an inbox; what stands first is read first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Cancels, which no number of steers holds up.
    Cancel,
    /// Steers.
    Steer,
    /// Everything else.
    Work,
}

impl Lane {
    /// All of them, in the order in which they are read.
    pub const ALL: [Self; 3] = [Self::Cancel, Self::Steer, Self::Work];

    /// That of a message.
    #[must_use]
    pub fn of(message: &Message) -> Self {
        match message {
            Message::Cancel => Self::Cancel,
            Message::Steer { .. } => Self::Steer,
            Message::Assign(_)
            | Message::Granted { .. }
            | Message::Progress { .. }
            | Message::Result(_)
            | Message::Failure(_)
            | Message::Request { .. } => Self::Work,
        }
    }
}

/// How many messages an inbox was sent, by sender and lane; its two ends share it. Some 40 bytes
/// a sender stay as long as the inbox: what an agent has sent may be read after its end.
#[derive(Debug, Default)]
pub(crate) struct Sequences(Mutex<HashMap<Option<AgentId>, [u64; 3]>>);

impl Sequences {
    /// Numbers an envelope and puts it in its lane before another is numbered: so the order in
    /// a lane is the order of the numbers, whoever else sends. One that finds no reader takes no
    /// number.
    pub(crate) fn put(
        &self,
        mut envelope: Envelope,
        put: impl FnOnce(Envelope) -> Result<(), ChannelError>,
    ) -> Result<(), ChannelError> {
        let mut sent = self.lock();
        let lane = Lane::of(&envelope.message) as usize;
        let next = &mut sent.entry(envelope.id.agent).or_default()[lane];
        envelope.sequence = *next;
        put(envelope)?;
        *next += 1;
        Ok(())
    }

    /// Does something while nobody puts anything.
    pub(crate) fn while_nobody_puts(&self, work: impl FnOnce()) {
        let _sent = self.lock();
        work();
    }

    /// The table is whole after every statement, so a panic cannot have spoiled it.
    fn lock(&self) -> MutexGuard<'_, HashMap<Option<AgentId>, [u64; 3]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

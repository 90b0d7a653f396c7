//! Messages that reached nobody: counted without end, kept up to a bound, and pieces of
//! progress that were left out.

use crate::sync::{Mutex, MutexGuard};
use crate::{ChannelError, Clock};
use leadhand_protocol::Envelope;
use std::collections::VecDeque;
use std::fmt;
use std::sync::PoisonError;
use std::time::Duration;

/// Most dead letters kept; the oldest go first.
pub const DEAD_LETTERS_MAX: usize = 128;

/// A message that reached nobody.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// The message.
    pub envelope: Envelope,
    /// Why.
    pub why: ChannelError,
}

/// What a run's channel could not deliver.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeadLetters {
    /// How many there were, the ones no longer kept included.
    pub count: u64,
    /// The latest, oldest first; at most [`DEAD_LETTERS_MAX`].
    pub kept: VecDeque<DeadLetter>,
    /// Pieces of progress left out because the hub's inbox was full. They are no dead
    /// letters: progress may be lost.
    pub progress_dropped: u64,
}

/// Shared by everything that sends or receives for one run.
pub(crate) struct Ledger {
    letters: Mutex<DeadLetters>,
    clock: Clock,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.letters.fmt(f)
    }
}

impl Ledger {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            letters: Mutex::default(),
            clock,
        }
    }

    /// How long until the deadline of a message: none if it has none.
    ///
    /// # Errors
    /// [`ChannelError::DeadlinePassed`] when there is no time left.
    pub(crate) fn left(&self, envelope: &Envelope) -> Result<Option<Duration>, ChannelError> {
        let Some(deadline_ms) = envelope.deadline_ms else {
            return Ok(None);
        };
        let now_ms = (self.clock)();
        if now_ms < deadline_ms {
            return Ok(Some(Duration::from_millis(deadline_ms - now_ms)));
        }
        Err(ChannelError::DeadlinePassed {
            to: envelope.to.clone(),
            kind: envelope.message.kind(),
            deadline_ms,
            now_ms,
        })
    }

    /// The message, if somebody still wants it.
    pub(crate) fn in_time(&self, envelope: Envelope) -> Option<Envelope> {
        match self.left(&envelope) {
            Ok(_) => Some(envelope),
            Err(why) => {
                self.bury(envelope, why);
                None
            }
        }
    }

    /// Keeps a letter and hands back why it is dead.
    pub(crate) fn bury(&self, envelope: Envelope, why: ChannelError) -> ChannelError {
        let mut letters = self.lock();
        letters.count += 1;
        if letters.kept.len() == DEAD_LETTERS_MAX {
            letters.kept.pop_front();
        }
        letters.kept.push_back(DeadLetter {
            envelope,
            why: why.clone(),
        });
        why
    }

    pub(crate) fn count_dropped_progress(&self) {
        self.lock().progress_dropped += 1;
    }

    pub(crate) fn read(&self) -> DeadLetters {
        self.lock().clone()
    }

    /// The letters are whole after every statement, so a panic cannot have spoiled them.
    fn lock(&self) -> MutexGuard<'_, DeadLetters> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

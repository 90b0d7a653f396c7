//! Messages that reached nobody: counted without end, kept up to a bound, and pieces of
//! progress that were left out.

use crate::ChannelError;
use leadhand_protocol::Envelope;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

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
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<DeadLetters>);

impl Ledger {
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

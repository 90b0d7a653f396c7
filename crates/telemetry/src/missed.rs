//! Which records found no room in the queue.

use leadhand_protocol::{RunId, Seq};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Of each run the first and the last record that found no room; those between may have found
/// some.
#[derive(Default)]
pub(crate) struct Missed(Mutex<HashMap<RunId, (Seq, Seq)>>);

impl Missed {
    pub(crate) fn note(&self, run: &RunId, seq: Seq) {
        let mut missed = self.lock();
        let (_, last) = missed.entry(run.clone()).or_insert((seq, seq));
        *last = seq;
    }

    /// The first record of a run that was left out before this one, which came now; all of them
    /// are read with it.
    pub(crate) fn before(&self, run: &RunId, seq: Seq) -> Option<Seq> {
        let mut missed = self.lock();
        let (first, last) = *missed.get(run)?;
        if last < seq {
            missed.remove(run);
        }
        Some(first).filter(|first| *first < seq)
    }

    /// All that nothing came after.
    pub(crate) fn take(&self) -> HashMap<RunId, (Seq, Seq)> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, (Seq, Seq)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

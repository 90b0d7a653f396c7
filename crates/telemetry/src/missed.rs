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
        if let Some((_, last)) = missed.get_mut(run) {
            *last = seq.max(*last);
        } else {
            missed.insert(run.clone(), (seq, seq));
        }
    }

    /// Whether a record of a run before this one was left out.
    pub(crate) fn is_before(&self, run: &RunId, seq: Seq) -> bool {
        let missed = self.lock();
        missed.get(run).is_some_and(|(first, _)| *first < seq)
    }

    /// All of them, which are then looked at.
    pub(crate) fn take(&self) -> HashMap<RunId, (Seq, Seq)> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, (Seq, Seq)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

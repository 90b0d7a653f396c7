//! A cap on steps, which is what the limits of turns or of recursion in AutoGen, LangGraph and
//! CrewAI amount to: whatever is done, it is called a loop when there is too much of it.

use super::Peer;
use crate::data::Row;

/// Counts.
pub(super) struct StepCap {
    steps_max: usize,
    steps: usize,
}

impl StepCap {
    /// The step after `steps_max` is one too many.
    pub(super) fn new(steps_max: usize) -> Self {
        Self {
            steps_max,
            steps: 0,
        }
    }
}

impl Peer for StepCap {
    fn calls(&mut self, _: &Row) -> bool {
        self.steps += 1;
        self.steps > self.steps_max
    }
}

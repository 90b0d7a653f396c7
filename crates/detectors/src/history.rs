//! What one agent did of late.

use crate::outcome::End;
use crate::seen::Seen;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Steps of an agent that are looked back at. A loop of the longest period comes round eight
/// times within it, and one that comes round more rarely wastes little.
pub(crate) const STEPS_KEPT: usize = 64;
/// Results of an agent that are known by heart, to tell what is new.
const RESULTS_KEPT: usize = 256;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct History {
    /// The last step first.
    steps: VecDeque<Seen>,
    results: VecDeque<u64>,
    /// Tool steps since the last one that was fresh, or with which something was gained.
    pub(crate) barren: u32,
    pub(crate) last_index: u64,
}

impl History {
    pub(crate) fn push(&mut self, mut seen: Seen, gained: bool) {
        let is_new = !self.steps.iter().any(|old| old.pair == seen.pair);
        seen.fresh = match seen.end {
            End::Done => !self.results.contains(&seen.result),
            End::Acknowledged => {
                !self.results.contains(&seen.result)
                    || !self.steps.iter().any(|old| old.call == seen.call)
            }
            End::Unavailable | End::Empty | End::Failed | End::Blocked | End::Spoke => false,
        } && is_new
            && !seen.compacts;
        if seen.end != End::Spoke {
            self.results.push_front(seen.result);
            self.results.truncate(RESULTS_KEPT);
            self.barren = if seen.fresh || gained {
                0
            } else {
                self.barren + 1
            };
        }
        self.last_index = seen.index;
        self.steps.push_front(seen);
        self.steps.truncate(STEPS_KEPT);
    }

    /// The last step first.
    pub(crate) fn steps(&self) -> impl ExactSizeIterator<Item = &Seen> + Clone {
        self.steps.iter()
    }

    /// Steps with a call, the last first.
    pub(crate) fn calls(&self) -> impl Iterator<Item = &Seen> + Clone {
        self.steps.iter().filter(|seen| seen.end != End::Spoke)
    }

    pub(crate) fn back(&self, steps: usize) -> Option<&Seen> {
        self.steps.get(steps)
    }

    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// What a person or a new order says makes a new beginning.
    pub(crate) fn forget(&mut self) {
        self.steps.clear();
        self.barren = 0;
    }
}

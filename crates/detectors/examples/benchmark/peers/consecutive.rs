//! The n-th equal call in a row is refused; what came back is not looked at. Goose lets a call be
//! repeated `max_repetitions` times, if somebody sets it, and refuses the next; Roo Code's limit
//! is 3, so the fourth is refused; Cline warns softly at the third and stops hard at the fifth.

use super::{Call, Peer, call, is_call};
use crate::data::Row;

/// Counts equal calls of one agent in a row.
pub(super) struct Consecutive {
    refused: usize,
    latest: Option<(String, Call)>,
    times: usize,
}

impl Consecutive {
    /// The `refused`-th equal call in a row is one too many.
    pub(super) fn new(refused: usize) -> Self {
        Self {
            refused,
            latest: None,
            times: 0,
        }
    }
}

impl Peer for Consecutive {
    fn calls(&mut self, row: &Row) -> bool {
        if !is_call(row) {
            return false;
        }
        let this = Some((row.agent.clone(), call(row)));
        self.times = if this == self.latest {
            self.times + 1
        } else {
            1
        };
        self.latest = this;
        self.times >= self.refused
    }
}

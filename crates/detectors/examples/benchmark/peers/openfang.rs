//! OpenFang, feature `LoopGuard`, over the calls of the whole run. A call that was seen three
//! times is warned of, and refused at the fifth; thrice as many where it looks like a poll. The
//! same call with the same result twice is warned of; after the third such, the call is refused.
//! Two or three calls that take turns are refused in their third round. More than 30 calls stop
//! the run whatever they are, which can be left out of the comparison: it is a cap on steps.

use super::{Call, Peer, Rung, beginning, call, is_call, last, push, result};
use crate::data::Row;
use std::collections::{HashMap, HashSet};

const WARNED: usize = 3;
const REFUSED: usize = 5;
const POLL_FACTOR: usize = 3;
const CALLS_MAX: usize = 30;
const RESULT_CHARS: usize = 1000;
/// Words in arguments that make a call look like a poll.
const POLLS: [&str; 3] = ["status", "poll", "wait"];

/// What was called, and what came of it.
pub(super) struct OpenFang {
    rung: Rung,
    is_capped: bool,
    calls: usize,
    times: HashMap<Call, usize>,
    outcomes: HashMap<(Call, String), usize>,
    refused: HashSet<Call>,
    recent: Vec<Call>,
}

impl OpenFang {
    /// The rung that counts, and whether too many calls count as a loop.
    pub(super) fn new(rung: Rung, is_capped: bool) -> Self {
        Self {
            rung,
            is_capped,
            calls: 0,
            times: HashMap::new(),
            outcomes: HashMap::new(),
            refused: HashSet::new(),
            recent: Vec::new(),
        }
    }

    /// Whether the latest calls are `period` that take turns, for three rounds.
    fn takes_turns(&self, period: usize) -> bool {
        let rounds = last(&self.recent, 3 * period);
        let differ = rounds.iter().collect::<HashSet<_>>().len() > 1;
        rounds.len() == 3 * period && differ && rounds[period..] == rounds[..2 * period]
    }
}

impl Peer for OpenFang {
    fn calls(&mut self, row: &Row) -> bool {
        if !is_call(row) {
            return false;
        }
        self.calls += 1;
        if self.is_capped && self.calls > CALLS_MAX {
            return true;
        }
        let this = call(row);
        let was_refused = self.refused.contains(&this);
        push(&mut self.recent, CALLS_MAX, this.clone());
        let words = this.1.to_lowercase();
        let is_poll = POLLS.iter().any(|word| words.contains(word));
        let factor = if is_poll { POLL_FACTOR } else { 1 };
        let times = self.times.entry(this.clone()).or_default();
        *times += 1;
        let (is_often, is_too_often) = (*times >= WARNED * factor, *times >= REFUSED * factor);
        let outcome = (
            this.clone(),
            beginning(result(row), RESULT_CHARS).to_owned(),
        );
        let same = self.outcomes.entry(outcome).or_default();
        *same += 1;
        let is_same = *same >= 2;
        if *same >= 3 {
            self.refused.insert(this);
        }
        let stops = was_refused || is_too_often || self.takes_turns(2) || self.takes_turns(3);
        match self.rung {
            Rung::Stop => stops,
            Rung::Warn => stops || is_often || is_same,
        }
    }
}

//! Stella, over the calls since a person last spoke. Two calls are the same when tool, arguments
//! and result are. The first of these that holds is a detection: the last call three times in a
//! row; a round of two to four calls, not all the same, three times in a row; the last call three
//! times anywhere, unless some call has been seen with two results, which is progress; one tool
//! with one result six times in a row, from arguments that are not all the same. The first
//! detection steers the agent. It is aborted when what it was last warned of is detected again,
//! or anything after two warnings. What Stella says of long sleeps is no verdict, and not here.

use super::{Call, Peer, Rung, call, is_answered_by_a_person, is_call, last};
use crate::data::Row;
use std::collections::HashMap;

const TIMES: usize = 3;
const PERIODS: std::ops::RangeInclusive<usize> = 2..=4;
const SAME_RESULT: usize = 6;
const WARNINGS_MAX: usize = 2;

/// A call and what came of it.
type Seen = (Call, Option<String>);

/// What is said to repeat.
enum Detected {
    Round(Vec<Call>),
    Tool(String),
}

impl Detected {
    /// Whether it is the same repetition: a round is the same from whichever of its calls.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tool(one), Self::Tool(two)) => one == two,
            (Self::Round(one), Self::Round(two)) => {
                let turned = |by: usize| one[by..].iter().chain(&one[..by]);
                one.len() == two.len() && (0..one.len()).any(|by| turned(by).eq(two))
            }
            (Self::Tool(_), Self::Round(_)) | (Self::Round(_), Self::Tool(_)) => false,
        }
    }
}

/// What was done since a person last spoke.
pub(super) struct Stella {
    rung: Rung,
    window: Vec<Seen>,
    times: HashMap<Seen, usize>,
    first_results: HashMap<Call, Option<String>>,
    has_progress: bool,
    warned_of: Option<Detected>,
    warnings: usize,
}

impl Stella {
    /// The rung that counts.
    pub(super) fn new(rung: Rung) -> Self {
        Self {
            rung,
            window: Vec::new(),
            times: HashMap::new(),
            first_results: HashMap::new(),
            has_progress: false,
            warned_of: None,
            warnings: 0,
        }
    }

    /// The last `period` calls, where they come three times in a row.
    fn round(&self, period: usize) -> Option<Detected> {
        let recent = last(&self.window, TIMES * period);
        let is_round = recent.len() == TIMES * period
            && recent[period..] == recent[..recent.len() - period]
            && (period == 1 || recent[..period].iter().any(|it| *it != recent[0]));
        is_round.then(|| {
            let calls = last(&self.window, period).iter();
            Detected::Round(calls.map(|(call, _)| call.clone()).collect())
        })
    }

    fn detected(&self) -> Option<Detected> {
        let this = &self.window[self.window.len() - 1];
        let anywhere = || {
            let is_often = self.times[this] >= TIMES && !self.has_progress;
            is_often.then(|| Detected::Round(vec![this.0.clone()]))
        };
        let same_result = || {
            let same = |it: &&Seen| it.0.0 == this.0.0 && it.1 == this.1;
            let run: Vec<&Seen> = self.window.iter().rev().take_while(same).collect();
            let differ = run.iter().any(|it| it.0.1 != this.0.1);
            (run.len() >= SAME_RESULT && differ).then(|| Detected::Tool(this.0.0.clone()))
        };
        self.round(1)
            .or_else(|| PERIODS.into_iter().find_map(|period| self.round(period)))
            .or_else(anywhere)
            .or_else(same_result)
    }

    fn see(&mut self, row: &Row) {
        let this = call(row);
        let came = row.observation.clone();
        let first = self.first_results.entry(this.clone());
        self.has_progress |= *first.or_insert_with(|| came.clone()) != came;
        *self.times.entry((this.clone(), came.clone())).or_default() += 1;
        self.window.push((this, came));
    }
}

impl Peer for Stella {
    fn calls(&mut self, row: &Row) -> bool {
        if is_answered_by_a_person(row) {
            *self = Self::new(self.rung);
        }
        if !is_call(row) {
            return false;
        }
        self.see(row);
        let Some(detected) = self.detected() else {
            return false;
        };
        if self.rung == Rung::Warn {
            return true;
        }
        let is_again = self.warned_of.as_ref().is_some_and(|it| it.is(&detected));
        if is_again || self.warnings >= WARNINGS_MAX {
            return true;
        }
        self.warned_of = Some(detected);
        self.warnings += 1;
        false
    }
}

//! The rules, one a file, each a question to what an agent did of late.

pub(crate) mod chant;
pub(crate) mod cycle;
pub(crate) mod empty_sweep;
pub(crate) mod near_duplicate;
pub(crate) mod repeated_call;
pub(crate) mod same_error;
pub(crate) mod same_result;
pub(crate) mod stall;

use crate::history::History;
use leadhand_protocol::LoopRule;

/// What a rule has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub(crate) rule: LoopRule,
    /// What repeats.
    pub(crate) what: u64,
    pub(crate) since: u64,
    pub(crate) period: u32,
    pub(crate) times: u32,
}

/// Likeness of two calls, in thousandths, from which on one is a near copy of the other: nine of
/// ten words are the same. Who varies a call that little is about to make it again.
const NEAR_COPY: u32 = 900;

/// Whether the last of these calls has become nearly the same as that before it. Where all of
/// them have the same words, they are shuffled and become nothing else.
fn becomes_a_copy(history: &History, times: usize) -> bool {
    let mut calls = history.calls().take(times);
    let (Some(last), Some(before)) = (calls.next(), calls.next()) else {
        return false;
    };
    let is_shuffled = before.sketch == last.sketch && calls.all(|seen| seen.sketch == last.sketch);
    last.call != before.call && last.sketch.likeness(&before.sketch) >= NEAR_COPY && !is_shuffled
}

/// Whether the call `back` calls ago was made before with the same result, within the last `times`.
fn was_made_before(history: &History, back: usize, times: usize) -> bool {
    let mut calls = history.calls().take(times).skip(back);
    calls
        .next()
        .is_some_and(|one| calls.any(|earlier| earlier.pair == one.pair))
}

/// Whether the last two of these calls were made before: the steps of a cycle begin so, and
/// `cycle` tells them more precisely once they have come round.
fn may_begin_a_cycle(history: &History, times: usize) -> bool {
    was_made_before(history, 0, times) && was_made_before(history, 1, times)
}

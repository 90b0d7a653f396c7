//! The same steps with the same results, one to eight of them, three times over. A cycle that
//! waits for something, or whose calls were told to come back later, has longer.

use super::Sighting;
use crate::history::{History, STEPS_KEPT};
use crate::outcome::End;
use crate::seen::Seen;
use crate::volatile::hash_numbers;
use leadhand_protocol::LoopRule;

/// Longest cycle that is looked for. Cycles of more steps were not met in any trace; what comes
/// round more rarely is a repeated call all the same.
pub(crate) const PERIOD_MAX: usize = 8;
/// Rounds that make a cycle: two may be a check of the first one, the third brings nothing.
const ROUNDS: usize = 3;
/// Looks at something that changes by itself, before looking is a loop as well: an hour of looks a
/// minute apart. Of cycles of several steps, as many as are looked back at.
pub(crate) const LOOKS: usize = 60;
/// Times that a call is made which was told to come back later.
const TRIES: usize = 8;
/// Time between two equal steps from which on they are looks and not haste, in milliseconds.
pub(crate) const APART_MS: u64 = 60_000;

pub(crate) fn see(history: &History) -> Option<Sighting> {
    (1..=PERIOD_MAX).find_map(|period| of_period(history, period))
}

fn of_period(history: &History, period: usize) -> Option<Sighting> {
    let round = || history.steps().take(period);
    let equal = history.steps().zip(history.steps().skip(period));
    let matched = equal.take_while(|(one, two)| one.pair == two.pair).count();
    let times = matched / period + 1;
    if times < ROUNDS || times < patience(history, period) {
        return None;
    }
    // What is only said is told by the words that repeat, which is another rule.
    if round().all(|seen| seen.end == End::Spoke) {
        return None;
    }
    let since = history.back(matched + period - 1)?.index;
    Some(Sighting {
        rule: LoopRule::Cycle,
        what: from_its_least(round().map(|seen| seen.pair)),
        since,
        period: u32::try_from(period).unwrap_or(u32::MAX),
        times: u32::try_from(times).unwrap_or(u32::MAX),
    })
}

/// Rounds that this cycle may take.
fn patience(history: &History, period: usize) -> usize {
    let mut round = history.steps().take(period);
    if round.clone().any(|seen| seen.end == End::Unavailable) {
        TRIES
    } else if round.any(is_look) || is_spaced(history, period) {
        LOOKS.min(STEPS_KEPT / period)
    } else {
        ROUNDS
    }
}

pub(crate) fn is_look(seen: &Seen) -> bool {
    seen.waits || seen.poll_every_ms.is_some()
}

fn is_spaced(history: &History, period: usize) -> bool {
    let at = |back: usize| history.back(back).and_then(|seen| seen.at_ms);
    match (at(0), at(period)) {
        (Some(now), Some(before)) => now.saturating_sub(before) >= APART_MS,
        _ => false,
    }
}

/// The same number whichever step of the cycle is the last.
fn from_its_least(pairs: impl Iterator<Item = u64>) -> u64 {
    let mut pairs: Vec<u64> = pairs.collect();
    if let Some(least) = (0..pairs.len()).min_by_key(|at| pairs[*at]) {
        pairs.rotate_left(least);
    }
    hash_numbers(pairs)
}

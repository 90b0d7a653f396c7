//! Errors six times running from calls that are much alike, of one kind or of two, and calls that
//! are refused six times running whatever they are. It waits a call longer where the calls may be
//! the beginning of an exact cycle.

use super::{Sighting, becomes_a_copy, was_made_before};
use crate::history::History;
use crate::outcome::End;
use crate::seen::Seen;
use crate::volatile::hash_numbers;
use leadhand_protocol::LoopRule;

/// An error that says something else each time may be closed in on: five were met in honest work
/// of the development data.
const TIMES: usize = 6;
/// The same, once the last call was made before with the same error: who goes back to what failed
/// closes in on nothing.
const TIMES_ONCE_AGAIN: usize = 5;
/// The same, where the calls become equal: one more shows whether they come round exactly.
const TIMES_BEFORE_A_CYCLE: usize = 7;
/// The same, of two kinds of errors: who mends one of them and meets the other has made no headway.
/// A third kind may be a step on the way.
const TIMES_OF_TWO_KINDS: usize = 7;
/// Likeness of each call to the one before, in thousandths.
const LIKENESS_MIN: u32 = 550;
/// The same, where there are two kinds of errors: what fails in another way must be all but the
/// same call.
const LIKENESS_MIN_OF_TWO_KINDS: u32 = 650;

pub(crate) fn see(history: &History) -> Option<Sighting> {
    let last = history.calls().next()?;
    match last.end {
        End::Blocked => {
            let refused = history.calls().take_while(|seen| seen.end == End::Blocked);
            sighting(hash_numbers([0]), refused, TIMES)
        }
        End::Failed => {
            let what = hash_numbers([last.tool, last.class]);
            let of_one = failed(history, last, 1, LIKENESS_MIN);
            let needed = needed(history, of_one.len());
            sighting(what, of_one.into_iter(), needed).or_else(|| {
                let of_two = failed(history, last, 2, LIKENESS_MIN_OF_TWO_KINDS);
                sighting(what, of_two.into_iter(), TIMES_OF_TWO_KINDS)
            })
        }
        End::Done | End::Acknowledged | End::Empty | End::Unavailable | End::Spoke => None,
    }
}

/// Calls that failed running, the last first, in so many ways at most, each like the one after it.
fn failed<'a>(
    history: &'a History,
    last: &'a Seen,
    kinds_max: usize,
    likeness_min: u32,
) -> Vec<&'a Seen> {
    let (mut steps, mut kinds) = (vec![last], vec![last.class]);
    for seen in history.calls().skip(1) {
        if !kinds.contains(&seen.class) {
            kinds.push(seen.class);
        }
        let alike = seen.end == End::Failed
            && seen.tool == last.tool
            && kinds.len() <= kinds_max
            && steps[steps.len() - 1].sketch.likeness(&seen.sketch) >= likeness_min;
        if !alike {
            break;
        }
        steps.push(seen);
    }
    steps
}

/// Failures that make a loop, given that there are so many running.
fn needed(history: &History, times: usize) -> usize {
    // The same call twice running is a cycle of one step, if anything.
    let mut calls = history.calls().map(|seen| seen.call);
    let varies = calls.next() != calls.next();
    if was_made_before(history, 0, times) && varies {
        TIMES_ONCE_AGAIN
    } else if becomes_a_copy(history, times) {
        TIMES_BEFORE_A_CYCLE
    } else {
        TIMES
    }
}

fn sighting<'a>(
    what: u64,
    steps: impl Iterator<Item = &'a Seen>,
    needed: usize,
) -> Option<Sighting> {
    let mut times = 0;
    let mut since = 0;
    for seen in steps {
        times += 1;
        since = seen.index;
    }
    (times >= needed).then(|| Sighting {
        rule: LoopRule::SameError,
        what,
        since,
        period: 1,
        times: u32::try_from(times).unwrap_or(u32::MAX),
    })
}

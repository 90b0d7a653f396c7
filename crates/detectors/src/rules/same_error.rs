//! The same kind of error six times running from calls that are much alike, and calls that are
//! refused six times running whatever they are. It waits a call longer where the calls may be
//! the beginning of an exact cycle.

use super::{Sighting, becomes_a_copy, may_begin_a_cycle, was_made_before};
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
/// Likeness of each call to the one before, in thousandths.
const LIKENESS_MIN: u32 = 550;

pub(crate) fn see(history: &History) -> Option<Sighting> {
    let last = history.calls().next()?;
    let alike = |seen: &Seen, later: &Seen| match last.end {
        End::Blocked => seen.end == End::Blocked,
        End::Failed => {
            seen.end == End::Failed
                && seen.tool == last.tool
                && seen.class == last.class
                && seen.sketch.likeness(&later.sketch) >= LIKENESS_MIN
        }
        End::Done | End::Acknowledged | End::Empty | End::Unavailable | End::Spoke => false,
    };
    let (mut times, mut since) = (1, last);
    for seen in history.calls().skip(1) {
        if !alike(seen, since) {
            break;
        }
        times += 1;
        since = seen;
    }
    let needed = match last.end {
        End::Failed => needed(history, times),
        End::Blocked
        | End::Done
        | End::Acknowledged
        | End::Empty
        | End::Unavailable
        | End::Spoke => TIMES,
    };
    let what = match last.end {
        End::Blocked => hash_numbers([0]),
        _ => hash_numbers([last.tool, last.class]),
    };
    (times >= needed).then(|| Sighting {
        rule: LoopRule::SameError,
        what,
        since: since.index,
        period: 1,
        times: u32::try_from(times).unwrap_or(u32::MAX),
    })
}

/// Failures that make a loop, given that there are so many running.
fn needed(history: &History, times: usize) -> usize {
    // The same call twice running is a cycle of one step, if anything.
    let mut calls = history.calls().map(|seen| seen.call);
    let varies = calls.next() != calls.next();
    if may_begin_a_cycle(history, times) {
        TIMES_BEFORE_A_CYCLE
    } else if was_made_before(history, 0, times) && varies {
        TIMES_ONCE_AGAIN
    } else if becomes_a_copy(history, times) {
        TIMES_BEFORE_A_CYCLE
    } else {
        TIMES
    }
}

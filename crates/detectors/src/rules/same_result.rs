//! The same result six times running from calls that are much alike: what is varied does not
//! matter. That a write was taken note of is no result, and calls about other things that end
//! alike are no loop. It waits a call longer where the calls may be the beginning of an exact
//! cycle.

use super::{Sighting, becomes_a_copy, may_begin_a_cycle, was_made_before};
use crate::history::History;
use crate::outcome::End;
use crate::volatile::hash_numbers;
use leadhand_protocol::LoopRule;

/// Calls that end alike: five were met before an exact loop began, and four in honest work of the
/// development data.
const TIMES: usize = 6;
/// The same, where the calls become equal: one more shows whether they come round exactly.
const TIMES_BEFORE_A_CYCLE: usize = 7;
/// Likeness of each call to the one before, in thousandths. Of the loops of the development data
/// that are called by this rule the least likeness is 500.
const LIKENESS_MIN: u32 = 500;

pub(crate) fn see(history: &History) -> Option<Sighting> {
    let last = history.calls().next()?;
    match last.end {
        End::Acknowledged | End::Spoke | End::Unavailable | End::Blocked => return None,
        End::Done | End::Empty | End::Failed => {}
    }
    let (mut times, mut since) = (1, last);
    let mut asked = vec![last.call];
    for seen in history.calls().skip(1) {
        let alike = seen.tool == last.tool
            && seen.result == last.result
            && seen.sketch.likeness(&since.sketch) >= LIKENESS_MIN;
        if !alike || seen.waits {
            break;
        }
        times += 1;
        since = seen;
        if !asked.contains(&seen.call) {
            asked.push(seen.call);
        }
    }
    // A call over and over is counted once among different ones, and in full once it is the last again:
    // then nothing new is tried any more.
    let (counted, is_due_soon) = if asked.len() > 1 && was_made_before(history, 0, times) {
        (times, may_begin_a_cycle(history, times))
    } else {
        (asked.len(), becomes_a_copy(history, times))
    };
    let needed = if is_due_soon {
        TIMES_BEFORE_A_CYCLE
    } else {
        TIMES
    };
    (counted >= needed).then(|| Sighting {
        rule: LoopRule::SameResult,
        what: hash_numbers([last.tool, last.result]),
        since: since.index,
        period: 1,
        times: u32::try_from(times).unwrap_or(u32::MAX),
    })
}

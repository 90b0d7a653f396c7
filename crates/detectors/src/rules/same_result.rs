//! The same result six times running from calls that are much alike: what is varied does not
//! matter. That a write was taken note of is no result, and calls about other things that end
//! alike are no loop.

use super::Sighting;
use crate::history::History;
use crate::outcome::End;
use crate::volatile::hash_numbers;
use leadhand_protocol::LoopRule;

/// Calls, all different, that end alike: five were met before an exact loop began, and four in
/// honest work of the development data.
const TIMES: usize = 6;
/// The same, once one of them is made again: who repeats a call among variants of it has none left.
const TIMES_ONCE_AGAIN: usize = 5;
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
    let mut again = false;
    for seen in history.calls().skip(1) {
        let alike = seen.tool == last.tool
            && seen.result == last.result
            && seen.sketch.likeness(&since.sketch) >= LIKENESS_MIN;
        if !alike || seen.waits {
            break;
        }
        times += 1;
        since = seen;
        again |= seen.call == last.call;
        if !asked.contains(&seen.call) {
            asked.push(seen.call);
        }
    }
    let is_once_again = again && asked.len() > 1 && times >= TIMES_ONCE_AGAIN;
    (asked.len() >= TIMES || is_once_again).then(|| Sighting {
        rule: LoopRule::SameResult,
        what: hash_numbers([last.tool, last.result]),
        since: since.index,
        period: 1,
        times: u32::try_from(times).unwrap_or(u32::MAX),
    })
}

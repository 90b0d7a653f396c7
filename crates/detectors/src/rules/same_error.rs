//! The same kind of error six times running from calls that are much alike, and calls that are
//! refused six times running whatever they are.

use super::Sighting;
use crate::history::History;
use crate::outcome::End;
use crate::seen::Seen;
use crate::volatile::hash_numbers;
use leadhand_protocol::LoopRule;

/// An error that says something else each time may be closed in on: five were met in honest work
/// of the development data.
const TIMES: usize = 6;
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
    let what = match last.end {
        End::Blocked => hash_numbers([0]),
        _ => hash_numbers([last.tool, last.class]),
    };
    (times >= TIMES).then(|| Sighting {
        rule: LoopRule::SameError,
        what,
        since: since.index,
        period: 1,
        times: u32::try_from(times).unwrap_or(u32::MAX),
    })
}

//! One call with one result for the third time, whatever was done between. Where each time
//! between two of them something new was learnt, and the call itself did not fail, it is an
//! anchor that is looked at again and no loop.

use super::{Sighting, cycle};
use crate::history::History;
use crate::outcome::End;
use leadhand_protocol::LoopRule;

/// The third time brings nothing that the second did not.
const TIMES: usize = 3;
/// Times that an anchor may be looked at, and that a call may be tried which was told to come
/// back later.
const PATIENT_TIMES: usize = 24;

pub(crate) fn see(history: &History) -> Option<Sighting> {
    let last = history.back(0)?;
    if last.end == End::Spoke {
        return None;
    }
    let mut times = 1;
    let mut since = last;
    let mut learnt_between = true;
    let mut learnt = false;
    let mut spaced = true;
    let mut compacted = false;
    for seen in history.steps().skip(1) {
        if seen.pair == last.pair {
            times += 1;
            learnt_between &= learnt;
            spaced &= match (since.at_ms, seen.at_ms) {
                (Some(later), Some(earlier)) => later.saturating_sub(earlier) >= cycle::APART_MS,
                _ => false,
            };
            learnt = false;
            since = seen;
        } else {
            learnt |= seen.fresh || seen.waits;
            compacted |= seen.compacts;
        }
    }
    let is_anchor = learnt_between && last.end != End::Failed && last.end != End::Blocked;
    let needed = if spaced || cycle::is_look(last) {
        cycle::LOOKS
    } else if is_anchor || last.end == End::Unavailable {
        PATIENT_TIMES
    } else {
        TIMES
    };
    let rule = if compacted {
        LoopRule::Compaction
    } else {
        LoopRule::RepeatedCall
    };
    (times >= needed).then(|| Sighting {
        rule,
        what: last.pair,
        since: since.index,
        period: 1,
        times: u32::try_from(times).unwrap_or(u32::MAX),
    })
}

//! One call with one result for the third time, whatever was done between. Where each time
//! between two of them something new was learnt, and the call itself did not fail, it is an
//! anchor that is looked at again and no loop. Where a call failed three times at uneven
//! distances, the next call that brings nothing new either decides.

use super::{Sighting, cycle};
use crate::history::History;
use crate::outcome::End;
use crate::seen::Seen;
use leadhand_protocol::LoopRule;

/// The third time brings nothing that the second did not.
const TIMES: usize = 3;
/// Times that an anchor may be looked at, and that a call may be tried which was told to come
/// back later.
const PATIENT_TIMES: usize = 24;
/// Calls among which one is waited for that brings nothing new, after a call that failed at uneven
/// distances: at even ones it comes round; at uneven ones it may have been tried between other
/// things, and what is done next tells. Whoever goes on for so long with new things has left it.
const WAIT_CALLS: usize = 4;

pub(crate) fn see(history: &History) -> Option<Sighting> {
    let now = repeated(history, 0);
    if now.as_ref().is_some_and(Repeated::is_sure) {
        return now.map(|repeated| repeated.sighting());
    }
    // The first call after it that brings nothing new: between them all did.
    let is_idle = |seen: &Seen| !seen.fresh && seen.end != End::Spoke;
    if !history.back(0).is_some_and(is_idle) {
        return None;
    }
    let mut waited = 0;
    for (back, seen) in history.steps().enumerate().skip(1) {
        if seen.end == End::Spoke {
            continue;
        }
        waited += 1;
        let repeated = repeated(history, back).filter(|found| !found.is_sure());
        if repeated.is_some() || is_idle(seen) || waited == WAIT_CALLS {
            return repeated.map(|found| found.sighting());
        }
    }
    None
}

/// A call that was made often enough to be a loop.
struct Repeated<'a> {
    last: &'a Seen,
    since: &'a Seen,
    times: usize,
    needed: usize,
    /// Whether the same number of steps lies between any two of them.
    even: bool,
    compacted: bool,
}

/// The call of the step so far back, if it was made often enough by then.
fn repeated(history: &History, back: usize) -> Option<Repeated<'_>> {
    let last = history.back(back)?;
    if last.end == End::Spoke {
        return None;
    }
    let mut found = Repeated {
        last,
        since: last,
        times: 1,
        needed: TIMES,
        even: true,
        compacted: false,
    };
    let mut distance = None;
    let (mut learnt_between, mut learnt, mut spaced) = (true, false, true);
    for seen in history.steps().skip(back + 1) {
        if seen.pair == last.pair {
            let own = found.since.index - seen.index;
            found.even &= *distance.get_or_insert(own) == own;
            found.times += 1;
            learnt_between &= learnt;
            spaced &= match (found.since.at_ms, seen.at_ms) {
                (Some(later), Some(earlier)) => later.saturating_sub(earlier) >= cycle::APART_MS,
                _ => false,
            };
            learnt = false;
            found.since = seen;
        } else {
            learnt |= seen.fresh || seen.waits;
            found.compacted |= seen.compacts;
        }
    }
    let is_anchor = learnt_between && last.end != End::Failed && last.end != End::Blocked;
    if spaced || cycle::is_look(last) {
        found.needed = cycle::LOOKS;
    } else if is_anchor || last.end == End::Unavailable {
        found.needed = PATIENT_TIMES;
    }
    (found.times >= found.needed).then_some(found)
}

impl Repeated<'_> {
    fn is_sure(&self) -> bool {
        self.times > self.needed || self.even || self.last.end != End::Failed
    }

    fn sighting(&self) -> Sighting {
        Sighting {
            rule: if self.compacted {
                LoopRule::Compaction
            } else {
                LoopRule::RepeatedCall
            },
            what: self.last.pair,
            since: self.since.index,
            period: 1,
            times: u32::try_from(self.times).unwrap_or(u32::MAX),
        }
    }
}

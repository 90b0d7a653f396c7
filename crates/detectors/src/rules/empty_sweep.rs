//! One call after the other that differs in its numbers alone and finds nothing: page 7, page 8.

use super::Sighting;
use crate::history::History;
use crate::volatile::hash_numbers;
use leadhand_protocol::LoopRule;

/// A sweep over what may well be empty is given more room than the same question asked anew.
const TIMES: usize = 8;

pub(crate) fn see(history: &History) -> Option<Sighting> {
    let last = history.calls().next()?;
    let (mut times, mut since) = (0, last);
    for seen in history.calls() {
        let sweeps = seen.shape == last.shape
            && seen.tool == last.tool
            && seen.end.is_barren()
            && seen.class == last.class;
        if !sweeps {
            break;
        }
        times += 1;
        since = seen;
    }
    (times >= TIMES).then(|| Sighting {
        rule: LoopRule::EmptySweep,
        what: hash_numbers([last.tool, last.shape]),
        since: since.index,
        period: 1,
        times: u32::try_from(times).unwrap_or(u32::MAX),
    })
}

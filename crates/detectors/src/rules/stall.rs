//! Many calls, and nothing new came of any: no result that was not known, no write, no check
//! that passes.

use super::Sighting;
use crate::history::History;
use crate::volatile::hash_text;
use leadhand_protocol::LoopRule;

/// Calls without anything new. On the development data the longest stretch in honest work is a
/// third of it.
const CALLS: u32 = 24;

pub(crate) fn see(history: &History) -> Option<Sighting> {
    let last = history.back(0)?;
    let waits = history
        .calls()
        .take(CALLS as usize)
        .any(|seen| seen.waits || seen.poll_every_ms.is_some());
    (history.barren >= CALLS && !waits).then(|| {
        let back = (CALLS as usize).min(history.len()) - 1;
        Sighting {
            rule: LoopRule::Stall,
            what: hash_text("stall"),
            since: history.back(back).unwrap_or(last).index,
            period: 1,
            times: history.barren,
        }
    })
}

//! A call that grows by the same piece each time: it is made of itself.

use super::Sighting;
use crate::history::History;
use crate::volatile::hash_numbers;
use leadhand_protocol::LoopRule;

/// Times that a call grows by the same piece. Building up a command grows it by another piece
/// each time.
const TIMES: usize = 4;

pub(crate) fn see(history: &History) -> Option<Sighting> {
    let last = history.calls().next()?;
    let before = history.calls().nth(1)?;
    let piece = last
        .bytes
        .checked_sub(before.bytes)
        .filter(|piece| *piece > 0)?;
    let (mut times, mut since) = (1, last);
    for seen in history.calls().skip(1) {
        let grows = seen.tool == last.tool
            && since.bytes.checked_sub(seen.bytes) == Some(piece)
            && seen.sketch == last.sketch;
        if !grows {
            break;
        }
        times += 1;
        since = seen;
    }
    (times >= TIMES).then(|| Sighting {
        rule: LoopRule::NearDuplicate,
        what: hash_numbers([last.tool, u64::from(piece)]),
        since: since.index,
        period: 1,
        times: u32::try_from(times).unwrap_or(u32::MAX),
    })
}

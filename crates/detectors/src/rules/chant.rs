//! The same words over and over: within what is said once, or from one message to the next.

use super::Sighting;
use crate::history::History;
use crate::outcome::End;
use crate::seen::Seen;
use leadhand_protocol::LoopRule;

/// Messages of the same words running, with nothing else between and no other answer.
const MESSAGES: usize = 3;
/// Times that a piece of text stands behind itself.
const PIECES: usize = 8;
/// Bytes that such pieces take up at least: short ones, as in a rule of dashes, are form.
const BYTES_MIN: usize = 240;
/// Longest piece that is looked for, in bytes.
const PIECE_MAX: usize = 120;

/// Messages that say the same.
pub(crate) fn see(history: &History) -> Option<Sighting> {
    let last = history.back(0)?;
    let same = |seen: &&Seen| seen.end == End::Spoke && seen.pair == last.pair;
    let times = history.steps().take_while(same).count();
    (times >= MESSAGES).then(|| Sighting {
        rule: LoopRule::Chant,
        what: last.pair,
        since: history.back(times - 1).unwrap_or(last).index,
        period: 1,
        times: u32::try_from(times).unwrap_or(u32::MAX),
    })
}

/// Whether a text ends in one piece again and again.
pub(crate) fn ends_in_chant(text: &str) -> bool {
    let bytes = text.trim_end().as_bytes();
    (1..=PIECE_MAX.min(bytes.len() / PIECES)).any(|piece| {
        let equal = bytes.iter().rev().zip(bytes.iter().rev().skip(piece));
        let matched = equal.take_while(|(one, two)| one == two).count();
        // Blanks and rules of one sign are form, not words.
        let tail = &bytes[bytes.len() - piece..];
        let words = tail.iter().any(u8::is_ascii_alphabetic);
        words && matched >= piece * (PIECES - 1) && matched + piece >= BYTES_MIN
    })
}

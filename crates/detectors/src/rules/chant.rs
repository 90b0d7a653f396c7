//! The same words over and over within what is said once. From one message to the next is for
//! `conversation.rs`.

/// Times that a piece of text stands behind itself.
const PIECES: usize = 8;
/// Bytes that such pieces take up at least: short ones, as in a rule of dashes, are form.
const BYTES_MIN: usize = 240;
/// Longest piece that is looked for, in bytes.
const PIECE_MAX: usize = 120;

/// Bytes at the end of a text that are looked at: room for dozens of the longest pieces.
const TAIL_BYTES: usize = 4_096;

/// Whether a text ends in one piece again and again.
pub(crate) fn ends_in_chant(text: &str) -> bool {
    let bytes = text.trim_end().as_bytes();
    let bytes = &bytes[bytes.len().saturating_sub(TAIL_BYTES)..];
    (1..=PIECE_MAX.min(bytes.len() / PIECES)).any(|piece| {
        let equal = bytes.iter().rev().zip(bytes.iter().rev().skip(piece));
        let matched = equal.take_while(|(one, two)| one == two).count();
        // Blanks and rules of one sign are form, not words.
        let tail = &bytes[bytes.len() - piece..];
        let words = tail.iter().any(u8::is_ascii_alphabetic);
        words && matched >= piece * (PIECES - 1) && matched + piece >= BYTES_MIN
    })
}

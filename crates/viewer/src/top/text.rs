//! Texts as they may stand on the screen. What agents and tools wrote is hostile: whatever a
//! terminal would act on is written out by `leadhand_inspector::escape`; what cannot be seen, or
//! has no width that is sure, is written out or left out here. Columns are counted, not
//! characters.

use leadhand_inspector::escape;
use unicode_width::UnicodeWidthChar;

/// Characters of a text of which one line is shown; more has no room on any screen.
const LINE_CHARS_MAX: usize = 500;
/// Marks that may stand on one letter; more would reach into the lines above and below.
const MARKS_MAX: usize = 3;
/// Columns from one tab stop to the next.
const TAB_COLUMNS: usize = 4;

/// The text on one line, to be read.
pub(super) fn line(text: &str) -> String {
    visible(&escape::line(text, LINE_CHARS_MAX), Unseen::LeftOut)
}

/// The text with its lines, to be read.
pub(super) fn lines(text: &str) -> String {
    visible(&escape::lines(text), Unseen::LeftOut)
}

/// The text with its lines, to be decided about: nothing is left out.
pub(super) fn exact(text: &str) -> String {
    visible(&escape::lines(text), Unseen::WrittenOut)
}

/// What becomes of characters that only change the look of those beside them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unseen {
    LeftOut,
    WrittenOut,
}

fn visible(text: &str, unseen: Unseen) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut marks = 0;
    for c in text.chars() {
        let has_no_width = c.width() == Some(0);
        marks = if has_no_width { marks + 1 } else { 0 };
        let is_left_out = changes_the_look(c) || (has_no_width && marks > MARKS_MAX);
        if is_left_out && unseen == Unseen::LeftOut {
            continue;
        }
        if is_left_out || is_invisible(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Joiners, selectors and skin tones: terminals differ in how wide what they join is.
fn changes_the_look(c: char) -> bool {
    matches!(c, '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

/// Characters that a text can hide words in, since nobody sees them (Default_Ignorable_Code_Point
/// of the Unicode Character Database, without those above).
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200c}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Columns that a text takes.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// The text cut to so many columns.
pub(super) fn cut(text: &str, columns_max: usize) -> String {
    if columns(text) <= columns_max {
        return text.to_owned();
    }
    let Some(room) = columns_max.checked_sub(1) else {
        return String::new();
    };
    let mut cut: String = text[..fits(text, room)].to_owned();
    cut.push('…');
    cut
}

/// Cut or filled up with spaces to just so many columns.
pub(super) fn filled(text: &str, columns_wanted: usize) -> String {
    let mut text = cut(text, columns_wanted);
    let missing = columns_wanted.saturating_sub(columns(&text));
    text.extend(std::iter::repeat_n(' ', missing));
    text
}

/// Bytes of the beginning of a text that fits into so many columns.
fn fits(text: &str, columns_max: usize) -> usize {
    let mut taken = 0;
    for (at, c) in text.char_indices() {
        taken += c.width().unwrap_or(0);
        if taken > columns_max {
            return at;
        }
    }
    text.len()
}

/// The lines of a text, none wider than so many columns; broken between words where there is a
/// space in the second half.
pub(super) fn wrapped(text: &str, columns_max: usize) -> Vec<String> {
    let columns_max = columns_max.max(2);
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let line = without_tabs(line);
        let mut rest = line.as_str();
        loop {
            // A character that is wider than all there is goes on a line of its own.
            let first = rest.chars().next().map_or(0, char::len_utf8);
            let at = fits(rest, columns_max).max(first);
            if at == rest.len() {
                lines.push(rest.to_owned());
                break;
            }
            let space = rest[..at].rfind(' ').filter(|space| *space > at / 2);
            let (taken, left) = match space {
                Some(space) => (&rest[..space], &rest[space + 1..]),
                None => rest.split_at(at),
            };
            lines.push(taken.to_owned());
            rest = left;
        }
    }
    lines
}

fn without_tabs(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut column = 0;
    for c in line.chars() {
        if c == '\t' {
            let stop = TAB_COLUMNS - column % TAB_COLUMNS;
            text.extend(std::iter::repeat_n(' ', stop));
            column += stop;
        } else {
            text.push(c);
            column += c.width().unwrap_or(0);
        }
    }
    text
}

/// A number in at most six characters: `999`, `12.3k`, `4.5M`.
pub(super) fn short(number: u64) -> String {
    let tenths = |unit: u64, sign: char| {
        let tenths = number / (unit / 10);
        if tenths >= 1_000 {
            format!("{}{sign}", tenths / 10)
        } else {
            format!("{}.{}{sign}", tenths / 10, tenths % 10)
        }
    };
    match number {
        0..1_000 => number.to_string(),
        1_000..1_000_000 => tenths(1_000, 'k'),
        1_000_000..1_000_000_000 => tenths(1_000_000, 'M'),
        _ => tenths(1_000_000_000, 'G'),
    }
}

/// A time in at most seven characters: `3.2s`, `4m05s`, `3h04m`, `12d`.
pub(super) fn short_time(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0..60 => format!("{seconds}.{}s", ms % 1_000 / 100),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..172_800 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_acts_on_or_nobody_sees_is_left() {
        let check = |text: &str, read: &str, decided: &str| {
            assert_eq!(line(text), read);
            assert_eq!(exact(text), decided);
        };
        check("Grüße, 世界", "Grüße, 世界", "Grüße, 世界");
        check("\u{1b}[2J", "\\u{1b}[2J", "\\u{1b}[2J");
        check("a\u{202e}b", "a\\u{202e}b", "a\\u{202e}b");
        check(
            "a\u{200b}b\u{e0041}",
            "a\\u{200b}b\\u{e0041}",
            "a\\u{200b}b\\u{e0041}",
        );
        check("✔\u{fe0f}", "✔", "✔\\u{fe0f}");
        let zalgo = format!("e{}", "\u{301}".repeat(5));
        check(
            &zalgo,
            &format!("e{}", "\u{301}".repeat(3)),
            &format!("e{}\\u{{301}}\\u{{301}}", "\u{301}".repeat(3)),
        );
    }

    #[test]
    fn columns_are_counted_and_not_characters() {
        assert_eq!(columns("世界"), 4);
        assert_eq!(cut("世界地図", 5), "世界…");
        assert_eq!(cut("世界地図", 4), "世…");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abc", 0), "");
        assert_eq!(filled("世", 4), "世  ");
        assert_eq!(wrapped("世界地図", 4), ["世界", "地図"]);
        assert_eq!(wrapped("ab\tc", 10), ["ab  c"]);
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrapped("", 4), [""]);
    }

    #[test]
    fn numbers_and_times_are_short() {
        let numbers = [0, 999, 1_234, 123_456, 1_234_567, 12_345_678_901];
        assert_eq!(
            numbers.map(short),
            ["0", "999", "1.2k", "123k", "1.2M", "12.3G"]
        );
        let times = [0, 3_250, 65_000, 7_260_000, 400_000_000];
        assert_eq!(
            times.map(short_time),
            ["0.0s", "3.2s", "1m05s", "2h01m", "4d"]
        );
    }
}

//! Texts of models, tools and files as they may be shown: nothing in them can move the
//! cursor, colour the screen, set its title or turn the direction of writing.

/// The text with everything that a terminal would act on written out, but for line ends and
/// tabs.
pub fn lines(text: &str) -> String {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

/// The text on one line, cut to `chars_max` characters.
pub fn line(text: &str, chars_max: usize) -> String {
    let mut cut: String = text.chars().take(chars_max).collect();
    if cut.len() < text.len() {
        cut.pop();
        cut.push('…');
    }
    escaped(&cut, |_| false)
}

fn escaped(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            _ if keep(c) => shown.push(c),
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            _ if is_harmful(c) => shown.extend(c.escape_unicode()),
            _ => shown.push(c),
        }
    }
    shown
}

/// Control characters, and those that turn the direction of writing (Unicode Annex 9).
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        )
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_act_on() {
        let check = |text: &str, expected_lines: &str, expected_line: &str| {
            assert_eq!(lines(text), expected_lines);
            assert_eq!(line(text, 40), expected_line);
        };
        check("Grüße, 世界", "Grüße, 世界", "Grüße, 世界");
        check("a\nb\tc\r", "a\nb\tc\\r", "a\\nb\\tc\\r");
        check(
            "\u{1b}[31mred\u{7}",
            "\\u{1b}[31mred\\u{7}",
            "\\u{1b}[31mred\\u{7}",
        );
        check("\u{9b}2J", "\\u{9b}2J", "\\u{9b}2J");
        check("gpj.\u{202e}exe", "gpj.\\u{202e}exe", "gpj.\\u{202e}exe");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(line("abcdef", 6), "abcdef");
        assert_eq!(line("abcdefg", 6), "abcde…");
    }
}

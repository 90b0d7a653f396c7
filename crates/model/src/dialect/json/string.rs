//! Strings as models write them: other quotation marks, raw line breaks, lone backslashes,
//! quotes that were not escaped. The hard question is which quote ends the string.

use super::{JsonFault, Reader, place, space_len, starts_key};

/// Whether a character opens a string.
pub(super) fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '“' | '”' | '‘' | '’' | '„')
}

/// The character that ends a string which `opening` began.
pub(super) fn closing_of(opening: char) -> char {
    match opening {
        '“' | '„' => '”',
        '‘' => '’',
        other => other,
    }
}

impl Reader<'_> {
    /// One string, or several joined by `+`.
    pub(super) fn strings(&mut self) -> Result<String, JsonFault> {
        let mut whole = self.string(false)?;
        loop {
            let space = space_len(self.rest());
            let Some(after) = self.rest()[space..].strip_prefix('+') else {
                return Ok(whole);
            };
            let gap = space_len(after);
            if !after[gap..].starts_with(is_quote) {
                return Ok(whole);
            }
            self.at += space + 1 + gap;
            whole.push_str(&self.string(false)?);
        }
    }

    pub(super) fn string(&mut self, is_key: bool) -> Result<String, JsonFault> {
        let start = self.at;
        for triple in ["\"\"\"", "'''"] {
            if self.rest().starts_with(triple) {
                return self.triple(triple);
            }
        }
        let Some(opening) = self.bump() else {
            return self.fault("a string should stand here");
        };
        let closing = closing_of(opening);
        let mut read = String::new();
        let mut inner_quotes = 0_usize;
        loop {
            let Some(c) = self.bump() else {
                let what = "the string that starts here never ends; close it with `\"`";
                return Err(place(self.text, start, what.to_owned()));
            };
            if c == '\\' {
                self.escape(&mut read)?;
            } else if c == closing && self.ends_here(is_key, inner_quotes) {
                break;
            } else if c == closing && self.may_be_missing_comma() {
                let what = "a `,` is missing after this string, or a `\"` inside it is not escaped";
                return Err(place(self.text, start, what.to_owned()));
            } else {
                inner_quotes += usize::from(c == closing);
                read.push(c);
            }
        }
        // Apostrophes come alone, quotation marks in pairs.
        if closing == '"' && inner_quotes % 2 == 1 {
            let what = "a `\"` inside this string is not escaped; write it as `\\\"`";
            return Err(place(self.text, start, what.to_owned()));
        }
        Ok(read)
    }

    /// Whether the quote just read ends the string, judged by what follows it.
    fn ends_here(&self, is_key: bool, inner_quotes: usize) -> bool {
        let rest = self.rest();
        let after = &rest[space_len(rest)..];
        let in_object = self.open.last() == Some(&'}');
        match after.chars().next() {
            None | Some('}' | ']' | '+' | ')' | ';') => true,
            Some(':') => is_key,
            Some(',') if in_object => {
                let next = &after[1..];
                let next = &next[space_len(next)..];
                let is_key = starts_key(next) && (inner_quotes == 0 || next.starts_with(is_quote));
                is_key || next.is_empty() || next.starts_with([',', '}', ']'])
            }
            Some(',') => true,
            // A missing comma: a key follows on a new line, or in a list another element. Less
            // would take `"print "Total: " s"` apart.
            Some(c) if in_object => {
                let gap = &rest[..rest.len() - after.len()];
                gap.contains('\n') && is_quote(c) && starts_key(after)
            }
            Some(c) if is_quote(c) => {
                inner_quotes.is_multiple_of(2) && rest.starts_with(char::is_whitespace)
            }
            Some(c) => inner_quotes == 0 && (c.is_ascii_digit() || c == '{' || c == '['),
        }
    }

    /// Whether a quoted key follows on the same line: then the quote just read can be the end
    /// of the string or a part of it.
    fn may_be_missing_comma(&self) -> bool {
        let after = &self.rest()[space_len(self.rest())..];
        self.open.last() == Some(&'}') && after.starts_with(is_quote) && starts_key(after)
    }

    fn triple(&mut self, mark: &str) -> Result<String, JsonFault> {
        let start = self.at;
        self.at += mark.len();
        let mut read = String::new();
        while !self.rest().starts_with(mark) {
            match self.bump() {
                Some('\\') => self.escape(&mut read)?,
                Some(c) => read.push(c),
                None => {
                    let what = format!("the {mark} that starts here never ends");
                    return Err(place(self.text, start, what));
                }
            }
        }
        self.at += mark.len();
        Ok(read)
    }

    /// What stands after a backslash. An escape that JSON does not know keeps its backslash:
    /// whoever writes `\d` means a regular expression.
    fn escape(&mut self, read: &mut String) -> Result<(), JsonFault> {
        let Some(c) = self.bump() else {
            return self.fault("the string ends after a backslash; write `\\\\` for one");
        };
        match c {
            '"' | '\\' | '/' | '\'' | '`' => read.push(c),
            'n' => read.push('\n'),
            't' => read.push('\t'),
            'r' => read.push('\r'),
            'b' => read.push('\u{8}'),
            'f' => read.push('\u{c}'),
            'u' => {
                let first = self.four_digits()?;
                read.push(self.scalar(first)?);
            }
            other => {
                read.push('\\');
                read.push(other);
            }
        }
        Ok(())
    }

    fn four_digits(&mut self) -> Result<u32, JsonFault> {
        let digits = self
            .rest()
            .get(..4)
            .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(number) => {
                self.at += 4;
                Ok(number)
            }
            None => self.fault("`\\u` wants four hexadecimal digits; write `\\\\u` for the text"),
        }
    }

    /// The character of one UTF-16 unit, or of it and the one that follows. A lone half of a
    /// pair becomes U+FFFD.
    fn scalar(&mut self, first: u32) -> Result<char, JsonFault> {
        if (0xD800..0xDC00).contains(&first) && self.rest().starts_with("\\u") {
            let before = self.at;
            self.at += 2;
            let second = self.four_digits()?;
            if (0xDC00..0xE000).contains(&second) {
                let joined = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                return Ok(char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = before;
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

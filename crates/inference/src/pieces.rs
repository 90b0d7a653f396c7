//! Turns the bytes of tokens into pieces of text that are whole characters: a character
//! may be spread over several tokens and must not reach the reader in halves.

/// Collects an answer and hands out what is new and whole.
#[derive(Default)]
pub(crate) struct Pieces {
    text: String,
    pending: Vec<u8>,
}

impl Pieces {
    /// Adds bytes and returns the text that became whole. Bytes that can never become a
    /// character turn into U+FFFD.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> &str {
        self.pending.extend_from_slice(bytes);
        let from = self.text.len();
        loop {
            match std::str::from_utf8(&self.pending) {
                Ok(text) => {
                    self.text.push_str(text);
                    self.pending.clear();
                    break;
                }
                Err(fault) => {
                    let (whole, rest) = self.pending.split_at(fault.valid_up_to());
                    self.text.push_str(&String::from_utf8_lossy(whole));
                    match fault.error_len() {
                        Some(wrong) => {
                            self.text.push(char::REPLACEMENT_CHARACTER);
                            self.pending = rest[wrong..].to_vec();
                        }
                        None => {
                            self.pending = rest.to_vec();
                            break;
                        }
                    }
                }
            }
        }
        &self.text[from..]
    }

    /// Ends the answer; half a character at the end becomes U+FFFD.
    pub(crate) fn finish(&mut self) -> &str {
        let from = self.text.len();
        if !self.pending.is_empty() {
            self.pending.clear();
            self.text.push(char::REPLACEMENT_CHARACTER);
        }
        &self.text[from..]
    }

    /// The whole text so far.
    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::Pieces;

    fn check(bytes: &[&[u8]], wanted: &[&str]) {
        let mut pieces = Pieces::default();
        let mut found: Vec<String> = bytes
            .iter()
            .map(|bytes| pieces.push(bytes).to_owned())
            .collect();
        found.push(pieces.finish().to_owned());
        assert_eq!(found, wanted);
        assert_eq!(pieces.into_text(), wanted.concat());
    }

    #[test]
    fn characters_arrive_whole() {
        check(&[b"ab", b"c"], &["ab", "c", ""]);
        check(&[b"\xE2\x82", b"\xAC!"], &["", "\u{20AC}!", ""]);
        check(
            &[b"a\xF0\x9F", b"\x98", b"\x80b"],
            &["a", "", "\u{1F600}b", ""],
        );
        check(&[b"a\xFFb", b"\xC3"], &["a\u{FFFD}b", "", "\u{FFFD}"]);
        check(&[b"\xE2", b"x"], &["", "\u{FFFD}x", ""]);
    }
}

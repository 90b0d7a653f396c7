//! What changes from one look to the next and means nothing: times of day, durations, addresses,
//! identifiers made by chance, temporary names, process numbers. Results are compared without
//! them; plain numbers and dates stay, since they are what most answers are about.

use sha2::{Digest, Sha256};

/// Bytes gathered before they are hashed, so that a long text needs no long buffer.
const GATHERED_BYTES_MAX: usize = 4096;
/// Longest word that is looked at as a whole; a longer one is content, whatever it looks like.
const WORD_BYTES_MAX: usize = 96;
/// Hexadecimal digits from which on letters and digits mixed are an identifier and no word:
/// short object names of version control have seven.
const HEX_DIGITS_MIN: usize = 7;

/// The hash of a text, blanks squeezed and what is volatile left out: the first 64 bits of
/// SHA-256 (FIPS 180-4), so that a tool cannot make two results look alike.
pub(crate) fn hash_result(text: &str) -> u64 {
    let mut hasher = Hasher::default();
    let mut number_waits = false;
    let mut after = Before::Other;
    for word in words(text) {
        let kind = Kind::of(word, after);
        if number_waits && kind != Kind::Unit {
            // The number before was no duration: it counts.
            hasher.keep();
        }
        number_waits = false;
        match kind {
            Kind::Volatile => hasher.word(b"~"),
            Kind::Unit => {
                hasher.drop_held();
                hasher.word(b"~");
            }
            Kind::Number => {
                hasher.hold(word.as_bytes());
                number_waits = true;
            }
            Kind::Plain => hasher.word(word.as_bytes()),
        }
        after = Before::of(word);
    }
    hasher.keep();
    hasher.end()
}

/// The hash of a text, blanks squeezed.
pub(crate) fn hash_text(text: &str) -> u64 {
    let mut hasher = Hasher::default();
    text.split_ascii_whitespace()
        .for_each(|word| hasher.word(word.as_bytes()));
    hasher.end()
}

/// The hash of some numbers, in this order.
pub(crate) fn hash_numbers(numbers: impl IntoIterator<Item = u64>) -> u64 {
    let mut hasher = Hasher::default();
    for number in numbers {
        hasher.word(&number.to_be_bytes());
    }
    hasher.end()
}

#[derive(Default)]
struct Hasher {
    sha: Sha256,
    gathered: Vec<u8>,
    held: Vec<u8>,
}

impl Hasher {
    fn word(&mut self, word: &[u8]) {
        self.gathered.extend_from_slice(word);
        self.gathered.push(b' ');
        if self.gathered.len() >= GATHERED_BYTES_MAX {
            self.sha.update(&self.gathered);
            self.gathered.clear();
        }
    }

    fn hold(&mut self, word: &[u8]) {
        self.held.extend_from_slice(word);
    }

    fn drop_held(&mut self) {
        self.held.clear();
    }

    fn keep(&mut self) {
        if !self.held.is_empty() {
            let held = std::mem::take(&mut self.held);
            self.word(&held);
            self.held = held;
            self.held.clear();
        }
    }

    fn end(mut self) -> u64 {
        self.sha.update(&self.gathered);
        let digest: [u8; 32] = self.sha.finalize().into();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        u64::from_be_bytes(first)
    }
}

/// What the word before says of a number.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    /// The number names a process, or something else that lives as long as one.
    Process,
    Other,
}

impl Before {
    fn of(word: &str) -> Self {
        let named = ["pid", "tid", "ppid", "port"];
        let word = word.trim_end_matches([':', '=']);
        if named.iter().any(|name| word.eq_ignore_ascii_case(name)) {
            Self::Process
        } else {
            Self::Other
        }
    }
}

#[derive(PartialEq)]
enum Kind {
    Plain,
    Number,
    /// What a number before it is counted in: the two together are a duration.
    Unit,
    Volatile,
}

impl Kind {
    fn of(word: &str, before: Before) -> Self {
        let bytes = word.as_bytes();
        if bytes.len() > WORD_BYTES_MAX {
            return Self::Plain;
        }
        if !bytes.iter().any(u8::is_ascii_digit) {
            return if is_unit_word(word) {
                Self::Unit
            } else {
                Self::Plain
            };
        }
        if is_number(word) {
            return match before {
                Before::Process => Self::Volatile,
                Before::Other => Self::Number,
            };
        }
        let volatile = is_duration(word)
            || is_time_of_day(word)
            || is_address(word)
            || is_made_by_chance(word)
            || is_temporary(word);
        if volatile {
            Self::Volatile
        } else {
            Self::Plain
        }
    }
}

/// The words of a text and the signs between them, each for itself.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|sign: char| sign.is_ascii_whitespace());
        let bytes = rest.as_bytes();
        let first = bytes.first()?;
        let mut end = 1;
        if is_of_word(*first) {
            end += bytes[1..]
                .iter()
                .take_while(|byte| is_of_word(**byte))
                .count();
        }
        let (word, left) = rest.split_at(end);
        rest = left;
        Some(word)
    })
}

/// Bytes beyond ASCII are letters of words, so that a text is never cut within one of its signs.
fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || matches!(byte, b'_' | b'.' | b':' | b'-' | b'/')
}

fn is_number(word: &str) -> bool {
    word.bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
}

fn is_unit_word(word: &str) -> bool {
    let units = [
        "ms",
        "s",
        "sec",
        "secs",
        "second",
        "seconds",
        "min",
        "mins",
        "minute",
        "minutes",
        "us",
        "ns",
        "milliseconds",
        "microseconds",
        "hour",
        "hours",
    ];
    let word = word.trim_end_matches(['.', ':']);
    units.iter().any(|unit| word.eq_ignore_ascii_case(unit))
}

/// `0.83s`, `12ms`, `1m30s` written as one word.
fn is_duration(word: &str) -> bool {
    let digits = word.trim_end_matches(['.', ':']);
    let number = digits.trim_end_matches(|sign: char| sign.is_ascii_alphabetic());
    let unit = &digits[number.len()..];
    !unit.is_empty()
        && is_unit_word(unit)
        && number
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'm' | b'h'))
}

/// `10:50:52`, `2025-01-10T10:50:52Z`, also with parts of a second. A date without a time of day
/// is no such thing.
fn is_time_of_day(word: &str) -> bool {
    let date_end = word.find('T').map_or(0, |at| at + 1);
    let (date, time) = word.split_at(date_end);
    let is_date = date.is_empty()
        || (date.len() == 11
            && date[..10]
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'-'));
    let parts = time.split(':').take(3);
    is_date
        && time.matches(':').count() >= 2
        && parts
            .map(|part| part.trim_end_matches('Z'))
            .all(|part| !part.is_empty() && part.as_bytes()[0].is_ascii_digit())
}

fn is_address(word: &str) -> bool {
    word.strip_prefix("0x").is_some_and(|digits| {
        digits.len() >= HEX_DIGITS_MIN && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// A UUID, or a run of hexadecimal digits in which letters and digits are mixed.
fn is_made_by_chance(word: &str) -> bool {
    let part = word.rsplit(['_', ':', '/']).next().unwrap_or(word);
    let mixed = part.bytes().any(|byte| byte.is_ascii_alphabetic());
    let digits = part.bytes().filter(u8::is_ascii_hexdigit).count();
    mixed
        && digits >= HEX_DIGITS_MIN
        && part.bytes().any(|byte| byte.is_ascii_digit())
        && part.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
        // A date such as 2024-05-15 has no letters; a word such as `decade-1` few digits.
        && (!part.contains('-') || part.len() == 36)
}

/// A name within a folder for temporary files.
fn is_temporary(word: &str) -> bool {
    word.contains("/tmp/tmp") || word.contains("/tmp.") || word.starts_with("tmp")
}

#[cfg(test)]
mod tests {
    use super::hash_result;

    #[test]
    fn what_means_nothing_is_left_out() {
        let same = [
            (
                "[2025-01-10T10:50:52Z] took 0.8s (pid 3700)",
                "[2025-08-17T17:41:36Z] took 2.09s (pid 49393)",
            ),
            (
                "at 10:50:52 done in 3.2 seconds",
                "at 11:00:01 done in 14 seconds",
            ),
            ("object at 0x7f3a9c00d0", "object  at\n0x7f3a9c11e8"),
            (
                "request 3f2b8c1e-0d4a-4b7e-9d51-0a1b2c3d4e5f",
                "request 9a8b7c6d-5e4f-4a3b-8c2d-1e0f9a8b7c6d",
            ),
            ("wrote /tmp/tmpa8x1", "wrote /tmp/tmpq0zz7"),
            ("commit 3ea751c087f3", "commit c3e46d827cfc"),
        ];
        for (one, other) in same {
            assert_eq!(hash_result(one), hash_result(other), "{one} / {other}");
        }
        let differ = [
            (
                "29% complete, 1200 items left",
                "52% complete, 1020 items left",
            ),
            ("the flight of 2024-05-20", "the flight of 2024-05-21"),
            ("3 failed", "2 failed"),
            ("count 15", "count 12"),
            ("line 10: x", "line 12: x"),
            ("", "running"),
        ];
        for (one, other) in differ {
            assert_ne!(hash_result(one), hash_result(other), "{one} / {other}");
        }
    }
}

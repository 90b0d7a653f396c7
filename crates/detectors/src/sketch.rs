//! How alike two calls are, by the words they are made of.

use serde::{Deserialize, Serialize};

/// Most words of a call that are compared: the first ones, which say what it is.
const WORDS_MAX: usize = 64;

/// The words and signs of a text, as a sorted set of their hashes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Sketch(Vec<u32>);

impl Sketch {
    pub(crate) fn add(&mut self, text: &str) {
        let mut word = FNV_BASIS;
        let mut within = false;
        for byte in text.bytes() {
            if self.0.len() >= WORDS_MAX {
                break;
            }
            let is_letter = byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
            if is_letter {
                word = fnv(word, byte);
                within = true;
                continue;
            }
            if within {
                self.0.push(word);
            }
            (word, within) = (FNV_BASIS, false);
            if !byte.is_ascii_whitespace() {
                self.0.push(fnv(FNV_BASIS, byte));
            }
        }
        if within {
            self.0.push(word);
        }
        self.0.sort_unstable();
        self.0.dedup();
    }

    /// Words in common to words in all, in thousandths (the index of Jaccard); 1,000 where both
    /// have none.
    pub(crate) fn likeness(&self, other: &Self) -> u32 {
        let (mut mine, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut common: u32 = 0;
        while let (Some(one), Some(two)) = (mine.peek(), theirs.peek()) {
            match one.cmp(two) {
                std::cmp::Ordering::Less => drop(mine.next()),
                std::cmp::Ordering::Greater => drop(theirs.next()),
                std::cmp::Ordering::Equal => {
                    common += 1;
                    mine.next();
                    theirs.next();
                }
            }
        }
        let both = u32::try_from(self.0.len() + other.0.len()).unwrap_or(u32::MAX);
        match both - common {
            0 => 1000,
            all => common * 1000 / all,
        }
    }
}

/// FNV-1a, 32 bits (draft-eastlake-fnv): enough for words of which few are compared.
const FNV_BASIS: u32 = 0x811c_9dc5;

fn fnv(hash: u32, byte: u8) -> u32 {
    (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
}

//! Long texts of a large event, each a payload of its own. The result of a tool that comes again, or
//! an output that is then written to a file, is stored once, whatever stands around it.
//!
//! The body of such a record is [`Shared`], and behind it the rest of the event: its JSON without
//! those texts. A text is what stands between two quotes in the JSON, as it stands there.

use crate::RECORD_BYTES_MAX;
use leadhand_protocol::{ContentHash, Seq};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Shortest text that is stored by itself, in bytes: a file takes a block of 4,096.
pub(crate) const TEXT_BYTES_MIN: usize = 2048;

/// Most texts of one event that are; with more the value would be too long.
pub(crate) const TEXTS_MAX: usize = 16;

/// What stands before the rest of an event.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Shared {
    pub(crate) seq: Seq,
    pub(crate) at_ms: u64,
    /// Length of the event's JSON, texts included.
    pub(crate) bytes: usize,
    /// In the order in which they stand there.
    pub(crate) texts: Vec<Text>,
}

/// A text of an event.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Text {
    /// Where it begins in the event's JSON.
    pub(crate) at: usize,
    /// Its length.
    pub(crate) bytes: usize,
    /// Its name: the SHA-256 of it.
    pub(crate) text: ContentHash,
}

/// Where the long texts of an event stand.
pub(crate) fn long_texts(json: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut begin = None;
    let mut at = 0;
    while at < json.len() && found.len() < TEXTS_MAX {
        match (json[at], begin) {
            (b'\\', Some(_)) => at += 1,
            (b'"', Some(from)) => {
                if at - from >= TEXT_BYTES_MIN {
                    found.push(from..at);
                }
                begin = None;
            }
            (b'"', None) => begin = Some(at + 1),
            (_, _) => {}
        }
        at += 1;
    }
    found
}

/// The event without its texts.
pub(crate) fn rest(json: &[u8], texts: &[Range<usize>]) -> Vec<u8> {
    let mut rest = Vec::new();
    let mut at = 0;
    for text in texts {
        rest.extend(&json[at..text.start]);
        at = text.end;
    }
    rest.extend(&json[at..]);
    rest
}

impl Shared {
    /// Length of the rest; none when its texts are longer than the event.
    pub(crate) fn rest_bytes(&self) -> Option<usize> {
        self.texts
            .iter()
            .try_fold(self.bytes, |left, text| left.checked_sub(text.bytes))
    }

    /// Puts the texts back; `blob` fetches one by hash and length.
    pub(crate) fn join(
        &self,
        mut rest: &[u8],
        blob: impl Fn(ContentHash, u64) -> Result<Vec<u8>, String>,
    ) -> Result<Vec<u8>, String> {
        let unusable = || "it is whole but its texts do not fit into it".to_owned();
        let fits = self.bytes <= RECORD_BYTES_MAX && self.rest_bytes() == Some(rest.len());
        if !fits || self.texts.len() > TEXTS_MAX {
            return Err(unusable());
        }
        let mut json = Vec::with_capacity(self.bytes);
        for text in &self.texts {
            let before = text.at.checked_sub(json.len());
            let (before, after) = before
                .and_then(|before| rest.split_at_checked(before))
                .ok_or_else(unusable)?;
            json.extend(before);
            let content = blob(text.text, text.bytes as u64)?;
            if content.len() != text.bytes {
                return Err(unusable());
            }
            json.extend(content);
            rest = after;
        }
        json.extend(rest);
        Ok(json)
    }
}

#[cfg(test)]
mod tests {
    use super::{Shared, TEXT_BYTES_MIN, TEXTS_MAX, Text, long_texts, rest};
    use leadhand_protocol::ContentHash;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use serde_json::json;
    use std::collections::HashMap;

    fn shared(json: &[u8]) -> (Shared, Vec<u8>, HashMap<ContentHash, Vec<u8>>) {
        let places = long_texts(json);
        let mut blobs = HashMap::new();
        let texts = places.iter().map(|place| {
            let text = ContentHash::of(&json[place.clone()]);
            blobs.insert(text, json[place.clone()].to_vec());
            Text {
                at: place.start,
                bytes: place.len(),
                text,
            }
        });
        let texts = texts.collect();
        let about = Shared {
            seq: 1,
            at_ms: 2,
            bytes: json.len(),
            texts,
        };
        (about, rest(json, &places), blobs)
    }

    proptest! {
        #[test]
        fn an_event_is_what_it_was(
            texts in proptest::collection::vec(("[a\"\\\\\n{}ä]{0,3}", 0..2000_usize), 0..20),
            number in any::<u64>(),
        ) {
            let texts: Vec<String> = texts.iter().map(|(text, times)| text.repeat(*times)).collect();
            let json = serde_json::to_vec(&json!({"texts": texts, "number": number})).unwrap();
            let (about, rest, blobs) = shared(&json);
            prop_assert!(about.texts.len() <= TEXTS_MAX);
            prop_assert!(about.texts.iter().all(|text| text.bytes >= TEXT_BYTES_MIN));
            let fetch = |hash: ContentHash, _| Ok(blobs[&hash].clone());
            prop_assert_eq!(about.join(&rest, fetch), Ok(json));
        }
    }

    #[test]
    fn what_says_something_else_of_its_texts_is_refused() {
        let json = serde_json::to_vec(&json!(["a".repeat(5000), "b", "c".repeat(3000)])).unwrap();
        let check = |change: fn(&mut Shared)| {
            let (mut about, rest, blobs) = shared(&json);
            change(&mut about);
            let fetch = |hash: ContentHash, _| Ok(blobs[&hash].clone());
            assert!(about.join(&rest, fetch).is_err());
        };
        check(|about| about.bytes = usize::MAX);
        check(|about| about.bytes += 1);
        check(|about| about.texts[0].at = usize::MAX);
        check(|about| about.texts[1].at = 1);
        check(|about| about.texts[0].bytes -= 1);
        check(|about| about.texts[1].bytes = usize::MAX);
        check(|about| about.texts.truncate(1));
    }
}

//! The chain of a run: each record carries its *link*, a hash over itself and the link of the record
//! before. So none can be changed, removed, put in or moved without all links after it changing.
//!
//! A link is the SHA-256 of `"leadhand record\n"`, the link before (32 bytes), `seq` and `at_ms` (8
//! bytes each, little-endian) and the SHA-256 of the event's JSON (32 bytes). Before the first record
//! stands the SHA-256 of `"leadhand run\n"` and the run's name. How a record is stored, deflated or
//! in a blob, is not in it, so a run and its export have the same links.

use leadhand_protocol::{ContentHash, RunId, Seq};

const OF_RUN: &[u8] = b"leadhand run\n";
const OF_RECORD: &[u8; 16] = b"leadhand record\n";

/// Length of a digest, in bytes.
pub(crate) const LINK_BYTES: usize = 32;

/// How many bytes a link is the hash of.
const HASHED_BYTES: usize = OF_RECORD.len() + LINK_BYTES + 8 + 8 + LINK_BYTES;

/// Goes along the records of one run, as they are written or to check them.
///
/// ```
/// use leadhand_journal::Chain;
/// use leadhand_protocol::{ContentHash, RunId};
///
/// let run = RunId::new("20261123-k3f9")?;
/// let event = ContentHash::of(b"{}");
/// let link = Chain::of(&run).next(0, 5, event);
/// assert_eq!(Chain::of(&run).check(0, 5, event, Some(link)), Ok(link));
/// assert!(Chain::of(&run).check(0, 6, event, Some(link)).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Chain {
    begin: ContentHash,
    /// The link of the record before; not known where reading begins within a run.
    before: Option<ContentHash>,
    /// Whether a record carried its link.
    chained: bool,
    /// Records that carried none.
    unchained: Seq,
}

impl Chain {
    /// Of a run, before its first record.
    #[must_use]
    pub fn of(run: &RunId) -> Self {
        let begin = ContentHash::of(&[OF_RUN, run.as_str().as_bytes()].concat());
        Self {
            begin,
            before: Some(begin),
            chained: false,
            unchained: 0,
        }
    }

    /// Of a run, somewhere within it: the first link that comes is believed.
    pub(crate) fn within(run: &RunId) -> Self {
        Self {
            before: None,
            ..Self::of(run)
        }
    }

    /// Of a run that goes on after a record.
    pub(crate) fn after(run: &RunId, link: ContentHash) -> Self {
        Self {
            before: Some(link),
            ..Self::of(run)
        }
    }

    /// The link of the last record; before the first one what stands before it.
    #[must_use]
    pub fn head(&self) -> ContentHash {
        self.before.unwrap_or(self.begin)
    }

    /// How many records carried no link.
    #[must_use]
    pub fn unchained(&self) -> Seq {
        self.unchained
    }

    /// The link of the next record, whose event has this hash.
    pub fn next(&mut self, seq: Seq, at_ms: u64, event: ContentHash) -> ContentHash {
        let link = link(self.head(), seq, at_ms, event);
        self.before = Some(link);
        link
    }

    /// Takes the next record with the link that it carries, and gives its link. A record of format
    /// version 1 carries none: its link is that of a record with nothing before it, so that the
    /// first record after the last of them holds that one fast.
    ///
    /// # Errors
    /// What does not hold, in a sentence.
    pub fn check(
        &mut self,
        seq: Seq,
        at_ms: u64,
        event: ContentHash,
        carried: Option<ContentHash>,
    ) -> Result<ContentHash, String> {
        let Some(carried) = carried else {
            if self.chained {
                return Err("it carries no link, and the record before it does".to_owned());
            }
            self.unchained += 1;
            let link = link(self.begin, seq, at_ms, event);
            self.before = Some(link);
            return Ok(link);
        };
        if let Some(before) = self.before
            && link(before, seq, at_ms, event) != carried
        {
            return Err(NOT_LINKED.to_owned());
        }
        self.chained = true;
        self.before = Some(carried);
        Ok(carried)
    }
}

const NOT_LINKED: &str = "its link is not the hash of it and the record before: one of the two was changed, removed or \
     put in its place";

fn link(before: ContentHash, seq: Seq, at_ms: u64, event: ContentHash) -> ContentHash {
    let mut hashed = [0; HASHED_BYTES];
    let (seq, at_ms) = (seq.to_le_bytes(), at_ms.to_le_bytes());
    let parts: [&[u8]; 5] = [OF_RECORD, before.digest(), &seq, &at_ms, event.digest()];
    let mut rest = &mut hashed[..];
    for part in parts {
        let (place, after) = rest.split_at_mut(part.len());
        place.copy_from_slice(part);
        rest = after;
    }
    ContentHash::of(&hashed)
}

//! What a run's state was at one record, so that a resume need not read all records before.
//!
//! A convenience: what it is of, and whether it can still be read, is the caller's business,
//! and a run without one is read from its first record. One file a run, replaced as a whole:
//! `version u8, flags u8, crc32 u32 LE`, a line of JSON ([`About`]), one format byte and the
//! state, packed that way.

use crate::folder::{self, RunFolder};
use crate::{JournalError, format, packed};
use leadhand_protocol::{ContentHash, RunId, Seq};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Largest state in a snapshot, in bytes: that of a run of 100,000 events with all its texts.
/// It is held in memory a few times over while it is written.
pub const SNAPSHOT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Longest name of a state's format, in bytes.
pub const SNAPSHOT_FORMAT_BYTES_MAX: usize = 256;

/// Longest beginning of the file, in bytes: what stands before the packed state.
const ABOUT_BYTES_MAX: usize = 4096;

/// The state of a run after its records before `next_seq`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The first record that the state does not know of.
    pub next_seq: Seq,
    /// What the bytes are, as the one who made them named it. Compare it before reading them.
    pub format: String,
    /// The state.
    pub bytes: Vec<u8>,
}

/// What stands before the state.
#[derive(Debug, Serialize, Deserialize)]
struct About {
    next_seq: Seq,
    format: String,
    /// SHA-256 of the stored value of the record before `next_seq`.
    last: ContentHash,
    /// Length of the state.
    bytes: usize,
}

/// Whether a snapshot may be kept of a run whose next record is `end`.
pub(crate) fn check(run: &RunId, end: Seq, snapshot: &Snapshot) -> Result<(), JournalError> {
    if snapshot.next_seq > end {
        return Err(JournalError::SnapshotAhead {
            run: run.clone(),
            next_seq: end,
            found: snapshot.next_seq,
        });
    }
    let bytes = snapshot.bytes.len();
    if bytes > SNAPSHOT_BYTES_MAX || snapshot.format.len() > SNAPSHOT_FORMAT_BYTES_MAX {
        return Err(JournalError::SnapshotTooLarge {
            run: run.clone(),
            bytes,
            bytes_max: SNAPSHOT_BYTES_MAX,
            format_bytes_max: SNAPSHOT_FORMAT_BYTES_MAX,
        });
    }
    Ok(())
}

/// Puts a snapshot on disk in the place of the one before; a crash leaves one or the other.
pub(crate) fn write(
    folder: &RunFolder,
    snapshot: &Snapshot,
    last: ContentHash,
) -> Result<(), JournalError> {
    let about = About {
        next_seq: snapshot.next_seq,
        format: snapshot.format.clone(),
        last,
        bytes: snapshot.bytes.len(),
    };
    let mut body = serde_json::to_vec(&about).unwrap_or_default();
    let (packing, packed) = packed::pack(&snapshot.bytes);
    body.extend([b'\n', packing]);
    body.extend(&*packed);
    let sealed = format::seal(0, &body);
    folder::replace_on_disk(&folder.snapshot, &folder.snapshot_draft, &sealed)?;
    folder::sync(&folder.run)
}

/// The `next_seq` that the file begins with, and the fingerprint of the record before it.
/// Whether the rest is what was written is not looked at.
pub(crate) fn read_about(path: &Path) -> Option<(Seq, ContentHash)> {
    let mut begin = Vec::new();
    File::open(path)
        .and_then(|opened| opened.take(ABOUT_BYTES_MAX as u64).read_to_end(&mut begin))
        .ok()?;
    let (about, _) = split_about(begin.get(format::HEADER_BYTES..)?)?;
    Some((about.next_seq, about.last))
}

fn split_about(body: &[u8]) -> Option<(About, &[u8])> {
    let line_end = body.iter().position(|byte| *byte == b'\n')?;
    let about = serde_json::from_slice(&body[..line_end]).ok()?;
    Some((about, &body[line_end + 1..]))
}

/// What is on file, and the fingerprint of the last record it tells of; nothing if there is
/// no file, or not what was written, or of a newer program.
pub(crate) fn read(path: &Path) -> Option<(Snapshot, ContentHash)> {
    let mut file = Vec::new();
    let file_bytes_max = (ABOUT_BYTES_MAX + SNAPSHOT_BYTES_MAX) as u64;
    File::open(path)
        .and_then(|opened| opened.take(file_bytes_max + 1).read_to_end(&mut file))
        .ok()?;
    let (0, body) = format::unseal(&file).ok()? else {
        return None;
    };
    let (about, state) = split_about(body)?;
    let (&packing, packed) = state.split_first()?;
    if about.bytes > SNAPSHOT_BYTES_MAX {
        return None;
    }
    let bytes = packed::unpack(packing, packed, about.bytes).ok()?;
    (bytes.len() == about.bytes).then(|| {
        let snapshot = Snapshot {
            next_seq: about.next_seq,
            format: about.format,
            bytes: bytes.into_owned(),
        };
        (snapshot, about.last)
    })
}

//! How many records of a run were on disk when it was last synced, and the link of the last one.
//!
//! sled takes a changed byte in its file for the end of what a crash left, and drops all
//! after it without a word. The head is how such a loss is noticed. It is written after
//! each sync and never synced itself, so it may lag behind but never says too much. The link holds
//! the chain fast at its end, where no further record does.

use crate::JournalError;
use crate::error::unwritable;
use leadhand_protocol::{ContentHash, Seq};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Says that the records before `end` are on disk, the last of which has this link.
pub(crate) fn write(path: &Path, end: Seq, link: ContentHash) -> Result<(), JournalError> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .and_then(|mut file| file.write_all(line(end, Some(link)).as_bytes()))
        .map_err(unwritable(path))
}

/// What a head tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    /// The records before this one were on disk, and the link of the last; none where a program
    /// wrote it that knew of no links.
    Before(Seq, Option<ContentHash>),
    /// Nothing: it was never written, or a power cut left it empty or full of zeros.
    Unknown,
    /// It is not what was written.
    Spoiled,
}

pub(crate) fn read(path: &Path) -> Stored {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Stored::Unknown,
        Err(_) => return Stored::Spoiled,
    };
    if text.iter().all(|byte| *byte == 0) {
        return Stored::Unknown;
    }
    let text = String::from_utf8_lossy(&text);
    let mut words = text.split(' ');
    let end = words.next().and_then(|word| word.parse().ok());
    let link = words.next().and_then(ContentHash::parse);
    end.filter(|end| line(*end, link) == text)
        .map_or(Stored::Spoiled, |end| Stored::Before(end, link))
}

/// Always of one length, so that one write replaces it, and with a checksum (CRC-32), so
/// that a change is noticed.
fn line(end: Seq, link: Option<ContentHash>) -> String {
    let mut line = format!("{end:020}");
    if let Some(link) = link {
        line += &format!(" {link}");
    }
    let checksum = crc32fast::hash(line.as_bytes());
    format!("{line} {checksum:08x}\n")
}

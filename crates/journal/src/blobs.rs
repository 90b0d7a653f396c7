//! Payloads named by their SHA-256, each in a file of its own, shared by all runs of a root.
//!
//! A file is one format byte and the content, packed that way. Nothing in here removes a blob;
//! `sweep` does, when nobody holds them.

use crate::error::unwritable;
use crate::folder::DRAFT;
use crate::lock::{self, FileLock};
use crate::packed::{self, Spoiled};
use crate::{JournalError, RECORD_BYTES_MAX, folder};
use leadhand_protocol::ContentHash;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The blobs of one root.
#[derive(Debug, Clone)]
pub(crate) struct Blobs {
    folder: PathBuf,
    lock: PathBuf,
}

impl Blobs {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            folder: folder::blobs(root),
            lock: folder::blobs_lock(root),
        }
    }

    pub(crate) fn path(&self, hash: ContentHash) -> PathBuf {
        self.folder.join(hash.to_string())
    }

    /// Keeps every blob from being removed. Held from before one is stored until what refers to it
    /// is.
    pub(crate) fn hold(&self) -> Result<FileLock, JournalError> {
        lock::together(&self.lock)
    }

    /// Stores content under its hash, on disk as well if `synced`. A file that is there
    /// already is kept if it is whole, however it is packed, and replaced if it is not. Gives
    /// the paths that must still be synced: the file, and the folder that names it.
    pub(crate) fn put(
        &self,
        hash: ContentHash,
        content: &[u8],
        synced: bool,
    ) -> Result<Vec<PathBuf>, JournalError> {
        let path = self.path(hash);
        if !self.holds(hash, content) {
            folder::make(&self.folder)?;
            write(&path, content, synced)?;
        } else if synced {
            folder::sync(&path)?;
        }
        if synced {
            folder::sync(&self.folder)?;
            return Ok(Vec::new());
        }
        Ok(vec![path, self.folder.clone()])
    }

    /// The content of a blob of `bytes` bytes, checked against its hash.
    pub(crate) fn get(&self, hash: ContentHash, bytes: u64) -> Result<Vec<u8>, String> {
        let path = self.path(hash);
        let payload = format!("its payload {}", path.display());
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        if bytes > RECORD_BYTES_MAX {
            return Err(format!(
                "{payload} is said to have {bytes} bytes, and {RECORD_BYTES_MAX} is the most"
            ));
        }
        let mut stored = Vec::new();
        // One byte of format, and one more to notice a file that is too long.
        File::open(&path)
            .and_then(|file| file.take(bytes as u64 + 2).read_to_end(&mut stored))
            .map_err(|error| format!("{payload} cannot be read: {error}"))?;
        let Some((&format, packed)) = stored.split_first() else {
            return Err(format!("{payload} is empty"));
        };
        match packed::unpack(format, packed, bytes) {
            Ok(content) if ContentHash::of(&content) == hash => Ok(content.into_owned()),
            Ok(_) | Err(Spoiled::Changed) => Err(format!("{payload} was changed")),
            Err(Spoiled::UnknownFormat(format)) => {
                Err(format!("{payload} has the unknown format {format}"))
            }
        }
    }

    /// Whether there is a file with exactly this content. A process that was killed or a
    /// power cut may have left less.
    fn holds(&self, hash: ContentHash, content: &[u8]) -> bool {
        self.path(hash).exists() && self.get(hash, content.len() as u64).is_ok()
    }
}

fn write(path: &Path, content: &[u8], synced: bool) -> Result<(), JournalError> {
    static DRAFTS: AtomicU64 = AtomicU64::new(0);
    let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
    let draft = path.with_extension(format!("{}-{number}{DRAFT}", std::process::id()));
    let (format, packed) = packed::pack(content);
    let written = File::create(&draft).and_then(|mut file| {
        file.write_all(&[format])?;
        file.write_all(&packed)?;
        if synced {
            file.sync_all()?;
        }
        Ok(())
    });
    written
        .map_err(unwritable(&draft))
        .and_then(|()| fs::rename(&draft, path).map_err(unwritable(path)))
        .inspect_err(|_| {
            // The draft is of no use to anybody; that it could not be written is the news.
            let _ = fs::remove_file(&draft);
        })
}

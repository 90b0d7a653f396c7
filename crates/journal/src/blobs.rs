//! Payloads named by their SHA-256, each in a file of its own, shared by all runs of a root.
//!
//! A file is one format byte and the content: format 0 is the content as it is, others are
//! free for compression. Nothing in here removes a blob.

use crate::error::unwritable;
use crate::{JournalError, folder};
use leadhand_protocol::ContentHash;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const PLAIN: u8 = 0;

/// The blobs of one root.
#[derive(Debug, Clone)]
pub(crate) struct Blobs {
    folder: PathBuf,
}

impl Blobs {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            folder: folder::blobs(root),
        }
    }

    /// `blobs/ab/ab…`: 256 folders keep each of them short.
    pub(crate) fn path(&self, hash: ContentHash) -> PathBuf {
        let name = hash.to_string();
        self.folder.join(&name[..2]).join(name)
    }

    /// Stores content under its hash, on disk as well if `synced`. A file that is there
    /// already is kept if it is whole and replaced if it is not. Gives the paths that must
    /// still be synced: the file, and the folders that name it.
    pub(crate) fn put(
        &self,
        hash: ContentHash,
        content: &[u8],
        synced: bool,
    ) -> Result<Vec<PathBuf>, JournalError> {
        let path = self.path(hash);
        let folder = path.parent().unwrap_or(&self.folder);
        if !holds(&path, content) {
            folder::make(folder)?;
            write(&path, content, synced)?;
        } else if synced {
            folder::sync(&path)?;
        }
        let names = [folder.to_owned(), self.folder.clone()];
        if synced {
            names.iter().try_for_each(|name| folder::sync(name))?;
            return Ok(Vec::new());
        }
        Ok(std::iter::once(path.clone()).chain(names).collect())
    }

    /// The content of a blob of `bytes` bytes, checked against its hash.
    pub(crate) fn get(&self, hash: ContentHash, bytes: u64) -> Result<Vec<u8>, String> {
        let path = self.path(hash);
        let gone = |error| format!("its payload {} cannot be read: {error}", path.display());
        let mut stored = Vec::new();
        // One byte of format, and one more to notice a file that is too long.
        File::open(&path)
            .and_then(|file| file.take(bytes.saturating_add(2)).read_to_end(&mut stored))
            .map_err(gone)?;
        match stored.split_first() {
            Some((&PLAIN, content)) if ContentHash::of(content) == hash => Ok(content.to_vec()),
            Some((&PLAIN, _)) => Err(format!("its payload {} was changed", path.display())),
            Some((format, _)) => Err(format!(
                "its payload {} has the unknown format {format}",
                path.display()
            )),
            None => Err(format!("its payload {} is empty", path.display())),
        }
    }
}

/// Whether the file is there with exactly this content. A process that was killed or a
/// power cut may have left less.
fn holds(path: &Path, content: &[u8]) -> bool {
    let long_enough = fs::metadata(path).is_ok_and(|it| it.len() == content.len() as u64 + 1);
    long_enough
        && fs::read(path).is_ok_and(|stored| stored.split_first() == Some((&PLAIN, content)))
}

fn write(path: &Path, content: &[u8], synced: bool) -> Result<(), JournalError> {
    static DRAFTS: AtomicU64 = AtomicU64::new(0);
    let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
    let draft = path.with_extension(format!("{}-{number}.new", std::process::id()));
    let written = File::create(&draft).and_then(|mut file| {
        file.write_all(&[PLAIN])?;
        file.write_all(content)?;
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

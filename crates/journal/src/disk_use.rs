//! What runs and payloads take on disk, and which payloads a run refers to. Only looks.

use crate::disk_journal::DiskJournal;
use crate::error::unreadable;
use crate::folder::{self, RunFolder};
use crate::format;
use crate::run_records::RunRecords;
use crate::tail::{Frames, Stop, tails};
use crate::{JournalError, RunEntry, pack};
use leadhand_protocol::{ContentHash, RunId};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Bytes of a block as the system counts them.
const BLOCK_BYTES: u64 = 512;

/// Folders in a run's folder that are gone into, one in the other: a store has one.
const DEPTH_MAX: usize = 8;

/// What the runs of a root and their payloads take on disk.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DiskUse {
    /// The runs that lie in real folders, in no order.
    pub runs: Vec<RunUse>,
    /// The payloads, each with the bytes that it takes.
    pub blobs: BTreeMap<ContentHash, u64>,
}

/// What one run takes on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct RunUse {
    /// The run as it is listed.
    pub entry: RunEntry,
    /// What its folder takes, whole blocks counted.
    pub bytes: u64,
    /// When its records or its summary were last written, in milliseconds since the Unix epoch.
    pub changed_ms: u64,
    /// Whether it has no record, as one has whose process died before the first.
    pub empty: bool,
    /// The payloads that it refers to; none where nobody can tell, because its records cannot be
    /// read, or not now.
    pub blobs: Option<BTreeSet<ContentHash>>,
}

impl DiskUse {
    /// What all of it takes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let runs = self.runs.iter().map(|run| run.bytes);
        runs.sum::<u64>() + self.blobs.values().sum::<u64>()
    }
}

impl DiskJournal {
    /// See [`crate::SledJournal::disk_use`].
    pub(crate) fn disk_use(&self) -> Result<DiskUse, JournalError> {
        let mut runs = Vec::new();
        for entry in crate::Journal::runs(self)? {
            let folder = self.folder_of(&entry.run);
            if !folder::is_real(&folder.run) {
                continue;
            }
            runs.push(RunUse {
                bytes: bytes_under(&folder.run, DEPTH_MAX),
                changed_ms: changed_ms(&folder),
                empty: is_empty(&folder),
                blobs: self.mark(&entry.run).map(|mark| mark.blobs),
                entry,
            });
        }
        let blobs = self.blob_files()?;
        Ok(DiskUse {
            runs,
            blobs: blobs
                .iter()
                .filter_map(|file| Some((file.named?, file.bytes)))
                .collect(),
        })
    }

    /// What a run refers to, as far as its files go at this moment; none where nobody can tell.
    pub(crate) fn mark(&self, run: &RunId) -> Option<Mark> {
        let folder = self.folder_of(run);
        let state = State::of(&folder)?;
        let locks = self.alone(run, &folder);
        let records = self.records(run, &folder);
        let blobs = match &locks {
            Ok(_) => records.references(),
            // Its process may have the store open, and it can be open once only. What it has in
            // tails can be read beside it, and nothing leaves them while there is no store.
            Err(JournalError::Live { .. }) if !folder.data.exists() => records.tail_references(),
            Err(_) => return None,
        };
        let moved = locks.is_err() && folder.data.exists();
        drop(locks);
        let blobs = blobs.ok().filter(|_| !moved)?;
        Some(Mark { state, blobs })
    }

    /// What lies in the folder of payloads.
    pub(crate) fn blob_files(&self) -> Result<Vec<BlobFile>, JournalError> {
        let folder = folder::blobs(self.root());
        if !folder::is_real(&folder) {
            return Ok(Vec::new());
        }
        let names = fs::read_dir(&folder).map_err(unreadable(&folder))?;
        let files = names.filter_map(|name| {
            let path = name.ok()?.path();
            // No link is looked behind.
            let found = fs::symlink_metadata(&path).ok().filter(Metadata::is_file)?;
            let name = path.file_name()?.to_str()?;
            let named = ContentHash::parse(name).filter(|hash| hash.to_string() == name);
            let draft =
                name.ends_with(folder::DRAFT) && ContentHash::parse(name.get(..64)?).is_some();
            (named.is_some() || draft).then(|| BlobFile {
                named,
                bytes: found.blocks() * BLOCK_BYTES,
                path,
            })
        });
        Ok(files.collect())
    }
}

/// A file in the folder of payloads.
pub(crate) struct BlobFile {
    pub(crate) path: PathBuf,
    /// Whose content it holds; none for what a crash left of one.
    pub(crate) named: Option<ContentHash>,
    pub(crate) bytes: u64,
}

/// What a run refers to, and what its files were when that was looked at.
pub(crate) struct Mark {
    pub(crate) state: State,
    pub(crate) blobs: BTreeSet<ContentHash>,
}

/// By what is seen that a run was written to: whatever is appended goes into a tail first.
#[derive(PartialEq, Eq)]
pub(crate) struct State(Vec<(PathBuf, u64)>);

impl State {
    pub(crate) fn of(folder: &RunFolder) -> Option<Self> {
        let tails = tails(folder).ok()?.into_iter();
        let lengths = tails.map(|tail| Some((tail.path.clone(), tail.path.metadata().ok()?.len())));
        lengths.collect::<Option<Vec<_>>>().map(Self)
    }
}

impl RunRecords {
    /// The payloads that the records refer to.
    fn references(&self) -> Result<BTreeSet<ContentHash>, JournalError> {
        let mut found = BTreeSet::new();
        let mut fault = None;
        if let Some(store) = self.store()? {
            let scanned = store.scan(0, &mut |key, stored| {
                let taken = pack::unpack(key, stored)
                    .and_then(|(_, values)| take_references(&values, &mut found));
                match taken {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(why) => {
                        fault = Some((key, why));
                        ControlFlow::Break(())
                    }
                }
            });
            scanned.map_err(|refusal| self.refused(refusal))?;
        }
        if let Some((seq, why)) = fault {
            return Err(self.fault(seq, why));
        }
        found.extend(self.tail_references()?);
        Ok(found)
    }

    /// The payloads that the records in tails refer to.
    fn tail_references(&self) -> Result<BTreeSet<ContentHash>, JournalError> {
        let mut found = BTreeSet::new();
        for tail in tails(&self.folder)? {
            let mut frames = Frames::of(&tail.path)?;
            loop {
                match frames.next()? {
                    Ok((seq, values)) => {
                        let taken = take_references(&values, &mut found);
                        taken.map_err(|why| self.fault(seq, why))?;
                    }
                    Err(Stop::End | Stop::Half) => break,
                    Err(Stop::Fault(why)) => return Err(self.fault(tail.begin, why)),
                }
            }
        }
        Ok(found)
    }
}

fn take_references(
    values: &[&[u8]],
    found: &mut BTreeSet<ContentHash>,
) -> Result<(), format::Fault> {
    for value in values {
        found.extend(format::references(value)?);
    }
    Ok(())
}

/// When records or summary were last written.
fn changed_ms(folder: &RunFolder) -> u64 {
    let mut paths = vec![
        folder.status.clone(),
        folder.head.clone(),
        folder.data.clone(),
    ];
    let tails = tails(folder).unwrap_or_default();
    paths.extend(tails.into_iter().map(|tail| tail.path));
    let changed = paths.iter().filter_map(|path| modified_ms(path)).max();
    changed.or_else(|| modified_ms(&folder.run)).unwrap_or(0)
}

fn modified_ms(path: &Path) -> Option<u64> {
    let modified = fs::symlink_metadata(path).ok()?.modified().ok()?;
    u64::try_from(modified.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

fn is_empty(folder: &RunFolder) -> bool {
    let tails = tails(folder).unwrap_or_default();
    let nothing = |path: &Path| path.metadata().is_ok_and(|found| found.len() == 0);
    !folder.journal.exists() && tails.iter().all(|tail| nothing(&tail.path))
}

/// What a folder takes with all in it, and what a link in it takes itself.
pub(crate) fn bytes_under(path: &Path, depth: usize) -> u64 {
    let Ok(found) = fs::symlink_metadata(path) else {
        return 0;
    };
    let own = found.blocks() * BLOCK_BYTES;
    if !found.is_dir() || depth == 0 {
        return own;
    }
    let names = match fs::read_dir(path) {
        Ok(names) => names,
        Err(error) if error.kind() == ErrorKind::NotFound => return 0,
        Err(_) => return own,
    };
    let inside = names.filter_map(|name| Some(bytes_under(&name.ok()?.path(), depth - 1)));
    own + inside.sum::<u64>()
}

//! Where things lie under a journal's root, and the few ways files are written there.

use crate::JournalError;
use crate::error::unwritable;
use leadhand_protocol::{RunId, Seq};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// What the name of a payload that is being written ends with.
pub(crate) const DRAFT: &str = ".new";

/// What the name of a tail begins with.
const TAIL: &str = "tail-";

/// The paths of one run.
#[derive(Debug, Clone)]
pub(crate) struct RunFolder {
    /// `runs/<run-id>`.
    pub(crate) run: PathBuf,
    /// The store's own folder.
    pub(crate) journal: PathBuf,
    /// The store's one data file.
    pub(crate) data: PathBuf,
    /// How many records there are on disk.
    pub(crate) head: PathBuf,
    /// Held by the writer, shared by readers.
    pub(crate) lock: PathBuf,
    /// Held by the one process that reads.
    pub(crate) reading: PathBuf,
    /// The summary.
    pub(crate) status: PathBuf,
    /// The next summary, while it is being written.
    pub(crate) status_draft: PathBuf,
    /// The state at some record.
    pub(crate) snapshot: PathBuf,
    /// The next state, while it is being written.
    pub(crate) snapshot_draft: PathBuf,
}

impl RunFolder {
    /// `data` is how the store calls its data file.
    pub(crate) fn new(root: &Path, run: &RunId, data: &str) -> Self {
        let run = runs(root).join(run.as_str());
        let journal = run.join("journal");
        Self {
            data: journal.join(data),
            journal,
            head: run.join("head"),
            lock: run.join("lock"),
            reading: run.join("reading"),
            status: run.join("status.json"),
            status_draft: run.join("status.json.new"),
            snapshot: run.join("snapshot"),
            snapshot_draft: run.join("snapshot.new"),
            run,
        }
    }
}

impl RunFolder {
    /// The tail of the records from `begin` on.
    pub(crate) fn tail(&self, begin: Seq) -> PathBuf {
        self.run.join(format!("{TAIL}{begin:020}"))
    }

    /// The first record that the tail at `path` may hold, if it is one.
    pub(crate) fn begin_of_tail(&self, path: &Path) -> Option<Seq> {
        let name = path.file_name()?.to_str()?;
        let begin = name.strip_prefix(TAIL)?.parse().ok()?;
        (self.tail(begin) == path).then_some(begin)
    }
}

/// The folder of all runs.
pub(crate) fn runs(root: &Path) -> PathBuf {
    root.join("runs")
}

/// The folder of all blobs.
pub(crate) fn blobs(root: &Path) -> PathBuf {
    root.join("blobs")
}

/// Held shared by whoever stores blobs and what refers to them, and alone by a sweep.
pub(crate) fn blobs_lock(root: &Path) -> PathBuf {
    root.join("blobs.lock")
}

/// Whether there is a folder at `path`, and no link to one.
pub(crate) fn is_real(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_dir())
}

/// That nothing is removed through a link.
pub(crate) fn must_be_real(path: &Path) -> Result<(), JournalError> {
    if is_real(path) {
        return Ok(());
    }
    let path = path.to_owned();
    Err(JournalError::NoFolder { path })
}

/// Makes a folder and those above it.
pub(crate) fn make(folder: &Path) -> Result<(), JournalError> {
    fs::create_dir_all(folder).map_err(unwritable(folder))
}

/// The folder that holds the name of `path`, if there is nothing at `path` yet.
pub(crate) fn named_in_if_new(path: &Path) -> Option<PathBuf> {
    let parent = path.parent().filter(|it| !it.as_os_str().is_empty());
    (!path.exists()).then(|| parent.unwrap_or(Path::new(".")).to_owned())
}

/// Puts a file or folder on disk: its content, or the names in it.
pub(crate) fn sync(path: &Path) -> Result<(), JournalError> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(unwritable(path))
}

/// Removes a file, if there is one.
pub(crate) fn remove(path: &Path) -> Result<(), JournalError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(unwritable(path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Gives `path` new content so that a reader sees all of it or what was there before.
/// `draft` is a path beside it that nobody else writes.
pub(crate) fn replace(path: &Path, draft: &Path, content: &[u8]) -> Result<(), JournalError> {
    fs::write(draft, content).map_err(unwritable(draft))?;
    fs::rename(draft, path).map_err(unwritable(path))
}

/// Like [`replace`], and after a power cut as well: the new content is on disk before it takes
/// the place of the old. That the folder names it is not, yet.
pub(crate) fn replace_on_disk(
    path: &Path,
    draft: &Path,
    content: &[u8],
) -> Result<(), JournalError> {
    File::create(draft)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .map_err(unwritable(draft))
        .and_then(|()| fs::rename(draft, path).map_err(unwritable(path)))
        .inspect_err(|_| {
            // Half a draft only takes room; that it could not be written is the news.
            let _ = fs::remove_file(draft);
        })
}

//! Removing: a run that nobody needs, payloads that no run refers to, and what crashes left.
//!
//! A payload is stored before the record that refers to it. Whoever does both holds `blobs.lock`
//! shared, and a sweep holds it alone: so it sees a payload and what refers to it, or neither.
//! Nothing is removed through a link: where a folder should be, a link is refused or left alone.

use crate::disk_journal::{DiskJournal, LOCK_WAIT_MS};
use crate::disk_use::{Mark, State, bytes_under};
use crate::error::{unreadable, unwritable};
use crate::{Journal, JournalError, folder, lock};
use leadhand_protocol::{ContentHash, RunId};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the name of a run's folder begins with while it is being removed; no run has such a name.
const LEAVING: &str = ".removed-";

/// Folders in a run's folder that are counted, one in the other.
const DEPTH_MAX: usize = 8;

/// What was swept out, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Swept {
    /// Payloads that no run refers to.
    pub blobs: u64,
    /// Files and folders that a crash left half written or half removed.
    pub leftovers: u64,
    /// What they took on disk, in bytes.
    pub bytes: u64,
    /// Runs whose records cannot be read, or not now: what they refer to is not known, and while
    /// there are any, no payload is removed.
    pub unread: Vec<RunId>,
}

impl DiskJournal {
    /// See [`crate::SledJournal::remove`].
    pub(crate) fn remove(
        &self,
        run: &RunId,
        may: impl FnOnce(Option<&Value>) -> bool,
    ) -> Result<Option<u64>, JournalError> {
        let folder = self.existing(run)?;
        for path in [self.root(), &folder::runs(self.root()), &folder.run] {
            folder::must_be_real(path)?;
        }
        // From here on nobody begins to write or to read it.
        let lock = self.lock(run, &folder)?;
        if !may(self.status_of(run).as_ref()) {
            return Ok(None);
        }
        let bytes = bytes_under(&folder.run, DEPTH_MAX);
        let leaving = folder::runs(self.root()).join(format!("{LEAVING}{run}"));
        fs::rename(&folder.run, &leaving).map_err(unwritable(&folder.run))?;
        // A crash from here on leaves what the next sweep removes.
        fs::remove_dir_all(&leaving).map_err(unwritable(&leaving))?;
        drop(lock);
        Ok(Some(bytes))
    }

    /// See [`crate::SledJournal::sweep`].
    pub(crate) fn sweep(
        &self,
        without: &BTreeSet<RunId>,
        only_look: bool,
    ) -> Result<Swept, JournalError> {
        let mut swept = Swept::default();
        if !self.root().exists() {
            return Ok(swept);
        }
        folder::must_be_real(self.root())?;
        let (runs, blobs) = (folder::runs(self.root()), folder::blobs(self.root()));
        for path in [&runs, &blobs] {
            if path.symlink_metadata().is_ok() {
                folder::must_be_real(path)?;
            }
        }
        for path in left_by_removals(&runs)? {
            swept.leftovers += 1;
            swept.bytes += bytes_under(&path, DEPTH_MAX);
            if !only_look {
                fs::remove_dir_all(&path).map_err(unwritable(&path))?;
            }
        }
        self.sweep_drafts(without, only_look, &mut swept)?;
        if blobs.symlink_metadata().is_ok() {
            self.sweep_blobs(without, only_look, &mut swept)?;
        }
        Ok(swept)
    }

    /// Removes what a crash left of a summary or a snapshot that was to take the place of another.
    fn sweep_drafts(
        &self,
        without: &BTreeSet<RunId>,
        only_look: bool,
        swept: &mut Swept,
    ) -> Result<(), JournalError> {
        for entry in self.runs()? {
            let folder = self.folder_of(&entry.run);
            if without.contains(&entry.run) || !folder::is_real(&folder.run) {
                continue;
            }
            let drafts = [&folder.status_draft, &folder.snapshot_draft];
            let is_left = |path: &Path| path.symlink_metadata().is_ok_and(|found| !found.is_dir());
            if !drafts.iter().any(|path| is_left(path)) {
                continue;
            }
            // Whoever writes the run may be at work with them.
            let Some(held) = lock::share(&folder.lock)? else {
                continue;
            };
            for path in drafts.into_iter().filter(|path| is_left(path)) {
                swept.leftovers += 1;
                swept.bytes += bytes_under(path, 0);
                if !only_look {
                    folder::remove(path)?;
                }
            }
            drop(held);
        }
        Ok(())
    }

    fn sweep_blobs(
        &self,
        without: &BTreeSet<RunId>,
        only_look: bool,
        swept: &mut Swept,
    ) -> Result<(), JournalError> {
        // Most of the reading is done while others may write.
        let before = self.marks(BTreeMap::new(), without)?;
        let path = folder::blobs_lock(self.root());
        let wait = Duration::from_millis(LOCK_WAIT_MS);
        let alone = lock::alone(&path, wait)?.ok_or_else(|| JournalError::Sweeping {
            path: path.clone(),
            waited_ms: LOCK_WAIT_MS,
        })?;
        let marks = self.marks(before, without)?;
        let mut needed: BTreeSet<ContentHash> = BTreeSet::new();
        for (run, mark) in marks {
            match mark {
                Some(mark) => needed.extend(mark.blobs),
                None => swept.unread.push(run),
            }
        }
        for file in self.blob_files()? {
            let unneeded = match file.named {
                Some(hash) => swept.unread.is_empty() && !needed.contains(&hash),
                // Nobody is at work with one, since nobody else holds the lock.
                None => true,
            };
            if !unneeded {
                continue;
            }
            match file.named {
                Some(_) => swept.blobs += 1,
                None => swept.leftovers += 1,
            }
            swept.bytes += file.bytes;
            if !only_look {
                folder::remove(&file.path)?;
            }
        }
        drop(alone);
        Ok(())
    }

    /// What each run refers to; what was marked before and is as it was then is not read again.
    fn marks(
        &self,
        mut before: BTreeMap<RunId, Option<Mark>>,
        without: &BTreeSet<RunId>,
    ) -> Result<BTreeMap<RunId, Option<Mark>>, JournalError> {
        let mut marks = BTreeMap::new();
        for entry in self.runs()? {
            let (run, folder) = (entry.run.clone(), self.folder_of(&entry.run));
            // What a link leads to is another root's.
            if without.contains(&run) || !folder::is_real(&folder.run) {
                continue;
            }
            let known = before.remove(&run).flatten();
            let known = known.filter(|mark| State::of(&folder).as_ref() == Some(&mark.state));
            let mark = known.or_else(|| self.mark(&run));
            marks.insert(run, mark);
        }
        Ok(marks)
    }
}

/// Folders of runs whose removal a crash interrupted.
fn left_by_removals(runs: &Path) -> Result<Vec<PathBuf>, JournalError> {
    if !runs.exists() {
        return Ok(Vec::new());
    }
    let names = fs::read_dir(runs).map_err(unreadable(runs))?;
    let paths = names.filter_map(|name| Some(name.ok()?.path()));
    let is_left = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let named = name
            .strip_prefix(LEAVING)
            .is_some_and(|run| RunId::new(run).is_ok());
        named && folder::is_real(path)
    };
    Ok(paths.filter(is_left).collect())
}

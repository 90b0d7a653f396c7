//! The journal kept by sled.

use crate::disk_journal::DiskJournal;
use crate::store::Engine;
use crate::{Durability, History, Journal, JournalError, RunEntry, Snapshot, Verified, Writer};
use leadhand_protocol::{ContentHash, RunId, Seq};
use std::path::PathBuf;

/// Runs kept by sled under one root folder, such as `.leadhand` of a project. Any number of
/// processes may use one root; each run has one writer among them.
#[derive(Debug)]
pub struct SledJournal(DiskJournal);

impl SledJournal {
    /// A journal under `root`, which is made with the first run; looking makes nothing.
    #[must_use]
    pub fn open_root(root: impl Into<PathBuf>, durability: Durability) -> Self {
        Self(DiskJournal::new(Engine::Sled, root.into(), durability))
    }

    /// The same journal, which hands the records of a run to its store when so many bytes of them
    /// have come together in its tail: [`crate::TAIL_BYTES_MAX`] unless it is told.
    #[must_use]
    pub fn with_tail_bytes_max(self, tail_bytes_max: u64) -> Self {
        Self(self.0.with_tail_bytes_max(tail_bytes_max))
    }
}

impl Journal for SledJournal {
    fn create(&self, run: &RunId) -> Result<Box<dyn Writer>, JournalError> {
        self.0.create(run)
    }

    fn open(&self, run: &RunId) -> Result<Box<dyn Writer>, JournalError> {
        self.0.open(run)
    }

    fn read(&self, run: &RunId) -> Result<History, JournalError> {
        self.0.read(run)
    }

    fn read_from(&self, run: &RunId, from: Seq) -> Result<History, JournalError> {
        self.0.read_from(run, from)
    }

    fn verify(&self, run: &RunId, noted: Option<ContentHash>) -> Result<Verified, JournalError> {
        self.0.verify(run, noted)
    }

    fn snapshot(&self, run: &RunId) -> Result<Option<Snapshot>, JournalError> {
        self.0.snapshot(run)
    }

    fn runs(&self) -> Result<Vec<RunEntry>, JournalError> {
        self.0.runs()
    }

    fn folder(&self, run: &RunId) -> Option<std::path::PathBuf> {
        self.0.folder(run)
    }
}

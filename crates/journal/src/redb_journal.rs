//! The journal kept by redb.

use crate::disk_journal::DiskJournal;
use crate::store::Engine;
use crate::{
    Damage, DiskUse, Durability, Journal, JournalError, RunEntry, Snapshot, Swept, Verified,
    Visitor, Writer,
};
use leadhand_protocol::{ContentHash, RunId, Seq};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Runs kept by redb under one root folder, as [`crate::SledJournal`] keeps them. A
/// run belongs to the store it was made with.
#[derive(Debug)]
pub struct RedbJournal(DiskJournal);

impl RedbJournal {
    /// A journal under `root`, which is made with the first run; looking makes nothing.
    #[must_use]
    pub fn open_root(root: impl Into<PathBuf>, durability: Durability) -> Self {
        Self(DiskJournal::new(Engine::Redb, root.into(), durability))
    }

    /// The same journal, which hands the records of a run to its store when so many bytes of them
    /// have come together in its tail: [`crate::TAIL_BYTES_MAX`] unless it is told.
    #[must_use]
    pub fn with_tail_bytes_max(self, tail_bytes_max: u64) -> Self {
        Self(self.0.with_tail_bytes_max(tail_bytes_max))
    }
}

impl RedbJournal {
    /// What the runs and their payloads take on disk, and which payloads each run refers to. Nothing
    /// is changed.
    ///
    /// # Errors
    /// [`JournalError::Unreadable`] when the root cannot be looked through.
    pub fn disk_use(&self) -> Result<DiskUse, JournalError> {
        self.0.disk_use()
    }

    /// Removes a run for good, if `may` says of its summary that it may be removed; the summary is
    /// read when nobody can change it any more. Gives what its folder took on disk, in bytes; none
    /// when it was left. Its payloads stay until a sweep.
    ///
    /// # Errors
    /// [`JournalError::Locked`] when it is live, [`JournalError::UnknownRun`],
    /// [`JournalError::NoFolder`] when it lies behind a link, [`JournalError::Unwritable`].
    pub fn remove(
        &self,
        run: &RunId,
        may: impl FnOnce(Option<&Value>) -> bool,
    ) -> Result<Option<u64>, JournalError> {
        self.0.remove(run, may)
    }

    /// Removes the payloads that no run refers to, and what crashes left. Safe beside processes that
    /// write, which wait meanwhile when they store a payload. The runs `without` count as removed;
    /// with `only_look` nothing is removed, and what would be is told.
    ///
    /// # Errors
    /// [`JournalError::NoFolder`] when something lies behind a link, [`JournalError::Sweeping`],
    /// [`JournalError::Unwritable`], [`JournalError::Unreadable`].
    pub fn sweep(&self, without: &BTreeSet<RunId>, only_look: bool) -> Result<Swept, JournalError> {
        self.0.sweep(without, only_look)
    }
}

impl Journal for RedbJournal {
    fn create(&self, run: &RunId) -> Result<Box<dyn Writer>, JournalError> {
        self.0.create(run)
    }

    fn open(&self, run: &RunId) -> Result<Box<dyn Writer>, JournalError> {
        self.0.open(run)
    }

    fn scan(
        &self,
        run: &RunId,
        from: Seq,
        see: &mut Visitor<'_>,
    ) -> Result<Option<Damage>, JournalError> {
        self.0.scan(run, from, see)
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

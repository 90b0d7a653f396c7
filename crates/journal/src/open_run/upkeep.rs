//! What is done for a run beside its appends: a long tail is handed to the store, and the snapshot
//! that waits is written.

use super::{OpenRun, QUEUED_BYTES_MAX, guard};
use crate::tail::Tail;
use crate::{JournalError, Snapshot};
use std::path::PathBuf;
use std::sync::atomic::Ordering;

impl OpenRun {
    /// Whether there is something for [`OpenRun::keep_up`] that it was not told of.
    pub(crate) fn wants_upkeep(&self) -> bool {
        (self.is_long() || self.snapshot_is_due())
            && !std::mem::replace(&mut guard(&self.snapshots).announced, true)
    }

    /// Hands a long tail to the store, and writes the snapshot that waits.
    pub(crate) fn keep_up(&self) {
        guard(&self.snapshots).announced = false;
        self.fold();
        self.write_snapshot();
    }

    /// Whether the tail has become long enough to be handed to the store.
    pub(super) fn is_long(&self) -> bool {
        self.is_longer_than(self.keeping.tail_bytes_max)
    }

    /// Whether it has become longer than the store's being busy excuses.
    pub(super) fn overflows(&self) -> bool {
        let excused = QUEUED_BYTES_MAX as u64;
        self.is_longer_than(self.keeping.tail_bytes_max.saturating_add(excused))
    }

    fn is_longer_than(&self, bytes: u64) -> bool {
        let tail = guard(&self.tail);
        tail.as_ref().is_some_and(|tail| tail.bytes() > bytes)
    }

    /// Hands a long tail to the store, once it is on disk; what is appended meanwhile goes into the
    /// next.
    pub(super) fn fold(&self) {
        let open = guard(&self.lock);
        if open.is_some() && self.is_long() {
            // The next append says what went wrong.
            let _ = self.fold_alone();
        }
    }

    pub(super) fn fold_alone(&self) -> Result<(), JournalError> {
        self.next_tail()
            .and_then(|current| {
                self.sync_now()?;
                self.records().fold(&current)
            })
            .inspect_err(|error| self.fail(error.clone()))
    }

    /// Begins another tail; gives its path.
    fn next_tail(&self) -> Result<PathBuf, JournalError> {
        let mut tail = guard(&self.tail);
        let Some(tail) = tail.as_mut() else {
            return Err(JournalError::WriterGone);
        };
        let next = Tail::create(&self.folder, tail.end(), tail.link())?;
        let path = next.path().to_owned();
        let before = std::mem::replace(tail, next);
        self.owe([before.path().to_owned(), self.folder.run.clone()]);
        Ok(path)
    }

    /// Leaves a snapshot to be written, once what it tells of is durable.
    pub(crate) fn set_snapshot(&self, snapshot: Snapshot) -> Result<(), JournalError> {
        let mut snapshots = guard(&self.snapshots);
        snapshots.next = Some(snapshot);
        snapshots.failure.take().map_or(Ok(()), Err)
    }

    /// Whether a snapshot waits whose records are durable.
    pub(super) fn snapshot_is_due(&self) -> bool {
        let durable = self.durable.load(Ordering::Acquire);
        let snapshots = guard(&self.snapshots);
        let next = snapshots.next.as_ref();
        next.is_some_and(|next| next.next_seq <= durable)
    }

    /// Writes the snapshot that waits, if it is due, once the records before it are on disk.
    fn write_snapshot(&self) {
        let open = guard(&self.lock);
        if open.is_some() && self.snapshot_is_due() {
            self.write_snapshot_alone();
        }
    }

    pub(super) fn write_snapshot_alone(&self) {
        let Some(snapshot) = guard(&self.snapshots).next.take() else {
            return;
        };
        let written = self
            .sync_now()
            .and_then(|()| self.records().write_snapshot(&snapshot));
        if let Err(error) = written {
            guard(&self.snapshots).failure = Some(error);
        }
    }
}

//! A run that has a writer: what is queued, what is durable, and what a power cut could still
//! take. Which thread does what with it is `commit`'s business.

use crate::blobs::Blobs;
use crate::format::Entry;
use crate::head::Head;
use crate::lock::FileLock;
use crate::run_store::RunStore;
use crate::{Durability, History, JournalError, Promise, Snapshot, Ticket, folder};
use leadhand_protocol::{RunId, Seq};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Most bytes of one run that may wait to be stored.
pub const QUEUED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Owned by the writer; the threads and readers of this process borrow the store for as long
/// as they use it.
#[derive(Debug)]
pub(crate) struct OpenRun {
    run: RunId,
    /// Which thread commits it.
    lane: usize,
    durability: Durability,
    blobs: Blobs,
    /// None once closed. The store goes before the lock.
    store: RwLock<Option<(RunStore, FileLock)>>,
    /// Held for as long as a sync takes: who finds nothing left to sync may then rely on it.
    head: Mutex<Head>,
    queue: Mutex<Queue>,
    /// How many records are durable; readers see no more.
    durable: AtomicU64,
    /// What a power cut could still take, besides the store's own file.
    unsynced: Mutex<Unsynced>,
    snapshots: Mutex<Snapshots>,
}

#[derive(Debug, Default)]
struct Queue {
    pending: Vec<Pending>,
    bytes: usize,
    /// Whether the commit thread knows.
    announced: bool,
    failure: Option<Arc<JournalError>>,
}

#[derive(Debug)]
struct Pending {
    entries: Vec<Entry>,
    /// Whether the disk is waited for, whatever the level.
    to_disk: bool,
    promise: Promise,
}

#[derive(Debug, Default)]
struct Unsynced {
    paths: BTreeSet<PathBuf>,
    /// Whether the sync thread knows.
    announced: bool,
}

#[derive(Debug, Default)]
struct Snapshots {
    /// What is to be written.
    next: Option<Snapshot>,
    /// What kept the last from being written.
    failure: Option<JournalError>,
}

impl OpenRun {
    pub(crate) fn new(
        run: &RunId,
        durability: Durability,
        blobs: Blobs,
        store: RunStore,
        lock: FileLock,
        head: Head,
        durable: Seq,
    ) -> Self {
        static OPENED: AtomicUsize = AtomicUsize::new(0);
        Self {
            run: run.clone(),
            lane: OPENED.fetch_add(1, Ordering::Relaxed),
            durability,
            blobs,
            store: RwLock::new(Some((store, lock))),
            head: Mutex::new(head),
            queue: Mutex::default(),
            durable: AtomicU64::new(durable),
            unsynced: Mutex::default(),
            snapshots: Mutex::default(),
        }
    }

    pub(crate) fn lane(&self) -> usize {
        self.lane
    }

    /// Queues entries; says as well whether the commit thread has to be told.
    pub(crate) fn queue(
        &self,
        entries: Vec<Entry>,
        to_disk: bool,
    ) -> Result<(Ticket, bool), JournalError> {
        let bytes: usize = entries.iter().map(Entry::bytes).sum();
        let mut queue = guard(&self.queue);
        if let Some(because) = &queue.failure {
            return Err(self.stopped(because));
        }
        // One append is always taken, however large, or it could never be stored.
        if queue.bytes > 0 && queue.bytes + bytes > QUEUED_BYTES_MAX {
            return Err(JournalError::Backlog {
                run: self.run.clone(),
                queued_bytes: queue.bytes,
                bytes_max: QUEUED_BYTES_MAX,
            });
        }
        let (promise, ticket) = Ticket::pair();
        queue.pending.push(Pending {
            entries,
            to_disk,
            promise,
        });
        queue.bytes += bytes;
        let untold = !std::mem::replace(&mut queue.announced, true);
        Ok((ticket, untold))
    }

    /// Stores all that is queued and resolves its tickets, those that wait for the disk last.
    pub(crate) fn commit(&self) {
        let (pending, failure) = {
            let mut queue = guard(&self.queue);
            queue.announced = false;
            queue.bytes = 0;
            (std::mem::take(&mut queue.pending), queue.failure.clone())
        };
        let mut entries = Vec::new();
        let (mut at_once, mut to_disk) = (Vec::new(), Vec::new());
        for it in pending {
            entries.extend(it.entries);
            let promises = if it.to_disk {
                &mut to_disk
            } else {
                &mut at_once
            };
            promises.push(it.promise);
        }
        let stored = match failure {
            Some(because) => Err(self.stopped(&because)),
            None => self.write(entries),
        };
        self.resolve(at_once, &stored);
        if !to_disk.is_empty() {
            let synced = stored.and_then(|()| match self.durability {
                Durability::Process => self.sync_now(),
                Durability::Disk => Ok(()),
            });
            self.resolve(to_disk, &synced);
        }
    }

    fn resolve(&self, promises: Vec<Promise>, outcome: &Result<(), JournalError>) {
        if let Err(error) = outcome {
            self.fail(error.clone());
        }
        for promise in promises {
            promise.resolve(outcome.clone());
        }
    }

    /// Whether the sync thread has to be told that this run was written to.
    pub(crate) fn to_be_synced(&self) -> bool {
        self.durability == Durability::Process
            && !std::mem::replace(&mut guard(&self.unsynced).announced, true)
    }

    /// What the sync thread does.
    pub(crate) fn sync_in_background(&self) {
        guard(&self.unsynced).announced = false;
        // The next append says what went wrong.
        let _ = self.sync_now();
    }

    /// The durable records from `from` on; none once the run is closed.
    pub(crate) fn read(&self, from: Seq) -> Option<Result<History, JournalError>> {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        let end = self.durable.load(Ordering::Acquire);
        store.as_ref().map(|(store, _)| store.read(from, end))
    }

    /// The snapshot on file, if it can be used; none once the run is closed.
    pub(crate) fn snapshot(&self) -> Option<Option<Snapshot>> {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        let end = self.durable.load(Ordering::Acquire);
        store.as_ref().map(|(store, _)| store.snapshot(end))
    }

    /// Leaves a snapshot to be written, once what it tells of is durable.
    pub(crate) fn set_snapshot(&self, snapshot: Snapshot) -> Result<(), JournalError> {
        let mut snapshots = guard(&self.snapshots);
        snapshots.next = Some(snapshot);
        snapshots.failure.take().map_or(Ok(()), Err)
    }

    /// Whether a snapshot waits whose records are durable.
    pub(crate) fn snapshot_is_due(&self) -> bool {
        let durable = self.durable.load(Ordering::Acquire);
        let snapshots = guard(&self.snapshots);
        let next = snapshots.next.as_ref();
        next.is_some_and(|next| next.next_seq <= durable)
    }

    /// Writes the snapshot that waits, if it is due, once the records before it are on disk.
    pub(crate) fn write_snapshot(&self) {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((store, _)) = store.as_ref() {
            self.write_snapshot_to(store);
        }
    }

    fn write_snapshot_to(&self, store: &RunStore) {
        if !self.snapshot_is_due() {
            return;
        }
        let Some(snapshot) = guard(&self.snapshots).next.take() else {
            return;
        };
        let durable = self.durable.load(Ordering::Acquire);
        let written = self
            .sync(store, durable)
            .and_then(|()| store.write_snapshot(&snapshot));
        if let Err(error) = written {
            guard(&self.snapshots).failure = Some(error);
        }
    }

    /// Waits for those who use the store, syncs and closes it, and lets go of the run.
    pub(crate) fn close(&self) -> Result<(), JournalError> {
        let mut store = self.store.write().unwrap_or_else(PoisonError::into_inner);
        let Some((store, lock)) = store.take() else {
            return Ok(());
        };
        let synced = self.sync(&store, self.durable.load(Ordering::Acquire));
        if synced.is_ok() {
            // Nobody is left to hear that it could not be written; the records are there.
            self.write_snapshot_to(&store);
        }
        drop(store);
        drop(lock);
        synced
    }

    /// Paths that must reach the disk with the next sync.
    pub(crate) fn owe(&self, paths: impl IntoIterator<Item = PathBuf>) {
        guard(&self.unsynced).paths.extend(paths);
    }

    fn stopped(&self, because: &Arc<JournalError>) -> JournalError {
        JournalError::Stopped {
            run: self.run.clone(),
            because: Arc::clone(because),
        }
    }

    fn write(&self, entries: Vec<Entry>) -> Result<(), JournalError> {
        let synced = self.durability == Durability::Disk;
        // What a value refers to must be there before the value is.
        for (hash, content) in entries.iter().filter_map(|entry| entry.blob.as_ref()) {
            self.owe(self.blobs.put(*hash, content, synced)?);
        }
        let end = self.durable.load(Ordering::Acquire) + entries.len() as u64;
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        let Some((store, _)) = store.as_ref() else {
            return Err(JournalError::WriterGone);
        };
        store.write(entries)?;
        if synced {
            self.sync(store, end)?;
        }
        self.durable.store(end, Ordering::Release);
        Ok(())
    }

    /// Puts all durable records on disk; a closed run has them there.
    fn sync_now(&self) -> Result<(), JournalError> {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        let end = self.durable.load(Ordering::Acquire);
        store
            .as_ref()
            .map_or(Ok(()), |(store, _)| self.sync(store, end))
    }

    /// Puts the records before `end` on disk, with all they rest on. What the system could
    /// not sync once it may call synced the next time, so a failure ends the run's journal.
    fn sync(&self, store: &RunStore, end: Seq) -> Result<(), JournalError> {
        let mut head = guard(&self.head);
        let paths = std::mem::take(&mut guard(&self.unsynced).paths);
        paths
            .iter()
            .try_for_each(|path| folder::sync(path))
            .and_then(|()| store.sync())
            .and_then(|()| head.write(end))
            .inspect_err(|error| self.fail(error.clone()))
    }

    fn fail(&self, error: JournalError) {
        guard(&self.queue).failure.get_or_insert(Arc::new(error));
    }
}

/// Everything in here is whole after every statement, so a panic cannot have spoiled it.
fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

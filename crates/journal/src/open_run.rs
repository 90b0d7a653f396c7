//! A run that has a writer: what is queued, what is durable, and what a power cut could still
//! take. Which thread does what with it is `commit`'s business.

mod upkeep;

use crate::blobs::Blobs;
use crate::encode::Append;
use crate::folder::{self, RunFolder};
use crate::lock::FileLock;
use crate::run_records::RunRecords;
use crate::store::Engine;
use crate::tail::Tail;
use crate::{Damage, Durability, JournalError, Promise, Snapshot, Ticket, Verified, Visitor, head};
use leadhand_protocol::{ContentHash, RunId, Seq};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most bytes of one run that may wait to be stored, and most that its tail may hold beyond its
/// bound while the store takes over an earlier one.
pub const QUEUED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Most bytes of payloads that whoever appends stores by itself: what deflating and writing them
/// takes then is a fraction of a millisecond.
const BLOBS_BYTES_AT_ONCE: usize = 32 * 1024;

/// How a journal keeps its runs.
#[derive(Debug, Clone)]
pub(crate) struct Keeping {
    pub(crate) engine: Engine,
    pub(crate) durability: Durability,
    pub(crate) blobs: Blobs,
    /// From this size on a tail is handed to the store, in bytes.
    pub(crate) tail_bytes_max: u64,
}

/// Owned by the writer; the threads and readers of this process borrow it. Locks are taken in the
/// order of their fields.
#[derive(Debug)]
pub(crate) struct OpenRun {
    run: RunId,
    folder: RunFolder,
    keeping: Keeping,
    /// Which thread commits it.
    lane: usize,
    /// Held by whoever looks into the store or hands it a tail. None once closed.
    lock: Mutex<Option<FileLock>>,
    /// Held for as long as a sync takes: who finds nothing left to sync may then rely on it.
    syncing: Mutex<()>,
    queue: Mutex<Queue>,
    tail: Mutex<Option<Tail>>,
    /// How many records are durable; readers see no more.
    durable: AtomicU64,
    /// What a power cut could still take, besides the tail.
    unsynced: Mutex<Unsynced>,
    snapshots: Mutex<Snapshots>,
}

#[derive(Debug, Default)]
struct Queue {
    pending: Vec<Pending>,
    bytes: usize,
    /// Whether the commit thread knows, and whether it is at work with what it was told of.
    announced: bool,
    at_work: bool,
    failure: Option<Arc<JournalError>>,
}

/// What became of an append.
pub(crate) struct Queued {
    pub(crate) ticket: Ticket,
    /// Whether the commit thread has to be told.
    pub(crate) untold: bool,
    /// What it was encoded in, if that is free again.
    pub(crate) buffer: Vec<u8>,
}

#[derive(Debug)]
struct Pending {
    append: Append,
    /// Whether the disk is waited for, whatever the level.
    to_disk: bool,
    promise: Promise,
}

#[derive(Debug, Default)]
struct Unsynced {
    paths: BTreeSet<PathBuf>,
    /// How many records are on disk for certain.
    synced: Seq,
    /// Whether the sync thread knows.
    announced: bool,
}

#[derive(Debug, Default)]
struct Snapshots {
    /// What is to be written.
    next: Option<Snapshot>,
    /// What kept the last from being written.
    failure: Option<JournalError>,
    /// Whether the upkeep thread knows.
    announced: bool,
}

impl OpenRun {
    pub(crate) fn new(
        run: &RunId,
        folder: RunFolder,
        keeping: Keeping,
        lock: FileLock,
        tail: Tail,
    ) -> Self {
        static OPENED: AtomicUsize = AtomicUsize::new(0);
        Self {
            run: run.clone(),
            folder,
            keeping,
            lane: OPENED.fetch_add(1, Ordering::Relaxed),
            lock: Mutex::new(Some(lock)),
            syncing: Mutex::default(),
            queue: Mutex::default(),
            durable: AtomicU64::new(tail.end()),
            tail: Mutex::new(Some(tail)),
            unsynced: Mutex::default(),
            snapshots: Mutex::default(),
        }
    }

    pub(crate) fn lane(&self) -> usize {
        self.lane
    }

    /// Stores an append here and now where that is quick, or queues it.
    pub(crate) fn queue(&self, append: Append, to_disk: bool) -> Result<Queued, JournalError> {
        let bytes = append.bytes();
        let mut queue = guard(&self.queue);
        if let Some(because) = &queue.failure {
            return Err(self.stopped(because));
        }
        let waiting = queue.at_work || !queue.pending.is_empty();
        if self.is_quick(&append, to_disk) && !waiting {
            // Under the lock, so that what comes meanwhile is stored behind it.
            let stored = self.write(&append);
            if let Err(error) = &stored {
                queue.failure = Some(Arc::new(error.clone()));
            }
            return Ok(Queued {
                ticket: Ticket::ready(stored),
                untold: false,
                buffer: append.frames,
            });
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
            append,
            to_disk,
            promise,
        });
        queue.bytes += bytes;
        Ok(Queued {
            ticket,
            untold: !std::mem::replace(&mut queue.announced, true),
            buffer: Vec::new(),
        })
    }

    /// Whether an append needs neither the disk nor large files of its own: one write to the tail
    /// costs less than waking a thread to do it.
    fn is_quick(&self, append: &Append, to_disk: bool) -> bool {
        let blobs = append.blobs.iter().map(|(_, content)| content.len());
        self.keeping.durability == Durability::Process
            && !to_disk
            && !self.overflows()
            && blobs.sum::<usize>() <= BLOBS_BYTES_AT_ONCE
    }

    /// Stores all that is queued and resolves its tickets, those that wait for the disk last.
    pub(crate) fn commit(&self) {
        let (pending, failure) = {
            let mut queue = guard(&self.queue);
            queue.announced = false;
            queue.at_work = true;
            queue.bytes = 0;
            (std::mem::take(&mut queue.pending), queue.failure.clone())
        };
        let mut whole = Append::default();
        let (mut at_once, mut to_disk) = (Vec::new(), Vec::new());
        for it in pending {
            whole.frames.extend(it.append.frames);
            whole.records += it.append.records;
            whole.link = it.append.link.or(whole.link);
            whole.blobs.extend(it.append.blobs);
            let promises = if it.to_disk {
                &mut to_disk
            } else {
                &mut at_once
            };
            promises.push(it.promise);
        }
        if self.overflows() {
            // More comes than the store takes over in passing.
            self.fold();
        }
        let stored = match failure {
            Some(because) => Err(self.stopped(&because)),
            None => self.write(&whole),
        };
        {
            // At once: what is appended after a failure must not be stored in its place.
            let mut queue = guard(&self.queue);
            queue.at_work = false;
            if let Err(error) = &stored {
                queue.failure.get_or_insert(Arc::new(error.clone()));
            }
        }
        self.resolve(at_once, &stored);
        if !to_disk.is_empty() {
            let synced = stored.and_then(|()| match self.keeping.durability {
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
        self.keeping.durability == Durability::Process
            && self.durable.load(Ordering::Acquire) > guard(&self.unsynced).synced
            && !std::mem::replace(&mut guard(&self.unsynced).announced, true)
    }

    /// What the sync thread does.
    pub(crate) fn sync_in_background(&self) {
        guard(&self.unsynced).announced = false;
        // The next append says what went wrong.
        let _ = self.sync_now();
    }

    /// Shows the durable records from `from` on; none once the run is closed.
    pub(crate) fn scan(
        &self,
        from: Seq,
        see: &mut Visitor<'_>,
    ) -> Option<Result<Option<Damage>, JournalError>> {
        let open = guard(&self.lock);
        let end = self.durable.load(Ordering::Acquire);
        open.as_ref().map(|_| self.records().scan(from, end, see))
    }

    /// Checks the durable records against their chain; none once the run is closed.
    pub(crate) fn verify(
        &self,
        noted: Option<ContentHash>,
    ) -> Option<Result<Verified, JournalError>> {
        let open = guard(&self.lock);
        let end = self.durable.load(Ordering::Acquire);
        open.as_ref().map(|_| self.records().verify(end, noted))
    }

    /// The snapshot on file, if it can be used; none once the run is closed.
    pub(crate) fn snapshot(&self) -> Option<Option<Snapshot>> {
        let open = guard(&self.lock);
        let end = self.durable.load(Ordering::Acquire);
        open.as_ref().map(|_| self.records().snapshot(end))
    }

    fn records(&self) -> RunRecords {
        RunRecords::new(
            self.keeping.engine,
            &self.run,
            &self.folder,
            &self.keeping.blobs,
        )
    }

    /// Waits for those who use the store, syncs and closes the tail, and lets go of the run.
    pub(crate) fn close(&self) -> Result<(), JournalError> {
        let mut open = guard(&self.lock);
        if open.is_none() {
            return Ok(());
        }
        let synced = if self.is_long() {
            self.fold_alone()
        } else {
            self.sync_now()
        };
        if synced.is_ok() && self.snapshot_is_due() {
            // Nobody is left to hear that it could not be written; the records are there.
            self.write_snapshot_alone();
        }
        *guard(&self.tail) = None;
        *open = None;
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

    fn write(&self, append: &Append) -> Result<(), JournalError> {
        if append.records == 0 {
            return Ok(());
        }
        let synced = self.keeping.durability == Durability::Disk;
        let held = match append.blobs.is_empty() {
            true => None,
            false => Some(self.keeping.blobs.hold()?),
        };
        // What a value refers to must be there before the value is.
        for (hash, content) in &append.blobs {
            self.owe(self.keeping.blobs.put(*hash, content, synced)?);
        }
        let end = {
            let mut tail = guard(&self.tail);
            let tail = tail.as_mut().ok_or(JournalError::WriterGone)?;
            tail.append(append)?;
            tail.end()
        };
        drop(held);
        if synced {
            self.sync(end)?;
        }
        self.durable.store(end, Ordering::Release);
        Ok(())
    }

    /// Puts all durable records on disk; a closed run has them there.
    fn sync_now(&self) -> Result<(), JournalError> {
        let end = self.durable.load(Ordering::Acquire);
        self.sync(end).inspect_err(|error| self.fail(error.clone()))
    }

    /// Puts the records before `end` on disk, with all they rest on. What the system could
    /// not sync once it may call synced the next time, so a failure ends the run's journal.
    fn sync(&self, end: Seq) -> Result<(), JournalError> {
        let _alone = guard(&self.syncing);
        let (file, path, end, link, paths) = {
            let tail = guard(&self.tail);
            let mut unsynced = guard(&self.unsynced);
            if unsynced.synced >= end && unsynced.paths.is_empty() {
                return Ok(());
            }
            let Some(tail) = tail.as_ref() else {
                return Ok(());
            };
            let owed = std::mem::take(&mut unsynced.paths);
            // All of it: what the tail's records rest on was owed before they were written.
            let path = tail.path().to_owned();
            (tail.file(), path, tail.end(), tail.link(), owed)
        };
        paths.iter().try_for_each(|path| folder::sync(path))?;
        file.sync_data().map_err(crate::error::unwritable(&path))?;
        head::write(&self.folder.head, end, link)?;
        let mut unsynced = guard(&self.unsynced);
        unsynced.synced = unsynced.synced.max(end);
        Ok(())
    }

    fn fail(&self, error: JournalError) {
        guard(&self.queue).failure.get_or_insert(Arc::new(error));
    }
}

/// Everything in here is whole after every statement, so a panic cannot have spoiled it.
fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

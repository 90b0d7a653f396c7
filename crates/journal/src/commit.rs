//! Group commit: what writers queue while one commit is made goes into the next.
//!
//! A few threads serve all runs of a journal, each run always the same one, since sled is
//! to have one writer. At level [`Durability::Process`] one more syncs to disk some time
//! later, so that a slow disk holds up nobody. All end when the journal and its last
//! writer are dropped.

use crate::blobs::Blobs;
use crate::format::Entry;
use crate::head::Head;
use crate::lock::FileLock;
use crate::run_store::RunStore;
use crate::{Durability, History, JournalError, Promise, Ticket, folder};
use leadhand_protocol::{RunId, Seq};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

/// How long after it was acknowledged at level [`Durability::Process`] a record may still
/// not be on disk, in milliseconds; add the time the disk takes.
pub const DISK_SYNC_MS: u64 = 1_000;

/// Threads that write and flush. They wait for the disk, not for a core: with 64 runs at
/// level [`Durability::Disk`] four do four times as much as one, and eight no more.
pub const COMMIT_THREADS: usize = 4;

/// Most bytes of one run that may wait to be stored.
pub const QUEUED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A run that has a writer. Owned by the writer; the threads and readers of this process
/// borrow the store for as long as they use it.
#[derive(Debug)]
pub(crate) struct OpenRun {
    run: RunId,
    /// Which thread commits it.
    lane: usize,
    durability: Durability,
    blobs: Blobs,
    /// None once closed. The store goes before the lock.
    store: RwLock<Option<(RunStore, FileLock)>>,
    head: Mutex<Head>,
    queue: Mutex<Queue>,
    /// How many records are durable; readers see no more.
    durable: AtomicU64,
    /// What a power cut could still take, besides the store's own file.
    unsynced: Mutex<Unsynced>,
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
    promise: Promise,
}

#[derive(Debug, Default)]
struct Unsynced {
    paths: BTreeSet<PathBuf>,
    /// Whether the sync thread knows.
    announced: bool,
}

/// The way to the threads.
#[derive(Debug, Clone)]
pub(crate) struct Committer {
    /// One way for each commit thread; a run keeps to one of them.
    commits: Vec<Sender<Arc<OpenRun>>>,
    durability: Durability,
}

impl Committer {
    pub(crate) fn start(durability: Durability) -> Result<Self, JournalError> {
        let (syncs, unsynced) = mpsc::channel();
        let mut commits = Vec::new();
        for _ in 0..COMMIT_THREADS {
            let (sender, queued) = mpsc::channel();
            let syncs = syncs.clone();
            spawn("journal-commit", move || {
                for run in queued {
                    commit(&run, &syncs);
                }
            })?;
            commits.push(sender);
        }
        spawn("journal-sync", move || sync_later(&unsynced))?;
        Ok(Self {
            commits,
            durability,
        })
    }

    pub(crate) fn durability(&self) -> Durability {
        self.durability
    }

    /// Queues entries of a run; see [`crate::Writer::append`].
    pub(crate) fn queue(
        &self,
        run: &Arc<OpenRun>,
        entries: Vec<Entry>,
    ) -> Result<Ticket, JournalError> {
        let bytes: usize = entries.iter().map(Entry::bytes).sum();
        let mut queue = guard(&run.queue);
        if let Some(because) = &queue.failure {
            return Err(run.stopped(because));
        }
        // One append is always taken, however large, or it could never be stored.
        if queue.bytes > 0 && queue.bytes + bytes > QUEUED_BYTES_MAX {
            return Err(JournalError::Backlog {
                run: run.run.clone(),
                queued_bytes: queue.bytes,
                bytes_max: QUEUED_BYTES_MAX,
            });
        }
        let (promise, ticket) = Ticket::pair();
        queue.pending.push(Pending { entries, promise });
        queue.bytes += bytes;
        if !std::mem::replace(&mut queue.announced, true) {
            self.commits[run.lane % COMMIT_THREADS]
                .send(Arc::clone(run))
                .map_err(|_| JournalError::WriterGone)?;
        }
        Ok(ticket)
    }
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
        }
    }

    /// The durable records; none once the run is closed.
    pub(crate) fn read(&self) -> Option<Result<History, JournalError>> {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        let end = self.durable.load(Ordering::Acquire);
        store.as_ref().map(|(store, _)| store.read(end))
    }

    /// Waits for those who use the store, syncs and closes it, and lets go of the run.
    pub(crate) fn close(&self) -> Result<(), JournalError> {
        let mut store = self.store.write().unwrap_or_else(PoisonError::into_inner);
        let Some((store, lock)) = store.take() else {
            return Ok(());
        };
        let synced = self.sync(&store, self.durable.load(Ordering::Acquire));
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

    /// Puts the records before `end` on disk, with all they rest on.
    fn sync(&self, store: &RunStore, end: Seq) -> Result<(), JournalError> {
        let paths = std::mem::take(&mut guard(&self.unsynced).paths);
        paths.iter().try_for_each(|path| folder::sync(path))?;
        store.sync()?;
        guard(&self.head).write(end)
    }

    fn fail(&self, error: JournalError) {
        guard(&self.queue).failure.get_or_insert(Arc::new(error));
    }
}

/// Stores all that is queued of a run and resolves its tickets.
fn commit(run: &Arc<OpenRun>, syncs: &Sender<Arc<OpenRun>>) {
    let (pending, failure) = {
        let mut queue = guard(&run.queue);
        queue.announced = false;
        queue.bytes = 0;
        (std::mem::take(&mut queue.pending), queue.failure.clone())
    };
    let (entries, promises): (Vec<_>, Vec<_>) = pending
        .into_iter()
        .map(|it| (it.entries, it.promise))
        .unzip();
    let outcome = match failure {
        Some(because) => Err(run.stopped(&because)),
        None => run.write(entries.into_iter().flatten().collect()),
    };
    if let Err(error) = &outcome {
        run.fail(error.clone());
    }
    for promise in promises {
        promise.resolve(outcome.clone());
    }
    if run.durability == Durability::Process {
        let mut unsynced = guard(&run.unsynced);
        if !std::mem::replace(&mut unsynced.announced, true) {
            // Without the other thread, closing still syncs.
            let _ = syncs.send(Arc::clone(run));
        }
    }
}

/// Syncs each run that was written to, within [`DISK_SYNC_MS`] of the first write.
fn sync_later(unsynced: &Receiver<Arc<OpenRun>>) {
    while let Ok(first) = unsynced.recv() {
        let due = Instant::now() + Duration::from_millis(DISK_SYNC_MS);
        let mut runs = vec![first];
        let left = || due.saturating_duration_since(Instant::now());
        while let Ok(run) = unsynced.recv_timeout(left()) {
            runs.push(run);
        }
        for run in runs {
            guard(&run.unsynced).announced = false;
            let store = run.store.read().unwrap_or_else(PoisonError::into_inner);
            let end = run.durable.load(Ordering::Acquire);
            if let Some((store, _)) = store.as_ref()
                && let Err(error) = run.sync(store, end)
            {
                run.fail(error);
            }
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), JournalError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(drop)
        .map_err(|source| JournalError::NoThread {
            source: Arc::new(source),
        })
}

/// Every queue is whole after every statement, so a panic cannot have spoiled it.
fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

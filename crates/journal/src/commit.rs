//! Group commit: what writers queue while one commit is made goes into the next.
//!
//! A few threads serve all runs of a journal, each run always the same one. At level
//! [`crate::Durability::Process`] what is small is stored by whoever appends it, and one more
//! thread syncs to disk some time later, so that a slow disk holds up nobody. One hands long tails
//! to the store and writes snapshots. Each begins when there is something for it to do, and all
//! end when the journal and its last writer are dropped.

use crate::encode::Append;
use crate::open_run::{OpenRun, Queued};
use crate::{JournalError, Snapshot, Ticket};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// How long after it was acknowledged at level [`crate::Durability::Process`] a record may still
/// not be on disk, in milliseconds; add the time the disk takes.
pub const DISK_SYNC_MS: u64 = 1_000;

/// Threads that write and flush. They wait for the disk, not for a core: with 64 runs at
/// level [`crate::Durability::Disk`] four do four times as much as one, and eight no more.
pub const COMMIT_THREADS: usize = 4;

/// The way to the threads.
#[derive(Debug, Clone)]
pub(crate) struct Committer {
    /// A run keeps to one of them.
    commits: Arc<[Hand; COMMIT_THREADS]>,
    later: Arc<Later>,
}

/// A thread that begins with the first run it is told of: a short run needs few of them.
#[derive(Debug)]
struct Hand {
    name: &'static str,
    way: OnceLock<Sender<Arc<OpenRun>>>,
}

impl Hand {
    const fn new(name: &'static str) -> Self {
        let way = OnceLock::new();
        Self { name, way }
    }

    /// Whether there is one that will take up the run.
    fn tell(
        &self,
        run: &Arc<OpenRun>,
        work: impl FnOnce(Receiver<Arc<OpenRun>>) + Send + 'static,
    ) -> bool {
        let way = self.way.get().or_else(|| {
            let (way, told) = mpsc::channel();
            let thread = thread::Builder::new().name(self.name.to_owned());
            thread.spawn(move || work(told)).ok()?;
            // One that was begun at the same time is told of nothing and ends.
            Some(self.way.get_or_init(|| way))
        });
        way.is_some_and(|way| way.send(Arc::clone(run)).is_ok())
    }
}

/// Those that are in no hurry.
#[derive(Debug)]
struct Later {
    sync: Hand,
    upkeep: Hand,
}

impl Later {
    /// Leaves to them what is to be done after a run was written to. Without them, closing still
    /// syncs and writes the snapshot, and a long tail is handed over in the run's next life.
    fn tell(&self, run: &Arc<OpenRun>) {
        if run.to_be_synced() {
            self.sync.tell(run, |unsynced| sync_later(&unsynced));
        }
        if run.wants_upkeep() {
            let keep_up = |run: Arc<OpenRun>| run.keep_up();
            self.upkeep
                .tell(run, move |due| due.into_iter().for_each(keep_up));
        }
    }
}

impl Committer {
    pub(crate) fn new() -> Self {
        Self {
            commits: Arc::new([const { Hand::new("journal-commit") }; COMMIT_THREADS]),
            later: Arc::new(Later {
                sync: Hand::new("journal-sync"),
                upkeep: Hand::new("journal-upkeep"),
            }),
        }
    }

    /// See [`crate::Writer::append`]; gives as well what it was encoded in, if that is free again.
    pub(crate) fn queue(
        &self,
        run: &Arc<OpenRun>,
        append: Append,
    ) -> Result<(Ticket, Vec<u8>), JournalError> {
        Ok(self.announce(run, run.queue(append, false)?))
    }

    /// See [`crate::Writer::sync`].
    pub(crate) fn sync(&self, run: &Arc<OpenRun>) -> Result<Ticket, JournalError> {
        let queued = run.queue(Append::default(), true)?;
        Ok(self.announce(run, queued).0)
    }

    /// See [`crate::Writer::set_snapshot`]; its turn comes after what was queued before.
    pub(crate) fn set_snapshot(
        &self,
        run: &Arc<OpenRun>,
        snapshot: Snapshot,
    ) -> Result<(), JournalError> {
        let earlier = run.set_snapshot(snapshot);
        drop(self.queue(run, Append::default())?);
        earlier
    }

    /// Where the system has no thread left, whoever appends stores by itself.
    fn announce(&self, run: &Arc<OpenRun>, queued: Queued) -> (Ticket, Vec<u8>) {
        if queued.untold {
            let later = Arc::clone(&self.later);
            let commit = move |run: Arc<OpenRun>| {
                run.commit();
                later.tell(&run);
            };
            let work = commit.clone();
            let hand = &self.commits[run.lane() % COMMIT_THREADS];
            if !hand.tell(run, |told| told.into_iter().for_each(work)) {
                commit(Arc::clone(run));
            }
        } else {
            self.later.tell(run);
        }
        (queued.ticket, queued.buffer)
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
            run.sync_in_background();
        }
    }
}

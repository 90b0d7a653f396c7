//! Group commit: what writers queue while one commit is made goes into the next.
//!
//! A few threads serve all runs of a journal, each run always the same one. At level
//! [`crate::Durability::Process`] what is small is stored by whoever appends it, and one more
//! thread syncs to disk some time later, so that a slow disk holds up nobody. One hands long tails
//! to the store and writes snapshots. All end when the journal and its last writer are dropped.

use crate::encode::Append;
use crate::open_run::{OpenRun, Queued};
use crate::{JournalError, Snapshot, Ticket};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
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
    /// One way for each commit thread; a run keeps to one of them.
    commits: Vec<Sender<Arc<OpenRun>>>,
    later: Later,
}

/// The way to those that are in no hurry.
#[derive(Debug, Clone)]
struct Later {
    syncs: Sender<Arc<OpenRun>>,
    upkeep: Sender<Arc<OpenRun>>,
}

impl Later {
    /// Leaves to them what is to be done after a run was written to. Without them, closing still
    /// syncs and writes the snapshot, and a long tail is handed over in the run's next life.
    fn tell(&self, run: &Arc<OpenRun>) {
        if run.to_be_synced() {
            let _ = self.syncs.send(Arc::clone(run));
        }
        if run.wants_upkeep() {
            let _ = self.upkeep.send(Arc::clone(run));
        }
    }
}

impl Committer {
    pub(crate) fn start() -> Result<Self, JournalError> {
        let (syncs, unsynced) = mpsc::channel();
        let (upkeep, due) = mpsc::channel::<Arc<OpenRun>>();
        let later = Later { syncs, upkeep };
        let mut commits = Vec::new();
        for _ in 0..COMMIT_THREADS {
            let (sender, queued) = mpsc::channel::<Arc<OpenRun>>();
            let later = later.clone();
            spawn("journal-commit", move || {
                for run in queued {
                    run.commit();
                    later.tell(&run);
                }
            })?;
            commits.push(sender);
        }
        spawn("journal-sync", move || sync_later(&unsynced))?;
        spawn("journal-upkeep", move || {
            for run in due {
                run.keep_up();
            }
        })?;
        Ok(Self { commits, later })
    }

    /// See [`crate::Writer::append`]; gives as well what it was encoded in, if that is free again.
    pub(crate) fn queue(
        &self,
        run: &Arc<OpenRun>,
        append: Append,
    ) -> Result<(Ticket, Vec<u8>), JournalError> {
        self.announce(run, run.queue(append, false)?)
    }

    /// See [`crate::Writer::sync`].
    pub(crate) fn sync(&self, run: &Arc<OpenRun>) -> Result<Ticket, JournalError> {
        let queued = run.queue(Append::default(), true)?;
        Ok(self.announce(run, queued)?.0)
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

    fn announce(
        &self,
        run: &Arc<OpenRun>,
        queued: Queued,
    ) -> Result<(Ticket, Vec<u8>), JournalError> {
        if queued.untold {
            self.commits[run.lane() % COMMIT_THREADS]
                .send(Arc::clone(run))
                .map_err(|_| JournalError::WriterGone)?;
        } else {
            self.later.tell(run);
        }
        Ok((queued.ticket, queued.buffer))
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

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), JournalError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(drop)
        .map_err(|source| JournalError::NoThread {
            source: Arc::new(source),
        })
}

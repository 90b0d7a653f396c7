//! Group commit: what writers queue while one commit is made goes into the next.
//!
//! A few threads serve all runs of a journal, each run always the same one, since sled is
//! to have one writer. At level [`Durability::Process`] one more syncs to disk some time
//! later, so that a slow disk holds up nobody, and one writes snapshots. All end when the
//! journal and its last writer are dropped.

use crate::format::Entry;
use crate::open_run::OpenRun;
use crate::{Durability, JournalError, Snapshot, Ticket};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// How long after it was acknowledged at level [`Durability::Process`] a record may still
/// not be on disk, in milliseconds; add the time the disk takes.
pub const DISK_SYNC_MS: u64 = 1_000;

/// Threads that write and flush. They wait for the disk, not for a core: with 64 runs at
/// level [`Durability::Disk`] four do four times as much as one, and eight no more.
pub const COMMIT_THREADS: usize = 4;

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
        let (snapshots, due) = mpsc::channel::<Arc<OpenRun>>();
        let mut commits = Vec::new();
        for _ in 0..COMMIT_THREADS {
            let (sender, queued) = mpsc::channel();
            let (syncs, snapshots) = (syncs.clone(), snapshots.clone());
            spawn("journal-commit", move || {
                for run in queued {
                    commit(&run, &syncs, &snapshots);
                }
            })?;
            commits.push(sender);
        }
        spawn("journal-sync", move || sync_later(&unsynced))?;
        spawn("journal-snapshot", move || {
            for run in due {
                run.write_snapshot();
            }
        })?;
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
        self.announce(run, run.queue(entries, false)?)
    }

    /// See [`crate::Writer::sync`].
    pub(crate) fn sync(&self, run: &Arc<OpenRun>) -> Result<Ticket, JournalError> {
        self.announce(run, run.queue(Vec::new(), true)?)
    }

    /// See [`crate::Writer::set_snapshot`]; its turn comes after what was queued before.
    pub(crate) fn set_snapshot(
        &self,
        run: &Arc<OpenRun>,
        snapshot: Snapshot,
    ) -> Result<(), JournalError> {
        let earlier = run.set_snapshot(snapshot);
        drop(self.queue(run, Vec::new())?);
        earlier
    }

    fn announce(
        &self,
        run: &Arc<OpenRun>,
        (ticket, untold): (Ticket, bool),
    ) -> Result<Ticket, JournalError> {
        if untold {
            self.commits[run.lane() % COMMIT_THREADS]
                .send(Arc::clone(run))
                .map_err(|_| JournalError::WriterGone)?;
        }
        Ok(ticket)
    }
}

fn commit(run: &Arc<OpenRun>, syncs: &Sender<Arc<OpenRun>>, snapshots: &Sender<Arc<OpenRun>>) {
    run.commit();
    // Without the other threads, closing still syncs and writes the snapshot.
    if run.to_be_synced() {
        let _ = syncs.send(Arc::clone(run));
    }
    if run.snapshot_is_due() {
        let _ = snapshots.send(Arc::clone(run));
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

//! The journal on disk: runs in folders of their own under one root, blobs beside them.

use crate::blobs::Blobs;
use crate::commit::Committer;
use crate::encode::encode;
use crate::error::{unreadable, unwritable};
use crate::folder::{self, RunFolder};
use crate::lock::FileLock;
use crate::open_run::{Keeping, OpenRun};
use crate::run_end::End;
use crate::run_records::RunRecords;
use crate::store::Engine;
use crate::{
    Damage, Durability, Journal, JournalError, RunEntry, Snapshot, TAIL_BYTES_MAX, Ticket,
    Verified, Visitor, Writer, lock, snapshot,
};
use leadhand_protocol::{ContentHash, Record, RunId, Seq};
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// How long other readers of a run are waited for, in milliseconds.
pub const LOCK_WAIT_MS: u64 = 10_000;

/// Largest summary, as JSON, in bytes.
pub const STATUS_BYTES_MAX: usize = 64 * 1024;

/// Largest buffer for encoding that a writer keeps between two appends, in bytes.
const BUFFER_BYTES_KEPT_MAX: usize = 16 * 1024;

/// Runs kept under one root folder by one kind of store.
#[derive(Debug)]
pub(crate) struct DiskJournal {
    root: PathBuf,
    keeping: Keeping,
    committer: Committer,
    /// Runs with a writer in this journal, which can be read while they are written.
    open: Mutex<HashMap<RunId, Weak<OpenRun>>>,
}

impl DiskJournal {
    pub(crate) fn new(engine: Engine, root: PathBuf, durability: Durability) -> Self {
        Self {
            keeping: Keeping {
                engine,
                durability,
                blobs: Blobs::new(&root),
                tail_bytes_max: TAIL_BYTES_MAX,
            },
            committer: Committer::new(),
            open: Mutex::default(),
            root,
        }
    }

    /// See [`crate::SledJournal::with_tail_bytes_max`].
    pub(crate) fn with_tail_bytes_max(mut self, tail_bytes_max: u64) -> Self {
        self.keeping.tail_bytes_max = tail_bytes_max;
        self
    }

    /// Keeps every other writer away from a run whose folder exists.
    pub(crate) fn lock(&self, run: &RunId, folder: &RunFolder) -> Result<FileLock, JournalError> {
        let wait = Duration::from_millis(LOCK_WAIT_MS);
        lock::write(&folder.lock, wait)?.ok_or_else(|| JournalError::Locked {
            run: run.clone(),
            pid: lock::holder(&folder.lock).0,
        })
    }

    /// Makes a writer of a run. `named_in` is the folder that the root is new in, if it is.
    fn writer(
        &self,
        run: &RunId,
        folder: RunFolder,
        lock: FileLock,
        End { tail, lost }: End,
        named_in: Option<PathBuf>,
    ) -> Box<dyn Writer> {
        let (next_seq, link) = (tail.end(), tail.link());
        let open = OpenRun::new(run, folder.clone(), self.keeping.clone(), lock, tail);
        // The names of the folders must be as durable as what is in them.
        open.owe(named_in);
        open.owe([
            folder.run.clone(),
            folder::runs(&self.root),
            self.root.clone(),
        ]);
        let open = Arc::new(open);
        let mut others = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        others.retain(|_, other| other.strong_count() > 0);
        others.insert(run.clone(), Arc::downgrade(&open));
        Box::new(DiskWriter {
            run: run.clone(),
            folder,
            open,
            committer: self.committer.clone(),
            next_seq,
            link,
            lost,
            buffer: Vec::new(),
            finished: false,
        })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn folder_of(&self, run: &RunId) -> RunFolder {
        RunFolder::new(&self.root, run, self.keeping.engine.data())
    }

    pub(crate) fn records(&self, run: &RunId, folder: &RunFolder) -> RunRecords {
        RunRecords::new(self.keeping.engine, run, folder, &self.keeping.blobs)
    }

    /// The run as its writer in this journal has it.
    fn opened(&self, run: &RunId) -> Option<Arc<OpenRun>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(run).and_then(Weak::upgrade)
    }

    /// Keeps writers and other readers of a run away while it is read.
    pub(crate) fn alone(
        &self,
        run: &RunId,
        folder: &RunFolder,
    ) -> Result<[FileLock; 2], JournalError> {
        let shared = lock::share(&folder.lock)?.ok_or_else(|| JournalError::Live {
            run: run.clone(),
            pid: lock::holder(&folder.lock).0,
        })?;
        let wait = Duration::from_millis(LOCK_WAIT_MS);
        let alone = lock::alone(&folder.reading, wait)?.ok_or_else(|| JournalError::Busy {
            run: run.clone(),
            waited_ms: LOCK_WAIT_MS,
        })?;
        Ok([alone, shared])
    }

    pub(crate) fn existing(&self, run: &RunId) -> Result<RunFolder, JournalError> {
        let folder = self.folder_of(run);
        if folder.run.is_dir() {
            return Ok(folder);
        }
        Err(JournalError::UnknownRun {
            run: run.clone(),
            place: self.root.display().to_string(),
        })
    }

    /// The summary of a run.
    pub(crate) fn status_of(&self, run: &RunId) -> Option<Value> {
        status(&self.folder_of(run).status)
    }

    fn entry(&self, run: RunId) -> (u128, RunEntry) {
        let folder = self.folder_of(&run);
        let (pid, began) = lock::holder(&folder.lock);
        let entry = RunEntry {
            run,
            live: lock::is_held(&folder.lock).then_some(pid),
            status: status(&folder.status),
        };
        (began, entry)
    }
}

impl Journal for DiskJournal {
    fn create(&self, run: &RunId) -> Result<Box<dyn Writer>, JournalError> {
        let folder = self.folder_of(run);
        let named_in = folder::named_in_if_new(&self.root);
        folder::make(&folder::runs(&self.root))?;
        match fs::create_dir(&folder.run) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(JournalError::RunExists { run: run.clone() })
            }
            Err(error) => Err(unwritable(&folder.run)(error)),
            Ok(()) => {
                let lock = self.lock(run, &folder)?;
                let end = End::of_new(run, &folder)?;
                Ok(self.writer(run, folder, lock, end, named_in))
            }
        }
    }

    fn open(&self, run: &RunId) -> Result<Box<dyn Writer>, JournalError> {
        let folder = self.existing(run)?;
        let lock = self.lock(run, &folder)?;
        let records = self.records(run, &folder);
        let end = records.open_end()?;
        records.drop_foreign_snapshot(end.tail.end())?;
        drop(records);
        Ok(self.writer(run, folder, lock, end, None))
    }

    fn scan(
        &self,
        run: &RunId,
        from: Seq,
        see: &mut Visitor<'_>,
    ) -> Result<Option<Damage>, JournalError> {
        if let Some(damage) = self.opened(run).and_then(|open| open.scan(from, see)) {
            return damage;
        }
        let folder = self.existing(run)?;
        let locks = self.alone(run, &folder)?;
        let damage = self.records(run, &folder).scan(from, Seq::MAX, see);
        drop(locks);
        damage
    }

    fn verify(&self, run: &RunId, noted: Option<ContentHash>) -> Result<Verified, JournalError> {
        if let Some(verified) = self.opened(run).and_then(|open| open.verify(noted)) {
            return verified;
        }
        let folder = self.existing(run)?;
        let locks = self.alone(run, &folder)?;
        let verified = self.records(run, &folder).verify(Seq::MAX, noted);
        drop(locks);
        verified
    }

    fn snapshot(&self, run: &RunId) -> Result<Option<Snapshot>, JournalError> {
        if let Some(snapshot) = self.opened(run).and_then(|open| open.snapshot()) {
            return Ok(snapshot);
        }
        let folder = self.existing(run)?;
        if !folder.snapshot.exists() {
            return Ok(None);
        }
        let locks = self.alone(run, &folder)?;
        let snapshot = self.records(run, &folder).snapshot(Seq::MAX);
        drop(locks);
        Ok(snapshot)
    }

    fn folder(&self, run: &RunId) -> Option<PathBuf> {
        Some(self.folder_of(run).run)
    }

    fn runs(&self) -> Result<Vec<RunEntry>, JournalError> {
        let folder = folder::runs(&self.root);
        let names = match fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            read => read.map_err(unreadable(&folder))?,
        };
        let mut entries: Vec<_> = names
            .filter_map(|name| name.ok()?.file_name().into_string().ok())
            .filter_map(|name| RunId::new(name).ok())
            .map(|run| self.entry(run))
            .collect();
        entries.sort_by(|(a, left), (b, right)| {
            (Reverse(a), &right.run).cmp(&(Reverse(b), &left.run))
        });
        Ok(entries.into_iter().map(|(_, entry)| entry).collect())
    }
}

/// A summary is made by another process, maybe of another version: anything may be in it.
fn status(path: &Path) -> Option<Value> {
    let mut json = Vec::new();
    let file = fs::File::open(path).ok()?;
    file.take(STATUS_BYTES_MAX as u64 + 1)
        .read_to_end(&mut json)
        .ok()?;
    serde_json::from_slice(&json).ok()
}

struct DiskWriter {
    run: RunId,
    folder: RunFolder,
    open: Arc<OpenRun>,
    committer: Committer,
    next_seq: Seq,
    /// Of the record before that one.
    link: ContentHash,
    /// What was cut off when it was opened.
    lost: Option<Damage>,
    /// What appends are encoded in.
    buffer: Vec<u8>,
    /// Whether the run was let go of.
    finished: bool,
}

impl DiskWriter {
    fn finish(&mut self) -> Result<(), JournalError> {
        if std::mem::replace(&mut self.finished, true) {
            return Ok(());
        }
        let stored = self.append(&[]).and_then(Ticket::wait);
        let closed = self.open.close();
        stored.and(closed)
    }
}

impl Writer for DiskWriter {
    fn append(&mut self, records: &[Record]) -> Result<Ticket, JournalError> {
        let next_seq = crate::journal::follow(&self.run, self.next_seq, records)?;
        let append = encode(
            &self.run,
            self.link,
            records,
            std::mem::take(&mut self.buffer),
        )?;
        let link = append.link.unwrap_or(self.link);
        let (ticket, buffer) = self.committer.queue(&self.open, append)?;
        (self.next_seq, self.link) = (next_seq, link);
        self.buffer = buffer;
        self.buffer.shrink_to(BUFFER_BYTES_KEPT_MAX);
        Ok(ticket)
    }

    fn sync(&mut self) -> Result<Ticket, JournalError> {
        self.committer.sync(&self.open)
    }

    fn next_seq(&self) -> Seq {
        self.next_seq
    }

    fn lost(&self) -> Option<&Damage> {
        self.lost.as_ref()
    }

    fn set_status(&mut self, status: &Value) -> Result<(), JournalError> {
        let json = crate::journal::status_json(&self.run, status)?;
        folder::replace(
            &self.folder.status,
            &self.folder.status_draft,
            json.as_bytes(),
        )
    }

    fn set_snapshot(
        &mut self,
        next_seq: Seq,
        format: &str,
        bytes: &[u8],
    ) -> Result<(), JournalError> {
        let snapshot = Snapshot {
            next_seq,
            format: format.to_owned(),
            bytes: bytes.to_vec(),
        };
        snapshot::check(&self.run, self.next_seq, &snapshot)?;
        self.committer.set_snapshot(&self.open, snapshot)
    }

    fn close(mut self: Box<Self>) -> Result<(), JournalError> {
        self.finish()
    }
}

impl Drop for DiskWriter {
    fn drop(&mut self) {
        // Nobody is left to hear of a failure; the tickets have it.
        let _ = self.finish();
    }
}

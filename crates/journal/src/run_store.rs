//! One run's records in sled, and the guards without which sled 0.34 loses some.
//!
//! The only file that knows sled. Who may open it, and when it is flushed, is decided by
//! the callers; the reasons for the guards are in `docs/journal.md`.

use crate::blobs::Blobs;
use crate::folder::{self, RunFolder};
use crate::format::{self, Entry, Fault};
use crate::{Damage, History, JournalError, head};
use leadhand_protocol::{FORMAT_VERSION, RunId, Seq};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// What sled may keep of one run in memory, in bytes. A journal is appended to and read
/// once from front to back, which a cache cannot help.
pub const CACHE_BYTES: u64 = 4 * 1024 * 1024;

/// How long sled's threads may take to let go of a store that was just closed, in
/// milliseconds.
const LET_GO_MS: u64 = 5_000;

/// An open store. Only one may exist for a run, in all processes; the caller holds the lock.
#[derive(Debug)]
pub(crate) struct RunStore {
    run: RunId,
    folder: RunFolder,
    blobs: Blobs,
    db: sled::Db,
}

impl RunStore {
    pub(crate) fn open(run: &RunId, folder: RunFolder, blobs: Blobs) -> Result<Self, JournalError> {
        remove_unfinished_snapshots(&folder)?;
        let config = sled::Config::new()
            .path(&folder.journal)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None);
        let began = Instant::now();
        let db = loop {
            match caught(|| config.open()) {
                Err(Refusal::Io(why)) if why.contains("could not acquire lock") => {
                    if began.elapsed() > Duration::from_millis(LET_GO_MS) {
                        return Err(Refusal::Io(why).of(run, &folder));
                    }
                    std::thread::sleep(Duration::from_millis(2));
                }
                opened => break opened.map_err(|refusal| refusal.of(run, &folder))?,
            }
        };
        Ok(Self {
            run: run.clone(),
            folder,
            blobs,
            db,
        })
    }

    /// The `seq` after the last record, which is checked.
    pub(crate) fn next_seq(&self) -> Result<Seq, JournalError> {
        let next_seq = match self.caught(|| self.db.last())? {
            None => 0,
            Some((key, value)) => {
                let seq = seq_of(&key).unwrap_or(Seq::MAX);
                match self.record(seq, &value) {
                    Ok(record) => record.seq + 1,
                    Err(Fault::Damaged(what)) => return Err(self.damaged(Damage { seq, what })),
                    Err(Fault::TooNew(found)) => return Err(self.too_new(seq, found)),
                }
            }
        };
        match self.cut_off(next_seq) {
            None => Ok(next_seq),
            Some(damage) => Err(self.damaged(damage)),
        }
    }

    /// The records before `end`, or before the first that is missing or damaged.
    pub(crate) fn read(&self, end: Seq) -> Result<History, JournalError> {
        let mut history = History::default();
        let mut values = self.db.iter();
        loop {
            let seq = history.records.len() as Seq;
            if seq >= end {
                return Ok(history);
            }
            let found = match caught(|| values.next().transpose()) {
                Ok(None) => {
                    history.damage = self.cut_off(seq);
                    return Ok(history);
                }
                Ok(Some((key, value))) if seq_of(&key) == Some(seq) => self.record(seq, &value),
                Ok(Some(_)) => Err(Fault::Damaged("it is missing".to_owned())),
                Err(Refusal::Store(what)) => {
                    Err(Fault::Damaged(format!("the store cannot read it: {what}")))
                }
                Err(refusal) => return Err(refusal.of(&self.run, &self.folder)),
            };
            match found {
                Ok(record) => history.records.push(record),
                Err(Fault::TooNew(found)) => return Err(self.too_new(seq, found)),
                Err(Fault::Damaged(what)) => {
                    history.damage = Some(Damage { seq, what });
                    return Ok(history);
                }
            }
        }
    }

    /// Whether records that were on disk are gone from the end.
    fn cut_off(&self, end: Seq) -> Option<Damage> {
        let stored = head::read(&self.folder.head);
        (end < stored).then(|| Damage {
            seq: end,
            what: format!(
                "it and all after it are gone, of {stored} that were on disk; the store's file was changed or cut"
            ),
        })
    }

    /// Stores entries, all or none of them after a crash, so that they survive this process.
    pub(crate) fn write(&self, entries: Vec<Entry>) -> Result<(), JournalError> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut batch = sled::Batch::default();
        for entry in entries {
            batch.insert(&entry.key, entry.value);
        }
        self.caught(|| {
            self.db.apply_batch(batch)?;
            self.db.flush().map(drop)
        })
    }

    /// Puts what was written on disk: sled's own flush survives a killed process, not a
    /// power cut.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        File::open(&self.folder.data)
            .and_then(|file| file.sync_data())
            .map_err(crate::error::unwritable(&self.folder.data))
    }

    fn record(&self, seq: Seq, value: &[u8]) -> Result<leadhand_protocol::Record, Fault> {
        format::decode(seq, value, |hash, bytes| self.blobs.get(hash, bytes))
    }

    fn damaged(&self, damage: Damage) -> JournalError {
        JournalError::Damaged {
            run: self.run.clone(),
            seq: damage.seq,
            what: damage.what,
        }
    }

    fn too_new(&self, seq: Seq, found: u8) -> JournalError {
        JournalError::SchemaTooNew {
            run: self.run.clone(),
            seq,
            found,
            supported: FORMAT_VERSION,
        }
    }

    fn caught<T>(&self, work: impl FnOnce() -> sled::Result<T>) -> Result<T, JournalError> {
        caught(work).map_err(|refusal| refusal.of(&self.run, &self.folder))
    }
}

fn seq_of(key: &[u8]) -> Option<Seq> {
    key.try_into().ok().map(Seq::from_be_bytes)
}

/// A crash while opening leaves an empty or partial `snap.*.generating`, which every later
/// open takes for a corrupt store. It was never in use, so it can go.
fn remove_unfinished_snapshots(folder: &RunFolder) -> Result<(), JournalError> {
    let Ok(names) = fs::read_dir(&folder.journal) else {
        return Ok(());
    };
    for path in names.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(&path).map_err(crate::error::unwritable(&path))?;
            folder::sync(&folder.journal)?;
        }
    }
    Ok(())
}

/// What sled said, without its type.
enum Refusal {
    Io(String),
    System(std::io::Error),
    Store(String),
}

impl Refusal {
    fn of(self, run: &RunId, folder: &RunFolder) -> JournalError {
        match self {
            Self::System(source) => crate::error::unwritable(&folder.journal)(source),
            Self::Io(what) | Self::Store(what) => JournalError::Store {
                run: run.clone(),
                path: folder.journal.clone(),
                what,
            },
        }
    }
}

/// sled meets some damage with a panic, which must end this run and no other.
fn caught<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, Refusal> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(sled::Error::Io(error))) if error.raw_os_error().is_some() => {
            Err(Refusal::System(error))
        }
        Ok(Err(sled::Error::Io(error))) if error.kind() == ErrorKind::Other => {
            Err(Refusal::Io(error.to_string()))
        }
        // Of what happened on a thread of its own, sled keeps only the kind.
        Ok(Err(sled::Error::Io(error))) => Err(Refusal::System(error.kind().into())),
        Ok(Err(error)) => Err(Refusal::Store(error.to_string())),
        Err(panic) => {
            let what = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(Refusal::Store(
                what.unwrap_or_else(|| "it gave up".to_owned()),
            ))
        }
    }
}

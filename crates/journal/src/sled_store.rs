//! One run's values in sled, and the guards without which sled 0.34 loses some.
//!
//! The only file that knows sled. Who may open it, and when it is flushed, is decided by
//! the callers; the reasons for the guards are in `docs/journal.md`.

use crate::folder::{self, RunFolder};
use crate::store::{Refusal, Store, Visitor, caught};
use crate::{JournalError, error};
use leadhand_protocol::{RunId, Seq};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What sled may keep of one run in memory, in bytes. A journal is appended to and read
/// once from front to back, which a cache cannot help.
pub const CACHE_BYTES: u64 = 4 * 1024 * 1024;

/// How long sled's threads may take to let go of a store that was just closed, in
/// milliseconds.
const LET_GO_MS: u64 = 5_000;

#[derive(Debug)]
pub(crate) struct SledStore {
    db: sled::Db,
    /// sled's one data file.
    data: PathBuf,
}

impl SledStore {
    pub(crate) fn open(run: &RunId, folder: &RunFolder) -> Result<Self, JournalError> {
        remove_unfinished_snapshots(folder)?;
        let config = sled::Config::new()
            .path(&folder.journal)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None);
        let began = Instant::now();
        let db = loop {
            match caught(|| config.open(), refusal) {
                Err(Refusal::Store(why)) if why.contains("could not acquire lock") => {
                    if began.elapsed() > Duration::from_millis(LET_GO_MS) {
                        return Err(Refusal::Store(why).of(run, folder));
                    }
                    std::thread::sleep(Duration::from_millis(2));
                }
                opened => break opened.map_err(|refusal| refusal.of(run, folder))?,
            }
        };
        Ok(Self {
            db,
            data: folder.data.clone(),
        })
    }
}

impl Store for SledStore {
    fn last(&self) -> Result<Option<(Seq, Vec<u8>)>, Refusal> {
        let last = caught(|| self.db.last(), refusal)?;
        Ok(last.map(|(key, value)| (seq_of(&key), value.to_vec())))
    }

    fn scan(&self, from: Seq, visit: &mut Visitor<'_>) -> Result<(), Refusal> {
        let before = || self.db.range(..=from.to_be_bytes()).next_back().transpose();
        let begin = caught(before, refusal)?.map_or(0, |(key, _)| seq_of(&key));
        let mut values = self.db.range(begin.to_be_bytes()..);
        while let Some((key, value)) = caught(|| values.next().transpose(), refusal)? {
            if visit(seq_of(&key), &value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn write(&self, values: Vec<(Seq, Vec<u8>)>) -> Result<(), Refusal> {
        let mut batch = sled::Batch::default();
        for (seq, value) in values {
            batch.insert(&seq.to_be_bytes(), value);
        }
        let store = || {
            self.db.apply_batch(batch)?;
            self.db.flush().map(drop)
        };
        caught(store, refusal)
    }

    /// sled's own flush survives a killed process, not a power cut.
    fn sync(&self) -> Result<(), JournalError> {
        File::open(&self.data)
            .and_then(|file| file.sync_data())
            .map_err(error::unwritable(&self.data))
    }
}

/// Only a damaged store has other keys.
fn seq_of(key: &[u8]) -> Seq {
    key.try_into().map_or(Seq::MAX, Seq::from_be_bytes)
}

fn refusal(error: sled::Error) -> Refusal {
    match error {
        sled::Error::Io(error) if error.raw_os_error().is_some() => Refusal::System(error),
        sled::Error::Io(error) if error.kind() == ErrorKind::Other => {
            Refusal::Store(error.to_string())
        }
        // Of what happened on a thread of its own, sled keeps only the kind.
        sled::Error::Io(error) => Refusal::System(error.kind().into()),
        error => Refusal::Damaged(error.to_string()),
    }
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
            fs::remove_file(&path).map_err(error::unwritable(&path))?;
            folder::sync(&folder.journal)?;
        }
    }
    Ok(())
}

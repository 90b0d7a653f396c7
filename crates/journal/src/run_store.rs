//! One run's records in its store: checked when they are read, whole or not at all.

use crate::blobs::Blobs;
use crate::folder::{self, RunFolder};
use crate::format::{self, Entry, Fault};
use crate::head::{self, Stored};
use crate::sled_store::SledStore;
use crate::snapshot::{self, Snapshot};
use crate::store::{Engine, Refusal, Store};
use crate::{Damage, History, JournalError};
use leadhand_protocol::{ContentHash, FORMAT_VERSION, Record, RunId, Seq};
use std::ops::ControlFlow;

/// An open store. Only one may exist for a run, in all processes; the caller holds the lock.
#[derive(Debug)]
pub(crate) struct RunStore {
    run: RunId,
    folder: RunFolder,
    blobs: Blobs,
    store: Box<dyn Store>,
}

impl RunStore {
    pub(crate) fn open(
        engine: Engine,
        run: &RunId,
        folder: RunFolder,
        blobs: Blobs,
    ) -> Result<Self, JournalError> {
        let store: Box<dyn Store> = match engine {
            Engine::Sled => Box::new(SledStore::open(run, &folder)?),
            #[cfg(feature = "redb")]
            Engine::Redb => Box::new(crate::redb_store::RedbStore::open(run, &folder)?),
        };
        Ok(Self {
            run: run.clone(),
            folder,
            blobs,
            store,
        })
    }

    /// Cuts off a damaged end that was never known to be on disk: a power cut may leave a record
    /// and not its blob. What the head vouches for is never cut. Gives what was found.
    pub(crate) fn cut_unsynced_damage(&self) -> Result<Option<Damage>, JournalError> {
        let Stored::Before(synced) = head::read(&self.folder.head) else {
            return Ok(None);
        };
        let damage = self.read(synced, Seq::MAX)?.damage;
        let Some(damage) = damage.filter(|damage| damage.seq >= synced) else {
            return Ok(None);
        };
        self.store
            .cut(damage.seq)
            .map_err(|refusal| self.refused(refusal))?;
        self.sync()?;
        Ok(Some(damage))
    }

    /// The `seq` after the last record, which is checked.
    pub(crate) fn next_seq(&self) -> Result<Seq, JournalError> {
        let next_seq = match self.store.last().map_err(|refusal| self.refused(refusal))? {
            None => 0,
            Some((seq, value)) => match self.record(seq, &value) {
                Ok(record) => record.seq + 1,
                Err(Fault::Damaged(what)) => return Err(self.damaged(Damage { seq, what })),
                Err(Fault::TooNew(found)) => return Err(self.too_new(seq, found)),
            },
        };
        match self.cut_off(next_seq) {
            None => Ok(next_seq),
            Some(damage) => Err(self.damaged(damage)),
        }
    }

    /// The records from `from` on that come before `end`, or before the first that is missing
    /// or damaged. What comes before `from` is not looked at.
    pub(crate) fn read(&self, from: Seq, end: Seq) -> Result<History, JournalError> {
        let mut records = Vec::new();
        let mut next_seq = from;
        let mut fault = None;
        let scanned = self.store.scan(from, &mut |seq, value| {
            if next_seq >= end {
                return ControlFlow::Break(());
            }
            let record = if seq == next_seq {
                self.record(seq, value)
            } else {
                Err(Fault::Damaged("it is missing".to_owned()))
            };
            match record {
                Ok(record) => records.push(record),
                Err(found) => {
                    fault = Some(found);
                    return ControlFlow::Break(());
                }
            }
            next_seq += 1;
            ControlFlow::Continue(())
        });
        let damage = match (fault, scanned) {
            (Some(Fault::TooNew(found)), _) => return Err(self.too_new(next_seq, found)),
            (Some(Fault::Damaged(what)), _) => Some(what),
            (None, Err(Refusal::Damaged(what))) => {
                Some(format!("the store cannot read it: {what}"))
            }
            (None, Err(refusal)) => return Err(self.refused(refusal)),
            (None, Ok(())) => None,
        };
        let damage = match damage {
            Some(what) => Some(Damage {
                seq: next_seq,
                what,
            }),
            None if next_seq >= end => None,
            None if records.is_empty() && from > 0 => self.cut_off(self.end()?),
            None => self.cut_off(next_seq),
        };
        Ok(History { records, damage })
    }

    /// The snapshot on file, if it is whole and tells of records that this store holds.
    pub(crate) fn snapshot(&self, end: Seq) -> Option<Snapshot> {
        let (snapshot, last) = snapshot::read(&self.folder.snapshot)?;
        self.holds(snapshot.next_seq, last, end).then_some(snapshot)
    }

    /// Removes a snapshot of records that are gone, so that it never comes to fit others which
    /// take their place.
    pub(crate) fn drop_foreign_snapshot(&self, end: Seq) -> Result<(), JournalError> {
        match snapshot::read_about(&self.folder.snapshot) {
            Some((next_seq, last)) if self.holds(next_seq, last, end) => Ok(()),
            Some(_) | None => folder::remove(&self.folder.snapshot),
        }
    }

    fn holds(&self, next_seq: Seq, last: ContentHash, end: Seq) -> bool {
        next_seq <= end && self.fingerprint(next_seq) == Some(last)
    }

    /// Puts a snapshot in the place of the one before.
    pub(crate) fn write_snapshot(&self, snapshot: &Snapshot) -> Result<(), JournalError> {
        match self.fingerprint(snapshot.next_seq) {
            Some(last) => snapshot::write(&self.folder, snapshot, last),
            // Whoever asked for it saw a record that cannot be read any more: the journal
            // says so to whoever reads it.
            None => Ok(()),
        }
    }

    /// The hash of the last record that is before `next_seq`, as it is stored: it tells a
    /// snapshot of this history from one of records that a power cut took.
    fn fingerprint(&self, next_seq: Seq) -> Option<ContentHash> {
        match next_seq.checked_sub(1) {
            None => Some(ContentHash::of(b"")),
            Some(last) => Some(ContentHash::of(&self.store.get(last).ok()??)),
        }
    }

    /// The `seq` after the last record there is, whatever state that is in.
    fn end(&self) -> Result<Seq, JournalError> {
        let last = self.store.last().map_err(|refusal| self.refused(refusal))?;
        Ok(last.map_or(0, |(seq, _)| seq.saturating_add(1)))
    }

    /// Whether records that were on disk are gone from the end, or nobody can tell.
    fn cut_off(&self, end: Seq) -> Option<Damage> {
        let what = match head::read(&self.folder.head) {
            Stored::Unknown => return None,
            Stored::Before(stored) if stored <= end => return None,
            Stored::Before(stored) => format!(
                "it and all after it are gone, of {stored} that were on disk; the store's file was changed or cut"
            ),
            Stored::Spoiled => format!(
                "{} was changed, so nobody can tell whether this is the end; remove that file to go on from here",
                self.folder.head.display()
            ),
        };
        Some(Damage { seq: end, what })
    }

    /// Stores entries, all or none of them after a crash, so that they survive this process.
    pub(crate) fn write(&self, entries: Vec<Entry>) -> Result<(), JournalError> {
        if entries.is_empty() {
            return Ok(());
        }
        self.store
            .write(entries)
            .map_err(|refusal| self.refused(refusal))
    }

    /// Puts what was written on disk.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        self.store.sync()
    }

    fn record(&self, seq: Seq, value: &[u8]) -> Result<Record, Fault> {
        format::decode(seq, value, |hash, bytes| self.blobs.get(hash, bytes))
    }

    fn refused(&self, refusal: Refusal) -> JournalError {
        refusal.of(&self.run, &self.folder)
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
}

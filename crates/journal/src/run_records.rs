//! One run's records on disk: those that its store has taken over, and behind them its tails'.
//! They are checked when they are read, whole or not at all.

use crate::blobs::Blobs;
use crate::folder::{self, RunFolder};
use crate::format::{self, Fault, Stored, VALUE_VERSION};
use crate::head;
use crate::reading::{Reading, Taker};
use crate::salvage::salvage;
use crate::sled_store::SledStore;
use crate::snapshot::{self, Snapshot};
use crate::store::{Engine, Refusal, Store};
use crate::tail::{Frames, Stop, tails};
use crate::{Chain, Damage, JournalError, Verified, Visitor, pack};
use leadhand_protocol::{ContentHash, RunId, Seq};
use std::cell::OnceCell;
use std::ops::ControlFlow;

/// Made by whoever has the run to himself, for as long as he looks into it. The store is opened
/// when it is needed: only one may be open for a run, in all processes.
pub(crate) struct RunRecords {
    engine: Engine,
    pub(crate) run: RunId,
    pub(crate) folder: RunFolder,
    blobs: Blobs,
    store: OnceCell<Box<dyn Store>>,
}

impl RunRecords {
    pub(crate) fn new(engine: Engine, run: &RunId, folder: &RunFolder, blobs: &Blobs) -> Self {
        Self {
            engine,
            run: run.clone(),
            folder: folder.clone(),
            blobs: blobs.clone(),
            store: OnceCell::new(),
        }
    }

    /// The store, if it has taken over anything yet.
    pub(crate) fn store(&self) -> Result<Option<&dyn Store>, JournalError> {
        self.engine.check_ownership(&self.run, &self.folder)?;
        if self.store.get().is_none() && !self.folder.data.exists() {
            return Ok(None);
        }
        self.store_to_write().map(Some)
    }

    /// The store, made if there is none.
    pub(crate) fn store_to_write(&self) -> Result<&dyn Store, JournalError> {
        if let Some(store) = self.store.get() {
            return Ok(store.as_ref());
        }
        let store: Box<dyn Store> = match self.engine {
            Engine::Sled => Box::new(SledStore::open(&self.run, &self.folder)?),
            #[cfg(feature = "redb")]
            Engine::Redb => Box::new(crate::redb_store::RedbStore::open(&self.run, &self.folder)?),
        };
        Ok(self.store.get_or_init(|| store).as_ref())
    }

    /// The `seq` after the last record that the store has, and its link; that record is checked.
    pub(crate) fn stored_end(&self) -> Result<(Seq, ContentHash), JournalError> {
        let nothing = (0, Chain::of(&self.run).head());
        let Some(store) = self.store()? else {
            return Ok(nothing);
        };
        let last = store.last().map_err(|refusal| self.refused(refusal))?;
        let Some((seq, stored)) = last else {
            return Ok(nothing);
        };
        let (begin, values) = pack::unpack(seq, &stored).map_err(|fault| self.fault(seq, fault))?;
        let end = begin + values.len() as Seq;
        match values.last() {
            Some(value) => Ok((end, self.check(end - 1, value)?)),
            None => Err(self.fault(seq, Fault::Damaged("it is empty".to_owned()))),
        }
    }

    /// Shows the records from `from` on that come before `end`, or before the first that is missing
    /// or damaged. What comes before `from` is not looked at.
    pub(crate) fn scan(
        &self,
        from: Seq,
        end: Seq,
        see: &mut Visitor<'_>,
    ) -> Result<Option<Damage>, JournalError> {
        let mut taker = |stored: Stored, _| see(stored.record, stored.event_bytes);
        let mut reading = self.reading(from, end, &mut taker);
        match self.read_store(&mut reading) {
            Err(JournalError::Store { what, .. }) => {
                let next_seq = reading.next_seq;
                return self.save(next_seq, &what, see);
            }
            read => read?,
        }
        self.read_tails(&mut reading)?;
        self.damage_of(&mut reading)
    }

    /// Shows what can be saved of a run whose store refuses to open, up to the first record that
    /// is nowhere; `why` is what the store said.
    fn save(
        &self,
        from: Seq,
        why: &str,
        see: &mut Visitor<'_>,
    ) -> Result<Option<Damage>, JournalError> {
        let mut found = salvage(&self.folder, &self.blobs)?;
        let first_tail = tails(&self.folder)?.first().map_or(0, |tail| tail.begin);
        let mut keep = |stored: Stored, _| {
            found.insert(stored.record.seq, stored);
            ControlFlow::Continue(())
        };
        self.read_tails(&mut self.reading(first_tail, Seq::MAX, &mut keep))?;
        let mut seq = from;
        while let Some(Stored {
            record,
            event_bytes,
            ..
        }) = found.remove(&seq)
        {
            seq += 1;
            if see(record, event_bytes).is_break() {
                return Ok(None);
            }
        }
        let what = format!("the store refuses to open, and no more could be saved from it: {why}");
        Ok(Some(Damage { seq, what }))
    }

    /// Checks the records before `end` against their chain, as [`RunRecords::scan`] does.
    pub(crate) fn verify(
        &self,
        end: Seq,
        noted: Option<ContentHash>,
    ) -> Result<Verified, JournalError> {
        let mut verified = Verified::of(&Chain::of(&self.run));
        let mut taker = |stored: Stored, link| {
            verified.take(stored.record.seq, link, noted);
            ControlFlow::Continue(())
        };
        let mut reading = self.reading(0, end, &mut taker);
        let damage = match self.read_store(&mut reading) {
            Err(JournalError::Store { what, .. }) => Some(Damage {
                seq: reading.next_seq,
                what: format!("the store refuses to open: {what}"),
            }),
            read => {
                read?;
                self.read_tails(&mut reading)?;
                self.damage_of(&mut reading)?
            }
        };
        let unchained = reading.chain.unchained();
        Ok(Verified {
            damage,
            unchained,
            ..verified
        })
    }

    fn reading<'a>(&self, from: Seq, end: Seq, taker: &'a mut Taker<'a>) -> Reading<'a> {
        let anchor = match head::read(&self.folder.head) {
            head::Stored::Before(end, Some(link)) => Some((end, link)),
            head::Stored::Before(_, None) | head::Stored::Unknown | head::Stored::Spoiled => None,
        };
        Reading::new(&self.run, from, end, anchor, taker)
    }

    /// Why the reading ended where it did, if not because the run does.
    fn damage_of(&self, reading: &mut Reading<'_>) -> Result<Option<Damage>, JournalError> {
        let seq = reading.next_seq;
        match reading.fault.take() {
            Some(Fault::TooNew(found)) => Err(self.too_new(seq, found)),
            Some(Fault::Damaged(what)) => Ok(Some(Damage { seq, what })),
            None if seq >= reading.end => Ok(None),
            None => Ok(self.cut_off(reading.seen)),
        }
    }

    fn read_store(&self, reading: &mut Reading<'_>) -> Result<(), JournalError> {
        let Some(store) = self.store()? else {
            return Ok(());
        };
        let scanned = store.scan(reading.next_seq, &mut |seq, stored| match pack::unpack(
            seq, stored,
        ) {
            Ok((begin, values)) => {
                reading.take(begin, &values, |seq, value| self.stored(seq, value))
            }
            Err(fault) => reading.stop(fault),
        });
        // What the store has taken over may still be in a tail.
        reading.follows = None;
        match scanned {
            Err(Refusal::Damaged(what)) if reading.fault.is_none() => {
                let what = format!("the store cannot read it: {what}");
                let _ = reading.stop(Fault::Damaged(what));
                Ok(())
            }
            scanned => scanned.map_err(|refusal| self.refused(refusal)),
        }
    }

    fn read_tails(&self, reading: &mut Reading<'_>) -> Result<(), JournalError> {
        for tail in tails(&self.folder)? {
            let mut frames = Frames::of(&tail.path)?;
            loop {
                // Behind the durable end an append may just be being written.
                if !reading.goes_on() {
                    return Ok(());
                }
                let taken = match frames.next()? {
                    Ok((begin, values)) => {
                        reading.take(begin, &values, |seq, value| self.stored(seq, value))
                    }
                    Err(Stop::End | Stop::Half) => break,
                    Err(Stop::Fault(fault)) => reading.stop(fault),
                };
                if taken.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The snapshot on file, if it is whole and tells of records that are there.
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
        let Some(seq) = next_seq.checked_sub(1) else {
            return Some(ContentHash::of(b""));
        };
        let found = self.find_in_tails(seq).ok()?;
        found.or_else(|| self.find_in_store(seq).ok()?)
    }

    fn find_in_tails(&self, seq: Seq) -> Result<Option<ContentHash>, JournalError> {
        let tails = tails(&self.folder)?;
        let Some(tail) = tails.iter().rfind(|tail| tail.begin <= seq) else {
            return Ok(None);
        };
        let mut frames = Frames::of(&tail.path)?;
        while let Ok((begin, values)) = frames.next()? {
            if let Some(value) = nth(begin, &values, seq) {
                return Ok(Some(ContentHash::of(value)));
            }
        }
        Ok(None)
    }

    fn find_in_store(&self, seq: Seq) -> Result<Option<ContentHash>, JournalError> {
        let Some(store) = self.store()? else {
            return Ok(None);
        };
        let mut found = None;
        let scanned = store.scan(seq, &mut |key, stored| {
            if let Ok((begin, values)) = pack::unpack(key, stored) {
                found = nth(begin, &values, seq).map(ContentHash::of);
            }
            ControlFlow::Break(())
        });
        scanned.map_err(|refusal| self.refused(refusal))?;
        Ok(found)
    }

    /// Whether records that were on disk are gone from the end, or nobody can tell.
    pub(crate) fn cut_off(&self, end: Seq) -> Option<Damage> {
        let what = match head::read(&self.folder.head) {
            head::Stored::Unknown => return None,
            head::Stored::Before(stored, _) if stored <= end => return None,
            head::Stored::Before(stored, _) => format!(
                "it and all after it are gone, of {stored} that were on disk; the run's files were changed or cut"
            ),
            head::Stored::Spoiled => format!(
                "{} was changed, so nobody can tell whether this is the end; remove that file to go on from here",
                self.folder.head.display()
            ),
        };
        Some(Damage { seq: end, what })
    }

    pub(crate) fn stored(&self, seq: Seq, value: &[u8]) -> Result<Stored, Fault> {
        format::decode(seq, value, |hash, bytes| self.blobs.get(hash, bytes))
    }

    /// That a record can be read; gives its link.
    pub(crate) fn check(&self, seq: Seq, value: &[u8]) -> Result<ContentHash, JournalError> {
        self.stored(seq, value)
            .and_then(|stored| stored.link_in(&self.run))
            .map_err(|fault| self.fault(seq, fault))
    }

    pub(crate) fn refused(&self, refusal: Refusal) -> JournalError {
        refusal.of(&self.run, &self.folder)
    }

    pub(crate) fn fault(&self, seq: Seq, fault: Fault) -> JournalError {
        match fault {
            Fault::Damaged(what) => self.damaged(Damage { seq, what }),
            Fault::TooNew(found) => self.too_new(seq, found),
        }
    }

    pub(crate) fn damaged(&self, damage: Damage) -> JournalError {
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
            supported: VALUE_VERSION,
        }
    }
}

/// The value of one record among those that follow on `begin`.
fn nth<'a>(begin: Seq, values: &[&'a [u8]], seq: Seq) -> Option<&'a [u8]> {
    let place = usize::try_from(seq.checked_sub(begin)?).ok()?;
    values.get(place).copied()
}

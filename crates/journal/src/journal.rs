//! What a journal is, whatever keeps it. Nothing in here knows a file or a store.

use crate::{Chain, JournalError, Snapshot, Ticket};
use leadhand_protocol::{ContentHash, Record, RunId, Seq};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::ops::ControlFlow;
use std::path::PathBuf;

/// Is shown a record and how long its event is as JSON, in bytes (0 by a journal that makes no
/// JSON), and says whether it wants the next one.
pub type Visitor<'a> = dyn FnMut(Record, usize) -> ControlFlow<()> + 'a;

/// A store of runs. Shared by everything in a process that reads or writes runs.
pub trait Journal: Send + Sync + 'static {
    /// Begins a run that has no records yet and makes the caller its one writer.
    ///
    /// # Errors
    /// [`JournalError::RunExists`] when there is one of this name already,
    /// [`JournalError::Unwritable`] when it cannot be stored.
    fn create(&self, run: &RunId) -> Result<Box<dyn Writer>, JournalError>;

    /// Goes on with a run that exists. Only its end is looked at, and cut off from the
    /// append on that has a damaged record and was never on disk ([`Writer::lost`]); [`Journal::scan`] checks
    /// the whole of it and may be called while the writer is held.
    ///
    /// # Errors
    /// [`JournalError::UnknownRun`], [`JournalError::Locked`] when another writer holds it,
    /// [`JournalError::Damaged`] or [`JournalError::SchemaTooNew`] when its last record
    /// cannot be read.
    fn open(&self, run: &RunId) -> Result<Box<dyn Writer>, JournalError>;

    /// Shows the durable records of a run from `from` on as they are read, each one whole and
    /// checked against those before it, up to its end, to the first damage, or until the visitor
    /// breaks. Gives the damage where it came to it. What comes before `from` is neither read nor
    /// checked. Others who want to read or write the run wait meanwhile.
    ///
    /// # Errors
    /// [`JournalError::UnknownRun`], [`JournalError::Live`] when another process writes
    /// it, [`JournalError::SchemaTooNew`] when a newer program wrote it.
    fn scan(
        &self,
        run: &RunId,
        from: Seq,
        see: &mut Visitor<'_>,
    ) -> Result<Option<Damage>, JournalError>;

    /// All durable records of a run at once, as [`Journal::scan`] shows them: for whoever needs
    /// them all in memory.
    ///
    /// # Errors
    /// Those of [`Journal::scan`]. Damage is no error: it stands in the [`History`].
    fn read(&self, run: &RunId) -> Result<History, JournalError> {
        self.read_from(run, 0)
    }

    /// The same from `from` on; none if the run ends before.
    ///
    /// # Errors
    /// Those of [`Journal::scan`].
    fn read_from(&self, run: &RunId, from: Seq) -> Result<History, JournalError> {
        let mut records = Vec::new();
        let damage = self.scan(run, from, &mut |record, _| {
            records.push(record);
            ControlFlow::Continue(())
        })?;
        Ok(History { records, damage })
    }

    /// Checks all durable records of a run against its chain. `noted` is the head that somebody
    /// noted of it, if anybody did. As it stands here the chain is made of the records as they are
    /// read, which is for a journal that stores none.
    ///
    /// # Errors
    /// Those of [`Journal::scan`]. What does not hold is no error: it stands in [`Verified`].
    fn verify(&self, run: &RunId, noted: Option<ContentHash>) -> Result<Verified, JournalError> {
        let mut chain = Chain::of(run);
        let mut verified = Verified::of(&chain);
        let mut failed = None;
        let damage = self.scan(
            run,
            0,
            &mut |record, _| match serde_json::to_vec(&record.event) {
                Ok(event) => {
                    let link = chain.next(record.seq, record.at_ms, ContentHash::of(&event));
                    verified.take(record.seq, link, noted);
                    ControlFlow::Continue(())
                }
                Err(error) => {
                    failed = Some((record.seq, error.to_string()));
                    ControlFlow::Break(())
                }
            },
        )?;
        if let Some((seq, what)) = failed {
            let run = run.clone();
            return Err(JournalError::Unencodable { run, seq, what });
        }
        verified.damage = damage;
        Ok(verified)
    }

    /// The last snapshot of a run that tells only of durable records; none if there is none,
    /// or it is damaged, of a newer program, or of records that the run does not hold. Then
    /// the run is read from 0. Cheapest while the run's writer is held. As it stands here
    /// there never is one.
    ///
    /// # Errors
    /// [`JournalError::UnknownRun`], [`JournalError::Live`] when another process writes it,
    /// and others that reading the run's records meets as well: a snapshot adds none.
    fn snapshot(&self, run: &RunId) -> Result<Option<Snapshot>, JournalError> {
        let _ = run;
        Ok(None)
    }

    /// The runs there are, the one last created or opened first.
    ///
    /// # Errors
    /// [`JournalError::Unreadable`] when the store cannot be listed.
    fn runs(&self) -> Result<Vec<RunEntry>, JournalError>;

    /// The folder of a run, be it there or not; none for a journal that has no folders. Beside
    /// the records there lies what its process offers to others, such as its control socket.
    fn folder(&self, _run: &RunId) -> Option<PathBuf> {
        None
    }
}

/// The one writer of a run. Dropping it does what [`Writer::close`] does, as well as it can.
pub trait Writer: Send {
    /// Stores records or queues them to be stored, all of them or none, in order and after
    /// everything appended before; waits for no disk. An empty slice makes a ticket that resolves when
    /// everything appended before is durable.
    ///
    /// # Errors
    /// [`JournalError::Gap`] when a record's `seq` is not the next one,
    /// [`JournalError::RecordTooLarge`], [`JournalError::Backlog`] when too much is queued
    /// already; in these cases nothing was queued. [`JournalError::Stopped`] after an
    /// earlier append failed: nothing can be appended any more.
    fn append(&mut self, records: &[Record]) -> Result<Ticket, JournalError>;

    /// A ticket that resolves when everything appended so far is on disk, with all it rests
    /// on, whatever the journal's level; it survives a power cut then. What others wait for is
    /// put on disk at the same time.
    ///
    /// As it stands here it is for a journal whose every ticket means as much already, or that
    /// has no disk.
    ///
    /// # Errors
    /// Those of an empty [`Writer::append`].
    fn sync(&mut self) -> Result<Ticket, JournalError> {
        self.append(&[])
    }

    /// The `seq` that the next record must have.
    fn next_seq(&self) -> Seq;

    /// What was damaged at the end of the run and cut off when it was opened; none if the end
    /// was whole. It was never synced: a power cut at level [`Durability::Process`] may leave a
    /// record and not its payload. As it stands here nothing is ever cut off.
    fn lost(&self) -> Option<&Damage> {
        None
    }

    /// Replaces the run's summary, which [`Journal::runs`] shows. A reader sees the old one
    /// or the new one, never half of one; it is a convenience and not synced.
    ///
    /// # Errors
    /// [`JournalError::StatusTooLarge`], [`JournalError::Unwritable`].
    fn set_status(&mut self, status: &Value) -> Result<(), JournalError>;

    /// Whether a snapshot is worth its while: a journal from which nobody takes a run up again
    /// after a crash has none to save time by. As it stands here it is.
    fn wants_snapshots(&self) -> bool {
        true
    }

    /// Keeps the run's state before record `next_seq`, in place of what was kept before.
    /// `format` names what the bytes are, for whoever reads them. It is written in the
    /// background, once the records it tells of are on disk; of several that wait the last is
    /// written. As it stands here none is kept.
    ///
    /// # Errors
    /// [`JournalError::SnapshotAhead`] when it tells of records that were not appended,
    /// [`JournalError::SnapshotTooLarge`], [`JournalError::Stopped`]; and once each, what kept
    /// an earlier one from being written. None of them hinders the next append.
    fn set_snapshot(
        &mut self,
        next_seq: Seq,
        format: &str,
        bytes: &[u8],
    ) -> Result<(), JournalError> {
        let _ = (next_seq, format, bytes);
        Ok(())
    }

    /// Waits until everything queued is durable, then lets go of the run.
    ///
    /// # Errors
    /// What kept the last of it from being stored.
    fn close(self: Box<Self>) -> Result<(), JournalError>;
}

/// What an acknowledged record survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Durability {
    /// The death of the process, at any instruction. It is on disk, and so survives a power
    /// cut, within about [`crate::DISK_SYNC_MS`].
    #[default]
    Process,
    /// A power cut: it was synced to disk before it was acknowledged.
    Disk,
}

/// What a journal holds of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    /// All records before the damage, or all there are; `seq` runs without gaps from 0, or
    /// from where they were asked for.
    pub records: Vec<Record>,
    /// Why the records end where they do, if not because the run does.
    pub damage: Option<Damage>,
}

/// What came of checking a run against its chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// How many records hold, from the first on.
    pub records: Seq,
    /// How many of them carry no link, because a program of format version 1 wrote them.
    pub unchained: Seq,
    /// The link of the last record that holds; of a run without records what stands before them.
    pub head: ContentHash,
    /// The record whose link is the head that was noted, if there is one.
    pub noted: Option<Seq>,
    /// The first record that does not hold.
    pub damage: Option<Damage>,
}

impl Verified {
    /// Before the first record.
    #[must_use]
    pub fn of(chain: &Chain) -> Self {
        Self {
            records: 0,
            unchained: 0,
            head: chain.head(),
            noted: None,
            damage: None,
        }
    }

    /// Takes a record that holds, with its link.
    pub fn take(&mut self, seq: Seq, link: ContentHash, noted: Option<ContentHash>) {
        self.records = seq + 1;
        self.head = link;
        if noted == Some(link) {
            self.noted = Some(seq);
        }
    }
}

/// A place from which on a journal cannot be believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// The first record that cannot be read.
    pub seq: Seq,
    /// What is wrong with it, in a sentence.
    pub what: String,
}

/// A run in a list of runs.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEntry {
    /// Its name.
    pub run: RunId,
    /// The process that writes it now, by pid (0 if it has not said yet); none if nobody does.
    pub live: Option<u32>,
    /// The summary its writer last set; none if there is none that can be read.
    pub status: Option<Value>,
}

/// Checks that records follow on `next_seq`; gives the `seq` after them.
pub(crate) fn follow(run: &RunId, next_seq: Seq, records: &[Record]) -> Result<Seq, JournalError> {
    let mut expected = next_seq;
    for record in records {
        if record.seq != expected {
            return Err(JournalError::Gap {
                run: run.clone(),
                expected,
                found: record.seq,
            });
        }
        expected += 1;
    }
    Ok(expected)
}

/// A summary as text, if it is not too large.
pub(crate) fn status_json(run: &RunId, status: &Value) -> Result<String, JournalError> {
    let json = status.to_string();
    if json.len() > crate::STATUS_BYTES_MAX {
        return Err(JournalError::StatusTooLarge {
            run: run.clone(),
            bytes: json.len(),
            bytes_max: crate::STATUS_BYTES_MAX,
        });
    }
    Ok(json)
}

//! What is written of a run: its records, the summary beside them, and now and then its state, so
//! that taking it up again need not go through all of its history.

use crate::error::RuntimeError;
use crate::status::Status;
use leadhand_engine::{Run, SNAPSHOT_FORMAT};
use leadhand_journal::{Ticket, Writer};
use leadhand_protocol::{Event, Record, RequestId, RunId, Seq};
use std::sync::Arc;

/// The summary beside the journal is at most this old while the run goes on.
const STATUS_EVERY_MS: u64 = 400;
/// Records after which the state is written, at least: so many are read in less than a tenth of a
/// second.
const SNAPSHOT_RECORDS_MIN: u64 = 10_000;
/// A large state is written less often: after one record more for each so many bytes of the last
/// snapshot, so that snapshots cost about as much as the records.
const SNAPSHOT_BYTES_PER_RECORD: u64 = 256;

pub(crate) struct Recorder {
    id: RunId,
    writer: Box<dyn Writer>,
    /// The `seq` of the next record; those before it may still have to be committed.
    next_seq: Seq,
    status_ms: u64,
    /// The questions that the summary shows.
    status_questions: Vec<RequestId>,
    snapshot_seq: Seq,
    snapshot_bytes: u64,
}

impl Recorder {
    pub(crate) fn new(id: RunId, writer: Box<dyn Writer>) -> Self {
        Self {
            id,
            status_ms: 0,
            status_questions: Vec::new(),
            snapshot_seq: writer.next_seq(),
            snapshot_bytes: 0,
            next_seq: writer.next_seq(),
            writer,
        }
    }

    /// Makes the next record. It is in the journal once it is committed.
    pub(crate) fn record(&mut self, at_ms: u64, event: Event) -> Record {
        let seq = self.next_seq;
        self.next_seq += 1;
        tracing::debug!(run = %self.id, seq, event = ?event);
        let event = Arc::new(event);
        Record { seq, at_ms, event }
    }

    /// Puts records into the journal, all or none of them; the ticket resolves when they and all
    /// before them are durable.
    pub(crate) fn commit(&mut self, records: &[Record]) -> Result<Ticket, RuntimeError> {
        Ok(self.writer.append(records)?)
    }

    /// Resolves when all that was recorded is on disk, whatever the level of the journal.
    pub(crate) fn sync(&mut self) -> Result<Ticket, RuntimeError> {
        Ok(self.writer.sync()?)
    }

    /// Writes the summary, and the state, when it is time to and all is committed.
    pub(crate) fn keep(&mut self, run: &Run, at_ms: u64) -> Result<(), RuntimeError> {
        let over = run.outcome().is_some();
        // Whoever waits for a person waits longer than that.
        let asks = !run.questions().keys().eq(&self.status_questions);
        if over || asks || at_ms >= self.status_ms.saturating_add(STATUS_EVERY_MS) {
            self.status_ms = at_ms;
            self.status_questions = run.questions().keys().copied().collect();
            let status = Status::of(run, at_ms);
            let status = serde_json::to_value(status).unwrap_or_default();
            self.writer.set_status(&status)?;
        }
        let next_seq = self.writer.next_seq();
        let since = next_seq.saturating_sub(self.snapshot_seq);
        let wait = SNAPSHOT_RECORDS_MIN + self.snapshot_bytes / SNAPSHOT_BYTES_PER_RECORD;
        if since >= wait && self.writer.wants_snapshots() {
            self.snapshot_seq = next_seq;
            self.snapshot(run, next_seq);
        }
        Ok(())
    }

    /// A run goes on without a snapshot; the next one may succeed.
    fn snapshot(&mut self, run: &Run, next_seq: Seq) {
        match run.to_snapshot() {
            Ok(bytes) => {
                self.snapshot_bytes = bytes.len() as u64;
                if let Err(error) = self.writer.set_snapshot(next_seq, SNAPSHOT_FORMAT, &bytes) {
                    tracing::warn!(run = %self.id, %error, "the state could not be kept");
                }
            }
            Err(error) => tracing::warn!(run = %self.id, %error, "the state could not be written"),
        }
    }

    pub(crate) fn close(self) -> Result<(), RuntimeError> {
        Ok(self.writer.close()?)
    }
}

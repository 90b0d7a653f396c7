//! The journal in memory: for tests, and for runs that nobody wants to keep. It encodes
//! nothing, so it bounds no record, and ends with its last handle.

use crate::{
    Damage, Journal, JournalError, RunEntry, Snapshot, Ticket, Visitor, Writer, journal, snapshot,
};
use leadhand_protocol::{Record, RunId, Seq};
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Runs kept in memory. A clone shares them. An append is durable at once, as far as
/// memory can be.
#[derive(Debug, Clone, Default)]
pub struct MemoryJournal(Arc<Mutex<Runs>>);

#[derive(Debug, Default)]
struct Runs {
    runs: HashMap<RunId, Run>,
    /// Counts creations and openings, for the order of the list.
    openings: u64,
}

#[derive(Debug, Default)]
struct Run {
    records: Vec<Record>,
    status: Option<Value>,
    snapshot: Option<Snapshot>,
    live: bool,
    opening: u64,
}

impl MemoryJournal {
    /// A journal without runs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Runs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self, run: &RunId, runs: &mut Runs) -> Box<dyn Writer> {
        runs.openings += 1;
        let opening = runs.openings;
        let state = runs.runs.entry(run.clone()).or_default();
        state.live = true;
        state.opening = opening;
        Box::new(MemoryWriter {
            run: run.clone(),
            next_seq: state.records.len() as Seq,
            journal: self.clone(),
        })
    }
}

fn unknown(run: &RunId) -> JournalError {
    JournalError::UnknownRun {
        run: run.clone(),
        place: "memory".to_owned(),
    }
}

impl Journal for MemoryJournal {
    fn create(&self, run: &RunId) -> Result<Box<dyn Writer>, JournalError> {
        let mut runs = self.lock();
        if runs.runs.contains_key(run) {
            return Err(JournalError::RunExists { run: run.clone() });
        }
        Ok(self.writer(run, &mut runs))
    }

    fn open(&self, run: &RunId) -> Result<Box<dyn Writer>, JournalError> {
        let mut runs = self.lock();
        let state = runs.runs.get(run).ok_or_else(|| unknown(run))?;
        if state.live {
            return Err(JournalError::Locked {
                run: run.clone(),
                pid: std::process::id(),
            });
        }
        Ok(self.writer(run, &mut runs))
    }

    fn scan(
        &self,
        run: &RunId,
        from: Seq,
        see: &mut Visitor<'_>,
    ) -> Result<Option<Damage>, JournalError> {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let runs = self.lock();
        let state = runs.runs.get(run).ok_or_else(|| unknown(run))?;
        // What they hold is shared, and the visitor may look into this journal.
        let records = state.records.get(from..).unwrap_or_default().to_vec();
        drop(runs);
        let _ = records.into_iter().try_for_each(|record| see(record, 0));
        Ok(None)
    }

    fn snapshot(&self, run: &RunId) -> Result<Option<Snapshot>, JournalError> {
        let runs = self.lock();
        let state = runs.runs.get(run).ok_or_else(|| unknown(run))?;
        Ok(state.snapshot.clone())
    }

    fn runs(&self) -> Result<Vec<RunEntry>, JournalError> {
        let runs = self.lock();
        let mut states: Vec<_> = runs.runs.iter().collect();
        states.sort_by_key(|(_, state)| Reverse(state.opening));
        let entries = states.into_iter().map(|(run, state)| RunEntry {
            run: run.clone(),
            live: state.live.then(std::process::id),
            status: state.status.clone(),
        });
        Ok(entries.collect())
    }
}

struct MemoryWriter {
    run: RunId,
    next_seq: Seq,
    journal: MemoryJournal,
}

impl MemoryWriter {
    fn change(&self, change: impl FnOnce(&mut Run)) {
        if let Some(state) = self.journal.lock().runs.get_mut(&self.run) {
            change(state);
        }
    }
}

impl Writer for MemoryWriter {
    fn wants_snapshots(&self) -> bool {
        false
    }

    fn append(&mut self, records: &[Record]) -> Result<Ticket, JournalError> {
        let next_seq = journal::follow(&self.run, self.next_seq, records)?;
        self.change(|state| state.records.extend_from_slice(records));
        self.next_seq = next_seq;
        Ok(Ticket::ready(Ok(())))
    }

    fn next_seq(&self) -> Seq {
        self.next_seq
    }

    fn set_status(&mut self, status: &Value) -> Result<(), JournalError> {
        journal::status_json(&self.run, status)?;
        self.change(|state| state.status = Some(status.clone()));
        Ok(())
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
        self.change(|state| state.snapshot = Some(snapshot));
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<(), JournalError> {
        Ok(())
    }
}

impl Drop for MemoryWriter {
    fn drop(&mut self) {
        self.change(|state| state.live = false);
    }
}

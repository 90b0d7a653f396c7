//! A journal that is late, forgets what was not synced, fills its disk, and whose process dies at
//! a chosen append. All that anybody sees of a death is that nothing comes any more.

use crate::script::{Moment, Planted};
use crate::world::{State, World};
use leadhand_engine::SNAPSHOT_FORMAT;
use leadhand_journal::{
    Damage, Journal, JournalError, RunEntry, Snapshot, Ticket, Visitor, Writer,
};
use leadhand_protocol::{Record, RunId, Seq};
use leadhand_runtime::rebuild;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

fn unknown(run: &RunId) -> JournalError {
    JournalError::UnknownRun {
        run: run.clone(),
        place: "the simulated disk".to_owned(),
    }
}

fn disk_full() -> JournalError {
    JournalError::Unwritable {
        path: PathBuf::from("the simulated disk"),
        source: Arc::new(std::io::Error::from(std::io::ErrorKind::StorageFull)),
    }
}

impl World {
    /// The world of a run: of this one, or of that which it is a branch of.
    fn of(&self, run: &RunId) -> &Self {
        match &self.other {
            Some(other) if other.run == *run => other,
            _ => self,
        }
    }

    fn writer(&self, run: &RunId) -> Box<dyn Writer> {
        let mut state = self.state();
        state.store.live = true;
        Box::new(SimWriter {
            world: self.clone(),
            run: run.clone(),
            next_seq: state.store.records.len() as Seq,
        })
    }
}

impl Journal for World {
    fn create(&self, run: &RunId) -> Result<Box<dyn Writer>, JournalError> {
        let world = self.of(run);
        if world.state().store.exists {
            return Err(JournalError::RunExists { run: run.clone() });
        }
        world.state().store.exists = true;
        Ok(world.writer(run))
    }

    fn open(&self, run: &RunId) -> Result<Box<dyn Writer>, JournalError> {
        let (exists, live) = {
            let state = self.of(run).state();
            (state.store.exists, state.store.live)
        };
        if !exists {
            return Err(unknown(run));
        }
        if live {
            return Err(JournalError::Locked {
                run: run.clone(),
                pid: std::process::id(),
            });
        }
        Ok(self.of(run).writer(run))
    }

    fn scan(
        &self,
        run: &RunId,
        from: Seq,
        see: &mut Visitor<'_>,
    ) -> Result<Option<Damage>, JournalError> {
        let state = self.of(run).state();
        if !state.store.exists {
            return Err(unknown(run));
        }
        let records = state.store.records.clone();
        drop(state);
        let mut wanted = records.into_iter().filter(|record| record.seq >= from);
        let _ = wanted.try_for_each(|record| see(record, 0));
        Ok(None)
    }

    /// A snapshot of any of its states, which the real journal would have written in time.
    fn snapshot(&self, run: &RunId) -> Result<Option<Snapshot>, JournalError> {
        let state = self.of(run).state();
        let records = &state.store.records;
        let Some(choice) = state.life.snapshot.filter(|_| !records.is_empty()) else {
            return Ok(None);
        };
        let place = choice as usize % records.len() + 1;
        let bytes = rebuild(&records[..place]).to_snapshot();
        Ok(bytes.ok().map(|bytes| Snapshot {
            next_seq: place as Seq,
            format: SNAPSHOT_FORMAT.to_owned(),
            bytes,
        }))
    }

    fn runs(&self) -> Result<Vec<RunEntry>, JournalError> {
        Ok(Vec::new())
    }
}

struct SimWriter {
    world: World,
    run: RunId,
    next_seq: Seq,
}

impl SimWriter {
    /// A ticket for all that was appended so far.
    fn ticket(&self, state: &mut State, on_disk: bool) -> Ticket {
        let (promise, ticket) = Ticket::pair();
        let end = state.store.records.len();
        if state.store.dead {
            state.store.unanswered.push(promise);
            return ticket;
        }
        if self.world.has(Planted::AcknowledgedUnstored) {
            promise.resolve(Ok(()));
            return ticket;
        }
        let late_ms = state.life.late_ms;
        if late_ms == 0 {
            state.store.acknowledge(end, on_disk);
            promise.resolve(Ok(()));
            return ticket;
        }
        let world = self.world.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(late_ms)).await;
            let mut state = world.state();
            if state.store.dead {
                state.store.unanswered.push(promise);
            } else {
                state.store.acknowledge(end, on_disk);
                drop(state);
                promise.resolve(Ok(()));
            }
        });
        ticket
    }

    /// Stores the records, unless the process dies before; gives after how long it dies.
    fn store(&self, state: &mut State, records: &[Record]) -> Option<u64> {
        let now_ms = state.true_ms();
        let number = state.store.appends;
        state.store.appends += 1;
        let death = state.life.death.filter(|death| death.append == number);
        let before = death.is_some_and(|death| death.moment == Moment::Before);
        if !before && !state.store.dead {
            state.store.append(records, now_ms);
        }
        match death?.moment {
            Moment::Before | Moment::Stored => {
                state.store.dead = true;
                state.death.notify_one();
                None
            }
            Moment::Later { ms } => Some(ms),
        }
    }
}

impl Writer for SimWriter {
    fn append(&mut self, records: &[Record]) -> Result<Ticket, JournalError> {
        let mut state = self.world.state();
        if let Some(first) = records.first()
            && first.seq != self.next_seq
        {
            return Err(JournalError::Gap {
                run: self.run.clone(),
                expected: self.next_seq,
                found: first.seq,
            });
        }
        if state.store.full {
            return Err(JournalError::Stopped {
                run: self.run.clone(),
                because: Arc::new(disk_full()),
            });
        }
        if !records.is_empty() && state.life.disk_full_at == Some(state.store.appends) {
            state.store.full = true;
            return Ok(Ticket::ready(Err(disk_full())));
        }
        self.next_seq += records.len() as Seq;
        let dies_in = if records.is_empty() {
            None
        } else {
            self.store(&mut state, records)
        };
        if let Some(ms) = dies_in {
            let (world, death) = (self.world.clone(), Arc::clone(&state.death));
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                world.state().store.dead = true;
                death.notify_one();
            });
        }
        Ok(self.ticket(&mut state, false))
    }

    fn sync(&mut self) -> Result<Ticket, JournalError> {
        let mut state = self.world.state();
        if state.store.full {
            return Err(JournalError::Stopped {
                run: self.run.clone(),
                because: Arc::new(disk_full()),
            });
        }
        Ok(self.ticket(&mut state, true))
    }

    fn next_seq(&self) -> Seq {
        self.next_seq
    }

    fn set_status(&mut self, status: &Value) -> Result<(), JournalError> {
        let stale = self.world.has(Planted::StatusStale);
        let mut state = self.world.state();
        let stays = stale && state.store.status.is_some();
        if !state.store.dead && !stays {
            state.store.status = Some(status.clone());
        }
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<(), JournalError> {
        Ok(())
    }
}

impl Drop for SimWriter {
    fn drop(&mut self) {
        self.world.state().store.live = false;
    }
}

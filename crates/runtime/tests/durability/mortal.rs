//! A journal that is late, or whose process dies at a chosen append: from then on nothing is
//! stored and no ticket resolves, which is all that anybody sees of a death.

use leadhand_journal::{
    Damage, Journal, JournalError, MemoryJournal, Promise, RunEntry, Ticket, Visitor, Writer,
};
use leadhand_protocol::{Record, RunId, Seq};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The moment of a death: at this append of a life, before or after it was stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Death {
    pub(crate) append: usize,
    pub(crate) stored: bool,
}

#[derive(Clone, Default)]
pub(crate) struct MortalJournal {
    memory: MemoryJournal,
    life: Arc<Mutex<Life>>,
}

#[derive(Default)]
struct Life {
    death: Option<Death>,
    dead: bool,
    late_ms: u64,
    /// First event of each append that held any, in this life.
    appends: Vec<String>,
    /// The last event that is known to be durable.
    latest: String,
    /// Kept, since one that is dropped resolves its ticket.
    unresolved: Vec<Promise>,
}

impl MortalJournal {
    /// Resolves every ticket this much later.
    pub(crate) fn be_late(&self, late_ms: u64) {
        self.life.lock().unwrap().late_ms = late_ms;
    }

    /// Begins a life that ends.
    pub(crate) fn die(&self, death: Death) {
        let mut life = self.life.lock().unwrap();
        *life = Life {
            death: Some(death),
            ..Life::default()
        };
    }

    /// Begins a life that does not.
    pub(crate) fn revive(&self) {
        *self.life.lock().unwrap() = Life::default();
    }

    /// How many appends that were not empty this life has had.
    pub(crate) fn appends(&self) -> usize {
        self.life.lock().unwrap().appends.len()
    }

    /// The number of the append that began with this event.
    pub(crate) fn append_of(&self, event: &str) -> usize {
        let life = self.life.lock().unwrap();
        life.appends
            .iter()
            .position(|first| first == event)
            .expect("the event is there")
    }

    /// The last event that is known to be durable.
    pub(crate) fn latest(&self) -> String {
        self.life.lock().unwrap().latest.clone()
    }

    /// What a new process would find.
    pub(crate) fn durable(&self, run: &RunId) -> Vec<Record> {
        self.memory.read(run).expect("memory can be read").records
    }
}

impl Journal for MortalJournal {
    fn create(&self, run: &RunId) -> Result<Box<dyn Writer>, JournalError> {
        Ok(self.writer(self.memory.create(run)?))
    }

    fn open(&self, run: &RunId) -> Result<Box<dyn Writer>, JournalError> {
        Ok(self.writer(self.memory.open(run)?))
    }

    fn scan(
        &self,
        run: &RunId,
        from: Seq,
        see: &mut Visitor<'_>,
    ) -> Result<Option<Damage>, JournalError> {
        self.memory.scan(run, from, see)
    }

    fn runs(&self) -> Result<Vec<RunEntry>, JournalError> {
        self.memory.runs()
    }
}

impl MortalJournal {
    fn writer(&self, memory: Box<dyn Writer>) -> Box<dyn Writer> {
        Box::new(MortalWriter {
            next_seq: memory.next_seq(),
            memory,
            life: self.life.clone(),
        })
    }
}

struct MortalWriter {
    memory: Box<dyn Writer>,
    life: Arc<Mutex<Life>>,
    next_seq: Seq,
}

fn kind(record: Option<&Record>) -> Option<String> {
    let event = serde_json::to_value(&record?.event).expect("an event is JSON");
    event["event"].as_str().map(str::to_owned)
}

impl Writer for MortalWriter {
    fn append(&mut self, records: &[Record]) -> Result<Ticket, JournalError> {
        let mut life = self.life.lock().unwrap();
        self.next_seq += records.len() as Seq;
        let dies = !records.is_empty()
            && life
                .death
                .is_some_and(|death| death.append == life.appends.len());
        life.appends.extend(kind(records.first()));
        if !life.dead && (!dies || life.death.is_some_and(|death| death.stored)) {
            drop(self.memory.append(records)?);
        }
        life.dead |= dies;
        let (promise, ticket) = Ticket::pair();
        let latest = kind(records.last());
        if life.dead {
            life.unresolved.push(promise);
        } else if life.late_ms == 0 {
            life.latest = latest.unwrap_or_else(|| life.latest.clone());
            promise.resolve(Ok(()));
        } else {
            let (later, life) = (Duration::from_millis(life.late_ms), self.life.clone());
            tokio::spawn(async move {
                tokio::time::sleep(later).await;
                if let Some(latest) = latest {
                    life.lock().unwrap().latest = latest;
                }
                promise.resolve(Ok(()));
            });
        }
        Ok(ticket)
    }

    fn next_seq(&self) -> Seq {
        self.next_seq
    }

    fn set_status(&mut self, status: &Value) -> Result<(), JournalError> {
        self.memory.set_status(status)
    }

    fn close(self: Box<Self>) -> Result<(), JournalError> {
        self.memory.close()
    }
}

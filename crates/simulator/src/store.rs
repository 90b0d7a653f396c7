//! What the simulated disk holds: records as they were appended, how far each of them is, and
//! what of it a death leaves. Appends are stored as a whole or not at all, as the real journal
//! promises; how it keeps that promise is proven in its own room.

use crate::script::Planted;
use crate::trace::{Durable, What};
use leadhand_journal::Promise;
use leadhand_protocol::{Event, Record};
use serde_json::Value;

/// Within this time what was appended is on disk by itself, in milliseconds.
const SYNC_MS: u64 = 200;

#[derive(Default)]
pub(crate) struct Store {
    pub(crate) records: Vec<Record>,
    pub(crate) status: Option<Value>,
    pub(crate) exists: bool,
    pub(crate) live: bool,
    /// Nothing is stored or acknowledged any more: the process is dead.
    pub(crate) dead: bool,
    /// Appends of this life that held records.
    pub(crate) appends: u32,
    pub(crate) full: bool,
    /// Kept, since one that is dropped is an answer.
    pub(crate) unanswered: Vec<Promise>,
    /// Where each append ends, and when it came.
    batches: Vec<(usize, u64)>,
    acknowledged: usize,
    synced: usize,
    promised: Vec<Record>,
    to_disk: bool,
    planted: Option<Planted>,
}

impl Store {
    pub(crate) fn new(to_disk: bool, planted: Option<Planted>) -> Self {
        Self {
            to_disk,
            planted,
            ..Self::default()
        }
    }

    pub(crate) fn begin_life(&mut self) {
        self.dead = false;
        self.live = false;
        self.appends = 0;
        self.full = false;
        self.unanswered.clear();
    }

    pub(crate) fn append(&mut self, records: &[Record], now_ms: u64) {
        self.records.extend_from_slice(records);
        self.batches.push((self.records.len(), now_ms));
    }

    /// Everything up to `end` is acknowledged from now on.
    pub(crate) fn acknowledge(&mut self, end: usize, on_disk: bool) {
        self.acknowledged = self.acknowledged.max(end);
        let synced = on_disk && self.planted != Some(Planted::SyncIgnored);
        if synced || self.to_disk {
            self.synced = self.synced.max(end);
        }
    }

    /// The process is gone. After a power cut only what was synced is sure to be there, and of
    /// the rest the appends before one that `power_cut` chooses.
    pub(crate) fn end_life(&mut self, died: bool, power_cut: Option<u32>, now_ms: u64) {
        self.sync_by_itself(now_ms);
        let mut sure = self.acknowledged;
        if let Some(choice) = power_cut {
            sure = self.synced;
            let mut ends: Vec<usize> = self.batches.iter().map(|(end, _)| *end).collect();
            ends.retain(|end| *end >= self.synced);
            ends.insert(0, self.synced);
            let kept = ends[choice as usize % ends.len()];
            self.records.truncate(kept);
            self.batches.retain(|(end, _)| *end <= kept);
        }
        let kept = self.promised.len().min(sure);
        self.promised.truncate(kept);
        let more = self.records.get(kept..sure).unwrap_or_default();
        self.promised.extend_from_slice(more);
        if died && self.planted == Some(Planted::RecordLost) {
            self.records.truncate(sure.saturating_sub(1));
        }
        self.acknowledged = self.records.len().min(self.acknowledged);
        self.live = false;
    }

    /// Records that no death so far may have taken.
    pub(crate) fn promised(&self) -> &[Record] {
        &self.promised
    }

    fn sync_by_itself(&mut self, now_ms: u64) {
        let old = self
            .batches
            .iter()
            .rev()
            .find(|(_, at_ms)| at_ms.saturating_add(SYNC_MS) <= now_ms);
        self.synced = self.synced.max(old.map_or(0, |(end, _)| *end));
    }

    /// How far the record is that orders this: the last one about it.
    pub(crate) fn ordered(&self, what: &What) -> Durable {
        let place = self
            .records
            .iter()
            .rposition(|record| orders(&record.event, what));
        match place {
            None => Durable::Nowhere,
            Some(place) if place < self.synced => Durable::OnDisk,
            Some(place) if place < self.acknowledged => Durable::Acknowledged,
            Some(_) => Durable::Appended,
        }
    }
}

/// Whether an event is the order to do this.
fn orders(event: &Event, what: &What) -> bool {
    match (event, what) {
        (
            Event::TurnStarted { agent, turn, .. },
            What::Model {
                agent: asked,
                turn: wanted,
            },
        ) => agent == asked && turn == wanted,
        (
            Event::ToolCalled {
                call, tool_call, ..
            }
            | Event::ProbeOrdered {
                call, tool_call, ..
            },
            What::Tool {
                call: made, tool, ..
            },
        ) => call == made && tool_call.name == *tool,
        (Event::CallStarted { call }, What::Tool { call: made, .. }) => call == made,
        (Event::PersonAsked { request, .. }, What::Question { request: asked }) => request == asked,
        _ => false,
    }
}

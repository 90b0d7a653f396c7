//! What a receiver does on a wire that repeats and reorders: it drops what it has had, by the
//! sequence that goes with a name, and holds back what came too early. How much it holds is
//! bounded by the senders, who wait for room.

use leadhand_channel::Lane;
use leadhand_protocol::{AgentId, Envelope};
use std::collections::{BTreeMap, HashMap, VecDeque};

#[derive(Debug, Default)]
pub(crate) struct Orderly {
    ways: HashMap<(Option<AgentId>, usize), Way>,
    ready: [VecDeque<Envelope>; 3],
}

/// What comes from one sender in one lane.
#[derive(Debug, Default)]
struct Way {
    next: u64,
    early: BTreeMap<u64, Envelope>,
}

impl Orderly {
    pub(crate) fn take(&mut self, envelope: Envelope) {
        let lane = Lane::of(&envelope.message) as usize;
        let way = self.ways.entry((envelope.id.agent, lane)).or_default();
        if envelope.sequence >= way.next {
            way.early.insert(envelope.sequence, envelope);
        }
        while let Some(envelope) = way.early.remove(&way.next) {
            way.next += 1;
            self.ready[lane].push_back(envelope);
        }
    }

    pub(crate) fn next(&mut self) -> Option<Envelope> {
        self.ready.iter_mut().find_map(VecDeque::pop_front)
    }
}

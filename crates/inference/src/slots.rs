//! Which key-value cache serves a prompt. Several conversations take turns on one model;
//! each keeps its evaluated tokens in a slot, and a prompt takes over the longest common
//! beginning that any slot has. Knows nothing about how a cache is filled.

use super::cache::Cache;
use super::transformer::Transformer;

/// A slot gives up at most this part of its tokens, 1 in N, to a prompt that departs from
/// it; beyond that the common beginning is copied and the slot lives on.
const SACRIFICE: usize = 4;

/// Evaluated tokens and their keys and values; both have the same length.
pub(crate) struct Slot {
    pub(crate) tokens: Vec<u32>,
    pub(crate) cache: Cache,
}

/// The slots, the least recently used first.
pub(crate) struct Slots {
    slots: Vec<Slot>,
    slots_max: usize,
}

impl Slots {
    /// No slots yet; `slots_max` (at least 1) in the end.
    pub(crate) fn new(slots_max: usize) -> Self {
        Self {
            slots: Vec::new(),
            slots_max: slots_max.max(1),
        }
    }

    /// Takes out a slot whose tokens are a beginning of `prompt`, as long as can be had but
    /// short of its last token, which has to be evaluated for its scores.
    /// Give it back with [`Slots::put`]; what is not given back is forgotten.
    pub(crate) fn take(&mut self, prompt: &[u32], transformer: &Transformer) -> Slot {
        let usable = &prompt[..prompt.len().saturating_sub(1)];
        let commons = self.slots.iter().map(|slot| common(&slot.tokens, usable));
        let best = commons
            .enumerate()
            .max_by_key(|&(index, common)| (common, index));
        let Some((best, common)) = best.filter(|&(_, common)| common > 0) else {
            self.make_room();
            return Slot {
                tokens: Vec::new(),
                cache: transformer.cache(),
            };
        };
        let slot = &self.slots[best];
        let lost = slot.tokens.len() - common;
        // The oldest slot would be given up for the copy anyway: then it may as well shrink.
        let oldest_and_full = best == 0 && self.slots.len() == self.slots_max;
        if lost * SACRIFICE <= slot.tokens.len() || oldest_and_full {
            let mut slot = self.slots.remove(best);
            slot.cache.truncate(common);
            slot.tokens.truncate(common);
            return slot;
        }
        let fork = Slot {
            tokens: slot.tokens[..common].to_vec(),
            cache: slot.cache.fork(common),
        };
        self.make_room();
        fork
    }

    /// Gives a slot back, as the most recently used one.
    pub(crate) fn put(&mut self, slot: Slot) {
        self.make_room();
        self.slots.push(slot);
    }

    fn make_room(&mut self) {
        if self.slots.len() == self.slots_max {
            self.slots.remove(0);
        }
    }
}

/// Length of the common beginning.
fn common(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

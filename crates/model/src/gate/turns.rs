//! Whose turn it is at a gate. Plain data: who waits is whatever the gate wakes.

use std::collections::{BTreeMap, VecDeque};

/// The permits and who waits for them. A permit is free only while nobody waits.
pub(super) struct Turns<W> {
    free: usize,
    /// The runs that have somebody waiting, in the order of their turns, each once.
    order: VecDeque<u64>,
    /// Those who wait, by run and by when they came.
    waiting: BTreeMap<u64, BTreeMap<u64, W>>,
    tickets: u64,
}

impl<W> Turns<W> {
    pub(super) fn new(permits: usize) -> Self {
        Self {
            free: permits,
            order: VecDeque::new(),
            waiting: BTreeMap::new(),
            tickets: 0,
        }
    }

    /// Takes a permit, if one is free.
    pub(super) fn take_free(&mut self) -> bool {
        let is_free = self.free > 0;
        self.free -= usize::from(is_free);
        is_free
    }

    /// Has `waiter` wait behind the others of its run, and gives the number of its place. A run
    /// that had nobody waiting takes its turn behind all that had.
    pub(super) fn wait(&mut self, run: u64, waiter: W) -> u64 {
        self.tickets += 1;
        let places = self.waiting.entry(run).or_default();
        if places.is_empty() {
            self.order.push_back(run);
        }
        places.insert(self.tickets, waiter);
        self.tickets
    }

    /// Takes a permit back: whoever is named gets it at once, else it is free.
    pub(super) fn leave(&mut self) -> Option<W> {
        while let Some(run) = self.order.pop_front() {
            let Some(places) = self.waiting.get_mut(&run) else {
                continue;
            };
            let next = places.pop_first();
            if places.is_empty() {
                self.waiting.remove(&run);
            } else {
                self.order.push_back(run);
            }
            if let Some((_, waiter)) = next {
                return Some(waiter);
            }
        }
        self.free += 1;
        None
    }

    /// Takes a place back; none when its turn has come already.
    pub(super) fn give_up(&mut self, run: u64, ticket: u64) -> Option<W> {
        let places = self.waiting.get_mut(&run)?;
        let waiter = places.remove(&ticket);
        if places.is_empty() {
            self.waiting.remove(&run);
            self.order.retain(|waits| *waits != run);
        }
        waiter
    }
}

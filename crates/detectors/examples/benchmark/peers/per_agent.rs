//! One detector for each agent, as somebody would use a peer's rule, made for a single agent, in
//! a run of several. None of the products ships this.

use super::{Maker, Peer};
use crate::data::Row;
use std::collections::HashMap;

/// A rule of its own for everybody.
pub(super) struct PerAgent {
    make: Maker,
    each: HashMap<String, Box<dyn Peer>>,
}

impl PerAgent {
    /// Each agent gets one that `make` makes.
    pub(super) fn new(make: Maker) -> Self {
        Self {
            make,
            each: HashMap::new(),
        }
    }
}

impl Peer for PerAgent {
    fn calls(&mut self, row: &Row) -> bool {
        let its = self.each.entry(row.agent.clone()).or_insert_with(self.make);
        its.calls(row)
    }
}

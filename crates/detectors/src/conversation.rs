//! What agents say to each other, all of them together: one who says the same again and again
//! chants, and several hand the same work back and forth when the same messages come round.

use crate::outcome::End;
use crate::rules::{Sighting, cycle::PERIOD_MAX};
use crate::seen::Seen;
use crate::volatile::hash_numbers;
use leadhand_protocol::{AgentId, LoopRule};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Rounds that make it a loop, as for the steps of one agent.
const ROUNDS: usize = 3;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Conversation {
    /// The last message first: who, what, and where in the trace.
    said: VecDeque<(AgentId, u64, u64)>,
}

impl Conversation {
    pub(crate) fn see(&mut self, agent: AgentId, seen: &Seen) -> Option<Sighting> {
        if seen.end != End::Spoke {
            return None;
        }
        self.said.push_front((agent, seen.pair, seen.index));
        self.said.truncate(PERIOD_MAX * (ROUNDS + 1));
        (1..=PERIOD_MAX).find_map(|period| self.of_period(period))
    }

    fn of_period(&self, period: usize) -> Option<Sighting> {
        let said = || self.said.iter().map(|(agent, what, _)| (agent, what));
        let matched = said()
            .zip(said().skip(period))
            .take_while(|(one, two)| one == two)
            .count();
        if matched < period * (ROUNDS - 1) {
            return None;
        }
        let mut round: Vec<u64> = self.said.iter().take(period).map(|said| said.1).collect();
        if let Some(least) = (0..round.len()).min_by_key(|at| round[*at]) {
            round.rotate_left(least);
        }
        let alone = self
            .said
            .iter()
            .take(period)
            .all(|said| said.0 == self.said[0].0);
        let rule = if alone {
            LoopRule::Chant
        } else {
            LoopRule::HandOff
        };
        Some(Sighting {
            rule,
            what: hash_numbers(round),
            since: self.said.get(matched + period - 1)?.2,
            period: u32::try_from(period).unwrap_or(u32::MAX),
            times: u32::try_from(matched / period + 1).unwrap_or(u32::MAX),
        })
    }
}

//! Agents that do the same work beside each other: a long run of steps of the one, with the same
//! results, is what another did meanwhile.

use crate::history::History;
use crate::outcome::End;
use crate::rules::Sighting;
use crate::seen::Seen;
use crate::volatile::hash_numbers;
use leadhand_protocol::{AgentId, LoopRule};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Equal steps in a row that are the same work. Agents of one team begin alike: they read the
/// instructions, list the same folders, look at the same eight files. After twelve steps they
/// have come to what is theirs.
const STEPS: usize = 12;
/// Runs of steps that are known by heart, of all agents together.
const RUNS_KEPT: usize = 4_096;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Siblings {
    /// Who did such a run of steps last, and at which step it was through with it.
    runs: BTreeMap<u64, (AgentId, u64)>,
    /// The same in the order they came.
    order: VecDeque<u64>,
}

impl Siblings {
    pub(crate) fn see(&mut self, agent: AgentId, history: &History) -> Option<Sighting> {
        let run = || history.steps().take(STEPS);
        // Two may look at the same things for different reasons; who changes them does work.
        if history.len() < STEPS
            || !run().any(does_work)
            || run().any(|seen| seen.end == End::Spoke)
        {
            return None;
        }
        let name = hash_numbers(run().map(|seen| seen.pair));
        let (first, last) = (history.back(STEPS - 1)?.index, history.back(0)?.index);
        let before = self.runs.insert(name, (agent, last));
        if before.is_none() {
            self.order.push_front(name);
        }
        if self.order.len() > RUNS_KEPT
            && let Some(oldest) = self.order.pop_back()
        {
            self.runs.remove(&oldest);
        }
        // Who begins after the other was through does it over, as another attempt does.
        let (other, through) = before?;
        let meanwhile = other != agent && through > first;
        let (low, high) = (other.min(agent), other.max(agent));
        meanwhile.then(|| Sighting {
            rule: LoopRule::Siblings,
            what: hash_numbers([u64::from(low.0), u64::from(high.0)]),
            since: first,
            period: 1,
            times: STEPS as u32,
        })
    }
}

fn does_work(seen: &Seen) -> bool {
    seen.acts && matches!(seen.end, End::Done | End::Acknowledged)
}

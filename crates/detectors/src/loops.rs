//! Loops and stalls: every step is held against the rules, the surest first.

use crate::Step;
use crate::conversation::Conversation;
use crate::history::History;
use crate::rules::{
    Sighting, chant, cycle, empty_sweep, near_duplicate, repeated_call, same_error, same_result,
    stall,
};
use crate::seen::Seen;
use crate::siblings::Siblings;
use leadhand_protocol::{AgentId, EVIDENCE_CHARS_MAX, Identity, LoopFinding, LoopRule};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Agents that are remembered at once; the one that was silent longest is forgotten first.
pub const AGENTS_MAX: usize = 4_096;

/// What is known of the work so far: bounded, whatever comes, and the same after it was written
/// down and read again.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Loops {
    steps: u64,
    agents: BTreeMap<AgentId, History>,
    conversation: Conversation,
    siblings: Siblings,
}

impl Loops {
    /// Takes one step into account. Called once for each, in the order they ended.
    ///
    /// The surest rule that sees something speaks. A loop that goes on is told of again each
    /// time it comes round, with the same identity.
    pub fn see(&mut self, step: &Step<'_>) -> Option<LoopFinding> {
        let seen = Seen::of(self.steps, step);
        self.steps += 1;
        let among = self.conversation.see(step.agent, &seen);
        if !self.agents.contains_key(&step.agent) {
            self.make_room();
        }
        let history = self.agents.entry(step.agent).or_default();
        history.push(seen, step.gained);
        let sighting = of_agent(history)
            .or_else(|| chants(history, step.said))
            .or(among);
        let beside = self.siblings.see(step.agent, history);
        let sighting = sighting.or(beside)?;
        Some(told(step.agent, &sighting, history))
    }

    /// How many steps were seen; the number of the next one, from 0.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// An agent is no more: what it did is not needed any longer.
    pub fn forget(&mut self, agent: AgentId) {
        self.agents.remove(&agent);
    }

    fn make_room(&mut self) {
        if self.agents.len() < AGENTS_MAX {
            return;
        }
        let silent = self
            .agents
            .iter()
            .min_by_key(|(_, history)| history.last_index);
        if let Some(agent) = silent.map(|(agent, _)| *agent) {
            self.agents.remove(&agent);
        }
    }
}

fn of_agent(history: &History) -> Option<Sighting> {
    let rules = [
        cycle::see,
        repeated_call::see,
        same_result::see,
        same_error::see,
        near_duplicate::see,
        empty_sweep::see,
        stall::see,
    ];
    rules.iter().find_map(|rule| rule(history))
}

fn chants(history: &History, said: &str) -> Option<Sighting> {
    let last = history.back(0)?;
    chant::ends_in_chant(said).then_some(Sighting {
        rule: LoopRule::Chant,
        what: last.call,
        since: last.index,
        period: 1,
        times: 1,
    })
}

fn told(agent: AgentId, sighting: &Sighting, history: &History) -> LoopFinding {
    let round = history.steps().take(sighting.period as usize);
    let mut briefs: Vec<&str> = round.map(|seen| &*seen.brief).collect();
    briefs.reverse();
    let evidence = format!(
        "{} times by now: {}",
        sighting.times,
        briefs.join("; then ")
    );
    LoopFinding {
        agent,
        rule: sighting.rule,
        identity: Identity(sighting.what),
        since: sighting.since,
        period: sighting.period,
        times: sighting.times,
        evidence: evidence.chars().take(EVIDENCE_CHARS_MAX).collect(),
    }
}

//! Divergence from the plan: one rule a file, each a function of what it is handed.
//!
//! [`PlanWatch`] holds the calls of a trace against a plan of calls; the functions ask a live
//! run's task one question each. What is done about an answer is for `engine` to decide. `docs/detectors.md` says what
//! each rule sees and ignores.

mod calls;
mod drift;
mod empty_claim;
mod files;
mod off_contract;
mod over_estimate;
mod stale_input;
mod undeclared;
mod words;
mod writes;

pub use calls::{PlanWatch, PlannedCall};
pub use drift::{DriftVerdict, drift};
pub use empty_claim::{Backing, empty_claim};
pub use files::{missing_write, unplanned_write};
pub use off_contract::off_contract;
pub use over_estimate::{
    OVER_ESTIMATE_FACTOR, OVER_ESTIMATE_SECONDS_MIN, OVER_ESTIMATE_TOKENS_MIN, Spent, over_estimate,
};
pub use stale_input::{InputHash, stale_input};
pub use undeclared::{Declared, Touched, undeclared};
pub use writes::call_writes;

use leadhand_protocol::{
    AgentId, ContentHash, Divergence, DivergenceRule, EVIDENCE_CHARS_MAX, Identity, TaskId,
};
use sha2::{Digest, Sha256};

/// Whose work is looked at, at which task, and which step of it.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Whose.
    pub agent: AgentId,
    /// At which task; none where it concerns the whole goal.
    pub task: Option<&'a TaskId>,
    /// The step of the trace, from 0; none for what never came.
    pub step: Option<u64>,
}

impl Place<'_> {
    /// A finding here. `differs` names what differs: the same parts give the same identity,
    /// whoever did it and whenever.
    fn found(&self, rule: DivergenceRule, differs: &[&str], evidence: &str) -> Divergence {
        Divergence {
            agent: self.agent,
            task: self.task.cloned(),
            rule,
            identity: identity(rule, self.task, differs),
            step: self.step,
            evidence: bounded(evidence, EVIDENCE_CHARS_MAX),
        }
    }
}

fn identity(rule: DivergenceRule, task: Option<&TaskId>, differs: &[&str]) -> Identity {
    let mut hash = Sha256::new();
    let task = task.map_or("", TaskId::as_str);
    for part in [rule.name(), task].iter().chain(differs) {
        // The length goes first, so that parts cannot run into each other.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    ContentHash::from_digest(hash.finalize().into()).into()
}

/// The text, cut to so many characters; a cut shows.
fn bounded(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some(_) => {
            let kept = text.chars().take(chars_max.saturating_sub(1));
            kept.chain(['…']).collect()
        }
    }
}

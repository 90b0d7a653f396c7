//! Findings that there is a ladder for, in the words that the ladder is climbed by: loops and
//! what left the plan alike.

use leadhand_protocol::{
    AgentId, Divergence, Finding, Identity, LoopFinding, LoopRule, OutcomeKind,
};

/// Steps back that are looked at for the calls that repeat, at most.
const STEPS_BACK_MAX: u32 = 16;

/// What is found again and again under one name.
pub(crate) struct Named<'a> {
    pub(crate) agent: AgentId,
    pub(crate) identity: Identity,
    /// Steps back in which that stands which is at fault.
    pub(crate) steps: u32,
    pub(crate) kind: OutcomeKind,
    pub(crate) evidence: &'a str,
    pub(crate) what: String,
}

/// A finding that there is a ladder for.
pub(crate) fn named(finding: &Finding) -> Option<Named<'_>> {
    match finding {
        Finding::Loop(LoopFinding {
            agent,
            rule,
            identity,
            period,
            times,
            evidence,
            ..
        }) => Some(Named {
            agent: *agent,
            identity: *identity,
            steps: steps_at_fault(*rule, *period),
            kind: OutcomeKind::LoopFound,
            evidence,
            what: format!(
                "work goes round in circles ({}, {times} times)",
                rule.name()
            ),
        }),
        Finding::Divergence(Divergence {
            agent,
            rule,
            identity,
            evidence,
            ..
        }) => Some(Named {
            agent: *agent,
            identity: *identity,
            steps: 1,
            kind: OutcomeKind::DivergenceFound,
            evidence,
            what: format!("work left the plan ({})", rule.name()),
        }),
        Finding::TurnsSpent { .. } | Finding::FaultsInARow { .. } | Finding::Deadlock { .. } => {
            None
        }
    }
}

/// How many of the last steps hold what repeats. Of a cycle it is all of one round; elsewhere
/// other work stands between, which is not to be refused.
fn steps_at_fault(rule: LoopRule, period: u32) -> u32 {
    match rule {
        LoopRule::Cycle => period.clamp(1, STEPS_BACK_MAX),
        LoopRule::RepeatedCall
        | LoopRule::SameResult
        | LoopRule::SameError
        | LoopRule::NearDuplicate
        | LoopRule::Chant
        | LoopRule::EmptySweep
        | LoopRule::Stall
        | LoopRule::HandOff
        | LoopRule::Compaction => 1,
    }
}

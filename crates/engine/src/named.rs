//! Findings that there is a ladder for, in the words that the ladder is climbed by: loops and
//! what left the plan alike.

use leadhand_protocol::{
    AgentId, Divergence, DivergenceRule, Finding, Identity, LoopFinding, LoopRule, OutcomeKind,
};

/// Steps back that are looked at for the calls that repeat, at most.
const STEPS_BACK_MAX: u32 = 16;

/// What an agent is told that goes round in circles.
const ADVICE: &str = "What came of it stands above, and doing the same again brings nothing new. Do something else, take a smaller step, or give the final result. If it is done once more with nothing changed, it is refused.";

/// What an agent is told that does what another one does.
const ADVICE_TO_A_SIBLING: &str = "Another agent of this run does the same at this time. Leave it to the other one, do only what is yours, and give the final result.";

/// What a manager is told whose new plan is an old one.
const ADVICE_ON_A_PLAN: &str = "It has been tried, and why it came to nothing stands above. Give a plan that goes another way: other tasks, another order of work, or smaller steps.";

/// What is found again and again under one name.
pub(crate) struct Named<'a> {
    pub(crate) agent: AgentId,
    pub(crate) identity: Identity,
    /// Steps back in which that stands which is at fault.
    pub(crate) steps: u32,
    pub(crate) kind: OutcomeKind,
    pub(crate) evidence: &'a str,
    pub(crate) what: String,
    /// What its agent is told to do.
    pub(crate) advice: &'static str,
}

/// A finding that there is a ladder for.
pub(crate) fn named(finding: &Finding) -> Option<Named<'_>> {
    match finding {
        Finding::Loop(LoopFinding {
            agent,
            rule,
            identity,
            period,
            evidence,
            ..
        }) => Some(Named {
            agent: *agent,
            identity: *identity,
            steps: steps_at_fault(*rule, *period),
            kind: OutcomeKind::LoopFound,
            evidence,
            what: format!("work goes round in circles ({})", rule.name()),
            advice: match rule {
                LoopRule::Revision => ADVICE_ON_A_PLAN,
                LoopRule::Siblings => ADVICE_TO_A_SIBLING,
                LoopRule::Cycle
                | LoopRule::RepeatedCall
                | LoopRule::SameResult
                | LoopRule::SameError
                | LoopRule::NearDuplicate
                | LoopRule::Chant
                | LoopRule::EmptySweep
                | LoopRule::Stall
                | LoopRule::HandOff
                | LoopRule::Compaction => ADVICE,
            },
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
            steps: calls_at_fault(*rule),
            kind: OutcomeKind::DivergenceFound,
            evidence,
            what: format!("work left the plan ({})", rule.name()),
            advice: advice(*rule),
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
        LoopRule::Revision | LoopRule::Siblings => 0,
    }
}

/// How many of the last steps hold the calls that left the plan.
fn calls_at_fault(rule: DivergenceRule) -> u32 {
    match rule {
        DivergenceRule::Undeclared | DivergenceRule::UnplannedWrite => 1,
        DivergenceRule::MissingWrite
        | DivergenceRule::OffContract
        | DivergenceRule::StaleInput
        | DivergenceRule::EmptyClaim
        | DivergenceRule::OverEstimate
        | DivergenceRule::Drift => 0,
    }
}

fn advice(rule: DivergenceRule) -> &'static str {
    match rule {
        DivergenceRule::Undeclared => {
            "Keep to what your task is for. If it cannot be done so, give the final result and say what is in the way."
        }
        DivergenceRule::UnplannedWrite => {
            "Change only the files that your task names; undo it if you can, and say so in the final result."
        }
        DivergenceRule::MissingWrite => {
            "Write it with your tools, then give the complete result again. What you say you did counts for nothing."
        }
        DivergenceRule::OffContract => "Give the result in the form that was asked for.",
        DivergenceRule::StaleInput => {
            "Read it again before you go on, and build on what it is now."
        }
        DivergenceRule::EmptyClaim => {
            "Do it with your tools, then give the complete result again; or, if there is nothing to do, say what you know without saying that you did it."
        }
        DivergenceRule::OverEstimate => {
            "Bring it to an end: give the final result with what you have, and say what is missing."
        }
        DivergenceRule::Drift => "Come back to your task, or give the final result.",
    }
}

//! The autonomy level, laid over what the rules say: it turns an allowed call into a question
//! for a person, and at L5 a question into an allowed call. It never allows what is denied.

use crate::flow;
use crate::judge::{Judged, Question, deny};
use crate::policy::Policy;
use crate::wanted::Wanted;
use leadhand_protocol::{Autonomy, Capability, Decision, Effect, Isolation, Verdict};

/// The level that holds for this call: at most L3 where private data could leave with an agent
/// that has read untrusted content.
pub(crate) fn level(policy: &Policy, question: &Question<'_>, wanted: &[Wanted<'_>]) -> Autonomy {
    if flow::leaks(policy, question, wanted) {
        question.autonomy.min(Autonomy::L3)
    } else {
        question.autonomy
    }
}

pub(crate) fn apply(
    judged: Judged,
    level: Autonomy,
    question: &Question<'_>,
    wanted: &[Wanted<'_>],
) -> Verdict {
    let verdict = judged.verdict;
    match verdict.decision {
        Decision::Deny => verdict,
        _ if level == Autonomy::L0 => {
            deny("at autonomy L0 there is a plan and nothing runs".to_owned())
        }
        Decision::Ask if level == Autonomy::L5 && !judged.must_ask => Verdict {
            decision: Decision::Allow,
            because: format!("autonomy L5 asks nobody; otherwise {}", verdict.because),
        },
        Decision::Ask => verdict,
        Decision::Allow => match reason_to_ask(level, question, wanted) {
            Some(reason) => Verdict {
                decision: Decision::Ask,
                because: format!(
                    "autonomy {level} asks before {reason}; allowed so far: {}",
                    verdict.because
                ),
            },
            None => verdict,
        },
    }
}

pub(crate) fn reason_to_ask(
    level: Autonomy,
    question: &Question<'_>,
    wanted: &[Wanted<'_>],
) -> Option<&'static str> {
    let tool = question.tool;
    let changes = tool.effect != Effect::Pure
        || wanted
            .iter()
            .any(|one| one.capability == Capability::FsWrite);
    let reaches_out = wanted.iter().any(|one| is_outside(one.capability))
        || (tool.isolation == Isolation::Native && tool.effect != Effect::Pure);
    match level {
        Autonomy::L0 | Autonomy::L1 => Some("every tool call"),
        Autonomy::L2 | Autonomy::L3 if tool.effect == Effect::Once => {
            Some("a call that must never be made twice")
        }
        Autonomy::L2 if changes => Some("every change"),
        Autonomy::L2 | Autonomy::L3 if reaches_out => {
            Some("every call that reaches out of the workspace")
        }
        Autonomy::L2 | Autonomy::L3 | Autonomy::L4 | Autonomy::L5 => None,
    }
}

fn is_outside(capability: Capability) -> bool {
    match capability {
        Capability::Net | Capability::NetInternal | Capability::Spawn | Capability::Secret => true,
        Capability::FsRead
        | Capability::FsWrite
        | Capability::Env
        | Capability::Model
        | Capability::Delegate
        | Capability::Memory
        | Capability::Clock
        | Capability::Random => false,
    }
}

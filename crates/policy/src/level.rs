//! The autonomy level, laid over what the rules say: it turns an allowed call into a question
//! for a person, and at L5 a question into an allowed call. It never allows what is denied.

use crate::judge::{Question, deny};
use crate::wanted::Wanted;
use leadhand_protocol::{Autonomy, Capability, Decision, Effect, Verdict};

pub(crate) fn apply(verdict: Verdict, question: &Question<'_>, wanted: &[Wanted]) -> Verdict {
    let level = question.autonomy;
    match verdict.decision {
        Decision::Deny => verdict,
        _ if level == Autonomy::L0 => {
            deny("at autonomy L0 there is a plan and nothing runs".to_owned())
        }
        Decision::Ask if level == Autonomy::L5 => Verdict {
            decision: Decision::Allow,
            because: format!("autonomy L5 asks nobody; otherwise {}", verdict.because),
        },
        Decision::Ask => verdict,
        Decision::Allow => match reason_to_ask(question, wanted) {
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

fn reason_to_ask(question: &Question<'_>, wanted: &[Wanted]) -> Option<&'static str> {
    let wants = |capability| wanted.iter().any(|one| one.capability == capability);
    let changes = wants(Capability::FsWrite) || question.tool.effect != Effect::Pure;
    let reaches_out = wanted.iter().any(|one| {
        matches!(
            one.capability,
            Capability::Net | Capability::Spawn | Capability::Secret
        )
    });
    match question.autonomy {
        Autonomy::L0 | Autonomy::L1 => Some("every tool call"),
        Autonomy::L2 | Autonomy::L3 if question.tool.effect == Effect::Once => {
            Some("a call that must never be made twice")
        }
        Autonomy::L2 if changes => Some("every change"),
        Autonomy::L2 if reaches_out => Some("every call that reaches out of the workspace"),
        Autonomy::L3 if changes && !question.planned => {
            Some("a change that the task did not declare")
        }
        Autonomy::L2 | Autonomy::L3 | Autonomy::L4 | Autonomy::L5 => None,
    }
}

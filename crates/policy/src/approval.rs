//! What people have approved beyond one call: it turns a question into an allowed call, and
//! never opens what is denied.

use crate::date;
use crate::judge::Question;
use leadhand_protocol::{Approval, Decision, Verdict};

pub(crate) fn apply(verdict: Verdict, question: &Question<'_>) -> Verdict {
    match verdict.decision {
        Decision::Allow | Decision::Deny => verdict,
        Decision::Ask => match covering(question) {
            None => verdict,
            Some(approval) => Verdict {
                decision: Decision::Allow,
                because: format!("{}; otherwise {}", words(approval), verdict.because),
            },
        },
    }
}

pub(crate) fn covering<'a>(question: &Question<'a>) -> Option<&'a Approval> {
    question.approvals.iter().find(|approval| {
        let holds_for_task = match (&approval.task, question.task) {
            (None, _) => true,
            (Some(approved), Some(task)) => *approved == task.id,
            (Some(_), None) => false,
        };
        approval.tool == question.tool.name
            && (approval.role.is_empty() || approval.role == question.role)
            && holds_for_task
            && approval
                .until_ms
                .is_none_or(|until_ms| question.now_ms < until_ms)
    })
}

pub(crate) fn words(approval: &Approval) -> String {
    let mut words = format!("a person has approved `{}`", approval.tool);
    if !approval.role.is_empty() {
        words.push_str(&format!(" for role `{}`", approval.role));
    }
    if let Some(task) = &approval.task {
        words.push_str(&format!(" for task `{task}`"));
    }
    if let Some(until_ms) = approval.until_ms {
        words.push_str(&format!(" until {}", date::written(until_ms)));
    }
    if !approval.source.is_empty() {
        words.push_str(&format!(" ({})", approval.source));
    }
    words
}

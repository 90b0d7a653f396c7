//! Numbers, findings and orders as people read them.

use crate::coordinated;
use crate::escape;
use leadhand_protocol::{AgentId, Decision, EVIDENCE_CHARS_MAX, Finding};
use leadhand_protocol::{Forecast, Grade, PersonInput, PlanEdit};

/// `1 task`, `2 tasks`.
pub fn count(number: usize, of: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {of}{ending}", self::number(number as u64))
}

/// A number with its thousands apart.
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time in milliseconds as seconds or minutes.
pub fn seconds(ms: u64) -> String {
    if ms < 60_000 {
        return format!("{}.{} s", ms / 1000, ms % 1000 / 100);
    }
    format!("{} min {:02} s", ms / 60_000, ms / 1000 % 60)
}

/// Millionths of a dollar as dollars.
pub fn money(micro_usd: u64) -> String {
    format!("${}.{:06}", micro_usd / 1_000_000, micro_usd % 1_000_000)
}

/// How long a call took.
pub fn took(ms: Option<u64>) -> String {
    ms.map_or_else(|| "not finished".to_owned(), seconds)
}

/// What is decided of a call.
pub fn decided(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "allowed",
        Decision::Ask => "a person is asked",
        Decision::Deny => "denied",
    }
}

/// What a plan may cost, in a line.
pub fn forecast(forecast: &Forecast) -> String {
    let range = |least: u64, most: u64| format!("{} to {}", number(least), number(most));
    let mut text = format!(
        "It may take {} turns and {} tokens",
        range(forecast.turns_min, forecast.turns_max),
        range(forecast.tokens_min, forecast.tokens_max)
    );
    if forecast.micro_usd_max > 0 {
        let (least, most) = (forecast.micro_usd_min, forecast.micro_usd_max);
        text.push_str(&format!(", {} to {}", money(least), money(most)));
    }
    text + ", by the bounds that hold for it."
}

/// What a detector saw, with the agent as `name` calls it.
pub fn finding(finding: &Finding, name: impl Fn(AgentId) -> String) -> String {
    match finding {
        Finding::TurnsSpent { agent, turns } => {
            format!("{}: all {turns} turns are used up", name(*agent))
        }
        Finding::FaultsInARow { agent, times } => {
            format!("{}: {times} unusable replies in a row", name(*agent))
        }
        Finding::Deadlock { victim, cycle } => format!(
            "a deadlock: {}; {} waits no longer",
            coordinated::cycle(cycle, &name),
            name(victim.party)
        ),
        Finding::Loop(found) => format!(
            "{} goes round in circles ({}): {}",
            name(found.agent),
            found.rule.name(),
            escape::line(&found.evidence, EVIDENCE_CHARS_MAX)
        ),
        Finding::Divergence(found) => format!(
            "{} leaves the plan ({}): {}",
            name(found.agent),
            found.rule.name(),
            escape::line(&found.evidence, EVIDENCE_CHARS_MAX)
        ),
    }
}

/// What a person ordered, where that is not told by what it causes.
pub fn order(order: &PersonInput) -> Option<String> {
    Some(match order {
        PersonInput::Answers { .. }
        | PersonInput::Absent { .. }
        | PersonInput::Pause
        | PersonInput::Steer { .. } => return None,
        PersonInput::Cancel { grade, .. } => match grade {
            Grade::WrapUp => "a person has it wrap up".to_owned(),
            Grade::Stop => "a person cancels it".to_owned(),
            Grade::Abort => "a person aborts it".to_owned(),
        },
        PersonInput::EditPlan { edits } => {
            format!("a person changes the plan: {}", self::edits(edits))
        }
        PersonInput::Change(change) if change.is_of_prices() => {
            "its models cost another amount from here on".to_owned()
        }
        PersonInput::Change(_) => "a person changes what it was started with".to_owned(),
        PersonInput::RollBack { why } => format!("a person rolls it back: {why}"),
    })
}

/// Changes of a plan, one after the other.
pub fn edits(edits: &[PlanEdit]) -> String {
    let edits: Vec<String> = edits.iter().map(edit).collect();
    edits.join(", ")
}

fn edit(edit: &PlanEdit) -> String {
    let task = edit.task();
    match edit {
        PlanEdit::Add { .. } => format!("adds {task}"),
        PlanEdit::Drop { .. } => format!("drops {task}"),
        PlanEdit::DependsOn { .. } => format!("has {task} wait for others"),
        PlanEdit::Role { role, .. } => format!("gives {task} to {role}"),
        PlanEdit::Instruction { .. } => format!("has {task} do something else"),
        PlanEdit::Budget { .. } => format!("bounds what {task} may spend"),
        PlanEdit::Hold { .. } => format!("holds {task}"),
        PlanEdit::Release { .. } => format!("releases {task}"),
        PlanEdit::BreakBefore { .. } => format!("wants to be asked before {task}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(number),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [0, 1_250, 61_000].map(seconds),
            ["0.0 s", "1.2 s", "1 min 01 s"]
        );
        assert_eq!(money(1_200), "$0.001200");
        assert_eq!([count(1, "task"), count(2, "task")], ["1 task", "2 tasks"]);
    }
}

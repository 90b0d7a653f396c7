//! What the agents of a task did and were told, as items of a list: for each agent its head and
//! its steps. A list can be a hundred thousand items long, so only those that are seen are put
//! into words.

use super::text;
use leadhand_inspector::{AgentLine, Step, words};
use leadhand_protocol::{Decision, Origin};

/// One item of the list.
#[derive(Debug, Clone, Copy)]
pub(super) enum Item<'a> {
    /// An agent begins.
    Head(&'a AgentLine),
    /// What it did or was told.
    Step(&'a AgentLine, &'a Step),
    /// It gave up, and why.
    GaveUp(&'a str),
}

/// How a line is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Head,
    Plain,
    Said,
    Good,
    Bad,
    Busy,
    Quiet,
}

/// How many items there are.
pub(super) fn count(agents: &[AgentLine]) -> usize {
    agents.iter().map(count_of).sum()
}

fn count_of(agent: &AgentLine) -> usize {
    1 + agent.steps.len() + usize::from(agent.failure.is_some())
}

/// The item at a place.
pub(super) fn item(agents: &[AgentLine], place: usize) -> Option<Item<'_>> {
    let mut left = place;
    for agent in agents {
        let count = count_of(agent);
        if left >= count {
            left -= count;
            continue;
        }
        let Some(step) = left.checked_sub(1) else {
            return Some(Item::Head(agent));
        };
        return match agent.steps.get(step) {
            Some(step) => Some(Item::Step(agent, step)),
            None => agent.failure.as_deref().map(Item::GaveUp),
        };
    }
    None
}

/// The item in a few lines.
pub(super) fn brief(item: Item<'_>) -> Vec<(Look, String)> {
    match item {
        Item::Head(agent) => vec![(Look::Head, head(agent))],
        Item::GaveUp(why) => vec![(Look::Bad, format!("gave up: {}", text::line(why)))],
        Item::Step(_, step) => of_step(step),
    }
}

/// An agent in a line.
pub(super) fn head(agent: &AgentLine) -> String {
    let role = match agent.role.as_str() {
        "" => "no model",
        role => role,
    };
    let again = match agent.attempt {
        0 | 1 => String::new(),
        attempt => format!(", attempt {attempt}"),
    };
    let spent = agent.spent;
    let took = agent.ended_ms.map(|ended| {
        let took = ended.saturating_sub(agent.began_ms);
        format!(", {}", words::seconds(took))
    });
    format!(
        "{} {} ({}{again}) {}, {}, {} tokens{}",
        agent.agent,
        text::line(role),
        text::line(&agent.purpose),
        words::count(spent.turns, "turn"),
        words::count(spent.tool_calls, "call"),
        words::number(spent.usage.total()),
        took.unwrap_or_default()
    )
}

fn of_step(step: &Step) -> Vec<(Look, String)> {
    match step {
        Step::Turn {
            turn,
            took_ms,
            model,
            usage,
            fault,
            text: said,
            ..
        } => {
            let head = match took_ms {
                None => "no answer yet".to_owned(),
                Some(_) if model.is_empty() => "no model answered".to_owned(),
                Some(took_ms) => format!(
                    "{}, {} tokens, {}",
                    text::line(model),
                    words::number(usage.total()),
                    words::seconds(*took_ms)
                ),
            };
            let mut lines = vec![(Look::Quiet, format!("turn {turn}: {head}"))];
            if !said.is_empty() {
                lines.push((Look::Said, format!("  {}", text::line(said))));
            }
            if let Some(fault) = fault {
                lines.push((Look::Bad, format!("  fault: {}", text::line(fault))));
            }
            lines
        }
        Step::Call {
            tool, arguments, ..
        } => {
            let arguments = text::line(&arguments.to_string());
            let mut lines = vec![(Look::Plain, format!("{} {arguments}", text::line(tool)))];
            let (look, what) = outcome(step);
            lines.push((look, format!("  {what}")));
            lines
        }
        Step::Told {
            fault, text: told, ..
        } => {
            let (look, word) = match fault {
                true => (Look::Bad, "sent back"),
                false => (Look::Plain, "told"),
            };
            vec![(look, format!("{word}: {}", text::line(told)))]
        }
        Step::Coordinated { text: said, .. } => vec![(Look::Quiet, text::line(said))],
        Step::Checked {
            passed, evidence, ..
        } => {
            let (look, word) = match passed {
                true => (Look::Good, "✓ check holds"),
                false => (Look::Bad, "✗ check does not hold"),
            };
            vec![(look, format!("{word}: {}", text::line(evidence)))]
        }
    }
}

/// Verdict and result of a call in a line.
fn outcome(step: &Step) -> (Look, String) {
    let Step::Call {
        decision,
        because,
        took_ms,
        result,
        ..
    } = step
    else {
        return (Look::Plain, String::new());
    };
    let took = took_ms.map(words::seconds).unwrap_or_default();
    match (decision, result) {
        (Decision::Deny, _) => (Look::Bad, format!("✗ denied: {}", text::line(because))),
        (_, Some(Ok(given))) => (Look::Good, format!("✓ {took}  {}", text::line(given))),
        (_, Some(Err(fault))) => (
            Look::Bad,
            format!("✗ failed, {took}: {}", text::line(&fault.message)),
        ),
        (Decision::Ask, None) => (Look::Plain, format!("? asks: {}", text::line(because))),
        (Decision::Allow, None) => (Look::Plain, "not finished".to_owned()),
    }
}

/// What is being done in a task just now, in a few words; empty where nothing is.
pub(super) fn doing(agents: &[AgentLine]) -> String {
    let last = agents.last().filter(|agent| agent.ended_ms.is_none());
    match last.and_then(|agent| agent.steps.last()) {
        Some(Step::Turn {
            turn,
            took_ms: None,
            ..
        }) => format!("turn {turn} …"),
        Some(Step::Call {
            tool,
            result: None,
            decision: Decision::Ask,
            ..
        }) => format!("asks for {}", text::line(tool)),
        Some(Step::Call {
            tool, result: None, ..
        }) => text::line(tool),
        Some(Step::Coordinated { text: said, .. }) => text::line(said),
        Some(Step::Turn { .. } | Step::Call { .. } | Step::Told { .. } | Step::Checked { .. })
        | None => String::new(),
    }
}

/// Whether a text is in an item; `sought` is in small letters.
pub(super) fn has(item: Item<'_>, sought: &str) -> bool {
    let found = |text: &str| text.to_lowercase().contains(sought);
    match item {
        Item::Head(agent) => found(&agent.role) || found(&agent.purpose),
        Item::GaveUp(why) => found(why),
        Item::Step(_, step) => match step {
            Step::Turn {
                text, fault, model, ..
            } => found(text) || found(model) || fault.as_deref().is_some_and(found),
            Step::Call {
                tool,
                arguments,
                because,
                result,
                ..
            } => {
                let result = match result {
                    Some(Ok(given)) => found(given),
                    Some(Err(fault)) => found(&fault.message),
                    None => false,
                };
                result || found(tool) || found(because) || found(&arguments.to_string())
            }
            Step::Told { text, .. } | Step::Coordinated { text, .. } => found(text),
            Step::Checked { evidence, .. } => found(evidence),
        },
    }
}

/// Who wanted a call.
pub(super) fn wanted_by(origin: Origin) -> &'static str {
    match origin {
        Origin::Model => "the agent",
        Origin::Input => "the program, to read the task's input",
        Origin::OutputFile => "the program, to write the output file",
        Origin::Template => "the task, which is this call",
        Origin::Check => "a check",
        Origin::Undo => "the program, to undo another call",
    }
}

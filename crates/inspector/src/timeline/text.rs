//! The timeline for people: an indented tree. All texts in it are of foreign origin.

use super::{AgentLine, Step, TaskLine, Timeline};
use crate::account;
use crate::escape;
use crate::words;
use leadhand_protocol::{Decision, Origin, OutcomeKind, Source};
use std::fmt::Write;

const TITLE_CHARS_MAX: usize = 70;
const TEXT_CHARS_MAX: usize = 200;
const WHY_CHARS_MAX: usize = 1_000;

/// How a run stands, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// How it ended or was suspended; none while it goes on, and where its process died.
    pub outcome: Option<OutcomeKind>,
    /// Tasks of the plan.
    pub tasks: usize,
    /// Tasks that are done.
    pub tasks_done: usize,
}

impl Timeline {
    /// The tree as lines, safe to be shown on a terminal.
    #[must_use]
    pub fn to_text(&self) -> String {
        let standing = self.standing();
        let parts = std::iter::once(self.beginning(&standing)).chain(self.parts());
        parts.collect()
    }

    /// How the run stands by its records.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let in_plan = self.tasks.iter().filter(|task| task.state != "dropped");
        Standing {
            outcome: self.outcome.as_ref().map(|outcome| outcome.kind),
            tasks: in_plan.clone().count(),
            tasks_done: in_plan.filter(|task| task.state == "done").count(),
        }
    }

    /// What the text begins with. The first record of a run is enough for it, for whoever knows
    /// how the run stands before all records are read.
    #[must_use]
    pub fn beginning(&self, standing: &Standing) -> String {
        let run = escape::line(&self.run, TITLE_CHARS_MAX);
        if self.is_foreign() {
            return format!("trace {run}\n");
        }
        let ending = standing.outcome.map_or("not ended", account::ending);
        format!(
            "run   {run}\ngoal  {}\nstate {ending}, autonomy {}, {} of {} done\n",
            escape::line(&self.goal, WHY_CHARS_MAX),
            self.autonomy,
            words::number(standing.tasks_done as u64),
            words::count(standing.tasks, "task"),
        )
    }

    /// What comes after that, one part after the other.
    pub fn parts(&self) -> impl Iterator<Item = String> {
        let others = self.others.iter().map(|agent| {
            let mut text = "\n".to_owned();
            agent_lines(&mut text, agent, "");
            text
        });
        let tasks = self.tasks.iter().map(|task| {
            let mut text = "\n".to_owned();
            let before = if self.is_foreign() { "within" } else { "after" };
            task_lines(&mut text, task, before);
            text
        });
        std::iter::once(self.in_all()).chain(others).chain(tasks)
    }

    /// What it came to, and what is to be known of the run as a whole.
    fn in_all(&self) -> String {
        let took = words::seconds(self.ended_ms.saturating_sub(self.began_ms));
        let money = match self.spent.micro_usd {
            0 => String::new(),
            micro_usd => format!(", {}", words::money(micro_usd)),
        };
        let spent = format!(
            "{}, {}, {} tokens{money}",
            words::count(self.spent.turns, "turn"),
            words::count(self.spent.tool_calls, "tool call"),
            words::number(self.spent.usage.total()),
        );
        if let Some(parts) = self.parts {
            let parts = words::count(parts, "part");
            return format!("{parts} in {took}, {spent}\n{}", self.remarks());
        }
        let events = words::count(self.records, "event");
        format!("spent {took}, {events}, {spent}\n{}", self.remarks())
    }

    fn remarks(&self) -> String {
        let mut text = String::new();
        if let Some(outcome) = self
            .outcome
            .as_ref()
            .filter(|outcome| !outcome.why.is_empty())
        {
            let _ = writeln!(text, "why   {}", escape::line(&outcome.why, WHY_CHARS_MAX));
        }
        for note in &self.notes {
            let at = words::seconds(note.at_ms.saturating_sub(self.began_ms));
            let _ = writeln!(
                text,
                "note  {at} #{}: {}",
                note.seq,
                escape::line(&note.text, WHY_CHARS_MAX)
            );
        }
        text
    }
}

/// `before` says what those are that it depends on.
fn task_lines(text: &mut String, task: &TaskLine, before: &str) {
    let _ = write!(
        text,
        "{} [{}] {}: {}",
        task.id,
        escape::line(&task.worker, TITLE_CHARS_MAX),
        escape::line(&task.title, TITLE_CHARS_MAX),
        task.state
    );
    if let (Some(began_ms), Some(ended_ms)) = (task.began_ms, task.ended_ms) {
        let _ = write!(
            text,
            " in {}",
            words::seconds(ended_ms.saturating_sub(began_ms))
        );
    }
    if task.spent.micro_usd > 0 {
        let _ = write!(text, " for {}", words::money(task.spent.micro_usd));
    }
    if let Some(hash) = &task.artifact {
        let _ = write!(text, ", output {hash}");
    }
    if let Some(file) = &task.file {
        let _ = write!(text, " in {}", escape::line(file, TEXT_CHARS_MAX));
    }
    let sources: Vec<&str> = task
        .sources
        .iter()
        .filter(|source| **source != Source::User)
        .map(|source| source.as_str())
        .collect();
    if !sources.is_empty() {
        let _ = write!(text, ", from {}", sources.join(" and "));
    }
    if !task.depends_on.is_empty() {
        let after: Vec<&str> = task
            .depends_on
            .iter()
            .map(leadhand_protocol::TaskId::as_str)
            .collect();
        let _ = write!(text, ", {before} {}", after.join(", "));
    }
    if task.revision > 0 {
        let _ = write!(text, ", since revision {}", task.revision);
    }
    text.push('\n');
    if !task.why.is_empty() {
        let _ = writeln!(
            text,
            "  failed because: {}",
            escape::line(&task.why, WHY_CHARS_MAX)
        );
    }
    for agent in &task.agents {
        agent_lines(text, agent, "  ");
    }
}

fn agent_lines(text: &mut String, agent: &AgentLine, indent: &str) {
    let took = agent.ended_ms.map_or("not ended".to_owned(), |ended_ms| {
        words::seconds(ended_ms.saturating_sub(agent.began_ms))
    });
    let role = if agent.role.is_empty() {
        "no model"
    } else {
        &agent.role
    };
    let attempt = if agent.attempt > 1 {
        format!(", attempt {}", agent.attempt)
    } else {
        String::new()
    };
    let purpose = if agent.purpose.is_empty() {
        String::new()
    } else {
        format!(" ({}{attempt})", agent.purpose)
    };
    let _ = writeln!(
        text,
        "{indent}{} {}{purpose}: {}, {}, {} tokens, {took}",
        agent.agent,
        escape::line(role, TITLE_CHARS_MAX),
        words::count(agent.spent.turns, "turn"),
        words::count(agent.spent.tool_calls, "tool call"),
        words::number(agent.spent.usage.total())
    );
    for step in &agent.steps {
        step_lines(text, step, indent);
    }
    if let Some(failure) = &agent.failure {
        let _ = writeln!(
            text,
            "{indent}  gave up: {}",
            escape::line(failure, WHY_CHARS_MAX)
        );
    }
}

fn step_lines(text: &mut String, step: &Step, indent: &str) {
    let line = match step {
        Step::Turn { .. } => return turn_lines(text, step, indent),
        Step::Call { .. } => return call_lines(text, step, indent),
        Step::Told {
            fault, text: told, ..
        } => {
            let word = if *fault { "sent back" } else { "told" };
            format!("{word}: {}", escape::line(told, WHY_CHARS_MAX))
        }
        Step::Coordinated { text: said, .. } => escape::line(said, WHY_CHARS_MAX),
        Step::Checked {
            passed, evidence, ..
        } => {
            let word = if *passed { "holds" } else { "does not hold" };
            format!("check {word}: {}", escape::line(evidence, WHY_CHARS_MAX))
        }
    };
    let _ = writeln!(text, "{indent}  #{} {line}", step.seq());
}

fn turn_lines(text: &mut String, step: &Step, indent: &str) {
    let Step::Turn {
        seq,
        turn,
        took_ms,
        model,
        usage,
        fault,
        attempts_failed,
        text: said,
        ..
    } = step
    else {
        return;
    };
    let line = match took_ms.map(words::seconds) {
        None => "no answer".to_owned(),
        Some(took) if fault.is_some() && model.is_empty() => format!("no model answered, {took}"),
        // In a trace of others.
        Some(took) if model.is_empty() && usage.total() == 0 => {
            format!("{took}  {}", escape::line(said, TEXT_CHARS_MAX))
        }
        Some(took) => format!(
            "{} {}+{} tokens, {took}  {}",
            escape::line(model, TITLE_CHARS_MAX),
            words::number(usage.input_tokens),
            words::number(usage.output_tokens),
            escape::line(said, TEXT_CHARS_MAX)
        ),
    };
    let _ = writeln!(text, "{indent}  #{seq} turn {turn}: {}", line.trim_end());
    for failed in attempts_failed {
        let failed = escape::line(failed, WHY_CHARS_MAX);
        let _ = writeln!(text, "{indent}    attempt failed: {failed}");
    }
    if let Some(fault) = fault {
        let fault = escape::line(fault, WHY_CHARS_MAX);
        let _ = writeln!(text, "{indent}    fault: {fault}");
    }
}

fn call_lines(text: &mut String, step: &Step, indent: &str) {
    let Step::Call {
        origin,
        tool,
        arguments,
        decision,
        because,
        took_ms,
        result,
        reached,
        ..
    } = step
    else {
        return;
    };
    let origin = match origin {
        Origin::Model => "",
        Origin::Input => " (input)",
        Origin::OutputFile => " (output file)",
        Origin::Template => " (the task)",
        Origin::Check => " (check)",
        Origin::Undo => " (undoes another call)",
    };
    let _ = write!(
        text,
        "{indent}  #{} {}{origin} {}: ",
        step.seq(),
        escape::line(tool, TITLE_CHARS_MAX),
        escape::line(&arguments.to_string(), TEXT_CHARS_MAX)
    );
    let took = words::took(*took_ms);
    match (decision, result) {
        (_, Some(Ok(output))) => {
            let brought = format!("ok, {took}  {}", escape::line(output, TEXT_CHARS_MAX));
            let _ = writeln!(text, "{}", brought.trim_end());
        }
        (_, Some(Err(fault))) if *decision != Decision::Deny => {
            let _ = writeln!(
                text,
                "failed, {took}: {}",
                escape::line(&fault.message, WHY_CHARS_MAX)
            );
        }
        (Decision::Deny, _) => {
            let _ = writeln!(text, "denied: {}", escape::line(because, WHY_CHARS_MAX));
        }
        (Decision::Allow | Decision::Ask, _) => {
            let _ = writeln!(text, "{took}; {}", escape::line(because, WHY_CHARS_MAX));
        }
    }
    for line in reached.lines() {
        let _ = writeln!(text, "{indent}    {}", escape::line(&line, WHY_CHARS_MAX));
    }
}

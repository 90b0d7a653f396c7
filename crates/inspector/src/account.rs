//! The account of a run for people: how it ended and why, what the answer rests on, what was
//! changed and what it cost.

use crate::escape;
use crate::words;
use leadhand_protocol::{CallReport, CallState, Change, Outcome, OutcomeKind};
use std::fmt::Write;

/// Characters of a reason that are shown.
const WHY_CHARS_MAX: usize = 2_000;
/// Files named one by one.
const FILES_MAX: usize = 40;

/// How a run ended, in a few words.
pub fn ending(kind: OutcomeKind) -> &'static str {
    match kind {
        OutcomeKind::Done => "done",
        OutcomeKind::Planned => "planned",
        OutcomeKind::NotAchieved => "not achieved",
        OutcomeKind::WaitingForPerson => "waiting for a person",
        OutcomeKind::BudgetSpent => "budget spent",
        OutcomeKind::LoopFound => "stopped: a loop was found",
        OutcomeKind::DivergenceFound => "stopped: the work left the plan",
        OutcomeKind::Refused => "refused by policy",
        OutcomeKind::ModelUnreachable => "model unreachable or not authorised",
        OutcomeKind::Interrupted => "paused",
        OutcomeKind::Cancelled => "cancelled",
    }
}

/// The account as lines; `took_ms` is how long the program was at it.
pub fn text(outcome: &Outcome, took_ms: u64) -> String {
    let mut text = format!("{}: {}\n", ending(outcome.kind), cost(outcome, took_ms));
    if !outcome.why.is_empty() {
        let _ = writeln!(text, "why: {}", escape::lines(&cut(&outcome.why)));
    }
    // A plan that was wanted is shown by itself.
    if outcome.kind != OutcomeKind::Planned {
        tasks(&mut text, outcome);
    }
    files(&mut text, outcome);
    text.push_str(&calls("in doubt", &outcome.in_doubt));
    text.push_str(&calls("undone", &outcome.undone));
    text
}

/// Tool calls and what is known of them, under a head; nothing when there are none.
pub fn calls(head: &str, reports: &[CallReport]) -> String {
    let mut text = String::new();
    for report in reports {
        if text.is_empty() {
            let _ = writeln!(text, "{head}");
        }
        let call = &report.tool_call;
        let _ = writeln!(
            text,
            "  {} {}\n         {}",
            escape::line(&call.name, 80),
            escape::line(&call.arguments.to_string(), 160),
            escape::line(&known(report), WHY_CHARS_MAX)
        );
    }
    text
}

/// What became of a call, and what is known beyond that.
fn known(report: &CallReport) -> String {
    let state = match report.state {
        // The head says it.
        CallState::InDoubt => return report.what.clone(),
        CallState::Undone => "undone",
        CallState::NotUndone => "could not be undone",
        CallState::UndoInDoubt => "nobody knows whether it was undone",
    };
    if report.what.is_empty() {
        return state.to_owned();
    }
    format!("{state}: {}", report.what)
}

fn cost(outcome: &Outcome, took_ms: u64) -> String {
    let usage = outcome.usage;
    let mut parts = vec![
        words::count(outcome.tasks.len(), "task"),
        words::count(
            usize::try_from(outcome.turns).unwrap_or(usize::MAX),
            "model call",
        ),
        words::count(
            usize::try_from(outcome.tool_calls).unwrap_or(usize::MAX),
            "tool call",
        ),
        format!(
            "{} tokens in, {} out",
            words::number(usage.input_tokens),
            words::number(usage.output_tokens)
        ),
        words::seconds(took_ms),
    ];
    if outcome.micro_usd > 0 {
        parts.push(words::money(outcome.micro_usd));
    }
    if outcome.revisions > 0 {
        parts.push(words::count(outcome.revisions as usize, "revision"));
    }
    parts.join(", ")
}

fn tasks(text: &mut String, outcome: &Outcome) {
    let is_answered = outcome.kind == OutcomeKind::Done;
    if !outcome.tasks.is_empty() {
        text.push_str(if is_answered {
            "the answer rests on\n"
        } else {
            "tasks\n"
        });
    }
    for report in &outcome.tasks {
        let artifact = report.artifact.as_ref().map(|artifact| {
            let file = artifact
                .path
                .as_ref()
                .map(|path| format!(" in {}", escape::line(path, 120)));
            format!("  {}{}", artifact.hash.short(), file.unwrap_or_default())
        });
        let _ = write!(
            text,
            "  {:<6} {:<7} {}{}",
            report.task.as_str(),
            report.state,
            escape::line(&report.title, 60),
            artifact.unwrap_or_default()
        );
        if !report.why.is_empty() {
            let _ = write!(
                text,
                "\n         {}",
                escape::line(&report.why, WHY_CHARS_MAX)
            );
        }
        text.push('\n');
    }
}

fn files(text: &mut String, outcome: &Outcome) {
    if !outcome.files.is_empty() {
        text.push_str("files changed\n");
    }
    for file in outcome.files.iter().take(FILES_MAX) {
        let (change, size) = match file.change {
            Change::Created => (
                "created",
                words::count(file.bytes.try_into().unwrap_or(usize::MAX), "byte"),
            ),
            Change::Modified => (
                "modified",
                words::count(file.bytes.try_into().unwrap_or(usize::MAX), "byte"),
            ),
            Change::Removed => ("removed", String::new()),
        };
        let line = format!("  {change:<8} {}  {size}", escape::line(&file.path, 120));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    if outcome.files.len() > FILES_MAX {
        let _ = writeln!(text, "  and {} more", outcome.files.len() - FILES_MAX);
    }
}

fn cut(text: &str) -> String {
    text.chars().take(WHY_CHARS_MAX).collect()
}

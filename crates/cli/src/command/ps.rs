//! `leadhand ps`: the runs of a project and their states.

use crate::answer::DIGEST_CHARS_SHOWN;
use crate::failure::Failure;
use crate::project::{Project, ProjectOptions};
use crate::screen;
use clap::Args;
use leadhand::rooms::inspector::escape;
use leadhand::rooms::inspector::words;
use leadhand::{Journal, RunEntry, RunId, Status};
use serde::Serialize;
use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// List the runs of the project, live ones first
#[derive(Debug, Args)]
pub(crate) struct PsArguments {
    /// Write a JSON array
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    project: ProjectOptions,
}

/// One run of the list.
#[derive(Serialize)]
struct Listed {
    run: RunId,
    /// `running`, `stopped` when its process is gone without a word, or the outcome's kind.
    state: String,
    /// The process that carries it out.
    pid: Option<u32>,
    /// Whether `leadhand resume` can take it up.
    resumable: bool,
    #[serde(flatten)]
    status: Status,
}

pub(crate) fn run(arguments: &PsArguments, before: &ProjectOptions) -> Result<u8, Failure> {
    let options = &arguments.project.after(before);
    let project = Project::open(options)?;
    let mut runs: Vec<Listed> = project.journal().runs()?.into_iter().map(listed).collect();
    runs.sort_by_key(|run| run.pid.is_none());
    if arguments.json {
        screen::out_json(&runs);
    } else if runs.is_empty() {
        screen::note("there are no runs in this project");
    } else {
        screen::out(&table(&runs));
    }
    Ok(0)
}

/// A summary is another process's word: what cannot be read is left empty.
fn listed(entry: RunEntry) -> Listed {
    let status: Status = entry
        .status
        .and_then(|status| serde_json::from_value(status).ok())
        .unwrap_or_default();
    let ended = serde_json::to_value(status.outcome).unwrap_or_default();
    let state = match entry.live {
        Some(_) => "running",
        None => ended.as_str().unwrap_or("stopped"),
    };
    Listed {
        run: entry.run,
        state: state.to_owned(),
        pid: entry.live,
        resumable: entry.live.is_none()
            && status.outcome.is_none_or(leadhand::OutcomeKind::resumable),
        status,
    }
}

fn table(runs: &[Listed]) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    let mut text = format!(
        "{:<15} {:<18} {:>7} {:>9} {:>12}  goal\n",
        "run", "state", "tasks", "tokens", "age"
    );
    for run in runs {
        let status = &run.status;
        let tasks = format!("{}/{}", status.tasks_done, status.tasks);
        let _ = writeln!(
            text,
            "{:<15} {:<18} {tasks:>7} {:>9} {:>12}  {}",
            run.run.as_str(),
            run.state.replace('_', " "),
            words::number(status.usage.total()),
            age(now_ms.saturating_sub(status.started_ms)),
            escape::line(&status.goal, 60)
        );
        for question in &status.questions {
            let digest: String = question.digest.to_string();
            let _ = writeln!(
                text,
                "  question {}, digest {}: {}",
                question.question,
                &digest[..DIGEST_CHARS_SHOWN.min(digest.len())],
                escape::line(&question.about, 120)
            );
        }
    }
    if let Some(run) = runs.iter().find(|run| !run.status.questions.is_empty()) {
        let id = &run.run;
        let _ = writeln!(text, "what exactly is asked: leadhand questions {id}");
    }
    text
}

fn age(ms: u64) -> String {
    match ms / 1000 {
        seconds @ 0..120 => words::count(usize::try_from(seconds).unwrap_or(0), "second"),
        seconds @ 120..7_200 => format!("{} minutes", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} hours", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

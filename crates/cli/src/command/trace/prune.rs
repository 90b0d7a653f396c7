//! `leadhand trace prune`: removes one run.

use crate::amounts;
use crate::command::gc::{swept_in_words, unread_in_words};
use crate::failure::Failure;
use crate::project::{Project, ProjectOptions};
use crate::removal::{is_resumable, status};
use crate::run_name;
use crate::screen;
use clap::Args;
use leadhand::rooms::inspector::escape;
use leadhand::rooms::journal::RunUse;
use std::collections::BTreeSet;
use std::io::BufRead;

/// Remove a run for good, with the payloads that no other run refers to
///
/// Asks first. A live run is refused: cancel it, or let it end.
#[derive(Debug, Args)]
pub(crate) struct PruneArguments {
    /// The run, its first letters, or `last`
    run: String,
    /// Remove it without asking
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    project: ProjectOptions,
}

/// Characters of the goal that are shown.
const GOAL_CHARS_MAX: usize = 80;

pub(crate) fn run(arguments: &PruneArguments, before: &ProjectOptions) -> Result<u8, Failure> {
    let project = Project::open(&arguments.project.after(before))?;
    let journal = project.journal();
    let id = run_name::find(&journal, &arguments.run)?;
    let found = journal.disk_use()?.runs;
    let Some(found) = found.into_iter().find(|run| run.entry.run == id) else {
        return Err(Failure::usage(
            format!("run {id} lies behind a link, and nothing is removed through one"),
            "remove it where it lies",
        ));
    };
    if let Some(pid) = found.entry.live {
        return Err(Failure::usage(
            format!("run {id} is live in process {pid}, and is not removed under it"),
            format!("wait for its end, or end it with `leadhand cancel {id}`"),
        ));
    }
    if !arguments.yes && !agreed(&found)? {
        screen::note("nothing was removed");
        return Ok(0);
    }
    let was = status(found.entry.status.as_ref());
    let Some(bytes) = journal.remove(&id, |now| status(now) == was)? else {
        return Err(Failure::usage(
            format!("run {id} has gone on meanwhile, and is left"),
            "`leadhand ps` shows how it stands now",
        ));
    };
    let swept = journal.sweep(&BTreeSet::new(), false)?;
    screen::out(&format!(
        "removed run {id}, {}: {} freed\n{}",
        swept_in_words(swept.blobs, swept.leftovers),
        amounts::bytes(bytes + swept.bytes),
        unread_in_words(&swept.unread)
    ));
    Ok(0)
}

/// Whether the person at the terminal wants it gone.
fn agreed(run: &RunUse) -> Result<bool, Failure> {
    let id = &run.entry.run;
    if !screen::is_attended() {
        return Err(Failure::usage(
            format!("run {id} is removed for good, and there is nobody to ask"),
            "say --yes if it is to be removed",
        ));
    }
    let status = status(run.entry.status.as_ref());
    let state = if is_resumable(&status) {
        "could be resumed"
    } else {
        "is over"
    };
    screen::note(&format!(
        "run {id} {state}, takes {} and its payloads: {}\nremove it for good? Type yes:",
        amounts::bytes(run.bytes),
        escape::line(&status.goal, GOAL_CHARS_MAX)
    ));
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    Ok(read.is_ok() && matches!(line.trim(), "y" | "yes"))
}

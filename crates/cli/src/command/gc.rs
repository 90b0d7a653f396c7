//! `leadhand gc`: removes runs that are over, and what nothing refers to.

use crate::amounts;
use crate::failure::Failure;
use crate::project::{Project, ProjectOptions};
use crate::removal::{Bounds, Chosen, choose, status};
use crate::screen;
use clap::Args;
use leadhand::rooms::inspector::escape;
use leadhand::rooms::inspector::words;
use leadhand::rooms::journal::{JournalError, RunUse};
use leadhand::{RunId, SledJournal};
use serde::Serialize;
use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

/// Remove old runs of the project, and payloads that no run refers to any more
///
/// Without --older-than and --max-size no run is removed, only what nothing refers to and what
/// crashes left. Live runs are never removed.
#[derive(Debug, Args)]
pub(crate) struct GcArguments {
    /// Remove runs that ended longer ago, such as 30d or 12h
    #[arg(long, value_name = "AGE", value_parser = amounts::age)]
    older_than: Option<u64>,
    /// Remove the oldest runs until all take no more, such as 500MB or 2GiB
    #[arg(long, value_name = "SIZE", value_parser = amounts::size)]
    max_size: Option<u64>,
    /// Remove runs as well that `leadhand resume` could take up again
    #[arg(long)]
    resumable: bool,
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    project: ProjectOptions,
}

/// What was removed, or would be.
#[derive(Serialize)]
struct Told {
    dry_run: bool,
    runs: Vec<Removed>,
    /// Payloads that no run refers to.
    blobs: u64,
    /// What crashes left.
    leftovers: u64,
    /// The room that all of it took on disk, in bytes.
    bytes: u64,
    /// What is still taken, in bytes.
    bytes_left: u64,
    /// Runs that were left although they are over a bound, because they could be resumed.
    resumable_left: usize,
    /// Runs whose records cannot be read, or not now, so that no payload was removed.
    unread: Vec<RunId>,
}

#[derive(Serialize)]
struct Removed {
    run: RunId,
    bytes: u64,
    #[serde(skip)]
    goal: String,
}

pub(crate) fn run(arguments: &GcArguments, before: &ProjectOptions) -> Result<u8, Failure> {
    let options = arguments.project.after(before);
    let journal = Project::open(&options)?.journal();
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now_ms = now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
    let bounds = Bounds {
        age_ms_max: arguments.older_than,
        bytes_max: arguments.max_size,
        resumable: arguments.resumable,
        now_ms,
    };
    let chosen = choose(journal.disk_use()?, &bounds);
    let resumable_left = chosen.resumable;
    let estimate = chosen.bytes_left;
    let runs = if arguments.dry_run {
        chosen
            .runs
            .iter()
            .map(|run| Removed::of(run, run.bytes))
            .collect()
    } else {
        remove(&journal, chosen)?
    };
    let gone: BTreeSet<RunId> = runs.iter().map(|removed| removed.run.clone()).collect();
    let swept = journal.sweep(&gone, arguments.dry_run)?;
    let told = Told {
        dry_run: arguments.dry_run,
        bytes: runs.iter().map(|run| run.bytes).sum::<u64>() + swept.bytes,
        bytes_left: if arguments.dry_run {
            estimate
        } else {
            journal.disk_use()?.bytes()
        },
        resumable_left,
        blobs: swept.blobs,
        leftovers: swept.leftovers,
        unread: swept.unread,
        runs,
    };
    if arguments.json {
        screen::out_json(&told);
    } else {
        screen::out(&told.to_text(arguments.max_size));
    }
    Ok(0)
}

/// Removes runs. One that somebody took up meanwhile is left.
fn remove(journal: &SledJournal, chosen: Chosen) -> Result<Vec<Removed>, Failure> {
    let mut removed = Vec::new();
    for run in chosen.runs {
        let id = &run.entry.run;
        let was = status(run.entry.status.as_ref());
        match journal.remove(id, |now| status(now) == was) {
            Ok(Some(bytes)) => removed.push(Removed::of(&run, bytes)),
            Ok(None) | Err(JournalError::Locked { .. } | JournalError::UnknownRun { .. }) => {
                screen::note(&format!(
                    "run {id} is left: somebody has gone on with it meanwhile"
                ));
            }
            Err(error) => {
                told_so_far(&removed);
                return Err(error.into());
            }
        }
    }
    Ok(removed)
}

/// What is gone is told, also when it does not go on.
fn told_so_far(removed: &[Removed]) {
    for run in removed {
        screen::note(&format!("run {} is removed", run.run));
    }
}

impl Removed {
    fn of(run: &RunUse, bytes: u64) -> Self {
        Self {
            run: run.entry.run.clone(),
            bytes,
            goal: status(run.entry.status.as_ref()).goal,
        }
    }
}

/// Characters of a goal that are shown.
const GOAL_CHARS_MAX: usize = 60;

impl Told {
    fn to_text(&self, bytes_max: Option<u64>) -> String {
        let did = if self.dry_run {
            "would remove"
        } else {
            "removed"
        };
        let mut text = String::new();
        for run in &self.runs {
            text += &format!(
                "{did} run {}  {}  {}\n",
                run.run,
                amounts::bytes(run.bytes),
                escape::line(&run.goal, GOAL_CHARS_MAX)
            );
        }
        text += &format!(
            "{did} {}, {}: {} freed, {} left\n",
            words::count(self.runs.len(), "run"),
            swept_in_words(self.blobs, self.leftovers),
            amounts::bytes(self.bytes),
            amounts::bytes(self.bytes_left)
        );
        if self.resumable_left > 0 {
            text += &format!(
                "{} could be resumed and stayed; --resumable removes such runs too\n",
                words::count(self.resumable_left, "run")
            );
        }
        if bytes_max.is_some_and(|max| self.bytes_left > max) {
            text += "that is still more than --max-size: the rest is of runs that are live or were \
                     left\n";
        }
        text + &unread_in_words(&self.unread)
    }
}

/// `3 payloads that no run refers to and 1 leftover of a crash`.
pub(crate) fn swept_in_words(blobs: u64, leftovers: u64) -> String {
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    format!(
        "{} that no run refers to and {} of crashes",
        words::count(count(blobs), "payload"),
        words::count(count(leftovers), "leftover")
    )
}

/// Why payloads stayed.
pub(crate) fn unread_in_words(unread: &[RunId]) -> String {
    let Some(first) = unread.first() else {
        return String::new();
    };
    let others = match unread.len() - 1 {
        0 => String::new(),
        more => format!(" (and {})", words::count(more, "more run")),
    };
    format!(
        "payloads stayed: what run {first}{others} refers to cannot be read, or not while it is live; \
         try again when it has ended, or see `leadhand trace verify {first}`\n"
    )
}

//! `leadhand trace`: looks into a run that has stopped.

use crate::failure::Failure;
use crate::project::{Project, ProjectOptions};
use crate::run_name;
use crate::screen;
use crate::timeline::Timeline;
use crate::watch::JsonLine;
use clap::Subcommand;
use leadhand::Journal;

/// Look into runs
#[derive(Debug, Subcommand)]
pub(crate) enum TraceCommand {
    /// Show what happened in a run: tasks, agents, turns, tool calls, and why
    Show {
        /// The run, its first letters, or `last`
        run: String,
        /// Write the tree as one JSON object
        #[arg(long, conflicts_with = "events")]
        json: bool,
        /// Write every event as JSON, one a line, as `run --json` does
        #[arg(long)]
        events: bool,
        #[command(flatten)]
        project: ProjectOptions,
    },
}

pub(crate) fn run(command: &TraceCommand, before: &ProjectOptions) -> Result<u8, Failure> {
    let TraceCommand::Show {
        run,
        json,
        events,
        project: options,
    } = command;
    let project = Project::open(&options.after(before))?;
    let journal = project.journal()?;
    let id = run_name::find(&journal, run)?;
    let history = journal.read(&id)?;
    if *events {
        for record in &history.records {
            screen::out_json(&JsonLine::new(&id, record));
        }
    } else {
        let timeline = Timeline::of(&id, &history.records);
        if *json {
            screen::out_json(&timeline);
        } else {
            screen::out(&timeline.to_text());
        }
    }
    if let Some(damage) = history.damage {
        return Err(Failure::Leadhand(
            leadhand::RuntimeError::Damaged {
                run: id,
                seq: damage.seq,
                what: damage.what,
            }
            .into(),
        ));
    }
    Ok(0)
}

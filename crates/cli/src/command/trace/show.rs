//! `leadhand trace show`: what happened, as a tree.

use super::ended;
use crate::amounts;
use crate::command::check::source;
use crate::failure::Failure;
use crate::project::ProjectOptions;
use crate::reach::Reach;
use crate::screen;
use crate::watch::JsonLine;
use clap::Args;
use leadhand::Record;
use leadhand::rooms::inspector::{Filter, Timeline, escape};
use leadhand::rooms::protocol::Seq;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Characters of a value that is no age that are shown.
const SINCE_SHOWN: usize = 40;

/// Show what happened in a run: tasks, agents, turns, tool calls, and why
///
/// `#12` before a line is the record that it begins with; `trace why RUN 12` tells what that
/// follows from.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The run, its first letters, or `last`; or a file: a run that was exported, or a trace of
    /// others as OTLP JSON or JSON lines
    #[arg(value_name = "RUN|FILE")]
    run: String,
    /// Write the tree as one JSON object
    #[arg(long, conflicts_with = "events")]
    json: bool,
    /// Write every event as JSON, one a line, as `run --json` does
    #[arg(long, conflicts_with_all = ["task", "tool"])]
    events: bool,
    /// Show only this task
    #[arg(long)]
    task: Option<String>,
    /// Show only calls of this tool
    #[arg(long)]
    tool: Option<String>,
    /// Show only what came since: from a record on (its number), or within the last time
    /// (`90s`, `10m`, `2h`, `3d`)
    #[arg(long, value_name = "RECORD|AGE")]
    since: Option<String>,
    #[command(flatten)]
    project: ProjectOptions,
}

pub(crate) async fn run(arguments: &ShowArguments, before: &ProjectOptions) -> Result<u8, Failure> {
    if source::is_file(&arguments.run) {
        return of_file(arguments);
    }
    let reach = Reach::open(&arguments.run, &arguments.project, before)?;
    let history = reach.history().await?;
    let from = since(arguments, &history.records)?;
    if arguments.events {
        let wanted = history.records.iter().filter(|record| record.seq >= from);
        wanted.for_each(|record| screen::out_json(&JsonLine::new(&reach.id, record)));
    } else {
        told(arguments, Timeline::of(&reach.id, &history.records), from);
    }
    ended(&reach.id, history.damage)
}

fn of_file(arguments: &ShowArguments) -> Result<u8, Failure> {
    if arguments.events {
        return Err(Failure::usage(
            "a file has no events to be shown",
            "leave --events out, or name a run of the project",
        ));
    }
    let from = match &arguments.since {
        None => 0,
        Some(text) => text.parse().map_err(|_| {
            let what = format!("--since {text}: of a file, it takes the number of a step");
            Failure::usage(what, "write a number, such as 120")
        })?,
    };
    source::timelines(Path::new(&arguments.run), |timeline| {
        told(arguments, timeline, from);
    })?;
    Ok(0)
}

fn told(arguments: &ShowArguments, mut timeline: Timeline, from: Seq) {
    let filter = Filter {
        task: arguments.task.clone(),
        tool: arguments.tool.clone(),
        from,
    };
    filter.keep(&mut timeline);
    if arguments.json {
        screen::out_json(&timeline);
    } else {
        screen::out(&timeline.to_text());
    }
}

/// The first record that is wanted.
fn since(arguments: &ShowArguments, records: &[Record]) -> Result<Seq, Failure> {
    let Some(text) = &arguments.since else {
        return Ok(0);
    };
    if let Ok(seq) = text.parse() {
        return Ok(seq);
    }
    let age_ms = amounts::age(text).map_err(|why| {
        let shown = escape::line(text, SINCE_SHOWN);
        Failure::usage(
            format!("`--since {shown}` is neither the number of a record nor an age: {why}"),
            "`leadhand trace show RUN` has the number of each record before its line",
        )
    })?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now_ms = now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
    let began_ms = now_ms.saturating_sub(age_ms);
    let first = records.iter().find(|record| record.at_ms >= began_ms);
    Ok(first.map_or(records.len() as Seq, |record| record.seq))
}

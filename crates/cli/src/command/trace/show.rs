//! `leadhand trace show`: what happened, as a tree.

use super::ended;
use crate::amounts;
use crate::failure::Failure;
use crate::project::ProjectOptions;
use crate::reach::Reach;
use crate::screen::{self, Blocks};
use crate::trace_file::TraceFile;
use crate::watch::JsonLine;
use clap::Args;
use leadhand::rooms::inspector::{Filter, Standing, Timeline, escape};
use leadhand::rooms::protocol::Seq;
use leadhand::{Record, Status};
use std::time::{SystemTime, UNIX_EPOCH};

/// Characters of a value that is no age that are shown.
const SINCE_SHOWN: usize = 40;

/// Show what happened in a run: tasks, agents, turns, tool calls, and why
///
/// `#12` before a line is the record that it begins with; `trace why RUN 12` tells what that
/// follows from.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The run, its first letters, or `last`; or a file: a run that was exported, or traces of
    /// others as OTLP JSON or JSON lines, of which `FILE#2` or `FILE#ID` means one
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
    if let Some(file) = TraceFile::named(&arguments.run) {
        return of_file(arguments, &file);
    }
    let reach = Reach::open(&arguments.run, &arguments.project, before)?;
    let mut since = Since::of(arguments)?;
    let mut out = Blocks::default();
    if arguments.events {
        let show = |record: Record| {
            if since.take(&record) {
                out.out_json(&JsonLine::new(&reach.id, &record));
            }
        };
        let damage = reach.scan(0, show).await?;
        return ended(reach.failed_at(damage));
    }
    // Known before the records are: a long run is begun to be shown at once.
    let status = if arguments.json {
        None
    } else {
        reach.status()?
    };
    let mut standing = status.as_ref().map(standing);
    let mut begun = false;
    let mut timeline = Timeline::new(&reach.id);
    let take = |record: Record| {
        since.take(&record);
        timeline.take(&record);
        if let Some(standing) = standing.take().filter(|_| !timeline.is_foreign()) {
            screen::out(&timeline.beginning(&standing));
            begun = true;
        }
    };
    let damage = reach.scan(0, take).await?;
    let from = since.from(timeline.records as Seq);
    // Where the first record is damaged there is nothing to be shown.
    if timeline.records > 0 || arguments.json {
        told(arguments, timeline, from, begun);
    }
    ended(reach.failed_at(damage))
}

fn standing(status: &Status) -> Standing {
    Standing {
        outcome: status.outcome,
        tasks: status.tasks,
        tasks_done: status.tasks_done,
    }
}

/// Shows the traces of a file one after the other.
fn of_file(arguments: &ShowArguments, file: &TraceFile) -> Result<u8, Failure> {
    let mut since = Since::of(arguments)?;
    let mut out = Blocks::default();
    if arguments.events {
        file.records(|_, id, record| {
            if since.take(&record) {
                out.out_json(&JsonLine::new(id, &record));
            }
        })?;
        return Ok(0);
    }
    let mut now: Option<(usize, Timeline, Since)> = None;
    let tell = |(_, timeline, since): (usize, Timeline, Since)| {
        let from = since.from(timeline.records as Seq);
        told(arguments, timeline, from, false);
    };
    let read = file.records(|nth, id, record| {
        if now.as_ref().is_none_or(|(own, ..)| *own != nth) {
            now.take().into_iter().for_each(tell);
            now = Some((nth, Timeline::new(id), since.clone()));
        }
        if let Some((_, timeline, since)) = &mut now {
            since.take(&record);
            timeline.take(&record);
        }
    });
    now.into_iter().for_each(tell);
    read.map(|()| 0)
}

/// Shows a timeline, of which the beginning may have been shown.
fn told(arguments: &ShowArguments, mut timeline: Timeline, from: Seq, begun: bool) {
    // Of the whole: it does not depend on what is wanted of it.
    let standing = timeline.standing();
    let filter = Filter {
        task: arguments.task.clone(),
        tool: arguments.tool.clone(),
        from,
    };
    filter.keep(&mut timeline);
    if arguments.json {
        return screen::out_json(&timeline);
    }
    let mut out = Blocks::default();
    if !begun {
        out.out(&timeline.beginning(&standing));
    }
    timeline.parts().for_each(|part| out.out(&part));
}

/// From which record on a run is shown.
#[derive(Debug, Clone)]
enum Since {
    /// From this one.
    Record(Seq),
    /// From the first that was made at this time or later, in milliseconds since the Unix epoch.
    Time(u64),
}

impl Since {
    fn of(arguments: &ShowArguments) -> Result<Self, Failure> {
        let Some(text) = &arguments.since else {
            return Ok(Self::Record(0));
        };
        if let Ok(seq) = text.parse() {
            return Ok(Self::Record(seq));
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
        Ok(Self::Time(now_ms.saturating_sub(age_ms)))
    }

    /// Takes the next record; gives whether it is wanted. The first of a time stands for that time.
    fn take(&mut self, record: &Record) -> bool {
        if let Self::Time(began_ms) = self
            && record.at_ms >= *began_ms
        {
            *self = Self::Record(record.seq);
        }
        self.from(Seq::MAX) <= record.seq
    }

    /// The first record that is wanted, or `end` where none is.
    fn from(&self, end: Seq) -> Seq {
        match self {
            Self::Record(seq) => *seq,
            Self::Time(_) => end,
        }
    }
}

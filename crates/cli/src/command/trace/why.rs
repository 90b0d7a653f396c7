//! `leadhand trace why`: what an event follows from, back to the goal.

use super::ended;
use crate::failure::Failure;
use crate::looked::Looked;
use crate::project::ProjectOptions;
use crate::screen;
use clap::Args;
use leadhand::rooms::inspector::why;
use leadhand::rooms::protocol::Seq;
use leadhand::{Record, RunId};

/// Tell why something happened: each event that it follows from, back to the goal
///
/// The numbers of events stand in `trace show` and `trace tail`.
#[derive(Debug, Args)]
pub(crate) struct WhyArguments {
    /// The run, its first letters, or `last`; or a file, as of `trace show`
    #[arg(value_name = "RUN|FILE")]
    run: String,
    /// The number of the event
    event: Seq,
    /// Write the chain as a JSON array
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    project: ProjectOptions,
}

pub(crate) async fn run(arguments: &WhyArguments, before: &ProjectOptions) -> Result<u8, Failure> {
    let looked = Looked::open(&arguments.run, &arguments.project, before)?;
    let (mut records, mut count, mut name) = (Vec::new(), 0, None);
    let keep = |id: &RunId, record: Record| {
        count += 1;
        name.get_or_insert_with(|| id.clone());
        // What came later is no cause of it.
        if record.seq <= arguments.event {
            records.push(record);
        }
    };
    let damage = looked.scan(keep).await?;
    let links = why(&records, arguments.event);
    let Some(first) = links.first() else {
        let name = name.map_or_else(String::new, |id| format!(" {id}"));
        let what = format!(
            "run{name} has no event {}: it has {count} of them",
            arguments.event
        );
        let hint = "`leadhand trace show RUN` has the number of each event before its line";
        return Err(Failure::usage(what, hint));
    };
    if arguments.json {
        screen::out_json(&links);
        return ended(damage);
    }
    screen::out(&format!("#{} {}", first.seq, first.what));
    for link in &links[1..] {
        screen::out(&format!("  because #{} {}", link.seq, link.what));
    }
    ended(damage)
}

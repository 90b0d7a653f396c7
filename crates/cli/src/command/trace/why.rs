//! `leadhand trace why`: what an event follows from, back to the goal.

use super::ended;
use crate::failure::Failure;
use crate::project::ProjectOptions;
use crate::reach::Reach;
use crate::screen;
use clap::Args;
use leadhand::Record;
use leadhand::rooms::inspector::why;
use leadhand::rooms::protocol::Seq;

/// Tell why something happened: each event that it follows from, back to the goal
///
/// The numbers of events stand in `trace show` and `trace tail`.
#[derive(Debug, Args)]
pub(crate) struct WhyArguments {
    /// The run, its first letters, or `last`
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
    let reach = Reach::open(&arguments.run, &arguments.project, before)?;
    let (mut records, mut count) = (Vec::new(), 0);
    let keep = |record: Record| {
        count += 1;
        // What came later is no cause of it.
        if record.seq <= arguments.event {
            records.push(record);
        }
    };
    let damage = reach.scan(0, keep).await?;
    let links = why(&records, arguments.event);
    let Some(first) = links.first() else {
        let what = format!(
            "run {} has no event {}: it has {count} of them",
            reach.id, arguments.event
        );
        let hint = "`leadhand trace show RUN` has the number of each event before its line";
        return Err(Failure::usage(what, hint));
    };
    if arguments.json {
        screen::out_json(&links);
        return ended(&reach.id, damage);
    }
    screen::out(&format!("#{} {}", first.seq, first.what));
    for link in &links[1..] {
        screen::out(&format!("  because #{} {}", link.seq, link.what));
    }
    ended(&reach.id, damage)
}

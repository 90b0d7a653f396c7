//! `leadhand trace graph`: the tasks of a run and how they wait for each other.

use super::ended;
use crate::failure::Failure;
use crate::project::ProjectOptions;
use crate::reach::Reach;
use crate::screen;
use clap::Args;
use leadhand::rooms::inspector::{Timeline, graph};

/// Draw the task graph of a run with the states of its tasks
///
/// As a tree, each task stands below the last of those that it waits for.
#[derive(Debug, Args)]
pub(crate) struct GraphArguments {
    /// The run, its first letters, or `last`
    run: String,
    /// Write it in the language of Graphviz
    #[arg(long, conflicts_with = "svg")]
    dot: bool,
    /// Write it as a picture
    #[arg(long)]
    svg: bool,
    #[command(flatten)]
    project: ProjectOptions,
}

pub(crate) async fn run(
    arguments: &GraphArguments,
    before: &ProjectOptions,
) -> Result<u8, Failure> {
    let reach = Reach::open(&arguments.run, &arguments.project, before)?;
    let mut timeline = Timeline::new(&reach.id);
    let damage = reach.scan(0, |record| timeline.take(&record)).await?;
    if arguments.dot {
        screen::out(graph::to_dot(&timeline).trim_end());
    } else if arguments.svg {
        screen::out(graph::to_svg(&timeline).trim_end());
    } else if timeline.tasks.is_empty() {
        screen::note("this run has no plan yet");
    } else {
        screen::out(graph::to_tree(&timeline).trim_end());
    }
    ended(&reach.id, damage)
}

//! `leadhand trace graph`: the tasks of a run and how they wait for each other.

use super::ended;
use crate::failure::Failure;
use crate::looked::Looked;
use crate::project::ProjectOptions;
use crate::screen;
use clap::Args;
use leadhand::rooms::inspector::{Timeline, graph};

/// Draw the task graph of a run with the states of its tasks
///
/// As a tree, each task stands below the last of those that it waits for. Of a trace of others the
/// tasks are its parts: agents and nodes of graphs, each below the one that it was done within.
#[derive(Debug, Args)]
pub(crate) struct GraphArguments {
    /// The run, its first letters, or `last`; or a file, as of `trace show`
    #[arg(value_name = "RUN|FILE")]
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
    let looked = Looked::open(&arguments.run, &arguments.project, before)?;
    let mut timeline = Timeline::default();
    let damage = looked.scan(|_, record| timeline.take(&record)).await?;
    if arguments.dot {
        screen::out(graph::to_dot(&timeline).trim_end());
    } else if arguments.svg {
        screen::out(graph::to_svg(&timeline).trim_end());
    } else if timeline.tasks.is_empty() {
        screen::note("this run has no plan yet");
    } else {
        screen::out(graph::to_tree(&timeline).trim_end());
    }
    ended(damage)
}

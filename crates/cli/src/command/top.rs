//! `leadhand top`: the runs of a project on the whole terminal, as they go on.

use crate::failure::{Failure, INTERRUPTED};
use crate::full_screen::FullScreen;
use crate::project::{Project, ProjectOptions};
use crate::project_runs::ProjectRuns;
use clap::Args;
use leadhand_viewer::top::{Closed, top};
use std::sync::Arc;

/// Look at the runs of the project on the whole terminal, and give them orders
#[derive(Debug, Args)]
pub(crate) struct TopArguments {
    #[command(flatten)]
    project: ProjectOptions,
}

pub(crate) async fn run(arguments: TopArguments, before: &ProjectOptions) -> Result<u8, Failure> {
    let options = arguments.project.after(before);
    // What is wrong with the project is said before the terminal is taken.
    Project::open(&options)?;
    let mut screen = FullScreen::open()?;
    let typed = screen.typed()?;
    let runs = Arc::new(ProjectRuns::new(options));
    let (size, colour) = (screen.size(), screen.is_coloured());
    let closed = top(runs, screen.out(), size, colour, typed).await;
    drop(screen);
    match closed {
        Ok(Closed::Quit) => Ok(0),
        Ok(Closed::Interrupted) => Ok(INTERRUPTED),
        Err(error) => Err(Failure::internal(error.to_string())),
    }
}

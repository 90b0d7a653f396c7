//! `leadhand top`: the runs of a project on the whole terminal, as they go on.

use crate::failure::{Failure, INTERRUPTED};
use crate::file_runs::FileRuns;
use crate::full_screen::FullScreen;
use crate::project::{Project, ProjectOptions};
use crate::project_runs::ProjectRuns;
use crate::trace_file::TraceFile;
use clap::Args;
use leadhand_viewer::Runs;
use leadhand_viewer::top::{Closed, top};
use std::sync::Arc;

/// Look at the runs of the project on the whole terminal, and give them orders; or at a file
#[derive(Debug, Args)]
pub(crate) struct TopArguments {
    /// In place of the runs of the project, those of a file, as of `trace show`
    file: Option<String>,
    #[command(flatten)]
    project: ProjectOptions,
}

pub(crate) async fn run(arguments: TopArguments, before: &ProjectOptions) -> Result<u8, Failure> {
    let options = arguments.project.after(before);
    // What is wrong with the project or the file is said before the terminal is taken.
    Project::open(&options)?;
    let runs: Arc<dyn Runs> = match &arguments.file {
        None => Arc::new(ProjectRuns::new(options)),
        Some(name) => Arc::new(FileRuns::open(&TraceFile::of(name))?),
    };
    let mut screen = FullScreen::open()?;
    let typed = screen.typed()?;
    let (size, colour) = (screen.size(), screen.is_coloured());
    let closed = top(runs, screen.out(), size, colour, typed).await;
    drop(screen);
    match closed {
        Ok(Closed::Quit) => Ok(0),
        Ok(Closed::Interrupted) => Ok(INTERRUPTED),
        Err(error) => Err(Failure::internal(error.to_string())),
    }
}

//! `leadhand pause`: has a live run stand still.

use crate::failure::{Failure, INTERRUPTED};
use crate::project::ProjectOptions;
use crate::reach::Reach;
use crate::screen;
use crate::stopped::Stopped;
use clap::Args;
use leadhand::PersonInput;

/// Have a live run start nothing new and stand still; `resume` takes it up
#[derive(Debug, Args)]
pub(crate) struct PauseArguments {
    /// The run, its first letters, or `last`
    run: String,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    project: ProjectOptions,
}

pub(crate) async fn run(arguments: PauseArguments, before: &ProjectOptions) -> Result<u8, Failure> {
    let reach = Reach::open(&arguments.run, &arguments.project, before)?;
    if reach.live().await?.is_none() {
        return Err(reach.stands_still()?);
    }
    let stopped = Stopped::by(&reach, PersonInput::Pause, arguments.json).await?;
    let Some(stopped) = stopped else {
        return Ok(INTERRUPTED);
    };
    if !arguments.json && stopped.outcome.kind.resumable() {
        screen::note(&reach.how_to_resume());
    }
    Ok(0)
}

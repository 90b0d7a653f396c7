//! `leadhand rollback`: undoes what a run did and what can be undone.

use crate::failure::{Failure, INTERRUPTED, NOT_ACHIEVED};
use crate::project::ProjectOptions;
use crate::reach::Reach;
use crate::stopped::Stopped;
use clap::Args;
use leadhand::PersonInput;

/// End a run, if it has not ended, and undo the calls of its tools that can be undone, the last
/// one first
#[derive(Debug, Args)]
pub(crate) struct RollbackArguments {
    /// The run, its first letters, or `last`
    run: String,
    /// Why; it stands in the account
    #[arg(long, value_name = "TEXT", default_value = "ordered by a person")]
    why: String,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    project: ProjectOptions,
}

pub(crate) async fn run(
    arguments: RollbackArguments,
    before: &ProjectOptions,
) -> Result<u8, Failure> {
    let reach = Reach::open(&arguments.run, &arguments.project, before)?;
    let why = arguments.why;
    let order = PersonInput::RollBack { why };
    let stopped = Stopped::by(&reach, order, arguments.json).await?;
    Ok(match stopped {
        None => INTERRUPTED,
        Some(stopped) if stopped.is_undone() => 0,
        Some(_) => NOT_ACHIEVED,
    })
}

//! `leadhand cancel`: ends a run for good, in one of three grades.

use crate::failure::{Failure, INTERRUPTED};
use crate::project::ProjectOptions;
use crate::reach::Reach;
use crate::stopped::Stopped;
use clap::Args;
use leadhand::{Grade, PersonInput};

/// End a run for good: no model or tool is called any more, and calls of tools in flight are
/// waited for
///
/// Waits for the end and says what finished, what was stopped and what is in doubt.
#[derive(Debug, Args)]
pub(crate) struct CancelArguments {
    /// The run, its first letters, or `last`
    run: String,
    /// Let the tasks that are at work come to their end; only nothing new begins
    #[arg(long, conflicts_with = "abort")]
    wrap_up: bool,
    /// Wait for nothing: what calls of tools in flight did is in doubt
    #[arg(long)]
    abort: bool,
    /// Why; it stands in the account
    #[arg(long, value_name = "TEXT", default_value = "cancelled by a person")]
    why: String,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    project: ProjectOptions,
}

pub(crate) async fn run(
    arguments: CancelArguments,
    before: &ProjectOptions,
) -> Result<u8, Failure> {
    let reach = Reach::open(&arguments.run, &arguments.project, before)?;
    let grade = match (arguments.wrap_up, arguments.abort) {
        (true, _) => Grade::WrapUp,
        (_, true) => Grade::Abort,
        _ => Grade::Stop,
    };
    let why = arguments.why;
    let order = PersonInput::Cancel { grade, why };
    let stopped = Stopped::by(&reach, order, arguments.json).await?;
    Ok(if stopped.is_some() { 0 } else { INTERRUPTED })
}

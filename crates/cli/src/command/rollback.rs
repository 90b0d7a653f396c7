//! `leadhand rollback`: undoes what a run did and what can be undone.

use crate::failure::{Failure, NOT_ACHIEVED};
use crate::project::ProjectOptions;
use crate::reach::{Reach, code_of_waiting};
use crate::screen;
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
    let Some((outcome, live)) = reach.order_and_wait(order).await? else {
        return Ok(code_of_waiting(false));
    };
    let stopped = Stopped::new(&reach.id, live, outcome);
    if arguments.json {
        screen::out_json(&stopped);
    } else {
        screen::out(&stopped.to_text());
    }
    Ok(if stopped.is_undone() { 0 } else { NOT_ACHIEVED })
}

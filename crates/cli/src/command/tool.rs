//! `leadhand tool`: what tools there are, what one of them is, a call of one by itself, and
//! making one of source.

use crate::failure::Failure;
use crate::project::ProjectOptions;
use clap::Subcommand;

mod batch;
mod build;
mod inspect;
mod list;
mod outcome;
mod powers;
mod run;

/// Look at tools, run one by itself, make one
#[derive(Debug, Subcommand)]
pub(crate) enum ToolCommand {
    /// List the tools, their effects and what they want to touch
    List {
        /// Write a JSON array, with the schemas of the arguments
        #[arg(long)]
        json: bool,
    },
    Inspect(inspect::InspectArguments),
    Run(run::RunArguments),
    Build(build::BuildArguments),
}

pub(crate) async fn run(command: ToolCommand, project: &ProjectOptions) -> Result<u8, Failure> {
    match command {
        ToolCommand::List { json } => list::run(json, project),
        ToolCommand::Inspect(arguments) => inspect::run(&arguments, project),
        ToolCommand::Run(arguments) => run::run(arguments, project).await,
        ToolCommand::Build(arguments) => build::run(&arguments, project),
    }
}

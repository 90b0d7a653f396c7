//! `leadhand completion`: the completion script of a shell.

use super::CommandLine;
use crate::failure::Failure;
use crate::screen;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Write the completion script of a shell
#[derive(Debug, Args)]
pub(crate) struct CompletionArguments {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(arguments: &CompletionArguments) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut CommandLine::command(),
        "leadhand",
        &mut script,
    );
    let script = String::from_utf8(script)
        .map_err(|error| Failure::internal(format!("the completion script is no text: {error}")))?;
    screen::out(&script);
    Ok(0)
}

//! `leadhand tool`: what tools there are and what they want to touch.

use crate::escape;
use crate::failure::Failure;
use crate::folders::Folders;
use crate::screen;
use clap::Subcommand;
use leadhand::rooms::protocol::Isolation;
use leadhand::rooms::sandbox::ToolHost;
use leadhand::{Effect, ToolSpec};
use std::fmt::Write;

/// Look at the tools
#[derive(Debug, Subcommand)]
pub(crate) enum ToolCommand {
    /// List the tools, their effects and what they want to touch
    List {
        /// Write a JSON array, with the schemas of the arguments
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(command: &ToolCommand) -> Result<u8, Failure> {
    let ToolCommand::List { json } = command;
    let host = ToolHost::builder()
        .cache_dir(Some(Folders::of_user()?.tools))
        .build()?;
    if *json {
        screen::out_json(&host.specs());
    } else {
        screen::out(&host.specs().iter().map(described).collect::<String>());
    }
    Ok(0)
}

fn described(spec: &ToolSpec) -> String {
    let effect = match spec.effect {
        Effect::Pure => "pure",
        Effect::Idempotent => "idempotent",
        Effect::Once => "once",
        Effect::Compensable => "compensable",
    };
    let isolation = match spec.isolation {
        Isolation::Sandboxed => "sandboxed",
        Isolation::Native => "native",
    };
    let accesses = spec.accesses.iter().map(|access| match &access.argument {
        Some(argument) => format!("{} `{}`", access.capability, escape::line(argument, 40)),
        None => format!("{} of the workspace", access.capability),
    });
    let accesses: Vec<String> = accesses.collect();
    let wants = if accesses.is_empty() {
        "nothing".to_owned()
    } else {
        accesses.join(", ")
    };
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{}  ({effect}, {isolation}, wants {wants})",
        escape::line(&spec.name, 60)
    );
    let _ = writeln!(text, "    {}", escape::line(&spec.description, 300));
    text
}

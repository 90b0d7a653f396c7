//! `leadhand tool list`.

use crate::failure::Failure;
use crate::project::{Project, ProjectOptions};
use crate::screen;
use leadhand::rooms::inspector::escape;
use leadhand::rooms::protocol::Isolation;
use leadhand::rooms::runtime::run_tool_specs;
use leadhand::{Access, Effect, ToolSpec};
use std::fmt::Write;

pub(super) fn run(json: bool, options: &ProjectOptions) -> Result<u8, Failure> {
    let project = Project::open(options)?;
    let host = project.components().host(project.host_builder())?;
    let mut specs = host.specs().to_vec();
    specs.extend(run_tool_specs());
    if json {
        screen::out_json(&specs);
        return Ok(0);
    }
    screen::out(&specs.iter().map(described).collect::<String>());
    for tool in project.components().runners_to_build() {
        screen::note(&format!(
            "{tool} is not built yet: `leadhand tool build {tool}` builds it"
        ));
    }
    Ok(0)
}

/// A tool in two lines: its name with what it does to the world, and its description.
pub(super) fn described(spec: &ToolSpec) -> String {
    let effect = match spec.effect {
        Effect::Pure => "pure",
        Effect::Idempotent => "idempotent",
        Effect::Once => "once",
        Effect::Compensable => "compensable",
    };
    let isolation = match spec.isolation {
        Isolation::Sandboxed => "sandboxed",
        Isolation::Native => "native: not sandboxed",
    };
    let accesses: Vec<String> = spec.accesses.iter().map(wanted).collect();
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

fn wanted(access: &Access) -> String {
    let methods: String = access
        .methods
        .iter()
        .map(|method| format!(" {}", escape::line(method, 20)))
        .collect();
    match &access.argument {
        Some(argument) => format!(
            "{}{methods} `{}`",
            access.capability,
            escape::line(argument, 40)
        ),
        None => format!("{}{methods} of the workspace", access.capability),
    }
}

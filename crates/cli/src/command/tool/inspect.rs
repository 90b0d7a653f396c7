//! `leadhand tool inspect`: what a component is and wants, before anybody trusts it. It is
//! compiled and asked for its tools in the sandbox, without any grant; none of them is called.

use super::list::described;
use super::powers::{Power, Reach, powers, reaches};
use crate::components::host_builder;
use crate::failure::Failure;
use crate::files;
use crate::project::{Project, ProjectOptions};
use crate::screen;
use clap::Args;
use leadhand::rooms::inspector::escape;
use leadhand::rooms::sandbox::ToolHost;
use leadhand::{ContentHash, ToolSpec};
use leadhand_tool_build::Outline;
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;

/// Largest component, in bytes; as large as the sandbox takes.
const COMPONENT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Longest text shown of a schema, in characters.
const SCHEMA_CHARS_MAX: usize = 2_000;

/// Show what a tool imports and wants, and the most that rules would let it do
#[derive(Debug, Args)]
pub(crate) struct InspectArguments {
    /// A tool of `tool list`, or the file of a component
    #[arg(value_name = "NAME|FILE")]
    tool: String,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
}

/// All that is known of a component.
#[derive(Debug, Serialize)]
struct Inspection {
    component: String,
    bytes: usize,
    sha256: ContentHash,
    imports: Vec<Power>,
    exports: Vec<String>,
    tools: Vec<Inspected>,
}

#[derive(Debug, Serialize)]
struct Inspected {
    #[serde(flatten)]
    spec: ToolSpec,
    at_most: Vec<Reach>,
}

pub(super) fn run(arguments: &InspectArguments, options: &ProjectOptions) -> Result<u8, Failure> {
    let project = Project::open(options)?;
    let (name, bytes) = component(&project, &arguments.tool)?;
    let outline = Outline::of(&bytes)
        .map_err(|why| Failure::usage(format!("{name}: this is no component: {why}"), ""))?;
    let host = host_builder(&project.folders)
        .standard_tools(false)
        .component(name.as_str(), bytes.as_slice())
        .build();
    let rules = project.all_rules();
    let tools = host.as_ref().map_or(&[][..], ToolHost::specs);
    let inspection = Inspection {
        component: name,
        bytes: bytes.len(),
        sha256: ContentHash::of(&bytes),
        imports: powers(&outline.imports),
        exports: outline.exports,
        tools: tools
            .iter()
            .map(|spec| Inspected {
                at_most: reaches(spec, &rules),
                spec: spec.clone(),
            })
            .collect(),
    };
    if arguments.json {
        screen::out_json(&inspection);
    } else {
        screen::out(&text(&inspection));
    }
    host?;
    Ok(0)
}

/// The component of a file, or the one that holds a tool of this name.
fn component(project: &Project, named: &str) -> Result<(String, Vec<u8>), Failure> {
    let path = project.folder.join(named);
    if is_file_name(named) {
        return Ok((
            named.to_owned(),
            files::read_bytes(&path, COMPONENT_BYTES_MAX)?,
        ));
    }
    let standard = ToolHost::standard()
        .map(|(name, bytes)| (format!("{name} (part of the program)"), bytes.to_vec()))
        .map(Ok::<_, Failure>);
    let components = project.components();
    let own = components.files().map(|file| {
        let bytes = files::read_bytes(file, COMPONENT_BYTES_MAX)?;
        Ok((file.display().to_string(), bytes))
    });
    for component in standard.chain(own) {
        let (name, bytes): (String, Vec<u8>) = component?;
        let host = host_builder(&project.folders)
            .standard_tools(false)
            .component(name.as_str(), bytes.as_slice())
            .build()?;
        if host.specs().iter().any(|spec| spec.name == named) {
            return Ok((name, bytes));
        }
    }
    Err(no_such_tool(named))
}

/// Whether an argument means a file, and not a tool: no name of a tool has a dot or a slash.
pub(super) fn is_file_name(named: &str) -> bool {
    named.contains(['.', '/']) || Path::new(named).is_absolute()
}

pub(super) fn no_such_tool(named: &str) -> Failure {
    let built = crate::components::how_to_build(&format!("no tool `{named}`"));
    let hint = if built.is_empty() {
        "`leadhand tool list` shows the tools there are; the file of a component ends in .wasm"
            .to_owned()
    } else {
        built.trim_start_matches("; ").to_owned()
    };
    Failure::usage(format!("there is no tool `{named}`"), hint)
}

fn text(inspection: &Inspection) -> String {
    let mut text = String::new();
    let size = leadhand::rooms::inspector::words::number(inspection.bytes as u64);
    let _ = writeln!(text, "{}", escape::line(&inspection.component, 300));
    let _ = writeln!(text, "  {size} bytes, sha256 {}", inspection.sha256);
    let _ = writeln!(text, "imports");
    for power in &inspection.imports {
        let _ = writeln!(text, "  {}", power.about);
        for interface in &power.interfaces {
            let _ = writeln!(text, "      {}", escape::line(interface, 200));
        }
    }
    if inspection.imports.is_empty() {
        let _ = writeln!(text, "  nothing: it can only compute");
    }
    let exports = inspection.exports.join(", ");
    let _ = writeln!(text, "exports {}", escape::line(&exports, 300));
    for tool in &inspection.tools {
        let _ = write!(text, "\n{}", described(&tool.spec));
        let shown = |value: &serde_json::Value| escape::line(&value.to_string(), SCHEMA_CHARS_MAX);
        let _ = writeln!(text, "    arguments {}", shown(&tool.spec.arguments));
        if let Some(result) = &tool.spec.result {
            let _ = writeln!(text, "    result {}", shown(result));
        }
        for reach in &tool.at_most {
            let _ = writeln!(
                text,
                "    at most {}",
                escape::line(&reach.described(), 2_000)
            );
        }
    }
    text
}

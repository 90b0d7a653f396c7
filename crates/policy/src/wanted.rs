//! What one call wants to touch: the tool says which arguments name resources, the call says
//! which resources these are. An argument of the wrong shape is refused, never guessed at.

use crate::path;
use leadhand_protocol::{Access, Capability, ToolCall, ToolSpec};
use serde_json::Value;

/// Most resources one argument may name.
const RESOURCES_MAX: usize = 1_000;

/// A capability on one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) capability: Capability,
    pub(crate) resource: Resource,
}

/// A resource as the rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resource {
    /// Names of a path from the top of the workspace, as written and in lower case.
    Path {
        written: String,
        names: Vec<Vec<char>>,
        folded: Vec<Vec<char>>,
    },
    /// Anything else; compared whole.
    Named(String),
    /// All there is.
    All,
}

impl Resource {
    pub(crate) fn path(text: &str) -> Result<Self, String> {
        let names = path::names(text)?;
        Ok(Self::Path {
            written: if names.is_empty() {
                ".".to_owned()
            } else {
                names.join("/")
            },
            folded: path::folded(&names),
            names: path::characters(&names),
        })
    }

    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Path { written, .. } => written.clone(),
            Self::Named(name) => name
                .chars()
                .take(80)
                .collect::<String>()
                .escape_debug()
                .to_string(),
            Self::All => "**".to_owned(),
        }
    }
}

/// Whether resources of this capability are paths within the workspace.
pub(crate) fn is_of_files(capability: Capability) -> bool {
    matches!(capability, Capability::FsRead | Capability::FsWrite)
}

/// Everything the call wants; empty for a tool that touches nothing.
pub(crate) fn wanted(tool: &ToolSpec, call: &ToolCall) -> Result<Vec<Wanted>, String> {
    if !call.arguments.is_object() {
        return Err(format!(
            "the arguments of `{}` must be a JSON object",
            call.name
        ));
    }
    let mut wanted = Vec::new();
    for access in &tool.accesses {
        for resource in resources(access, call)? {
            let one = Wanted {
                capability: access.capability,
                resource,
            };
            if !wanted.contains(&one) {
                wanted.push(one);
            }
        }
    }
    Ok(wanted)
}

fn resources(access: &Access, call: &ToolCall) -> Result<Vec<Resource>, String> {
    let of_files = is_of_files(access.capability);
    // To look round in the workspace a tool needs no grant on all of it: the sandbox shows it
    // only what it was granted. To change something it does not name, it does.
    let unnamed = match access.capability {
        Capability::FsRead => Resource::path("")?,
        _ => Resource::All,
    };
    let Some(argument) = &access.argument else {
        return Ok(vec![unnamed]);
    };
    let one = |value: &Value| match value {
        Value::String(text) if of_files => Resource::path(text),
        Value::String(text) => Ok(Resource::Named(text.clone())),
        _ => Err(format!(
            "the argument `{argument}` of `{}` must be a text",
            call.name
        )),
    };
    match call.arguments.get(argument) {
        None | Some(Value::Null) => Ok(vec![unnamed]),
        Some(Value::Array(values)) if values.len() > RESOURCES_MAX => Err(format!(
            "the argument `{argument}` names more than {RESOURCES_MAX} resources"
        )),
        Some(Value::Array(values)) => values.iter().map(one).collect(),
        Some(value) => Ok(vec![one(value)?]),
    }
}

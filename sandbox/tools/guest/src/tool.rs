//! The table of a component's tools. One row gives the description for the model, the JSON
//! Schema and the check of the arguments, so that the three cannot disagree.

use crate::Arguments;
use crate::bindings::{
    Guest,
    leadhand::tool::types::{Access, CallInfo, Effect, ErrorKind, ToolError, ToolOutput, ToolSpec},
};
use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

/// One tool of a component.
pub struct Tool {
    /// Its name, `[a-z0-9_]`.
    pub name: &'static str,
    /// For the model: what it does, in few words.
    pub description: &'static str,
    /// What it takes, required ones first.
    pub arguments: &'static [Argument],
    /// What it does to the world.
    pub effect: Effect,
    /// Capabilities it needs, each with the argument that names the resource.
    pub accesses: &'static [(&'static str, Option<&'static str>)],
    /// Runs it; the text is for the model.
    pub run: fn(&Arguments) -> Result<String, ToolError>,
}

/// One argument of a tool.
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// Whether a call without it is refused.
    pub required: bool,
    /// For the model, in few words.
    pub description: &'static str,
}

impl Argument {
    /// An argument that every call must have.
    pub const fn required(name: &'static str, kind: Kind, description: &'static str) -> Self {
        Self {
            name,
            kind,
            required: true,
            description,
        }
    }

    /// An argument that may be left out.
    pub const fn optional(name: &'static str, kind: Kind, description: &'static str) -> Self {
        Self {
            name,
            kind,
            required: false,
            description,
        }
    }
}

/// What an argument may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// A whole number from 1.
    Count,
    /// `true` or `false`.
    Flag,
}

impl Kind {
    fn schema(self) -> &'static str {
        match self {
            Self::Text => r#""type":"string""#,
            Self::Count => r#""type":"integer","minimum":1"#,
            Self::Flag => r#""type":"boolean""#,
        }
    }
}

/// A failure in words for the model. `message` says what was wrong and what to do instead.
pub fn fault(kind: ErrorKind, message: impl Into<String>) -> ToolError {
    ToolError {
        kind,
        message: message.into(),
        retryable: false,
    }
}

/// The tools of a component; implemented by [`crate::export_tools!`].
pub trait ToolTable {
    /// The table.
    const TOOLS: &'static [Tool];
}

impl<T: ToolTable> Guest for T {
    fn specs() -> Vec<ToolSpec> {
        T::TOOLS.iter().map(spec).collect()
    }

    fn call(_: CallInfo, name: String, arguments: String) -> Result<ToolOutput, ToolError> {
        let Some(tool) = T::TOOLS.iter().find(|tool| tool.name == name) else {
            let names: Vec<&str> = T::TOOLS.iter().map(|tool| tool.name).collect();
            let message = format!(
                "There is no tool `{name}`; there are: {}.",
                names.join(", ")
            );
            return Err(fault(ErrorKind::UnknownTool, message));
        };
        let arguments = Arguments::check(tool, &arguments)?;
        (tool.run)(&arguments).map(|text| ToolOutput { text })
    }
}

fn spec(tool: &Tool) -> ToolSpec {
    ToolSpec {
        name: tool.name.to_owned(),
        description: tool.description.to_owned(),
        arguments_schema: schema(tool),
        result_schema: None,
        effect: tool.effect,
        accesses: tool
            .accesses
            .iter()
            .map(|&(capability, argument)| Access {
                capability: capability.to_owned(),
                argument: argument.map(ToOwned::to_owned),
                methods: Vec::new(),
            })
            .collect(),
    }
}

/// Written as text and not as a value, to keep the properties in the order of the table:
/// models fill in arguments in the order in which they read them.
fn schema(tool: &Tool) -> String {
    let properties: Vec<String> = tool
        .arguments
        .iter()
        .map(|argument| {
            let description = serde_json::Value::from(argument.description);
            format!(
                r#""{}":{{{},"description":{description}}}"#,
                argument.name,
                argument.kind.schema()
            )
        })
        .collect();
    let required: Vec<String> = tool
        .arguments
        .iter()
        .filter(|argument| argument.required)
        .map(|argument| format!(r#""{}""#, argument.name))
        .collect();
    format!(
        r#"{{"type":"object","properties":{{{}}},"required":[{}],"additionalProperties":false}}"#,
        properties.join(","),
        required.join(","),
    )
}

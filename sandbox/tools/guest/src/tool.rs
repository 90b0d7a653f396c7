//! The table of a component's tools. One row gives the description for the model, the JSON
//! Schema and the check of the arguments, so that the three cannot disagree.

use crate::Arguments;
use crate::bindings::{
    Guest,
    leadhand::tool::types::{Access, CallInfo, Effect, ErrorKind, ToolError, ToolOutput, ToolSpec},
};

/// Longest answer of a tool, in bytes: what a small model can take in, and what a runtime
/// puts into a prompt without cutting it again.
pub const ANSWER_BYTES_MAX: usize = 7_600;

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
    /// What it needs.
    pub wants: &'static [Want],
    /// JSON Schema of its answer, when that is JSON.
    pub result: Option<&'static str>,
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
    /// Whether a call without it touches nothing of what it would name: another argument takes
    /// its place. Else one that names a resource means all there is when it is left out.
    pub replaceable: bool,
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
            replaceable: false,
            description,
        }
    }

    /// An argument that may be left out.
    pub const fn optional(name: &'static str, kind: Kind, description: &'static str) -> Self {
        Self {
            name,
            kind,
            required: false,
            replaceable: false,
            description,
        }
    }

    /// An argument that may be left out when another one takes its place.
    pub const fn replaceable(name: &'static str, kind: Kind, description: &'static str) -> Self {
        Self {
            replaceable: true,
            ..Self::optional(name, kind, description)
        }
    }
}

/// One capability that a tool needs.
pub struct Want {
    capability: &'static str,
    argument: Option<&'static str>,
    methods: &'static [&'static str],
}

impl Want {
    /// A capability on the resource that an argument names.
    pub const fn of(capability: &'static str, argument: &'static str) -> Self {
        Self {
            capability,
            argument: Some(argument),
            methods: &[],
        }
    }

    /// A capability on a resource that no argument names.
    pub const fn any(capability: &'static str) -> Self {
        Self {
            capability,
            argument: None,
            methods: &[],
        }
    }

    /// Requests to the URL that an argument names, by these methods.
    pub const fn net(argument: &'static str, methods: &'static [&'static str]) -> Self {
        Self {
            capability: "net",
            argument: Some(argument),
            methods,
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
    /// A whole number from the first to the second.
    Integer(i64, i64),
    /// One of these strings.
    Choice(&'static [&'static str]),
    /// Strings.
    Texts,
    /// An object with any content.
    Object,
}

impl Kind {
    fn schema(self) -> String {
        match self {
            Self::Text => r#""type":"string""#.to_owned(),
            Self::Count => r#""type":"integer","minimum":1"#.to_owned(),
            Self::Flag => r#""type":"boolean""#.to_owned(),
            Self::Integer(min, max) => {
                format!(r#""type":"integer","minimum":{min},"maximum":{max}"#)
            }
            Self::Choice(choices) => {
                let choices = serde_json::Value::from(choices.to_vec());
                format!(r#""type":"string","enum":{choices}"#)
            }
            Self::Texts => r#""type":"array","items":{"type":"string"}"#.to_owned(),
            Self::Object => r#""type":"object""#.to_owned(),
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
        result_schema: tool.result.map(ToOwned::to_owned),
        effect: tool.effect,
        accesses: tool
            .wants
            .iter()
            .map(|want| Access {
                capability: want.capability.to_owned(),
                argument: want.argument.map(ToOwned::to_owned),
                methods: want.methods.iter().map(|&method| method.into()).collect(),
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
            let default = if argument.replaceable {
                r#","default":null"#
            } else {
                ""
            };
            format!(
                r#""{}":{{{},"description":{description}{default}}}"#,
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

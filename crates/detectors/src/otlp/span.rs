//! One span: what of its attributes says who did what, and what came of it.

use crate::Came;
use crate::trace::{TraceCall, kept};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A status of OTLP that says that it failed, as number and as name.
const FAILED: [&str; 2] = ["2", "STATUS_CODE_ERROR"];
/// A status of OTLP that says that it did what it is for; none says nothing.
const DONE: [&str; 2] = ["1", "STATUS_CODE_OK"];
/// Nanoseconds of a millisecond.
const NANOS: u64 = 1_000_000;

/// A span as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(super) struct Raw {
    trace_id: String,
    span_id: String,
    parent_span_id: String,
    name: String,
    end_time_unix_nano: Value,
    attributes: Vec<Attribute>,
    status: Status,
    events: Vec<Happened>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Attribute {
    key: String,
    value: Value,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    code: Value,
    message: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Happened {
    attributes: Vec<Attribute>,
}

/// A span as far as it matters.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) id: String,
    pub(super) parent: String,
    pub(super) name: String,
    pub(super) agent: Option<String>,
    pub(super) ended_nanos: u64,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// A model was asked.
    Model { said: String, calls: Vec<Wanted> },
    /// A tool was called; the id is the model's name for the call.
    Tool { id: String, call: TraceCall },
    /// What goes on around those.
    Other,
}

/// A call that a model wants.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) id: String,
    pub(super) tool: String,
    pub(super) arguments: Value,
}

impl Span {
    pub(super) fn ended_ms(&self) -> Option<u64> {
        (self.ended_nanos > 0).then_some(self.ended_nanos / NANOS)
    }
}

/// The span, and the id of its trace.
pub(super) fn read(raw: Raw) -> (String, Span) {
    let attributes = Attributes(raw.attributes);
    let operation = attributes.text(&["gen_ai.operation.name"]);
    let kind = attributes.text(&["openinference.span.kind"]).to_uppercase();
    let is_agent = operation == "invoke_agent" || kind == "AGENT";
    let named = attributes.text(&["gen_ai.agent.name", "agent_name", "agent.name"]);
    let agent = match (named.is_empty(), is_agent) {
        (false, _) => Some(named),
        (true, true) => Some(raw.name.clone()),
        (true, false) => None,
    };
    let of_model = matches!(
        operation.as_str(),
        "chat" | "text_completion" | "generate_content"
    );
    let kind = if operation == "execute_tool" || kind == "TOOL" {
        tool(&attributes, &raw.name, &raw.status, &raw.events)
    } else if of_model || kind == "LLM" {
        model(&attributes)
    } else {
        Kind::Other
    };
    let ended = shown(&raw.end_time_unix_nano).parse().unwrap_or_default();
    let span = Span {
        id: raw.span_id,
        parent: raw.parent_span_id,
        name: raw.name,
        agent,
        ended_nanos: ended,
        kind,
    };
    (raw.trace_id, span)
}

fn tool(attributes: &Attributes, name: &str, status: &Status, events: &[Happened]) -> Kind {
    let named = attributes.text(&["gen_ai.tool.name", "tool.name"]);
    let arguments = [
        "gen_ai.tool.call.arguments",
        "tool_arguments",
        "input.value",
    ];
    let results = ["gen_ai.tool.call.result", "tool_response", "output.value"];
    let code = shown(&status.code);
    let came = if FAILED.contains(&code.as_str()) {
        Came::Failed
    } else if DONE.contains(&code.as_str()) {
        Came::Done
    } else {
        Came::Unknown
    };
    let mut result = attributes.text(&results);
    if result.is_empty() && came == Came::Failed {
        let told = events.iter().flat_map(|event| &event.attributes);
        let told = told.filter(|attribute| attribute.key == "exception.message");
        let exception = told.map(|attribute| shown(&plain(&attribute.value))).next();
        result = exception.unwrap_or_else(|| status.message.clone());
    }
    Kind::Tool {
        id: attributes.text(&["gen_ai.tool.call.id", "tool_call.id"]),
        call: TraceCall {
            tool: if named.is_empty() {
                name.to_owned()
            } else {
                named
            },
            arguments: parsed(&attributes.text(&arguments)),
            result: kept(result),
            came,
            ..TraceCall::default()
        },
    }
}

fn model(attributes: &Attributes) -> Kind {
    let messages = parsed(&attributes.text(&["gen_ai.output.messages"]));
    let (mut said, mut calls) = by_conventions(&messages);
    if said.is_empty() && calls.is_empty() {
        (said, calls) = attributes.by_openinference();
    }
    if said.is_empty() && calls.is_empty() {
        said = attributes.text(&["output.value"]);
    }
    Kind::Model {
        said: kept(said),
        calls,
    }
}

/// The parts of messages, as the conventions of OpenTelemetry have them.
fn by_conventions(messages: &Value) -> (String, Vec<Wanted>) {
    let (mut said, mut calls) = (String::new(), Vec::new());
    let messages = messages.as_array().into_iter().flatten();
    let parts = messages.filter_map(|message| message["parts"].as_array());
    for part in parts.flatten() {
        match part["type"].as_str() {
            Some("text") => said.push_str(part["content"].as_str().unwrap_or_default()),
            Some("tool_call") => calls.push(Wanted {
                id: shown(&part["id"]),
                tool: shown(&part["name"]),
                arguments: match &part["arguments"] {
                    Value::String(text) => parsed(text),
                    value => value.clone(),
                },
            }),
            Some(_) | None => {}
        }
    }
    (said, calls)
}

struct Attributes(Vec<Attribute>);

impl Attributes {
    /// The first of these that is there, as a text; empty where none is.
    fn text(&self, keys: &[&str]) -> String {
        let of = |key: &&str| self.0.iter().find(|attribute| attribute.key == *key);
        let found = keys.iter().find_map(of);
        found.map_or(String::new(), |found| shown(&plain(&found.value)))
    }

    /// OpenInference writes messages flat, one attribute a field.
    fn by_openinference(&self) -> (String, Vec<Wanted>) {
        let (mut said, mut calls) = (String::new(), Vec::new());
        for Attribute { key, value } in &self.0 {
            if !key.starts_with("llm.output_messages.") {
                continue;
            }
            if key.ends_with(".message.content") {
                said.push_str(&shown(&plain(value)));
            } else if let Some(call) = key.strip_suffix(".function.name") {
                calls.push(Wanted {
                    id: self.text(&[&format!("{call}.id")]),
                    tool: shown(&plain(value)),
                    arguments: parsed(&self.text(&[&format!("{call}.function.arguments")])),
                });
            }
        }
        (said, calls)
    }
}

/// A value of OTLP without the name of its type. How deep it goes is bounded by the JSON reader.
fn plain(value: &Value) -> Value {
    let Some((kind, value)) = value.as_object().and_then(|object| object.iter().next()) else {
        return Value::Null;
    };
    let values = value["values"].as_array().into_iter().flatten();
    match kind.as_str() {
        "arrayValue" => values.map(plain).collect(),
        "kvlistValue" => {
            let pairs = values.map(|pair| (shown(&pair["key"]), plain(&pair["value"])));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
        _ => value.clone(),
    }
}

/// A value as a text: a string as it is, nothing as nothing, else as JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// What a text holds where it is an object or a list in JSON, else the text.
fn parsed(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => value,
        Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | Err(_) => {
            Value::String(kept(text.to_owned()))
        }
    }
}

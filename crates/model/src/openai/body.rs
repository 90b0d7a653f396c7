//! The body of a chat-completions request, borrowed from the prompt. The format is that of
//! OpenAI's API reference, `POST /chat/completions`.

use super::fault::Offence;
use super::schema::without_places;
use crate::dialect::{Prompt, PromptEntry};
use leadhand_protocol::{ModelRequest, ToolCall, ToolSpec};
use serde::Serialize;
use serde::ser::Serializer;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Parts that this endpoint turned out not to take. Learnt once, kept for good.
#[derive(Debug, Default)]
pub(super) struct LeftOut(AtomicU8);

impl LeftOut {
    pub(super) fn has(&self, part: Offence) -> bool {
        self.0.load(Ordering::Relaxed) & part as u8 != 0
    }

    /// Whether this was news; else leaving it out did not help.
    pub(super) fn add(&self, part: Offence) -> bool {
        self.0.fetch_or(part as u8, Ordering::Relaxed) & part as u8 == 0
    }
}

#[derive(Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    #[serde(serialize_with = "each_entry")]
    messages: &'a Prompt<'a>,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "each_tool")]
    tools: &'a [ToolSpec],
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<Value>,
}

/// The entries of a prompt, turned into those of the body one by one as they are written.
fn each_entry<S: Serializer>(prompt: &Prompt<'_>, to: S) -> Result<S::Ok, S::Error> {
    let entries = prompt.entries();
    to.collect_seq(entries.map(|given| entry(given, prompt.sends_tools)))
}

#[derive(Serialize)]
#[serde(tag = "role", rename_all = "lowercase")]
enum Entry<'a> {
    System {
        content: Cow<'a, str>,
    },
    User {
        content: Cow<'a, str>,
    },
    Assistant {
        content: Option<Cow<'a, str>>,
        #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "each_call")]
        tool_calls: &'a [Arc<ToolCall>],
    },
    Tool {
        tool_call_id: &'a str,
        content: &'a str,
    },
}

#[derive(Serialize)]
struct Call<'a> {
    id: &'a str,
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    #[serde(serialize_with = "as_text")]
    arguments: &'a Value,
}

fn each_call<S: Serializer>(calls: &[Arc<ToolCall>], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(calls.iter().map(|call| Call {
        id: &call.id,
        r#type: "function",
        function: Function {
            name: &call.name,
            arguments: &call.arguments,
        },
    }))
}

fn each_tool<S: Serializer>(tools: &[ToolSpec], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(tools.iter().map(tool))
}

/// Arguments go out as JSON in a string.
fn as_text<S: Serializer>(arguments: &Value, to: S) -> Result<S::Ok, S::Error> {
    let text = serde_json::to_string(arguments).map_err(serde::ser::Error::custom)?;
    to.serialize_str(&text)
}

#[derive(Serialize)]
struct Tool<'a> {
    r#type: &'static str,
    function: ToolFunction<'a>,
}

#[derive(Serialize)]
struct ToolFunction<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a Value,
}

/// The body for one request. `is_openai` chooses the name of the token limit, which OpenAI
/// changed and others did not.
pub(super) fn body<'a>(
    model: &'a str,
    request: &'a ModelRequest,
    prompt: &'a Prompt<'a>,
    left_out: &LeftOut,
    is_openai: bool,
    streams: bool,
) -> Body<'a> {
    let limit = Some(request.output_tokens_max).filter(|tokens| *tokens > 0);
    let new_name = is_openai != left_out.has(Offence::LimitName);
    let keeps = |part| !left_out.has(part);
    let tools = if prompt.sends_tools {
        &request.tools[..]
    } else {
        &[]
    };
    Body {
        model,
        messages: prompt,
        tools,
        response_format: prompt
            .schema
            .as_ref()
            .filter(|_| keeps(Offence::Schema))
            .map(|schema| {
                let schema = without_places(schema);
                let named = json!({ "name": "reply", "schema": schema, "strict": false });
                json!({ "type": "json_schema", "json_schema": named })
            }),
        max_tokens: limit.filter(|_| !new_name),
        max_completion_tokens: limit.filter(|_| new_name),
        temperature: keeps(Offence::Temperature)
            .then(|| f64::from(request.temperature_milli) / 1000.0),
        // Servers differ in how long a seed may be; 31 bits suit them all.
        seed: keeps(Offence::Seed).then_some(request.seed & 0x7FFF_FFFF),
        stream: streams,
        stream_options: (streams && keeps(Offence::StreamOptions))
            .then(|| json!({ "include_usage": true })),
    }
}

fn tool(spec: &ToolSpec) -> Tool<'_> {
    let function = ToolFunction {
        name: &spec.name,
        description: &spec.description,
        parameters: &spec.arguments,
    };
    Tool {
        r#type: "function",
        function,
    }
}

fn entry(entry: PromptEntry<'_>, is_native: bool) -> Entry<'_> {
    match entry {
        PromptEntry::System(text) => Entry::System { content: text },
        PromptEntry::User(text) => Entry::User { content: text },
        PromptEntry::Assistant(text, calls) => Entry::Assistant {
            // Some servers refuse an empty string beside calls.
            content: Some(text).filter(|text| !text.is_empty() || calls.is_empty()),
            tool_calls: calls,
        },
        PromptEntry::Tool { call_id, text, .. } if is_native => Entry::Tool {
            tool_call_id: call_id,
            content: text,
        },
        // A server that was sent no tools may refuse the role.
        PromptEntry::Tool { name, text, .. } => Entry::User {
            content: Cow::Owned(format!("Result of {name}:\n{text}")),
        },
    }
}

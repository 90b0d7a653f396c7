//! A request in the words of a style. What was said in earlier turns is rendered from the
//! conversation alone, so the beginning of a prompt never changes between turns.

use super::describe::{describe_shape, describe_tools};
use super::schema::{output_schema, reply_schema};
use super::{Prompt, PromptEntry};
use crate::ToolStyle;
use leadhand_protocol::{ChatMessage, ModelRequest, OutputFormat, ToolCall};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::sync::Arc;

pub(super) fn render(request: &ModelRequest, style: ToolStyle) -> Prompt<'_> {
    let head = instructions(request, style).map(|added| match request.messages.first() {
        Some(first) if is_system(first) => format!("{}\n\n{added}", first.text()),
        _ => added,
    });
    let has_tools = !request.tools.is_empty();
    Prompt {
        request,
        style,
        head,
        schema: schema(request, style),
        sends_tools: has_tools && style == ToolStyle::Native,
    }
}

pub(super) fn entries<'a>(prompt: &'a Prompt<'_>) -> impl Iterator<Item = PromptEntry<'a>> {
    let (request, style) = (prompt.request, prompt.style);
    let head = prompt.head.as_deref();
    let messages = match &request.messages[..] {
        [first, others @ ..] if head.is_some() && is_system(first) => others,
        all => all,
    };
    let head = head.map(|text| PromptEntry::System(text.into()));
    let others = messages.iter().map(move |said| entry(said, request, style));
    head.into_iter().chain(others)
}

fn is_system(message: &ChatMessage) -> bool {
    matches!(message, ChatMessage::System { .. })
}

fn schema(request: &ModelRequest, style: ToolStyle) -> Option<Value> {
    let is_json = request.output != OutputFormat::Text;
    match style {
        ToolStyle::Structured if !request.tools.is_empty() => {
            Some(reply_schema(&request.tools, &request.output))
        }
        // Held to a schema, a native model could not call a tool any more.
        ToolStyle::Native if !request.tools.is_empty() => None,
        ToolStyle::Structured | ToolStyle::Native if is_json => {
            Some(output_schema(&request.output))
        }
        ToolStyle::Structured | ToolStyle::Native | ToolStyle::Text => None,
    }
}

/// What is said about tools and the shape of the answer, at the end of the system prompt.
fn instructions(request: &ModelRequest, style: ToolStyle) -> Option<String> {
    let shape = match &request.output {
        OutputFormat::Text => None,
        OutputFormat::Json { schema, .. } => Some(describe_shape(schema)),
    };
    let tools = || describe_tools(&request.tools);
    match (style, request.tools.is_empty(), shape) {
        (_, true, None) | (ToolStyle::Native, false, None) => None,
        (_, true, Some(shape)) => Some(format!(
            "Answer with one JSON value and nothing else, of this type:\n{shape}"
        )),
        (ToolStyle::Native, false, Some(shape)) => Some(format!(
            "Once you need no more tools, answer with one JSON value and nothing else, of this \
             type:\n{shape}"
        )),
        (ToolStyle::Structured, false, shape) => Some(format!(
            "# Tools\n{}\n\nAnswer with one JSON object and nothing else. To call a tool: \
             {{\"tool\":\"NAME\",\"arguments\":{{…}}}}. You then get its result. When the task is \
             done: {{\"final\":ANSWER}}, where ANSWER is {}.",
            tools(),
            shape.map_or("your whole answer as a string".to_owned(), |s| format!(
                "of the type {s}"
            ))
        )),
        (ToolStyle::Text, false, shape) => Some(format!(
            "# Tools\n{}\n\nTo call a tool, write this block and then stop; you get its \
             result:\n{}\nWhen you need no more tools, answer {}.",
            tools(),
            fenced("{\"tool\":\"NAME\",\"arguments\":{…}}"),
            shape.map_or("without such a block".to_owned(), |shape| {
                format!("with one JSON value and nothing else, of the type {shape}")
            })
        )),
    }
}

fn entry<'a>(
    message: &'a ChatMessage,
    request: &ModelRequest,
    style: ToolStyle,
) -> PromptEntry<'a> {
    match message {
        ChatMessage::System { text } => PromptEntry::System(text.into()),
        ChatMessage::User { text } => PromptEntry::User(text.into()),
        ChatMessage::Assistant { text, tool_calls } => match style {
            ToolStyle::Native => PromptEntry::Assistant(text.into(), tool_calls),
            ToolStyle::Structured => {
                PromptEntry::Assistant(structured(text, tool_calls, request), &[])
            }
            ToolStyle::Text => PromptEntry::Assistant(textual(text, tool_calls), &[]),
        },
        ChatMessage::Tool {
            call_id,
            name,
            text,
        } => PromptEntry::Tool {
            call_id,
            name,
            text,
        },
    }
}

/// A call as JSON on one line, exactly as a model that is held to the schema writes it.
pub(super) fn call_line(call: &ToolCall) -> String {
    json!({ "tool": call.name, "arguments": call.arguments }).to_string()
}

fn structured<'a>(text: &'a str, calls: &[Arc<ToolCall>], request: &ModelRequest) -> Cow<'a, str> {
    let is_already_shaped = text.starts_with("{\"tool\"") || text.starts_with("{\"final\"");
    if !calls.is_empty() {
        let lines = calls.iter().map(|call| call_line(call)).collect::<Vec<_>>();
        lines.join("\n").into()
    } else if request.tools.is_empty() || is_already_shaped {
        text.into()
    } else {
        let answer = match request.output {
            OutputFormat::Text => Value::String(text.to_owned()),
            OutputFormat::Json { .. } => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        };
        json!({ "final": answer }).to_string().into()
    }
}

fn textual<'a>(text: &'a str, calls: &[Arc<ToolCall>]) -> Cow<'a, str> {
    if calls.is_empty() {
        return text.into();
    }
    let mut whole = text.to_owned();
    for call in calls {
        if !whole.is_empty() {
            whole.push_str("\n\n");
        }
        whole.push_str(&fenced(&call_line(call)));
    }
    whole.into()
}

fn fenced(line: &str) -> String {
    format!("```json\n{line}\n```")
}

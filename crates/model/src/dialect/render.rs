//! A request in the words of a style. What was said in earlier turns is rendered from the
//! conversation alone, so the beginning of a prompt never changes between turns.

use super::describe::{describe_shape, describe_tools};
use super::schema::{output_schema, reply_schema};
use super::{Prompt, PromptEntry};
use crate::ToolStyle;
use leadhand_protocol::{ChatMessage, ModelRequest, OutputFormat, ToolCall};
use serde_json::{Value, json};

pub(super) fn render(request: &ModelRequest, style: ToolStyle) -> Prompt {
    let mut entries = Vec::with_capacity(request.messages.len() + 1);
    for message in &request.messages {
        entries.push(entry(message, request, style));
    }
    if let Some(added) = instructions(request, style) {
        match entries.first_mut() {
            Some(PromptEntry::System(text)) => {
                text.push_str("\n\n");
                text.push_str(&added);
            }
            _ => entries.insert(0, PromptEntry::System(added)),
        }
    }
    let has_tools = !request.tools.is_empty();
    Prompt {
        entries,
        schema: schema(request, style),
        sends_tools: has_tools && style == ToolStyle::Native,
    }
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
    let tools = describe_tools(&request.tools);
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
            "# Tools\n{tools}\n\nAnswer with one JSON object and nothing else. To call a tool: \
             {{\"tool\":\"NAME\",\"arguments\":{{…}}}}. You then get its result. When the task is \
             done: {{\"final\":ANSWER}}, where ANSWER is {}.",
            shape.map_or("your whole answer as a string".to_owned(), |s| format!(
                "of the type {s}"
            ))
        )),
        (ToolStyle::Text, false, shape) => Some(format!(
            "# Tools\n{tools}\n\nTo call a tool, write this block and then stop; you get its \
             result:\n{}\nWhen you need no more tools, answer {}.",
            fenced("{\"tool\":\"NAME\",\"arguments\":{…}}"),
            shape.map_or("without such a block".to_owned(), |shape| {
                format!("with one JSON value and nothing else, of the type {shape}")
            })
        )),
    }
}

fn entry(message: &ChatMessage, request: &ModelRequest, style: ToolStyle) -> PromptEntry {
    match message {
        ChatMessage::System { text } => PromptEntry::System(text.clone()),
        ChatMessage::User { text } => PromptEntry::User(text.clone()),
        ChatMessage::Assistant { text, tool_calls } => match style {
            ToolStyle::Native => PromptEntry::Assistant(text.clone(), tool_calls.clone()),
            ToolStyle::Structured => {
                PromptEntry::Assistant(structured(text, tool_calls, request), Vec::new())
            }
            ToolStyle::Text => PromptEntry::Assistant(textual(text, tool_calls), Vec::new()),
        },
        ChatMessage::Tool {
            call_id,
            name,
            text,
        } => PromptEntry::Tool {
            call_id: call_id.clone(),
            name: name.clone(),
            text: text.clone(),
        },
    }
}

/// A call as JSON on one line, exactly as a model that is held to the schema writes it.
pub(super) fn call_line(call: &ToolCall) -> String {
    json!({ "tool": call.name, "arguments": call.arguments }).to_string()
}

fn structured(text: &str, calls: &[ToolCall], request: &ModelRequest) -> String {
    let is_already_shaped = text.starts_with("{\"tool\"") || text.starts_with("{\"final\"");
    if !calls.is_empty() {
        calls.iter().map(call_line).collect::<Vec<_>>().join("\n")
    } else if request.tools.is_empty() || is_already_shaped {
        text.to_owned()
    } else {
        let answer = match request.output {
            OutputFormat::Text => Value::String(text.to_owned()),
            OutputFormat::Json { .. } => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        };
        json!({ "final": answer }).to_string()
    }
}

fn textual(text: &str, calls: &[ToolCall]) -> String {
    let mut whole = text.to_owned();
    for call in calls {
        if !whole.is_empty() {
            whole.push_str("\n\n");
        }
        whole.push_str(&fenced(&call_line(call)));
    }
    whole
}

fn fenced(line: &str) -> String {
    format!("```json\n{line}\n```")
}

//! Reads a model's reply: tool calls, the final answer, or what is wrong with it in words
//! that tell even a small model what to mend. A reply without a call is a final answer.

use super::find::{Found, find_json};
use super::json::{JsonFault, read_element, read_whole_json};
use super::{RawCall, RawReply};
use crate::ToolStyle;
use leadhand_protocol::{
    ChatMessage, FinishReason, ModelReply, ModelRequest, OutputFormat, ToolCall,
};
use serde_json::{Map, Value};

mod call;

use call::{Call, as_calls, looks_like_call, misshapen_call};
use std::sync::Arc;

/// What was made of a reply.
enum Reading {
    Calls { text: String, calls: Vec<Call> },
    Final(String),
    Malformed(String),
}

pub(super) fn read(request: &ModelRequest, style: ToolStyle, mut raw: RawReply) -> ModelReply {
    if let Some(said) = after_thoughts(&raw.text) {
        raw.text = said.to_owned();
    }
    let cut_off = raw.finish == FinishReason::Length;
    let reading = if !raw.calls.is_empty() {
        native(request, &mut raw)
    } else if style == ToolStyle::Structured && !request.tools.is_empty() {
        structured(request, &raw.text, cut_off)
    } else if !request.tools.is_empty() {
        in_text(request, &raw.text, cut_off)
    } else {
        final_answer(request, &raw.text, cut_off)
    };
    let mut reply = ModelReply {
        finish: raw.finish,
        ..ModelReply::default()
    };
    match reading {
        Reading::Calls { text, calls } => {
            reply.text = text;
            reply.tool_calls = with_ids(request, calls);
            if reply.finish == FinishReason::Stop {
                reply.finish = FinishReason::ToolCalls;
            }
        }
        Reading::Final(text) => {
            reply.text = text;
            if reply.finish == FinishReason::ToolCalls {
                reply.finish = FinishReason::Stop;
            }
        }
        Reading::Malformed(why) => {
            reply.text = raw.text;
            reply.malformed = Some(why);
        }
    }
    reply
}

/// What follows the thoughts that some models write down before their answer.
fn after_thoughts(text: &str) -> Option<&str> {
    let (_, said) = text
        .trim_start()
        .strip_prefix("<think>")?
        .split_once("</think>")?;
    Some(said.trim_start())
}

/// Takes the text and the calls out of a reply whose calls can be read.
fn native(request: &ModelRequest, raw: &mut RawReply) -> Reading {
    let cut_off = raw.finish == FinishReason::Length;
    let mut calls = Vec::with_capacity(raw.calls.len());
    for RawCall {
        id,
        name,
        arguments,
    } in std::mem::take(&mut raw.calls)
    {
        let read = match arguments.trim() {
            "" | "null" => Ok(Value::Object(Map::new())),
            text => read_whole_json(text, cut_off).map(|read| read.value),
        };
        let arguments = match read {
            Ok(Value::String(inner)) => read_whole_json(&inner, cut_off).map(|read| read.value),
            other => other,
        };
        match arguments {
            Ok(Value::Object(arguments)) => calls.push(Call {
                id,
                name,
                arguments: Value::Object(arguments),
            }),
            Ok(_) => return no_object(request, &name),
            Err(fault) => {
                let what = format!("The arguments of your call of `{name}`");
                return Reading::Malformed(broken(&what, &fault, cut_off, "Call it again"));
            }
        }
    }
    Reading::Calls {
        text: std::mem::take(&mut raw.text),
        calls,
    }
}

fn structured(request: &ModelRequest, text: &str, cut_off: bool) -> Reading {
    let read = match read_element(text.trim(), cut_off) {
        Ok(read) => read,
        // A server that ignores the schema lets the model write what it likes.
        Err(fault) if text.trim_start().starts_with('{') => {
            let again = format!("Write it again as {}", shapes());
            return Reading::Malformed(broken("Your answer", &fault, cut_off, &again));
        }
        Err(_) => return in_text(request, text, cut_off),
    };
    let after = text.trim()[read.end..].trim();
    let mut calls = as_calls(&read.value, &request.tools, true);
    if !calls.is_empty() {
        // Several calls on several lines, which some servers let through.
        for more in find_json(after, cut_off) {
            calls.extend(
                more.value
                    .iter()
                    .flat_map(|v| as_calls(v, &request.tools, true)),
            );
        }
        return Reading::Calls {
            text: String::new(),
            calls,
        };
    }
    if let Some(name) = misshapen_call(&read.value, &request.tools) {
        return no_object(request, name);
    }
    match read.value.get("final") {
        Some(answer) => finish(request, answer),
        None => in_text(request, text, cut_off),
    }
}

fn in_text(request: &ModelRequest, text: &str, cut_off: bool) -> Reading {
    let found = find_json(text, cut_off);
    let wants_json = request.output != OutputFormat::Text;
    let mut calls = Vec::new();
    let mut prose = String::new();
    let mut from = 0;
    let mut refused = None;
    for Found {
        range,
        value,
        is_marked,
        source,
    } in &found
    {
        let these = match value {
            Ok(value) => as_calls(value, &request.tools, !wants_json),
            Err(fault) => {
                if looks_like_call(source) && refused.is_none() {
                    refused = Some(fault.clone());
                }
                Vec::new()
            }
        };
        if these.is_empty()
            && !wants_json
            && let Ok(value) = value
            && let Some(name) = misshapen_call(value, &request.tools)
        {
            return no_object(request, name);
        }
        if !these.is_empty() {
            prose.push_str(&text[from..range.start]);
            from = range.end;
        } else if let Ok(value) = value
            && let Some(answer) = value.get("final")
            && calls.is_empty()
            && value.as_object().is_some_and(|fields| fields.len() == 1)
            && (*is_marked || range.start == 0)
        {
            return finish(request, answer);
        }
        calls.extend(these);
    }
    if let Some(fault) = refused {
        let again = format!("Write the call again as {}", shapes());
        return Reading::Malformed(broken("Your tool call", &fault, cut_off, &again));
    }
    if calls.is_empty() {
        return final_answer(request, text, cut_off);
    }
    prose.push_str(&text[from..]);
    Reading::Calls {
        text: prose.trim().to_owned(),
        calls,
    }
}

/// The value behind `final`.
fn finish(request: &ModelRequest, answer: &Value) -> Reading {
    match (&request.output, answer) {
        (OutputFormat::Text, Value::String(text)) => Reading::Final(text.clone()),
        (OutputFormat::Json { .. }, Value::String(text)) => final_answer(request, text, false),
        (_, other) => Reading::Final(other.to_string()),
    }
}

fn final_answer(request: &ModelRequest, text: &str, cut_off: bool) -> Reading {
    let OutputFormat::Json { schema, .. } = &request.output else {
        return if text.trim().is_empty() && cut_off {
            Reading::Malformed(TOO_LONG.to_owned())
        } else if text.trim().is_empty() {
            Reading::Malformed("Your answer is empty. Write the answer.".to_owned())
        } else {
            Reading::Final(text.to_owned())
        };
    };
    let trimmed = text.trim();
    let fault = match read_whole_json(trimmed, cut_off) {
        Ok(read) if read.repaired => return Reading::Final(read.value.to_string()),
        Ok(_) => return Reading::Final(trimmed.to_owned()),
        Err(fault) => fault,
    };
    let found = find_json(text, cut_off);
    let mut values = found
        .iter()
        .rev()
        .filter_map(|found| found.value.as_ref().ok());
    let required = schema.get("required").and_then(Value::as_array);
    let fits = |value: &&Value| {
        required.is_none_or(|names| {
            names
                .iter()
                .filter_map(Value::as_str)
                .all(|name| value.get(name).is_some())
        })
    };
    if let Some(value) = values.clone().find(fits).or_else(|| values.next()) {
        return Reading::Final(value.to_string());
    }
    // The fault inside a block says more than "no JSON at the start".
    let fault = found
        .iter()
        .find_map(|found| found.value.as_ref().err())
        .unwrap_or(&fault);
    let again = "Answer with one JSON value and nothing else";
    Reading::Malformed(broken("Your answer", fault, cut_off, again))
}

const TOO_LONG: &str = "Your answer reached the token limit and was cut off. Write a shorter one; \
                        split long content over several calls.";

fn broken(what: &str, fault: &JsonFault, cut_off: bool, again: &str) -> String {
    if cut_off {
        TOO_LONG.to_owned()
    } else {
        format!("{what} is not valid JSON: {fault}. {again}.")
    }
}

fn no_object(request: &ModelRequest, tool: &str) -> Reading {
    Reading::Malformed(format!(
        "The arguments of your call of `{tool}` are not a JSON object. Call it again with an \
         object that has: {}.",
        argument_names(request, tool)
    ))
}

fn shapes() -> &'static str {
    "{\"tool\":\"NAME\",\"arguments\":{…}} or, when done, {\"final\":…}"
}

fn argument_names(request: &ModelRequest, tool: &str) -> String {
    let spec = request.tools.iter().find(|spec| spec.name == tool);
    let names = spec.and_then(|spec| spec.arguments.get("properties")?.as_object());
    names.map_or_else(String::new, |n| {
        n.keys().cloned().collect::<Vec<_>>().join(", ")
    })
}

/// Gives every call a name of its own in the whole conversation: the model's where it has
/// one, else `call_N`.
fn with_ids(request: &ModelRequest, calls: Vec<Call>) -> Vec<Arc<ToolCall>> {
    let known = || {
        let entries = request.messages.iter().rev();
        entries.flat_map(|entry| {
            if let ChatMessage::Assistant { tool_calls, .. } = &**entry {
                &tool_calls[..]
            } else {
                &[]
            }
        })
    };
    let mut next = None;
    let mut named: Vec<Arc<ToolCall>> = Vec::with_capacity(calls.len());
    for call in calls {
        let mut id = call.id;
        let is_taken = |id: &str| known().any(|k| k.id == id) || named.iter().any(|n| n.id == id);
        while id.is_empty() || is_taken(&id) {
            let number = next.unwrap_or_else(|| known().count()) + 1;
            next = Some(number);
            id = format!("call_{number}");
        }
        named.push(Arc::new(ToolCall {
            id,
            name: call.name,
            arguments: call.arguments,
        }));
    }
    named
}

//! What a model said and which calls it wants, by whichever names somebody wrote it down.

use super::attributes::{Attributes, VALUE_BYTES_MAX, shown};
use super::span::{Wanted, short};
use crate::trace::{TraceArguments, begun, kept};
use serde_json::Value;

/// The words and the calls of a span. `chosen` are the replies that stand in events of it.
pub(super) fn said(
    attributes: &Attributes<'_>,
    chosen: impl Iterator<Item = String>,
) -> (String, Vec<Wanted>) {
    let messages = attributes.text(&["gen_ai.output.messages"]);
    let mut found = Found::default();
    match parsed(&messages) {
        Some(messages) => found.by_conventions(&messages),
        None => found.said = begun(&messages),
    }
    if found.is_empty() {
        found.by_flat_names(attributes);
    }
    if found.is_empty() {
        // An older writer puts its events into one attribute.
        let events = parsed(&attributes.text(&["events"]));
        let events = events.as_ref().and_then(Value::as_array).into_iter();
        let choices = events.flatten();
        for event in choices.filter(|event| event["event.name"] == "gen_ai.choice") {
            found.by_choice(event);
        }
    }
    if found.is_empty() {
        chosen
            .filter_map(|choice| parsed(&choice))
            .for_each(|choice| found.by_choice(&choice));
    }
    if found.is_empty() {
        found.said = attributes.text(&["output.value"]);
    }
    (kept(found.said), found.calls)
}

#[derive(Default)]
struct Found {
    said: String,
    calls: Vec<Wanted>,
}

impl Found {
    fn is_empty(&self) -> bool {
        self.said.is_empty() && self.calls.is_empty()
    }

    fn want(&mut self, id: String, tool: String, arguments: TraceArguments) {
        let (id, tool) = (short(id), short(tool));
        self.calls.push(Wanted {
            id,
            tool,
            arguments,
        });
    }

    /// The parts of messages, as the conventions of OpenTelemetry have them.
    fn by_conventions(&mut self, messages: &Value) {
        let messages = messages.as_array().into_iter().flatten();
        let parts = messages.filter_map(|message| message["parts"].as_array());
        for part in parts.flatten() {
            match part["type"].as_str() {
                Some("text") => self.said.push_str(text(&part["content"])),
                Some("tool_call") => self.want(
                    text(&part["id"]).to_owned(),
                    text(&part["name"]).to_owned(),
                    arguments(&part["arguments"]),
                ),
                Some(_) | None => {}
            }
        }
    }

    /// A reply as the conventions had it before version 1.37, in an event `gen_ai.choice`.
    fn by_choice(&mut self, choice: &Value) {
        let message = &choice["message"];
        self.said.push_str(text(&message["content"]));
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let function = &call["function"];
            self.want(
                text(&call["id"]).to_owned(),
                text(&function["name"]).to_owned(),
                arguments(&function["arguments"]),
            );
        }
    }

    /// One attribute a field: `llm.output_messages.0.message.…` of OpenInference, and
    /// `gen_ai.completion.0.…` of OpenLLMetry.
    fn by_flat_names(&mut self, attributes: &Attributes<'_>) {
        let by_key = attributes.by_key();
        let of = |key: String| {
            by_key
                .get(key.as_str())
                .map_or(String::new(), |value| shown(value))
        };
        for (key, value) in attributes.each() {
            let (call, function) = if key.starts_with("llm.output_messages.") {
                if key.ends_with(".message.content") {
                    self.said.push_str(&shown(value));
                }
                (key.strip_suffix(".function.name"), ".function")
            } else if key.starts_with("gen_ai.completion.") {
                let is_of_call = key.contains(".tool_calls.");
                if key.ends_with(".content") && !is_of_call {
                    self.said.push_str(&shown(value));
                }
                (key.strip_suffix(".name").filter(|_| is_of_call), "")
            } else {
                continue;
            };
            if let Some(call) = call {
                self.want(
                    of(format!("{call}.id")),
                    shown(value),
                    TraceArguments::told(&of(format!("{call}{function}.arguments"))),
                );
            }
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn arguments(value: &Value) -> TraceArguments {
    match value {
        Value::String(text) => TraceArguments::told(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            TraceArguments::written(&value.to_string())
        }
    }
}

/// What a text holds in JSON; none where it is no JSON, or too long to be taken apart.
pub(super) fn parsed(text: &str) -> Option<Value> {
    (text.len() <= VALUE_BYTES_MAX).then(|| serde_json::from_str(text).ok())?
}

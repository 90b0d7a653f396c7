//! What a model was told before it answered, by whichever names somebody wrote it down.

use super::attributes::{Attributes, shown};
use super::said::parsed;
use serde_json::Value;
use std::collections::BTreeMap;

/// Most bytes that are kept of what a model was told at one time: its beginning, with who it is
/// and what is wanted.
pub(super) const TOLD_BYTES_MAX: usize = 16 * 1024;

/// The messages, each with who says it.
pub(super) fn told(attributes: &Attributes<'_>) -> String {
    let mut told = Told::default();
    // The conventions of OpenTelemetry.
    let system = attributes.text(&["gen_ai.system_instructions"]);
    if let Some(parts) = parsed(&system) {
        told.message("system", &parts);
    }
    let messages = attributes.text(&["gen_ai.input.messages"]);
    for message in parsed(&messages)
        .iter()
        .filter_map(Value::as_array)
        .flatten()
    {
        told.message(
            message["role"].as_str().unwrap_or_default(),
            &message["parts"],
        );
    }
    if told.0.is_empty() {
        told.by_flat_names(attributes);
    }
    if told.0.is_empty() {
        told.say("", &attributes.text(&["input.value"]));
    }
    told.0
}

#[derive(Default)]
struct Told(String);

impl Told {
    fn say(&mut self, role: &str, text: &str) {
        if text.is_empty() || self.0.len() >= TOLD_BYTES_MAX {
            return;
        }
        if !self.0.is_empty() {
            self.0.push_str("\n\n");
        }
        if !role.is_empty() {
            self.0.push_str(role);
            self.0.push_str(": ");
        }
        self.0.push_str(text);
        self.0.truncate(self.0.floor_char_boundary(TOLD_BYTES_MAX));
    }

    /// A message in parts; one that is no text is said as its JSON.
    fn message(&mut self, role: &str, parts: &Value) {
        for part in parts.as_array().into_iter().flatten() {
            match part["content"].as_str() {
                Some(text) => self.say(role, text),
                None => self.say(role, &part.to_string()),
            }
        }
    }

    /// One attribute a field: `llm.input_messages.0.message.…` of OpenInference, and
    /// `gen_ai.prompt.0.…` of OpenLLMetry.
    fn by_flat_names(&mut self, attributes: &Attributes<'_>) {
        let mut messages: BTreeMap<usize, [String; 2]> = BTreeMap::new();
        for (key, value) in attributes.each() {
            let field = key
                .strip_prefix("llm.input_messages.")
                .or_else(|| key.strip_prefix("gen_ai.prompt."));
            let Some((nth, field)) = field.and_then(|field| field.split_once('.')) else {
                continue;
            };
            let place = match field.strip_prefix("message.").unwrap_or(field) {
                "role" => 0,
                "content" => 1,
                _ => continue,
            };
            if let Ok(nth) = nth.parse() {
                messages.entry(nth).or_default()[place] = shown(value);
            }
        }
        for [role, text] in messages.values() {
            self.say(role, text);
        }
    }
}

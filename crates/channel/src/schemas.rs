//! The JSON Schema of every kind of message and of the envelope, made from the types.
//! `docs/messages` holds them as files.

use jsonschema::Validator;
use leadhand_protocol::{Envelope, Message};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Most faults of one message that are told.
const FAULTS_SHOWN_MAX: usize = 8;
/// Characters of one fault.
const FAULT_CHARS_MAX: usize = 300;

/// The schemas of all messages, as `{"kind": …, "payload": …}`, by kind.
#[must_use]
pub fn message_schemas() -> BTreeMap<String, Value> {
    let all = schemars::schema_for!(Message).to_value();
    let definitions = all["$defs"].as_object().cloned().unwrap_or_default();
    let kinds = all["oneOf"].as_array().cloned().unwrap_or_default();
    let named = kinds.into_iter().map(|mut schema| {
        let kind = schema["properties"]["kind"]["const"].as_str();
        let kind = kind
            .expect("a message is told apart by its kind")
            .to_owned();
        schema["$schema"] = all["$schema"].clone();
        schema["title"] = json!(kind);
        let needed = reached(&schema, &definitions);
        if !needed.is_empty() {
            schema["$defs"] = Value::Object(needed);
        }
        (kind, schema)
    });
    named.collect()
}

/// The schema of an envelope around any message.
#[must_use]
pub fn envelope_schema() -> Value {
    let mut schema = schemars::schema_for!(Envelope).to_value();
    let definitions = schema["$defs"].take();
    schema["properties"]["message"] = json!({
        "type": "object",
        "description": "What it says; see the schema of its kind.",
        "properties": {"kind": {"enum": message_schemas().into_keys().collect::<Vec<_>>()}},
        "required": ["kind"],
    });
    let definitions = definitions.as_object().cloned().unwrap_or_default();
    schema["$defs"] = Value::Object(reached(&schema, &definitions));
    schema
}

/// The definitions that a schema refers to, also through others, in the order of their names.
fn reached(schema: &Value, definitions: &Map<String, Value>) -> Map<String, Value> {
    let mut found = BTreeSet::new();
    let mut open = vec![schema];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                let target = fields.get("$ref").and_then(Value::as_str);
                let name = target.and_then(|target| target.strip_prefix("#/$defs/"));
                if let Some(definition) = name.and_then(|name| definitions.get_key_value(name))
                    && found.insert(definition.0.as_str())
                {
                    open.push(definition.1);
                }
                open.extend(fields.values());
            }
            Value::Array(items) => open.extend(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let named = found.into_iter().map(|name| {
        let definition = definitions.get(name).cloned().unwrap_or_default();
        (name.to_owned(), definition)
    });
    named.collect()
}

/// The schemas, compiled once.
pub(crate) struct Compiled {
    envelope: Validator,
    kinds: BTreeMap<String, Validator>,
}

pub(crate) static COMPILED: LazyLock<Compiled> = LazyLock::new(|| {
    let compile = |schema: &Value| {
        jsonschema::validator_for(schema).expect("the schemas of our own types are schemas")
    };
    let kinds = message_schemas().into_iter();
    Compiled {
        envelope: compile(&envelope_schema()),
        kinds: kinds
            .map(|(kind, schema)| (kind, compile(&schema)))
            .collect(),
    }
});

impl Compiled {
    /// The kinds there are.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = &str> {
        self.kinds.keys().map(String::as_str)
    }

    /// What keeps a value from being an envelope around a message of this kind: where, as a JSON
    /// pointer, and what. None means that it is one.
    pub(crate) fn faults(&self, kind: &str, envelope: &Value) -> Vec<String> {
        let of_envelope = faults(&self.envelope, envelope, "");
        let message = self.kinds.get(kind).map_or_else(Vec::new, |validator| {
            faults(validator, &envelope["message"], "/message")
        });
        let mut all: Vec<_> = of_envelope.into_iter().chain(message).collect();
        all.truncate(FAULTS_SHOWN_MAX);
        all
    }
}

fn faults(validator: &Validator, value: &Value, within: &str) -> Vec<String> {
    if validator.is_valid(value) {
        return Vec::new();
    }
    let errors = validator.iter_errors(value).take(FAULTS_SHOWN_MAX);
    let said = errors.map(|error| {
        let place = format!("{within}{}", error.instance_path());
        let place = if place.is_empty() { "/" } else { &place };
        let text = format!("`{place}`: {}", error.masked());
        text.chars().take(FAULT_CHARS_MAX).collect()
    });
    said.collect()
}

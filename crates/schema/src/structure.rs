//! Objects and lists: their fields and items, which of them must be there, and whether others
//! may.

use crate::convert::Converter;
use crate::keywords::shown;
use crate::values::is_yes;
use serde_json::{Map, Value, json};

impl Converter<'_> {
    pub(crate) fn object(
        &mut self,
        raw: &Map<String, Value>,
        out: &mut Map<String, Value>,
        at: &str,
        depth: usize,
    ) {
        let mut properties = Map::new();
        let mut marked = Vec::new();
        for (name, schema) in listed(raw.get("properties")) {
            let place = if at.is_empty() {
                name.clone()
            } else {
                format!("{at}.{name}")
            };
            if required_itself(&schema, raw) {
                marked.push(json!(name));
                self.notices.add(
                    &place,
                    "`required` of the argument itself was read as that of its object",
                );
            }
            let schema = match schema {
                Value::Object(mut fields) => {
                    fields.retain(|key, value| key != "required" || value.is_array());
                    Value::Object(fields)
                }
                other => other,
            };
            let read = self.schema(&schema, &place, depth + 1);
            properties.insert(name, read);
        }
        let mut required: Vec<Value> = Vec::new();
        let listed = raw.get("required").and_then(Value::as_array);
        for name in listed.into_iter().flatten().chain(&marked) {
            let known = name
                .as_str()
                .is_some_and(|name| properties.contains_key(name));
            if !known && raw.contains_key("properties") {
                let name = name.as_str().map(shown).unwrap_or_default();
                let what = format!("`required` names `{name}`, which is not there");
                self.notices.add(at, what);
            } else if !required.contains(name) {
                required.push(name.clone());
            }
        }
        let open = !raw.contains_key("properties");
        let composed = ["$ref", "anyOf", "oneOf", "patternProperties"];
        let composed = composed.iter().any(|key| raw.contains_key(*key));
        if !open {
            out.insert("properties".into(), Value::Object(properties));
        }
        if !required.is_empty() {
            out.insert("required".into(), Value::Array(required));
        }
        if let Some(Value::Object(patterns)) = raw.get("patternProperties") {
            let read = patterns
                .iter()
                .map(|(key, schema)| (key.clone(), self.schema(schema, at, depth + 1)));
            out.insert("patternProperties".into(), Value::Object(read.collect()));
        }
        let others = raw
            .get("additionalProperties")
            .or_else(|| raw.get("unevaluatedProperties"));
        match others {
            Some(others) => {
                let read = self.schema(others, at, depth + 1);
                out.insert("additionalProperties".into(), read);
            }
            None if open || composed => {}
            None => {
                out.insert("additionalProperties".into(), json!(false));
            }
        }
    }

    pub(crate) fn array(
        &mut self,
        raw: &Map<String, Value>,
        out: &mut Map<String, Value>,
        at: &str,
        depth: usize,
    ) {
        let place = format!("{at}[]");
        let tuple = [raw.get("prefixItems"), raw.get("items")];
        let tuple = tuple.into_iter().flatten().find_map(Value::as_array);
        if let Some(tuple) = tuple {
            let read = tuple.iter().map(|it| self.schema(it, &place, depth + 1));
            out.insert("prefixItems".into(), Value::Array(read.collect()));
            if raw.get("items").is_some_and(Value::is_array) {
                self.notices
                    .add(at, "`items` as a list was read as `prefixItems`");
            }
        }
        let rest = match raw.get("items") {
            Some(Value::Array(_)) => raw.get("additionalItems"),
            items => items,
        };
        if let Some(rest) = rest {
            let read = self.schema(rest, &place, depth + 1);
            out.insert("items".into(), read);
        } else if !out.contains_key("prefixItems") {
            // Some model APIs refuse an array that does not say what it holds.
            out.entry("items").or_insert_with(|| json!({}));
        }
    }
}

/// The fields of an object by name; some list them with the name inside.
fn listed(properties: Option<&Value>) -> Vec<(String, Value)> {
    match properties {
        Some(Value::Object(fields)) => fields
            .iter()
            .map(|(name, schema)| (name.clone(), schema.clone()))
            .collect(),
        Some(Value::Array(fields)) => fields
            .iter()
            .filter_map(|field| Some((field.get("name")?.as_str()?.to_owned(), field.clone())))
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether a field says of itself that it is required, which its object's own list overrules.
fn required_itself(schema: &Value, object: &Map<String, Value>) -> bool {
    let says = |key: &str| {
        schema
            .get(key)
            .filter(|it| it.is_boolean() || it.is_string())
    };
    let must = says("required").is_some_and(is_yes);
    let may_not_lack = says("optional").is_some_and(|it| !is_yes(it));
    must || (may_not_lack && !object.get("required").is_some_and(Value::is_array))
}

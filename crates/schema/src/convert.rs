//! From somebody's schema to ours: JSON Schema 2020-12, objects closed against fields that
//! nobody named, every reference within reach. Nothing in a description stops it: what is not
//! understood is left out and named, which lets through more and never less than was meant,
//! but for fields without a name in a closed object.

use crate::flatten::Roots;
use crate::keywords::{self, shown};
use crate::notice::Notices;
use crate::values;
use crate::words;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// How deep schemas stand in schemas; deeper ones let everything through.
const DEPTH_MAX: usize = 24;
/// Schemas read of one description; those after it let everything through.
const SCHEMAS_MAX: usize = 4_096;

/// Reads one description.
pub(crate) struct Converter<'a> {
    roots: Roots<'a>,
    pub(crate) notices: Notices,
    /// What references lead to, by where it stands in the description.
    definitions: BTreeMap<String, (String, Value)>,
    schemas: usize,
    /// Whether a type is written as in Java or JavaScript.
    pub(crate) java_like: bool,
}

impl<'a> Converter<'a> {
    pub(crate) fn new(roots: Roots<'a>) -> Self {
        Self {
            roots,
            notices: Notices::default(),
            definitions: BTreeMap::new(),
            schemas: 0,
            java_like: false,
        }
    }

    /// The schema of all arguments: an object, whatever stands there.
    pub(crate) fn arguments(&mut self) -> Map<String, Value> {
        let raw = self.roots.followed(self.roots.parameters);
        let mut flat = match raw {
            Value::Object(raw) => self.roots.flattened(raw, "", &mut self.notices),
            _ => Map::new(),
        };
        self.choices_joined(&mut flat);
        if let Some(Value::String(word)) = flat.get("type").cloned() {
            self.word(&word, "");
        }
        flat.insert("type".into(), json!("object"));
        flat.entry("properties").or_insert_with(|| json!({}));
        let mut out = self.keywords(&flat, "", 0);
        out.remove("default");
        let definitions = std::mem::take(&mut self.definitions).into_values();
        let definitions: Map<String, Value> = definitions.collect();
        if !definitions.is_empty() {
            out.insert("$defs".into(), Value::Object(definitions));
        }
        out
    }

    /// A choice between whole sets of arguments becomes one set, in which only those are
    /// required that all of them require: no model API takes such a choice.
    fn choices_joined(&mut self, flat: &mut Map<String, Value>) {
        for key in ["anyOf", "oneOf"] {
            let Some(Value::Array(parts)) = flat.remove(key) else {
                continue;
            };
            self.notices.add(
                "",
                format!("`{key}` of whole sets of arguments was read as one set"),
            );
            let mut required: Option<Vec<Value>> = None;
            for part in &parts {
                let Value::Object(part) = self.find(part) else {
                    continue;
                };
                let part = self.roots.flattened(&part, "", &mut self.notices);
                let own = part.get("required").and_then(Value::as_array);
                let own = own.cloned().unwrap_or_default();
                required = Some(match required {
                    None => own,
                    Some(before) => before.into_iter().filter(|it| own.contains(it)).collect(),
                });
                if let Some(Value::Object(properties)) = part.get("properties") {
                    let all = flat.entry("properties").or_insert_with(|| json!({}));
                    for (name, schema) in properties {
                        if let Some(all) = all.as_object_mut() {
                            all.entry(name.clone()).or_insert_with(|| schema.clone());
                        }
                    }
                }
            }
            let all = flat.entry("required").or_insert_with(|| json!([]));
            if let (Some(all), Some(required)) = (all.as_array_mut(), required) {
                all.extend(required);
            }
        }
    }

    /// What a schema is once its references are followed.
    fn find(&self, raw: &Value) -> Value {
        let reference = raw.get("$ref").and_then(Value::as_str);
        let target = reference.and_then(|reference| self.roots.target(reference));
        target.map_or_else(|| raw.clone(), |target| self.roots.followed(target).clone())
    }

    pub(crate) fn schema(&mut self, raw: &Value, at: &str, depth: usize) -> Value {
        self.schemas += 1;
        if depth > DEPTH_MAX || self.schemas > SCHEMAS_MAX {
            self.notices.add(
                at,
                "the description is too large here, so anything is allowed",
            );
            return json!({});
        }
        match raw {
            Value::Bool(all) => json!(all),
            Value::String(word) => self.word(word, at),
            Value::Object(raw) => {
                let flat = self.roots.flattened(raw, at, &mut self.notices);
                Value::Object(self.keywords(&flat, at, depth))
            }
            Value::Null | Value::Number(_) | Value::Array(_) => {
                self.notices
                    .add(at, "this is no schema, so anything is allowed");
                json!({})
            }
        }
    }

    fn keywords(&mut self, raw: &Map<String, Value>, at: &str, depth: usize) -> Map<String, Value> {
        let mut out = self.types(raw, at, depth);
        keywords::read(raw, &mut out, at, &mut self.notices);
        if let Some(reference) = raw.get("$ref") {
            self.reference(reference, &mut out, at, depth);
        }
        self.choice(raw, &mut out, at, depth);
        if let Some(schema) = raw.get("not") {
            let inner = self.schema(schema, at, depth + 1);
            out.insert("not".into(), inner);
        }
        let is = |out: &Map<String, Value>, name: &str| match out.get("type") {
            Some(Value::String(word)) => word == name,
            Some(Value::Array(words)) => words.iter().any(|word| word == name),
            _ => false,
        };
        if is(&out, "object") {
            self.object(raw, &mut out, at, depth);
        }
        if is(&out, "array") {
            self.array(raw, &mut out, at, depth);
        }
        values::settle(raw, &mut out, at, &mut self.notices);
        out
    }

    /// The types: as they are written, else as other keywords show.
    fn types(&mut self, raw: &Map<String, Value>, at: &str, depth: usize) -> Map<String, Value> {
        let read = match raw.get("type") {
            Some(Value::String(word)) => self.word(word, at),
            Some(Value::Array(words)) => {
                let each = words.iter().map(|word| self.schema(word, at, depth + 1));
                words::union(each.collect())
            }
            Some(schema @ Value::Object(_)) => self.schema(schema, at, depth + 1),
            Some(_) => {
                self.notices.add(at, "`type` is no word and was dropped");
                json!({})
            }
            None if raw.contains_key("properties") => json!({"type": "object"}),
            None if raw.contains_key("items") || raw.contains_key("prefixItems") => {
                json!({"type": "array"})
            }
            None => json!({}),
        };
        match read {
            Value::Object(read) => read,
            _ => Map::new(),
        }
    }

    fn word(&mut self, word: &str, at: &str) -> Value {
        self.java_like |= words::is_java_like(word);
        let Some(read) = words::read(word) else {
            let what = format!(
                "the type `{}` is unknown, so anything is allowed",
                shown(word)
            );
            self.notices.add(at, what);
            return json!({});
        };
        if !words::is_own(word) {
            let as_what = match read["type"].as_str() {
                Some(own) => format!("`{own}`"),
                None if read == json!({}) => "anything".to_owned(),
                None => format!("`{read}`"),
            };
            let what = format!("the type `{}` was read as {as_what}", shown(word));
            self.notices.add(at, what);
        }
        read
    }

    /// A reference becomes one to our own table of definitions.
    fn reference(&mut self, raw: &Value, out: &mut Map<String, Value>, at: &str, depth: usize) {
        let Some(reference) = raw.as_str() else {
            return;
        };
        let Some(target) = self.roots.target(reference).cloned() else {
            let what = format!(
                "`{}` leads nowhere, so anything is allowed",
                shown(reference)
            );
            self.notices.add(at, what);
            return;
        };
        if !self.definitions.contains_key(reference) {
            let name = self.definition_name(reference);
            // In its place before it is read, since it may refer to itself.
            self.definitions
                .insert(reference.to_owned(), (name.clone(), json!({})));
            let read = self.schema(&target, at, depth + 1);
            self.definitions.insert(reference.to_owned(), (name, read));
        }
        let name = &self.definitions[reference].0;
        out.insert("$ref".into(), json!(format!("#/$defs/{name}")));
    }

    fn definition_name(&self, reference: &str) -> String {
        let last = reference.rsplit('/').next().unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let name: String = last.chars().filter(|c| plain(*c)).take(40).collect();
        let name = if name.is_empty() {
            "arguments".to_owned()
        } else {
            name
        };
        let taken = self.definitions.values().any(|(other, _)| *other == name);
        if taken {
            format!("{name}_{}", self.definitions.len())
        } else {
            name
        }
    }

    fn choice(
        &mut self,
        raw: &Map<String, Value>,
        out: &mut Map<String, Value>,
        at: &str,
        depth: usize,
    ) {
        for key in ["anyOf", "oneOf"] {
            let Some(Value::Array(parts)) = raw.get(key) else {
                continue;
            };
            if key == "oneOf" {
                self.notices.add(at, "`oneOf` was read as `anyOf`");
            }
            if out.contains_key("anyOf") {
                self.notices
                    .add(at, format!("a second choice, `{key}`, was dropped"));
                continue;
            }
            let mut read = Vec::new();
            for part in parts {
                // Such a part only says which of the object's own fields go together.
                let fields = part.as_object().filter(|fields| fields.len() == 1);
                let of_own = fields.and_then(|fields| fields.get("required"));
                match of_own.filter(|_| raw.contains_key("properties")) {
                    Some(required) => read.push(json!({ "required": required })),
                    None => read.push(self.schema(part, at, depth + 1)),
                }
            }
            if !read.is_empty() {
                out.insert("anyOf".into(), Value::Array(read));
            }
        }
    }
}

//! What `$ref` leads to, and what `allOf` adds up to: one schema each, so that it can be closed
//! against arguments that nobody named.

use crate::notice::Notices;
use serde_json::{Map, Value};

/// References that are followed from one to the next, and schemas of `allOf` within each other.
const STEPS_MAX: usize = 8;
/// Schemas that are gathered into one; a reference to itself would else multiply without end.
const GATHERED_MAX: usize = 128;

/// The places that references of a description may point into.
pub(crate) struct Roots<'a> {
    pub(crate) parameters: &'a Value,
    pub(crate) description: &'a Value,
}

impl<'a> Roots<'a> {
    /// What a reference within the description points to.
    pub(crate) fn target(&self, reference: &str) -> Option<&'a Value> {
        let pointer = reference.strip_prefix('#')?;
        let pointer = pointer.replace("%24", "$").replace("%20", " ");
        let found = self.parameters.pointer(&pointer);
        found.or_else(|| self.description.pointer(&pointer))
    }

    /// The schema itself, or what its references lead to in the end.
    pub(crate) fn followed(&self, raw: &'a Value) -> &'a Value {
        let mut at = raw;
        for _ in 0..STEPS_MAX {
            let reference = at.get("$ref").and_then(Value::as_str);
            match reference.and_then(|reference| self.target(reference)) {
                Some(target) => at = target,
                None => break,
            }
        }
        at
    }

    /// The keywords of a schema with those of its `allOf` among them. A keyword that two of them
    /// give otherwise stays as it came first.
    pub(crate) fn flattened(
        &self,
        keywords: &Map<String, Value>,
        at: &str,
        notices: &mut Notices,
    ) -> Map<String, Value> {
        let mut whole = keywords.clone();
        let mut gathered = 0;
        self.gather(&mut whole, at, notices, (STEPS_MAX, &mut gathered));
        whole
    }

    fn gather(
        &self,
        whole: &mut Map<String, Value>,
        at: &str,
        notices: &mut Notices,
        (steps, gathered): (usize, &mut usize),
    ) {
        let Some(Value::Array(members)) = whole.remove("allOf") else {
            return;
        };
        for member in &members {
            let member = match member.get("$ref").and_then(Value::as_str) {
                Some(reference) => self
                    .target(reference)
                    .map_or(member, |it| self.followed(it)),
                None => member,
            };
            let Value::Object(member) = member else {
                continue;
            };
            let mut member = member.clone();
            *gathered += 1;
            match steps.checked_sub(1) {
                Some(steps) if *gathered <= GATHERED_MAX => {
                    self.gather(&mut member, at, notices, (steps, gathered));
                }
                _ => {
                    member.remove("allOf");
                    notices.add(at, "`allOf` is too large and was cut");
                }
            }
            for (key, value) in member {
                join(whole, key, value, at, notices);
            }
        }
    }
}

/// Adds one keyword of a schema of `allOf`.
fn join(
    whole: &mut Map<String, Value>,
    key: String,
    value: Value,
    at: &str,
    notices: &mut Notices,
) {
    match (key.as_str(), whole.get_mut(&key), value) {
        ("properties", Some(Value::Object(there)), Value::Object(new)) => {
            for (name, schema) in new {
                there.entry(name).or_insert(schema);
            }
        }
        ("required", Some(Value::Array(there)), Value::Array(new)) => {
            let new: Vec<Value> = new.into_iter().filter(|it| !there.contains(it)).collect();
            there.extend(new);
        }
        (_, None, value) => {
            whole.insert(key, value);
        }
        ("description" | "title" | "default" | "examples", Some(_), _) => {}
        (_, Some(there), value) => {
            if *there != value {
                notices.add(
                    at,
                    format!("`allOf` gives `{key}` twice; the first one holds"),
                );
            }
        }
    }
}

//! Keywords that are one value each: what describes an argument, and its bounds. What holds
//! schemas (`properties`, `items`, `anyOf`) is read in `convert`.

use crate::mend::spelled;
use crate::notice::Notices;
use serde_json::{Map, Value, json};

/// What is said about an argument and narrows nothing.
pub(crate) const ABOUT: [&str; 8] = [
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "$comment",
];
/// What is read elsewhere: nothing is to be said of it here.
const READ_ELSEWHERE: [&str; 30] = [
    "type",
    "properties",
    "required",
    "optional",
    "items",
    "prefixItems",
    "additionalItems",
    "additionalProperties",
    "unevaluatedProperties",
    "patternProperties",
    "anyOf",
    "oneOf",
    "allOf",
    "not",
    "enum",
    "const",
    "default",
    "nullable",
    "x-nullable",
    "$ref",
    "$defs",
    "definitions",
    "$schema",
    "$id",
    "id",
    "$comment",
    "example",
    "discriminator",
    "propertyOrdering",
    "name",
];
const NUMBERS: [&str; 5] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
];
const COUNTS: [&str; 6] = [
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
];

/// Reads the keywords of `raw` that are one value each; whatever is not understood is named.
pub(crate) fn read(
    raw: &Map<String, Value>,
    out: &mut Map<String, Value>,
    at: &str,
    notices: &mut Notices,
) {
    for (key, value) in raw {
        let key = key.as_str();
        let read = match key {
            "title" | "description" | "format" => value.is_string().then(|| value.clone()),
            "examples" => value.is_array().then(|| value.clone()),
            "deprecated" | "readOnly" | "writeOnly" | "uniqueItems" => {
                value.is_boolean().then(|| value.clone())
            }
            "pattern" => value.as_str().filter(|it| compiles(it)).map(|it| json!(it)),
            _ if NUMBERS.contains(&key) => number(key, raw, value),
            _ if COUNTS.contains(&key) => count(value),
            _ if READ_ELSEWHERE.contains(&key) => continue,
            _ => None,
        };
        match read {
            None if ["exclusiveMinimum", "exclusiveMaximum"].contains(&key)
                && value.is_boolean() => {}
            None => notices.add(at, format!("`{}` was dropped", shown(key))),
            Some(read) => {
                out.insert(key.to_owned(), read);
            }
        }
    }
    // Draft 4 says by a boolean that a bound itself is excluded.
    for (flag, bound) in [
        ("exclusiveMinimum", "minimum"),
        ("exclusiveMaximum", "maximum"),
    ] {
        if raw.get(flag) == Some(&json!(true))
            && let Some(limit) = out.remove(bound)
        {
            out.insert(flag.to_owned(), limit);
        }
    }
    if let Some(example) = raw.get("example").filter(|_| !raw.contains_key("examples")) {
        out.insert("examples".into(), json!([example]));
    }
}

fn number(key: &str, raw: &Map<String, Value>, value: &Value) -> Option<Value> {
    let number = match value {
        Value::Number(_) => value.clone(),
        Value::String(text) => spelled(text, &["number"])?,
        _ => return None,
    };
    let positive = key != "multipleOf" || number.as_f64().is_some_and(|number| number > 0.0);
    let excluded = matches!(raw.get(key), Some(Value::Bool(_)));
    (positive && !excluded).then_some(number)
}

fn count(value: &Value) -> Option<Value> {
    let number = match value {
        Value::String(text) => spelled(text, &["integer"])?,
        _ => value.clone(),
    };
    number.as_u64().map(|count| json!(count))
}

/// Whether the validator can read a pattern.
fn compiles(pattern: &str) -> bool {
    jsonschema::validator_for(&json!({ "pattern": pattern })).is_ok()
}

/// A key for a notice: it may be anything.
pub(crate) fn shown(key: &str) -> String {
    key.chars().filter(|c| !c.is_control()).take(40).collect()
}

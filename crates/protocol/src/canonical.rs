//! One spelling for equal values, so that their hashes are equal.

use serde_json::Value;
use std::fmt::Write;

/// JSON with sorted keys and no blanks.
///
/// ```
/// use leadhand_protocol::canonical_json;
/// let value = serde_json::json!({"b": [1, {"d": 2, "c": 3}], "a": null});
/// assert_eq!(canonical_json(&value), r#"{"a":null,"b":[1,{"c":3,"d":2}]}"#);
/// ```
#[must_use]
pub fn canonical_json(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

/// The same of an array of these.
pub(crate) fn canonical_array<'a>(items: impl IntoIterator<Item = &'a Value>) -> String {
    let mut text = String::new();
    write_array(items, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_unstable_by_key(|(key, _)| *key);
            text.push('{');
            for (place, (key, value)) in sorted.into_iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write_plain(&Value::String(key.clone()), text);
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => write_array(items, text),
        plain => write_plain(plain, text),
    }
}

fn write_array<'a>(items: impl IntoIterator<Item = &'a Value>, text: &mut String) {
    text.push('[');
    for (place, item) in items.into_iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        write(item, text);
    }
    text.push(']');
}

fn write_plain(value: &Value, text: &mut String) {
    // Writing into a string cannot fail.
    let _ = write!(text, "{value}");
}

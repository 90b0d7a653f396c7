//! What a schema wants, in words, and how values are shown beside them.

use serde_json::Value;

/// Characters of a value that are shown.
pub(crate) const VALUE_CHARS_MAX: usize = 60;
/// Names or values that are listed.
pub(crate) const LISTED_MAX: usize = 12;

/// What a schema wants, in a few words; none when it wants nothing in particular.
pub(crate) fn wanted(schema: &Value, root: &Value) -> Option<String> {
    let schema = resolved(schema, root);
    if let Some(Value::Array(options)) = schema.get("enum") {
        return Some(format!("one of {}", listed(options.iter().map(shown_bare))));
    }
    if let Some(value) = schema.get("const") {
        return Some(shown_bare(value));
    }
    if let Some(Value::Array(parts)) = schema.get("anyOf").or_else(|| schema.get("oneOf")) {
        let parts: Option<Vec<String>> = parts
            .iter()
            .map(|part| match part.get("title").and_then(Value::as_str) {
                Some(title) if part.get("pattern").is_some() => Some(format!("the {title}")),
                _ => wanted(part, root),
            })
            .collect();
        return parts.map(|parts| parts.join(" or "));
    }
    let words: Vec<String> = types(schema, root)
        .iter()
        .map(|name| kind_wanted(name, schema, root))
        .collect();
    (!words.is_empty()).then(|| words.join(" or "))
}

fn kind_wanted(name: &str, schema: &Value, root: &Value) -> String {
    match name {
        "integer" => "an integer".to_owned(),
        "number" => "a number".to_owned(),
        "string" => "a text".to_owned(),
        "boolean" => "true or false".to_owned(),
        "null" => "null".to_owned(),
        "array" => {
            let items = types(&schema["items"], root);
            let of = match items.first().map(String::as_str) {
                Some("integer") => " of integers",
                Some("number") => " of numbers",
                Some("string") => " of texts",
                Some("boolean") => " of booleans",
                Some("object") => " of objects",
                Some("array") => " of lists",
                _ => "",
            };
            format!("a list{of}")
        }
        "object" => match schema["properties"].as_object() {
            Some(fields) if !fields.is_empty() => {
                let names = listed(fields.keys().map(|name| format!("`{name}`")));
                format!("an object with {names}")
            }
            _ => "an object".to_owned(),
        },
        other => other.to_owned(),
    }
}

/// All types that a schema lets through, those of its choices among them.
pub(crate) fn types(schema: &Value, root: &Value) -> Vec<String> {
    let schema = resolved(schema, root);
    match schema.get("type") {
        Some(Value::String(word)) => vec![word.clone()],
        Some(Value::Array(words)) => {
            let words = words.iter().filter_map(Value::as_str);
            words.map(str::to_owned).collect()
        }
        _ => match schema.get("anyOf").or_else(|| schema.get("oneOf")) {
            // One level: what is nested deeper is not worth a word.
            Some(Value::Array(parts)) => {
                let words = parts.iter().map(|part| resolved(part, root));
                let words = words.filter_map(|part| part["type"].as_str());
                words.map(str::to_owned).collect()
            }
            _ => Vec::new(),
        },
    }
}

/// A schema, or the definition that it refers to.
pub(crate) fn resolved<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let reference = schema.get("$ref").and_then(Value::as_str);
    let pointer = reference.and_then(|reference| reference.strip_prefix('#'));
    pointer
        .and_then(|pointer| root.pointer(pointer))
        .unwrap_or(schema)
}

/// A value as JSON, cut.
pub(crate) fn shown_bare(value: &Value) -> String {
    cut(&value.to_string(), VALUE_CHARS_MAX)
}

/// Names with commas between them, the first few of many.
pub(crate) fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    if names.len() <= LISTED_MAX {
        return names.join(", ");
    }
    let more = names.len() - LISTED_MAX;
    format!("{} and {more} more", names[..LISTED_MAX].join(", "))
}

pub(crate) fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(chars_max - 1).collect();
    format!("{kept}…")
}

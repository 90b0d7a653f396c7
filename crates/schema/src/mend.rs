//! What a text was probably meant to be. Used to say it, never to do it: a call is made with the
//! arguments that the model wrote, or not at all.

use serde_json::{Value, json};

/// Bytes of a text that is looked at.
const TEXT_BYTES_MAX: usize = 4_096;

/// The value of one of these types that `text` spells out, such as `4`, `True` or `['a', 'b']`.
pub(crate) fn spelled(text: &str, types: &[&str]) -> Option<Value> {
    let text = text.trim();
    if text.is_empty() || text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let value = serde_json::from_str(text)
        .ok()
        .or_else(|| word(text))
        .or_else(|| python(text))?;
    types
        .iter()
        .any(|wanted| is_of(&value, wanted))
        .then_some(value)
}

/// Whether a value is of a type of JSON Schema, where `1.0` is an integer.
pub(crate) fn is_of(value: &Value, wanted: &str) -> bool {
    match (wanted, value) {
        ("object", Value::Object(_))
        | ("array", Value::Array(_))
        | ("string", Value::String(_))
        | ("number", Value::Number(_))
        | ("boolean", Value::Bool(_))
        | ("null", Value::Null) => true,
        ("integer", Value::Number(number)) => {
            number.is_i64()
                || number.is_u64()
                || number.as_f64().is_some_and(|float| float.fract() == 0.0)
        }
        _ => false,
    }
}

fn word(text: &str) -> Option<Value> {
    match text {
        "True" | "TRUE" => Some(json!(true)),
        "False" | "FALSE" => Some(json!(false)),
        "None" | "NULL" | "Null" | "nil" | "undefined" => Some(Value::Null),
        _ => None,
    }
}

/// A list, tuple or dictionary as Python prints it.
fn python(text: &str) -> Option<Value> {
    if !text.starts_with(['[', '(', '{']) {
        return None;
    }
    let mut json = String::with_capacity(text.len());
    let mut chars = text.chars();
    let mut name = String::new();
    loop {
        let next = chars.next();
        if let Some(c) = next.filter(|c| c.is_alphabetic()) {
            name.push(c);
            continue;
        }
        match std::mem::take(&mut name).as_str() {
            "" => {}
            "True" | "true" => json.push_str("true"),
            "False" | "false" => json.push_str("false"),
            "None" | "null" => json.push_str("null"),
            "e" | "E" => json.push('e'),
            _ => return None,
        }
        match next {
            None => break,
            Some('(') => json.push('['),
            Some(')') => json.push(']'),
            Some(quote @ ('"' | '\'')) => json.push_str(&quoted(&mut chars, quote)?),
            Some(c) => json.push(c),
        }
    }
    let json = json.replace(",]", "]").replace(", ]", "]");
    serde_json::from_str(&json).ok()
}

/// The rest of a quoted text, as JSON writes it.
fn quoted(chars: &mut std::str::Chars<'_>, quote: char) -> Option<String> {
    let mut text = String::new();
    loop {
        match chars.next()? {
            c if c == quote => return Some(Value::String(text).to_string()),
            '\\' => match chars.next()? {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                c @ ('\\' | '\'' | '"') => text.push(c),
                _ => return None,
            },
            c => text.push(c),
        }
    }
}

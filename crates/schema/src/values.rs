//! Values that stand in a description: `enum`, `const`, `default`, `nullable`. They tell more
//! about what a tool takes than its type word does: a value that the tool itself starts from
//! must be allowed.

use crate::mend::{is_of, spelled};
use crate::notice::Notices;
use serde_json::{Map, Value, json};

/// Settles which values are allowed, once the type in `out` is known.
pub(crate) fn settle(
    raw: &Map<String, Value>,
    out: &mut Map<String, Value>,
    at: &str,
    notices: &mut Notices,
) {
    choices(raw, out, at, notices);
    if let Some(value) = raw.get("const") {
        let value = fitted(value, out).unwrap_or_else(|| value.clone());
        if !admits(out, &value) {
            notices.add(at, "`const` is not of the type, which was dropped");
            out.remove("type");
        }
        out.insert("const".into(), value);
    }
    let nullable = ["nullable", "x-nullable"];
    if nullable.iter().any(|key| raw.get(*key).is_some_and(is_yes)) {
        notices.add(at, "`nullable` was read as: null is allowed");
        allow_null(out);
    }
    if let Some(value) = raw.get("default") {
        default(value, out, at, notices);
    }
}

/// Whether a value says yes: `true`, or the word.
pub(crate) fn is_yes(value: &Value) -> bool {
    match value {
        Value::Bool(yes) => *yes,
        Value::String(word) => word.eq_ignore_ascii_case("true"),
        _ => false,
    }
}

fn choices(
    raw: &Map<String, Value>,
    out: &mut Map<String, Value>,
    at: &str,
    notices: &mut Notices,
) {
    let values = match raw.get("enum") {
        None => return,
        Some(Value::Array(values)) if !values.is_empty() => values,
        Some(_) => {
            notices.add(at, "`enum` is no list of values and was dropped");
            return;
        }
    };
    let of_array = types(out) == ["array"];
    if of_array && !values.iter().any(Value::is_array) {
        notices.add(at, "`enum` of an array was read as that of its items");
        let mut items = match out.remove("items") {
            Some(Value::Object(items)) => items,
            _ => Map::new(),
        };
        choose(values, &mut items, at, notices);
        out.insert("items".into(), Value::Object(items));
    } else {
        choose(values, out, at, notices);
    }
}

fn choose(values: &[Value], out: &mut Map<String, Value>, at: &str, notices: &mut Notices) {
    let mut chosen: Vec<Value> = Vec::new();
    let mut of_type = true;
    for value in values {
        let fitting = fitted(value, out);
        if fitting.as_ref().is_some_and(|fitting| fitting != value) {
            notices.add(
                at,
                "values of `enum` were read as what their text spells out",
            );
        }
        of_type &= fitting.is_some() || value.is_null();
        let value = fitting.unwrap_or_else(|| value.clone());
        if !chosen.contains(&value) {
            chosen.push(value);
        }
    }
    if !of_type {
        notices.add(
            at,
            "`enum` has values of other types, so the type was dropped",
        );
        out.remove("type");
    }
    let null = chosen.contains(&Value::Null);
    out.insert("enum".into(), Value::Array(chosen));
    if null {
        allow_null(out);
    }
}

fn default(value: &Value, out: &mut Map<String, Value>, at: &str, notices: &mut Notices) {
    let fitting = fitted(value, out).filter(|fitting| admits(out, fitting));
    if let Some(fitting) = fitting {
        if fitting != *value {
            notices.add(at, "`default` was read as what its text spells out");
        }
        out.insert("default".into(), fitting);
        return;
    }
    let nothing = value.is_null()
        || value
            .as_str()
            .is_some_and(|text| spelled(text, &["null"]).is_some());
    // A sentence describes a default; it is none.
    let one_word = value
        .as_str()
        .is_none_or(|text| !text.is_empty() && !text.contains(char::is_whitespace));
    if nothing {
        notices.add(at, "`default` is null, so null is allowed");
        allow_null(out);
        out.insert("default".into(), Value::Null);
    } else if one_word && !value.is_object() && !value.is_array() {
        notices.add(
            at,
            "`default` is outside of what is allowed, so it is allowed too",
        );
        allow(out, value);
        out.insert("default".into(), value.clone());
    } else {
        notices.add(at, "`default` does not fit and was dropped");
    }
}

/// The value if it is of the type, else what its text spells out in that type.
fn fitted(value: &Value, out: &Map<String, Value>) -> Option<Value> {
    let types = types(out);
    if types.is_empty() || types.iter().any(|wanted| is_of(value, wanted)) {
        return Some(value.clone());
    }
    spelled(value.as_str()?, &types)
}

/// Whether type and `enum` let a value through.
fn admits(out: &Map<String, Value>, value: &Value) -> bool {
    let types = types(out);
    let of_type = types.is_empty() || types.iter().any(|wanted| is_of(value, wanted));
    let chosen = out
        .get("enum")
        .and_then(Value::as_array)
        .is_none_or(|values| values.contains(value));
    of_type && chosen
}

fn types(out: &Map<String, Value>) -> Vec<&str> {
    match out.get("type") {
        Some(Value::String(word)) => vec![word],
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn allow_null(out: &mut Map<String, Value>) {
    if let Some(Value::Array(values)) = out.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    let word = match out.get("type") {
        Some(Value::String(word)) if word != "null" => word.clone(),
        Some(Value::Array(words)) => {
            let mut words = words.clone();
            if !words.contains(&json!("null")) {
                words.push(json!("null"));
            }
            out.insert("type".into(), Value::Array(words));
            return;
        }
        Some(_) => return,
        None => {
            let narrowed = ["$ref", "anyOf", "const"];
            if narrowed.iter().any(|key| out.contains_key(*key)) {
                allow(out, &Value::Null);
            }
            return;
        }
    };
    out.insert("type".into(), json!([word, "null"]));
}

/// Lets one more value through; what describes the argument stays outside of the choice.
fn allow(out: &mut Map<String, Value>, value: &Value) {
    if let Some(Value::Array(values)) = out.get_mut("enum") {
        values.push(value.clone());
        if !admits(out, value) {
            out.remove("type");
        }
        return;
    }
    let (outside, inside): (Map<String, Value>, Map<String, Value>) = std::mem::take(out)
        .into_iter()
        .partition(|(key, _)| crate::keywords::ABOUT.contains(&key.as_str()));
    *out = outside;
    let other = if value.is_null() {
        json!({"type": "null"})
    } else {
        json!({ "const": value })
    };
    let choice = match inside.get("anyOf") {
        Some(Value::Array(parts)) if inside.len() == 1 => {
            parts.iter().cloned().chain([other]).collect()
        }
        _ => vec![Value::Object(inside), other],
    };
    out.insert("anyOf".into(), Value::Array(choice));
}

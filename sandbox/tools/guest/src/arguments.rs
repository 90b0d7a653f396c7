//! Arguments checked against a tool's table. Small models write `"3"` for `3`, `"true"` for
//! `true` and `null` for nothing: what can only be meant one way is taken so, and everything
//! else is refused with the sentence that mends the call.

use crate::{Argument, ErrorKind, Kind, Tool, ToolError, fault};
use serde_json::{Map, Value};

/// The arguments of one call, each of the kind that the tool's table says.
pub struct Arguments(Map<String, Value>);

impl Arguments {
    /// Checks `text` against the table of `tool`; every fault is named at once.
    pub fn check(tool: &Tool, text: &str) -> Result<Self, ToolError> {
        let given = match serde_json::from_str(text) {
            Ok(Value::Object(given)) => given,
            Ok(_) => return Err(refuse(tool, "the arguments are not a JSON object")),
            Err(error) => {
                return Err(refuse(
                    tool,
                    &format!("the arguments are not JSON: {error}"),
                ));
            }
        };
        let mut faults = Vec::new();
        let mut checked = Map::new();
        for (name, value) in given {
            match tool.arguments.iter().find(|argument| argument.name == name) {
                None => faults.push(format!("there is no argument `{name}`")),
                Some(_) if value.is_null() => {}
                Some(argument) => match accept(argument.kind, &value) {
                    Some(value) => drop(checked.insert(name, value)),
                    None => faults.push(mistyped(argument, &value)),
                },
            }
        }
        for argument in tool.arguments.iter().filter(|argument| argument.required) {
            let faulty = |fault: &String| fault.starts_with(&format!("`{}`", argument.name));
            if !checked.contains_key(argument.name) && !faults.iter().any(faulty) {
                faults.push(format!(
                    "`{}` is missing ({})",
                    argument.name, argument.description
                ));
            }
        }
        if faults.is_empty() {
            Ok(Self(checked))
        } else {
            Err(refuse(tool, &faults.join("; ")))
        }
    }

    /// The text of a required argument.
    pub fn text(&self, name: &str) -> &str {
        self.text_or(name, "")
    }

    /// The text of an optional argument.
    pub fn text_or<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.0.get(name).and_then(Value::as_str).unwrap_or(default)
    }

    /// A whole number from 1; none when it was left out.
    pub fn count(&self, name: &str) -> Option<usize> {
        self.0
            .get(name)
            .and_then(Value::as_u64)
            .and_then(|count| usize::try_from(count).ok())
    }

    /// A whole number, which may be below 1; none when it was left out.
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(Value::as_i64)
    }

    /// A list of strings; empty when it was left out.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        let list = self.0.get(name).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// An object; none when it was left out.
    pub fn object(&self, name: &str) -> Option<&Map<String, Value>> {
        self.0.get(name).and_then(Value::as_object)
    }

    /// Whether the call has this argument.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// An optional flag.
    pub fn flag_or(&self, name: &str, default: bool) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or(default)
    }
}

fn accept(kind: Kind, value: &Value) -> Option<Value> {
    match (kind, value) {
        (Kind::Text, Value::String(_))
        | (Kind::Flag, Value::Bool(_))
        | (Kind::Object, Value::Object(_)) => Some(value.clone()),
        (Kind::Text, Value::Number(number)) => Some(Value::from(format!("{number}"))),
        (Kind::Count, _) => whole(value).filter(|count| *count >= 1).map(Value::from),
        (Kind::Integer(min, max), _) => whole(value)
            .filter(|number| (min..=max).contains(number))
            .map(Value::from),
        (Kind::Flag, Value::String(text)) => match text.trim() {
            "true" | "True" | "yes" => Some(Value::Bool(true)),
            "false" | "False" | "no" => Some(Value::Bool(false)),
            _ => None,
        },
        (Kind::Choice(choices), Value::String(text)) => {
            let meant = |choice: &&&str| choice.eq_ignore_ascii_case(text.trim());
            choices
                .iter()
                .find(meant)
                .map(|choice| Value::from(*choice))
        }
        (Kind::Texts, Value::Array(items)) => items
            .iter()
            .map(|item| accept(Kind::Text, item))
            .collect::<Option<Vec<_>>>()
            .map(Value::from),
        (Kind::Texts, Value::String(text)) => Some(match serde_json::from_str(text) {
            Ok(Value::Array(items)) => return accept(kind, &Value::Array(items)),
            _ => Value::from(vec![text.as_str()]),
        }),
        (Kind::Object, Value::String(text)) => {
            let object = serde_json::from_str(text).ok();
            object.filter(Value::is_object)
        }
        _ => None,
    }
}

/// A whole number, also one that is written as text or as `3.0`.
fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            number
                .as_f64()
                .filter(|f| f.abs() < 1e15 && f % 1.0 == 0.0)
                .map(|f| f as i64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn mistyped(argument: &Argument, value: &Value) -> String {
    let wanted = match argument.kind {
        Kind::Text => "a string".to_owned(),
        Kind::Count => "a whole number from 1".to_owned(),
        Kind::Flag => "true or false".to_owned(),
        Kind::Integer(min, max) => format!("a whole number from {min} to {max}"),
        Kind::Choice(choices) => format!("one of {}", choices.join(", ")),
        Kind::Texts => "a list of strings".to_owned(),
        Kind::Object => "an object".to_owned(),
    };
    let mut given = format!("{value}");
    if given.len() > 60 {
        given = given.chars().take(60).collect::<String>() + "…";
    }
    format!("`{}` must be {wanted}, not {given}", argument.name)
}

fn refuse(tool: &Tool, why: &str) -> ToolError {
    let takes: Vec<String> = tool
        .arguments
        .iter()
        .map(|argument| {
            format!(
                "{}{}",
                argument.name,
                if argument.required { "" } else { "?" }
            )
        })
        .collect();
    let message = format!("{}: {why}. It takes {{{}}}.", tool.name, takes.join(", "));
    fault(ErrorKind::InvalidArguments, message)
}

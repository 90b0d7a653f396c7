//! Whether a JSON value is a tool call, in the shapes that models were trained to write:
//! `{"tool":…,"arguments":…}` is ours; `name` with `arguments` or `parameters`, `function`,
//! `tool_calls`, `action` with `action_input` are others'.

use super::super::json::read_whole_json;
use leadhand_protocol::ToolSpec;
use serde_json::{Map, Value};

/// Keys that name the tool, ours first.
const NAME_KEYS: [&str; 5] = ["tool", "tool_name", "name", "function", "action"];
/// Keys that hold the arguments, ours first.
const ARGUMENT_KEYS: [&str; 6] = [
    "arguments",
    "args",
    "parameters",
    "input",
    "action_input",
    "tool_input",
];

/// A call before it has a name of its own.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    /// The model's name for it; may be empty.
    pub(super) id: String,
    /// The tool.
    pub(super) name: String,
    /// Its arguments, an object.
    pub(super) arguments: Value,
}

/// The calls a value stands for; none when it is no call. A call of a tool that does not
/// exist counts only with `takes_unknown`: then the model is told, where else the value may
/// be the answer.
pub(super) fn as_calls(value: &Value, tools: &[ToolSpec], takes_unknown: bool) -> Vec<Call> {
    match value {
        Value::Array(items) => {
            let calls = items.iter().map(|item| as_call(item, tools, takes_unknown));
            calls.collect::<Option<Vec<_>>>().unwrap_or_default()
        }
        Value::Object(fields) => match fields.get("tool_calls") {
            Some(inner @ Value::Array(_)) => as_calls(inner, tools, takes_unknown),
            _ => as_call(value, tools, takes_unknown).into_iter().collect(),
        },
        _ => Vec::new(),
    }
}

fn as_call(value: &Value, tools: &[ToolSpec], takes_unknown: bool) -> Option<Call> {
    let fields = value.as_object()?;
    if let Some(inner @ Value::Object(_)) = fields.get("function") {
        return as_call(inner, tools, takes_unknown);
    }
    let (name_key, name) = NAME_KEYS
        .iter()
        .find_map(|key| Some((*key, fields.get(*key)?.as_str()?)))?;
    let given = ARGUMENT_KEYS
        .iter()
        .find_map(|key| Some((*key, fields.get(*key)?)));
    let is_known = tools.iter().any(|tool| tool.name == name);
    let counts = is_known || (takes_unknown && name_key == "tool" && given.is_some());
    if !counts {
        return None;
    }
    let arguments = match given {
        Some((_, Value::Object(arguments))) => arguments.clone(),
        Some((_, Value::Null)) => Map::new(),
        // Arguments given as JSON in a string.
        Some((_, Value::String(text))) => match read_whole_json(text.trim(), false).ok()?.value {
            Value::Object(arguments) => arguments,
            _ => return None,
        },
        Some(_) => return None,
        // The arguments stand beside the name.
        None if name_key == "tool" || name_key == "tool_name" => fields
            .iter()
            .filter(|(key, _)| *key != name_key)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        None => return None,
    };
    let id = fields
        .get("id")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    Some(Call {
        id,
        name: name.to_owned(),
        arguments: Value::Object(arguments),
    })
}

/// The tool whose call a value was meant to be, when its arguments are no object.
pub(super) fn misshapen_call<'a>(value: &'a Value, tools: &[ToolSpec]) -> Option<&'a str> {
    let fields = value.as_object()?;
    let names = NAME_KEYS
        .iter()
        .filter_map(|key| fields.get(*key)?.as_str());
    let name = names
        .into_iter()
        .find(|name| tools.iter().any(|tool| tool.name == **name))?;
    ARGUMENT_KEYS
        .iter()
        .any(|key| fields.contains_key(*key))
        .then_some(name)
}

/// Whether broken JSON was meant as a call: both keys stand in it.
pub(super) fn looks_like_call(source: &str) -> bool {
    let has = |keys: &[&str]| {
        keys.iter().any(|key| {
            source.match_indices(key).any(|(at, _)| {
                let before = source[..at].chars().next_back();
                let after = source[at + key.len()..]
                    .trim_start_matches(['"', '\''])
                    .trim_start();
                before.is_some_and(|c| "\"'{, ".contains(c)) && after.starts_with(':')
            })
        })
    };
    has(&NAME_KEYS) && has(&ARGUMENT_KEYS)
}

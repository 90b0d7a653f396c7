//! Tools and shapes in few tokens: a JSON Schema becomes something like a type.
//! `{"type":"object","properties":{"path":{"type":"string"}}}` is `{path?: string}`. What a
//! type cannot say is left to the descriptions; checking is done elsewhere.

use leadhand_protocol::ToolSpec;
use serde_json::{Map, Value};

/// Deepest nesting that is spelled out.
const DEPTH_MAX: usize = 6;
/// Most choices of an enumeration that are spelled out.
const CHOICES_SHOWN_MAX: usize = 8;
/// Longest description of one argument, in characters.
const ARGUMENT_CHARS_MAX: usize = 120;
/// Longest description of one tool, in characters.
const TOOL_CHARS_MAX: usize = 600;

/// One line for each tool: `- read_file {path: string}: Reads a file. path: …`.
pub(super) fn describe_tools(tools: &[ToolSpec]) -> String {
    tools
        .iter()
        .map(describe_tool)
        .collect::<Vec<_>>()
        .join("\n")
}

fn describe_tool(tool: &ToolSpec) -> String {
    let shape = describe_shape(&tool.arguments);
    let shape = if shape == "object" {
        "{}".to_owned()
    } else {
        shape
    };
    let mut line = format!(
        "- {} {shape}: {}",
        tool.name,
        one_line(&tool.description, TOOL_CHARS_MAX)
    );
    for (name, schema) in properties(&tool.arguments).into_iter().flatten() {
        if let Some(Value::String(text)) = schema.get("description") {
            line.push_str(&format!(" {name}: {}", one_line(text, ARGUMENT_CHARS_MAX)));
            if !line.ends_with('.') {
                line.push('.');
            }
        }
    }
    line
}

/// A schema as a type.
pub(super) fn describe_shape(schema: &Value) -> String {
    shape(schema, schema, 0)
}

fn shape(schema: &Value, root: &Value, depth: usize) -> String {
    if depth > DEPTH_MAX {
        return "any".to_owned();
    }
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        return match target
            .strip_prefix('#')
            .and_then(|pointer| root.pointer(pointer))
        {
            Some(found) => shape(found, root, depth + 1),
            None => "any".to_owned(),
        };
    }
    if let Some(one) = schema.get("const") {
        return one.to_string();
    }
    if let Some(Value::Array(choices)) = schema.get("enum") {
        let shown = choices.iter().take(CHOICES_SHOWN_MAX).map(Value::to_string);
        let more = (choices.len() > CHOICES_SHOWN_MAX).then(|| "…".to_owned());
        return shown.chain(more).collect::<Vec<_>>().join(" | ");
    }
    for union in ["anyOf", "oneOf"] {
        if let Some(Value::Array(choices)) = schema.get(union) {
            let choices = choices.iter().map(|choice| shape(choice, root, depth + 1));
            return choices.collect::<Vec<_>>().join(" | ");
        }
    }
    match schema.get("type") {
        Some(Value::String(kind)) => of_kind(kind, schema, root, depth),
        Some(Value::Array(kinds)) => kinds
            .iter()
            .filter_map(Value::as_str)
            .map(|kind| of_kind(kind, schema, root, depth))
            .collect::<Vec<_>>()
            .join(" | "),
        _ if properties(schema).is_some() => of_kind("object", schema, root, depth),
        _ => "any".to_owned(),
    }
}

fn of_kind(kind: &str, schema: &Value, root: &Value, depth: usize) -> String {
    match kind {
        "array" => {
            if let Some(Value::Array(items)) = schema.get("prefixItems") {
                return tuple(items, root, depth);
            }
            let item = schema
                .get("items")
                .map_or("any".to_owned(), |i| shape(i, root, depth + 1));
            if item.contains(" | ") {
                format!("({item})[]")
            } else {
                format!("{item}[]")
            }
        }
        "object" => match properties(schema) {
            Some(fields) => {
                let required = schema.get("required").and_then(Value::as_array);
                let fields = fields.iter().map(|(name, field)| {
                    let is_required = required.is_some_and(|r| r.iter().any(|n| n == name));
                    let mark = if is_required { "" } else { "?" };
                    format!("{name}{mark}: {}", shape(field, root, depth + 1))
                });
                format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
            }
            None => "object".to_owned(),
        },
        other => other.to_owned(),
    }
}

/// A list whose items are described one by one. Of a long one only the second is spelled out:
/// it shows how an item differs from its neighbours, and a prompt has better things to hold.
fn tuple(items: &[Value], root: &Value, depth: usize) -> String {
    match items {
        [_, second, _, ..] => format!("[…, {}, …]", shape(second, root, depth + 1)),
        items => {
            let items = items.iter().map(|item| shape(item, root, depth + 1));
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
    }
}

fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    schema
        .get("properties")?
        .as_object()
        .filter(|fields| !fields.is_empty())
}

/// Descriptions come from tools, which are hostile: no line breaks, and a bound.
fn one_line(text: &str, chars_max: usize) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((cut, _)) = line.char_indices().nth(chars_max) {
        line.truncate(cut);
        line.push('…');
    }
    line
}

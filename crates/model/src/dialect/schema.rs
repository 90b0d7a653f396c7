//! The JSON Schema that a reply in the structured style is held to, made of keywords that
//! grammar compilers know. Tool schemas come from tools, so they are hostile: references
//! are resolved here, with a bound, and everything unknown is left out.

use leadhand_protocol::{OutputFormat, ToolSpec};
use serde_json::{Map, Value, json};

/// Deepest nesting that is kept; below it anything goes.
const DEPTH_MAX: usize = 16;
/// Most nodes of one schema that are kept; a reference that refers to itself ends here.
const NODES_MAX: usize = 2_000;
/// Longest string for an argument that is a name of something, in characters. Without it a
/// small model that starts to repeat itself goes on to the token limit.
const SHORT_CHARS_MAX: u64 = 400;
/// Arguments that are names of something.
const SHORT_NAMES: [&str; 14] = [
    "path",
    "file",
    "file_name",
    "filename",
    "folder",
    "directory",
    "name",
    "id",
    "key",
    "title",
    "url",
    "host",
    "method",
    "pattern",
];
/// Keywords that are copied as they are.
const PLAIN_KEYWORDS: [&str; 9] = [
    "type",
    "const",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
];

/// One tool call or the final answer.
pub(super) fn reply_schema(tools: &[ToolSpec], output: &OutputFormat) -> Value {
    let mut choices = tools.iter().map(call_schema).collect::<Vec<_>>();
    choices.push(json!({
        "type": "object",
        "properties": { "final": output_schema(output) },
        "required": ["final"],
        "additionalProperties": false,
    }));
    json!({ "anyOf": choices })
}

/// What the final answer must be.
pub(super) fn output_schema(output: &OutputFormat) -> Value {
    match output {
        OutputFormat::Text => json!({ "type": "string" }),
        OutputFormat::Json { schema, .. } => plain(schema, None),
    }
}

fn call_schema(tool: &ToolSpec) -> Value {
    let mut arguments = plain(&tool.arguments, Some(SHORT_CHARS_MAX));
    if arguments.get("type").and_then(Value::as_str) != Some("object") {
        arguments = json!({ "type": "object" });
    }
    json!({
        "type": "object",
        "properties": { "tool": { "const": tool.name }, "arguments": arguments },
        "required": ["tool", "arguments"],
        "additionalProperties": false,
    })
}

fn plain(schema: &Value, short_chars_max: Option<u64>) -> Value {
    let mut nodes_left = NODES_MAX;
    Plain {
        root: schema,
        short_chars_max,
        nodes_left: &mut nodes_left,
    }
    .node(schema, "", 0)
}

struct Plain<'a> {
    root: &'a Value,
    short_chars_max: Option<u64>,
    nodes_left: &'a mut usize,
}

impl Plain<'_> {
    fn node(&mut self, schema: &Value, name: &str, depth: usize) -> Value {
        let Value::Object(given) = schema else {
            return if schema == &Value::Bool(false) {
                Value::Bool(false)
            } else {
                json!({})
            };
        };
        if depth > DEPTH_MAX || *self.nodes_left == 0 {
            return json!({});
        }
        *self.nodes_left -= 1;
        if let Some(target) = given.get("$ref").and_then(Value::as_str) {
            let root = self.root;
            let found = target
                .strip_prefix('#')
                .and_then(|pointer| root.pointer(pointer));
            return found.map_or(json!({}), |found| self.node(found, name, depth + 1));
        }
        let mut kept = Map::new();
        for keyword in PLAIN_KEYWORDS {
            if let Some(value) = given.get(keyword) {
                kept.insert(keyword.to_owned(), value.clone());
            }
        }
        self.unions(given, &mut kept, depth);
        self.fields(given, &mut kept, depth);
        self.items(given, &mut kept, depth);
        self.cap(name, &mut kept);
        Value::Object(kept)
    }

    fn unions(&mut self, given: &Map<String, Value>, kept: &mut Map<String, Value>, depth: usize) {
        let choices = given
            .get("anyOf")
            .or_else(|| given.get("oneOf"))
            .and_then(Value::as_array);
        if let Some(choices) = choices {
            let choices = choices
                .iter()
                .map(|choice| self.node(choice, "", depth + 1))
                .collect();
            kept.insert("anyOf".to_owned(), Value::Array(choices));
        }
    }

    fn fields(&mut self, given: &Map<String, Value>, kept: &mut Map<String, Value>, depth: usize) {
        let Some(fields) = given.get("properties").and_then(Value::as_object) else {
            return;
        };
        kept.entry("type").or_insert_with(|| json!("object"));
        let plain = fields.iter().map(|(name, field)| {
            let field = self.node(field, name, depth + 1);
            (name.clone(), field)
        });
        let plain = plain.collect::<Map<_, _>>();
        if let Some(required) = given.get("required").and_then(Value::as_array) {
            let known = required
                .iter()
                .filter(|name| name.as_str().is_some_and(|name| plain.contains_key(name)));
            kept.insert("required".to_owned(), known.cloned().collect());
        }
        kept.insert("properties".to_owned(), Value::Object(plain));
        // Whoever lists the fields wants these; a grammar with "and anything else" invites
        // small models to invent.
        let more = given.get("additionalProperties");
        let is_open = more.is_some_and(|more| more == &Value::Bool(true) || more.is_object());
        kept.insert("additionalProperties".to_owned(), Value::Bool(is_open));
    }

    fn items(&mut self, given: &Map<String, Value>, kept: &mut Map<String, Value>, depth: usize) {
        if let Some(items) = given.get("prefixItems").and_then(Value::as_array) {
            let items = items
                .iter()
                .map(|item| self.node(item, "", depth + 1))
                .collect();
            kept.insert("prefixItems".to_owned(), Value::Array(items));
        }
        if let Some(item) = given.get("items") {
            kept.insert("items".to_owned(), self.node(item, "", depth + 1));
        }
    }

    fn cap(&self, name: &str, kept: &mut Map<String, Value>) {
        let is_string = kept.get("type").and_then(Value::as_str) == Some("string");
        let is_free = !["maxLength", "enum", "const"]
            .iter()
            .any(|k| kept.contains_key(*k));
        if let Some(chars_max) = self.short_chars_max
            && is_string
            && is_free
            && SHORT_NAMES.contains(&name)
        {
            kept.insert("maxLength".to_owned(), json!(chars_max));
        }
    }
}

//! The schemas of a run's tools, compiled once, and faults of other values.

use leadhand_protocol::{MessageType, ToolSpec};
use leadhand_schema::{Schema, plainly_fits};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// What the arguments of each tool of a run may be. A schema is compiled when a call first needs
/// it: most runs call few of their tools, and most calls fit beyond doubt.
#[derive(Debug, Default)]
pub struct ArgumentSchemas(BTreeMap<String, OnceLock<Schema>>);

impl ArgumentSchemas {
    /// The schemas of these tools.
    #[must_use]
    pub fn new(tools: &[ToolSpec]) -> Self {
        let names = tools.iter().map(|tool| tool.name.clone());
        Self(names.map(|name| (name, OnceLock::new())).collect())
    }

    /// What keeps arguments from fitting a tool; nothing of a tool that there is not.
    #[must_use]
    pub fn faults(&self, tool: &ToolSpec, arguments: &Value) -> Vec<String> {
        let Some(schema) = self.0.get(&tool.name) else {
            return Vec::new();
        };
        if plainly_fits(&tool.arguments, arguments) {
            return Vec::new();
        }
        let schema = schema.get_or_init(|| Schema::of_arguments(&tool.arguments));
        schema.faults(arguments)
    }
}

/// The types of messages that agents send each other.
#[derive(Debug, Default)]
pub(crate) struct MessageSchemas(BTreeMap<String, (u32, Schema)>);

impl MessageSchemas {
    pub(crate) fn new(types: &[MessageType]) -> Self {
        let compiled = types.iter().map(|it| {
            let schema = Schema::of_value(&it.schema);
            (it.name.clone(), (it.version, schema))
        });
        Self(compiled.collect())
    }

    /// The version of a type that is registered.
    pub(crate) fn version(&self, kind: &str) -> Option<u32> {
        self.0.get(kind).map(|(version, _)| *version)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// What keeps a value from being of a type; nothing of a type that there is not.
    pub(crate) fn faults(&self, kind: &str, value: &Value) -> Vec<String> {
        let known = self.0.get(kind);
        known.map_or_else(Vec::new, |(_, schema)| schema.faults(value))
    }
}

/// What keeps `value` from fitting `schema`; none means it fits. A schema that cannot be
/// compiled is itself the fault. It is compiled anew each time: for what is checked once.
///
/// ```
/// use leadhand_engine::schema_faults;
/// let schema = serde_json::json!({"type": "object", "required": ["path"]});
/// assert_eq!(schema_faults(&schema, &serde_json::json!({"path": "a"})), Vec::<String>::new());
/// assert_eq!(schema_faults(&schema, &serde_json::json!({}))[0], "the field `path` is missing");
/// ```
#[must_use]
pub fn schema_faults(schema: &Value, value: &Value) -> Vec<String> {
    Schema::of_value(schema).faults(value)
}

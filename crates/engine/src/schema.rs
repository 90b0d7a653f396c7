//! The schemas of a run's tools, compiled once, and faults of other values.

use leadhand_protocol::ToolSpec;
use leadhand_schema::Schema;
use serde_json::Value;
use std::collections::BTreeMap;

/// What the arguments of each tool of a run may be.
#[derive(Debug, Default)]
pub struct ArgumentSchemas(BTreeMap<String, Schema>);

impl ArgumentSchemas {
    /// Compiles the schemas of all tools.
    #[must_use]
    pub fn new(tools: &[ToolSpec]) -> Self {
        let compiled = tools.iter().map(|tool| {
            let schema = Schema::of_arguments(&tool.arguments);
            (tool.name.clone(), schema)
        });
        Self(compiled.collect())
    }

    /// What keeps arguments from fitting a tool; nothing of a tool that there is not.
    #[must_use]
    pub fn faults(&self, tool: &str, arguments: &Value) -> Vec<String> {
        let schema = self.0.get(tool);
        schema.map_or_else(Vec::new, |schema| schema.faults(arguments))
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

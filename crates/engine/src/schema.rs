//! JSON Schema (draft 2020-12 unless the schema says otherwise), with faults in words that a
//! model can act on.

use jsonschema::Validator;
use serde_json::Value;

/// Most faults named at once; a model mends no more than these in one go.
const FAULTS_SHOWN_MAX: usize = 4;
const FAULT_CHARS_MAX: usize = 300;

/// What keeps `value` from fitting `schema`; none means it fits. A schema that cannot be
/// compiled is itself the fault.
///
/// ```
/// use leadhand_engine::schema_faults;
/// let schema = serde_json::json!({"type": "object", "required": ["path"]});
/// assert_eq!(schema_faults(&schema, &serde_json::json!({"path": "a"})), Vec::<String>::new());
/// assert_eq!(schema_faults(&schema, &serde_json::json!({}))[0], "\"path\" is a required property");
/// ```
#[must_use]
pub fn schema_faults(schema: &Value, value: &Value) -> Vec<String> {
    let validator: Validator = match jsonschema::validator_for(schema) {
        Ok(validator) => validator,
        Err(error) => return vec![shown(&format!("the schema itself cannot be used: {error}"))],
    };
    if validator.is_valid(value) {
        return Vec::new();
    }
    let faults = validator
        .iter_errors(value)
        .take(FAULTS_SHOWN_MAX)
        .map(|error| {
            let place = error.instance_path().to_string();
            if place.is_empty() {
                shown(&error.to_string())
            } else {
                shown(&format!("at {place}: {error}"))
            }
        });
    faults.collect()
}

fn shown(text: &str) -> String {
    text.chars().take(FAULT_CHARS_MAX).collect()
}

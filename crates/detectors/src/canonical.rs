//! One spelling for equal arguments (RFC 8785, JSON Canonicalization Scheme).

use leadhand_protocol::canonical_json;
use serde_json::Value;

/// Canonical JSON with numbers as RFC 8785 writes them, so that `1.0` is `1`, and without the
/// space around texts, which models add and no service minds.
pub(crate) fn canonical(value: &Value) -> String {
    canonical_json(&plain(value))
}

fn plain(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.trim().to_owned()),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(fields) => {
            let plain_fields = fields
                .iter()
                .map(|(key, value)| (key.clone(), plain(value)));
            Value::Object(plain_fields.collect())
        }
        Value::Number(number) => whole(number).unwrap_or_else(|| value.clone()),
        Value::Null | Value::Bool(_) => value.clone(),
    }
}

/// A number with a fraction of nothing, as the integer that it is. Beyond 2^53 not every integer
/// is a float, and the two stay apart.
fn whole(number: &serde_json::Number) -> Option<Value> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let float = number.as_f64().filter(|_| number.is_f64())?;
    let is_whole = float.fract() == 0.0 && float.abs() <= EXACT_MAX;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it is whole and within 2^53"
    )]
    is_whole.then(|| Value::from(float as i64))
}

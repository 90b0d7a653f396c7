//! Arguments that fit beyond doubt, told without compiling the schema: most tools take a flat
//! object of texts, numbers and truths, and most calls give one.

use serde_json::{Map, Value};

/// The draft that a schema is of where it names none.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Most names that may be required, which are looked through one by one.
const REQUIRED_MAX: usize = 64;

/// Whether the arguments fit a schema of which every keyword is known here. `false` says nothing:
/// ask [`crate::Schema`].
///
/// ```
/// # use leadhand_schema::plainly_fits;
/// # use serde_json::json;
/// let schema = json!({
///     "type": "object",
///     "properties": {"base": {"type": "integer", "description": "In what base."}},
///     "required": ["base"],
/// });
/// assert!(plainly_fits(&schema, &json!({"base": 2})));
/// assert!(!plainly_fits(&schema, &json!({})));
/// ```
#[must_use]
pub fn plainly_fits(schema: &Value, arguments: &Value) -> bool {
    let (Value::Object(schema), Value::Object(given)) = (schema, arguments) else {
        return false;
    };
    let nothing = Map::new();
    let (mut properties, mut is_closed) = (&nothing, false);
    for (keyword, what) in schema {
        match (keyword.as_str(), what) {
            ("type", Value::String(kind)) if kind == "object" => {}
            ("properties", Value::Object(described)) => properties = described,
            ("required", Value::Array(names)) if all_given(names, given) => {}
            ("additionalProperties", Value::Bool(more)) => is_closed = !more,
            ("title" | "description", Value::String(_)) => {}
            ("$schema", Value::String(draft)) if draft == DRAFT => {}
            _ => return false,
        }
    }
    // A property that is not understood makes the whole schema one that is not.
    let described = properties.iter().all(|(name, property)| {
        kind(property).is_some_and(|fits| given.get(name).is_none_or(fits))
    });
    described && (!is_closed || given.keys().all(|name| properties.contains_key(name)))
}

/// Whether each of these is a name, given, and not named before.
fn all_given(names: &[Value], given: &Map<String, Value>) -> bool {
    let mut named = names.iter().enumerate();
    names.len() <= REQUIRED_MAX
        && named.all(|(at, name)| {
            let is_given = name.as_str().is_some_and(|name| given.contains_key(name));
            is_given && !names[..at].contains(name)
        })
}

/// What fits a property that is described by its type alone.
fn kind(property: &Value) -> Option<fn(&Value) -> bool> {
    let keywords = property.as_object()?;
    let is_plain = keywords
        .iter()
        .all(|(keyword, what)| match keyword.as_str() {
            "type" | "title" | "description" | "format" => what.is_string(),
            "default" => true,
            _ => false,
        });
    let kind = keywords.get("type")?.as_str().filter(|_| is_plain)?;
    Some(match kind {
        "string" => Value::is_string,
        "boolean" => Value::is_boolean,
        "number" => Value::is_number,
        // What is written with a point may be one as well; that is not for here to say.
        "integer" => |given| given.is_i64() || given.is_u64(),
        _ => return None,
    })
}

//! A schema as it goes out to an endpoint. Servers compile it into a grammar, and the usual ones
//! do not know arrays whose places differ: llama.cpp refuses `"items": false` with status 400 and
//! takes a `prefixItems` alone for a tuple of just that length. So the places are told as one
//! schema for every item. That is wider, never narrower; whoever asked for the reply holds it
//! against the schema as it was.

use serde_json::{Map, Value, json};

/// The schema without `prefixItems`. Its nesting is bounded, because [`crate::dialect`] made it.
pub(super) fn without_places(schema: &Value) -> Value {
    let Value::Object(given) = schema else {
        return schema.clone();
    };
    let mut sent = Map::new();
    for (keyword, value) in given {
        let value = match (keyword.as_str(), value) {
            // The names of fields are no keywords, whatever they are called.
            ("properties", Value::Object(fields)) => fields
                .iter()
                .map(|(name, field)| (name.clone(), without_places(field)))
                .collect(),
            ("anyOf" | "prefixItems", Value::Array(schemas)) => {
                schemas.iter().map(without_places).collect()
            }
            ("items", item) => without_places(item),
            _ => value.clone(),
        };
        sent.insert(keyword.clone(), value);
    }
    if let Some(Value::Array(places)) = sent.shift_remove("prefixItems") {
        join_places(&mut sent, places);
    }
    Value::Object(sent)
}

/// Lets every item be what some place may be, or what `items` allows behind the places.
fn join_places(array: &mut Map<String, Value>, places: Vec<Value>) {
    let places_count = places.len() as u64;
    let mut choices: Vec<Value> = Vec::new();
    for place in places {
        if !choices.contains(&place) {
            choices.push(place);
        }
    }
    array.insert("type".to_owned(), json!("array"));
    match array.shift_remove("items") {
        Some(Value::Bool(false)) => {
            let given = array.get("maxItems").and_then(Value::as_u64);
            let items_max = given.map_or(places_count, |given| given.min(places_count));
            array.insert("maxItems".to_owned(), json!(items_max));
        }
        Some(behind @ Value::Object(_)) => choices.push(behind),
        // Anything may follow, so anything may stand anywhere.
        _ => return,
    }
    let item = match choices.len() {
        0 => return,
        1 => choices.remove(0),
        _ => json!({ "anyOf": choices }),
    };
    array.insert("items".to_owned(), item);
}

#[cfg(test)]
mod tests {
    use super::without_places;
    use serde_json::Value;

    fn check(given: &str, expected: &str) {
        let sent = without_places(&serde_json::from_str::<Value>(given).unwrap());
        let expected = serde_json::from_str::<Value>(expected).unwrap();
        assert_eq!(sent, expected, "{given}");
        assert_eq!(without_places(&sent), sent, "once is enough: {given}");
    }

    #[test]
    fn places_of_an_array_become_one_schema_for_every_item() {
        check(
            r#"{"type": "array", "minItems": 1, "prefixItems": [{"const": 1}, {"const": 2}], "items": false}"#,
            r#"{"type": "array", "minItems": 1, "maxItems": 2, "items": {"anyOf": [{"const": 1}, {"const": 2}]}}"#,
        );
        check(
            r#"{"prefixItems": [{"const": 1}, {"const": 1}], "items": false, "maxItems": 1}"#,
            r#"{"type": "array", "maxItems": 1, "items": {"const": 1}}"#,
        );
        check(
            r#"{"type": "array", "prefixItems": [{"const": 1}], "items": {"const": 2}, "maxItems": 9}"#,
            r#"{"type": "array", "items": {"anyOf": [{"const": 1}, {"const": 2}]}, "maxItems": 9}"#,
        );
        check(
            r#"{"type": "array", "prefixItems": [{"const": 1}]}"#,
            r#"{"type": "array"}"#,
        );
        check(
            r#"{"type": "array", "prefixItems": [], "items": false}"#,
            r#"{"type": "array", "maxItems": 0}"#,
        );
    }

    #[test]
    fn they_are_found_at_any_depth_and_the_rest_stays() {
        check(
            r#"{"anyOf": [
                {"type": "object", "required": ["prefixItems"], "additionalProperties": false,
                 "properties": {"prefixItems": {"type": "array", "prefixItems": [{}], "items": false}}},
                {"type": "array", "items": {"type": "array", "prefixItems": [{}], "items": false}},
                {"type": "array", "prefixItems": [{"prefixItems": [{}], "items": false}], "items": false}
            ]}"#,
            r#"{"anyOf": [
                {"type": "object", "required": ["prefixItems"], "additionalProperties": false,
                 "properties": {"prefixItems": {"type": "array", "maxItems": 1, "items": {}}}},
                {"type": "array", "items": {"type": "array", "maxItems": 1, "items": {}}},
                {"type": "array", "maxItems": 1, "items": {"type": "array", "maxItems": 1, "items": {}}}
            ]}"#,
        );
        // What is to be answered word for word is no schema.
        let words =
            r#"{"const": {"prefixItems": [1], "items": false}, "enum": [{"prefixItems": [1]}]}"#;
        check(words, words);
    }
}

//! What is said to fit without looking closely does fit, and the usual call is seen to.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use leadhand_schema::{Schema, plainly_fits};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

const NAMES: [&str; 3] = ["a", "b", "c"];

/// What may stand for a property: usual, unusual and wrong.
fn property() -> impl Strategy<Value = Value> {
    select(vec![
        json!({"type": "string"}),
        json!({"type": "integer", "format": "int64", "description": "Which."}),
        json!({"type": "string", "format": "date"}),
        json!({"type": "number", "default": 1}),
        json!({"type": "boolean", "title": "B"}),
        json!({"type": "string", "minLength": 2}),
        json!({"type": "integer", "minimum": 0}),
        json!({"type": ["integer", "null"]}),
        json!({"type": "text"}),
        json!({"type": 7}),
        json!({"type": "string", "description": 3}),
        json!({"enum": ["x"]}),
        json!({"$ref": "#/$defs/none"}),
        json!({}),
        json!(true),
        json!(false),
        json!(3),
    ])
}

fn value() -> impl Strategy<Value = Value> {
    select(vec![
        json!("x"),
        json!(""),
        json!(3),
        json!(-3),
        json!(u64::MAX),
        json!(1.0),
        json!(1.5),
        json!(true),
        Value::Null,
        json!([1]),
        json!({}),
    ])
}

fn object(of: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    let named = proptest::collection::vec(of, NAMES.len());
    (subsequence(NAMES.to_vec(), 0..=NAMES.len()), named).prop_map(|(names, values)| {
        let fields = names.into_iter().map(str::to_owned).zip(values);
        fields.collect()
    })
}

/// A keyword of the whole schema, and what it says.
fn keyword() -> impl Strategy<Value = (String, Value)> {
    let said = select(vec![
        ("type", json!("object")),
        ("type", json!("array")),
        ("required", json!(["a"])),
        ("required", json!(["a", "b"])),
        ("required", json!(["a", "a"])),
        ("required", json!("a")),
        ("required", json!([1])),
        ("additionalProperties", json!(false)),
        ("additionalProperties", json!({"type": "string"})),
        ("title", json!("T")),
        ("description", json!(1)),
        (
            "$schema",
            json!("https://json-schema.org/draft/2020-12/schema"),
        ),
        ("$schema", json!("http://json-schema.org/draft-07/schema#")),
        ("minProperties", json!(1)),
        ("propertyNames", json!({"maxLength": 0})),
    ]);
    said.prop_map(|(keyword, what)| (keyword.to_owned(), what))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn what_plainly_fits_fits(
        properties in object(property()),
        keywords in proptest::collection::vec(keyword(), 0..4),
        given in object(value()),
    ) {
        let mut schema: Map<String, Value> = keywords.into_iter().collect();
        schema.insert("properties".to_owned(), properties.into());
        let (schema, given) = (Value::Object(schema), Value::Object(given));
        if plainly_fits(&schema, &given) {
            let faults = Schema::of_arguments(&schema).faults(&given);
            prop_assert_eq!(faults, Vec::<String>::new(), "{} of {}", given, schema);
        }
    }
}

#[test]
fn the_usual_call_is_seen_to_fit() {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Search",
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "What for."},
            "count": {"type": "integer", "format": "int64", "default": 5},
            "factor": {"type": "number"},
            "exact": {"type": "boolean"},
        },
        "required": ["query"],
        "additionalProperties": false,
    });
    let usual = json!({"query": "rust", "count": 3, "factor": 0.5, "exact": true});
    assert!(plainly_fits(&schema, &usual));
    for unusual in [
        json!({"count": 3}),
        json!({"query": 3}),
        json!({"query": "rust", "sort": "date"}),
        json!({"query": "rust", "count": 3.0}),
        json!("rust"),
    ] {
        assert!(!plainly_fits(&schema, &unusual), "{unusual}");
    }
}

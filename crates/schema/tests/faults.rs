//! What a model is told of arguments that do not fit.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![allow(
    clippy::needless_pass_by_value,
    reason = "tables read better without a sign of reference before every value"
)]

use leadhand_schema::Schema;
use serde_json::{Value, json};

fn check(arguments: Value, faults: &[&str]) {
    let schema = Schema::of_arguments(&json!({
        "type": "object",
        "properties": {
            "city": {"type": "string", "minLength": 2},
            "days": {"type": "integer", "minimum": 1, "maximum": 14, "default": 3},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
            "exact": {"type": "boolean"},
            "limit": {"type": ["integer", "null"]},
            "place": {"$ref": "#/$defs/Point"},
            "path": {"type": "array", "items": {"$ref": "#/$defs/Point"}},
            "size": {"anyOf": [{"type": "number"}, {"const": "auto"}]},
        },
        "required": ["city", "place"],
        "additionalProperties": false,
        "$defs": {"Point": {
            "type": "object",
            "properties": {"x": {"type": "number"}, "y": {"type": "number"}},
            "required": ["x", "y"],
            "additionalProperties": false,
        }},
    }));
    let mut whole = json!({"city": "Bonn", "place": {"x": 1, "y": 2}});
    for (name, value) in arguments.as_object().unwrap() {
        whole[name] = value.clone();
    }
    assert_eq!(schema.faults(&whole), faults);
}

#[test]
fn a_fault_says_what_was_given_and_what_is_wanted() {
    check(json!({}), &[]);
    check(json!({"days": 3.0, "size": "auto", "limit": null}), &[]);
    check(
        json!({"days": "about 4"}),
        &["`days` must be an integer and is the text \"about 4\"; for example 3"],
    );
    check(
        json!({"days": "4"}),
        &["`days` must be an integer and is the text \"4\"; give 4"],
    );
    check(
        json!({"days": 2.5}),
        &["`days` must be an integer and is the number 2.5; for example 3"],
    );
    check(
        json!({"days": 0}),
        &["`days` must be at least 1 and is the number 0"],
    );
    check(
        json!({"unit": "Celcius"}),
        &[
            "`unit` must be one of \"celsius\", \"fahrenheit\" and is the text \"Celcius\"; did you mean \"celsius\"?",
        ],
    );
    check(
        json!({"unit": 5}),
        &["`unit` must be one of \"celsius\", \"fahrenheit\" and is the number 5; give \"5\""],
    );
    check(
        json!({"exact": "True"}),
        &["`exact` must be true or false and is the text \"True\"; give true"],
    );
    check(
        json!({"limit": "none"}),
        &["`limit` must be an integer or null and is the text \"none\""],
    );
    check(
        json!({"size": "wide"}),
        &["`size` must be a number or \"auto\" and is the text \"wide\""],
    );
    check(
        json!({"city": 12}),
        &["`city` must be a text and is the number 12; give \"12\""],
    );
}

#[test]
fn lists_that_came_as_text_are_shown_as_lists() {
    check(
        json!({"tags": "['a', \"b's\", 'c\\'d']"}),
        &[
            "`tags` must be a list of texts and is the text \"['a', \\\"b's\\\", 'c\\\\'d']\"; give [\"a\",\"b's\",\"c'd\"]",
        ],
    );
    check(
        json!({"tags": "a"}),
        &["`tags` must be a list of texts and is the text \"a\"; give [\"a\"]"],
    );
    check(
        json!({"place": "{'x': 1, 'y': None}"}),
        &[
            "`place` must be an object with `x`, `y` and is the text \"{'x': 1, 'y': None}\"; give {\"x\":1,\"y\":null}",
        ],
    );
    check(
        json!({"path": 7}),
        &["`path` must be a list of objects and is the number 7"],
    );
}

#[test]
fn places_within_arguments_are_named() {
    check(
        json!({"path": [{"x": 1, "y": 2}, {"x": "1", "z": 2}]}),
        &[
            "`path[1]` has no field `z`; it takes `x`, `y`",
            "`path[1]` lacks the field `y` (a number)",
            "`path[1].x` must be a number and is the text \"1\"; give 1",
        ],
    );
    check(
        json!({"place": {}}),
        &["`place` lacks the fields `x` (a number), `y` (a number)"],
    );
}

#[test]
fn of_a_choice_of_objects_the_nearest_is_told() {
    let schema = Schema::of_arguments(
        &json!({"type": "object", "properties": {"shape": {"anyOf": [
            {
                "type": "object", "required": ["kind", "radius"], "additionalProperties": false,
                "properties": {"kind": {"const": "circle"}, "radius": {"type": "number"}},
            },
            {
                "type": "object", "required": ["kind", "side", "angle"], "additionalProperties": false,
                "properties": {"kind": {"const": "rhombus"}, "side": {"type": "number"}, "angle": {"type": "number"}},
            },
            {"type": "null"},
        ]}}}),
    );
    assert_eq!(
        schema.faults(&json!({"shape": {"kind": "circle", "radius": "3"}})),
        ["`shape.radius` must be a number and is the text \"3\"; give 3"]
    );
    assert_eq!(
        schema.faults(&json!({"shape": 3})),
        [
            "`shape` must be an object with `kind`, `radius` or an object with `kind`, `side`, `angle` or null and is the number 3"
        ]
    );
}

#[test]
fn faults_are_bounded() {
    let schema = Schema::of_arguments(&json!({
        "type": "object",
        "properties": {"a": {"type": "array", "items": {"type": "integer"}}},
        "additionalProperties": false,
    }));
    let faults =
        schema.faults(&json!({"a": ["1", "2", "3", "4", "5", "6"], "b": "x".repeat(9_000)}));
    assert_eq!(
        faults,
        [
            "there is no argument `b`; it takes `a`",
            "`a[0]` must be an integer and is the text \"1\"; give 1",
            "`a[1]` must be an integer and is the text \"2\"; give 2",
            "`a[2]` must be an integer and is the text \"3\"; give 3; and 3 more faults",
        ]
    );
    let long = schema.faults(&json!({"a": "x".repeat(9_000)}));
    assert!(long[0].chars().count() < 200, "{long:?}");
}

#[test]
fn other_values_have_fields_and_a_broken_schema_is_the_fault() {
    let schema = Schema::of_value(&json!({"type": "object", "required": ["path"]}));
    assert_eq!(schema.faults(&json!({})), ["the field `path` is missing"]);
    assert_eq!(
        schema.faults(&json!([])),
        ["it must be an object and is the list []"]
    );
    let broken = Schema::of_value(&json!({"type": 7})).faults(&json!(1));
    assert!(
        broken[0].starts_with("the schema itself cannot be used: "),
        "{broken:?}"
    );
}

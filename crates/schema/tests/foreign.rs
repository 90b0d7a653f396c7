//! Descriptions of tools as others write them, and what is made of each.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![allow(
    clippy::needless_pass_by_value,
    reason = "tables read better without a sign of reference before every value"
)]

use leadhand_schema::{ForeignError, ForeignTool, Schema};
use serde_json::{Value, json};

/// Reads one argument `a` that is described so, and compares what is made of it.
fn check(described: Value, made: Value, notices: &[&str]) {
    let raw = json!({"name": "f", "description": "F.", "parameters": {
        "type": "object", "properties": {"a": described},
    }});
    let tool = ForeignTool::read(&raw).unwrap();
    assert_eq!(tool.arguments["properties"]["a"], made, "{raw}");
    let told: Vec<String> = tool.notices.iter().map(ToString::to_string).collect();
    assert_eq!(told, notices, "{raw}");
}

/// Reads one argument of this type.
fn check_word(word: &str, made: Value) {
    let raw = json!({"name": "f", "description": "F.", "parameters": {
        "type": "object", "properties": {"a": {"type": word}},
    }});
    let tool = ForeignTool::read(&raw).unwrap();
    assert_eq!(tool.arguments["properties"]["a"], made, "{word}");
}

#[test]
fn words_for_types() {
    let list = |items: Value| json!({"type": "array", "items": items});
    check_word("float", json!({"type": "number"}));
    check_word("any", json!({}));
    check_word("dict", json!({"type": "object"}));
    check_word("tuple", list(json!({})));
    check_word("STRING", json!({"type": "string"}));
    check_word("List[int]", list(json!({"type": "integer"})));
    check_word("typing.List[str]", list(json!({"type": "string"})));
    check_word("string[]", list(json!({"type": "string"})));
    check_word(
        "array<array<number>>",
        list(list(json!({"type": "number"}))),
    );
    check_word("list of strings", list(json!({"type": "string"})));
    check_word("Optional[str]", json!({"type": ["string", "null"]}));
    check_word("int | None", json!({"type": ["integer", "null"]}));
    check_word("Union[int, float]", json!({"type": ["integer", "number"]}));
    check_word("number?", json!({"type": ["number", "null"]}));
    check_word("'up' | 'down'", json!({"enum": ["up", "down"]}));
    check_word("Literal['a', 2]", json!({"enum": ["a", 2]}));
    check_word(
        "Dict[str, int]",
        json!({"type": "object", "additionalProperties": {"type": "integer"}}),
    );
    check_word(
        "Tuple[int, str]",
        json!({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2}),
    );
    check_word("Frobnicator", json!({}));
    check_word(&"List[".repeat(90), json!({}));
}

#[test]
fn values_tell_what_is_allowed() {
    check(
        json!({"type": "boolean", "enum": ["True", "False", "dontcare"]}),
        json!({"enum": [true, false, "dontcare"]}),
        &[
            "`a`: values of `enum` were read as what their text spells out (and in 1 more places)",
            "`a`: `enum` has values of other types, so the type was dropped",
        ],
    );
    check(
        json!({"type": "array", "items": {"type": "string"}, "enum": ["x", "y"]}),
        json!({"type": "array", "items": {"type": "string", "enum": ["x", "y"]}}),
        &["`a`: `enum` of an array was read as that of its items"],
    );
    check(
        json!({"type": "string", "enum": ["x"], "default": "any"}),
        json!({"type": "string", "enum": ["x", "any"], "default": "any"}),
        &["`a`: `default` is outside of what is allowed, so it is allowed too"],
    );
    check(
        json!({"type": "integer", "description": "N.", "default": "all"}),
        json!({"description": "N.", "default": "all", "anyOf": [{"type": "integer"}, {"const": "all"}]}),
        &["`a`: `default` is outside of what is allowed, so it is allowed too"],
    );
    check(
        json!({"type": "boolean", "default": "false"}),
        json!({"type": "boolean", "default": false}),
        &["`a`: `default` was read as what its text spells out"],
    );
    check(
        json!({"type": "integer", "default": "The current year"}),
        json!({"type": "integer"}),
        &["`a`: `default` does not fit and was dropped"],
    );
    check(
        json!({"type": "string", "default": null}),
        json!({"type": ["string", "null"], "default": null}),
        &["`a`: `default` is null, so null is allowed"],
    );
    check(
        json!({"type": "string", "enum": ["x"], "nullable": true}),
        json!({"type": ["string", "null"], "enum": ["x", null]}),
        &["`a`: `nullable` was read as: null is allowed"],
    );
    check(
        json!({"type": "string", "enum": []}),
        json!({"type": "string"}),
        &["`a`: `enum` is no list of values and was dropped"],
    );
}

#[test]
fn structure_is_made_sound() {
    check(
        json!({"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b", "c"]}),
        json!({
            "type": "object", "properties": {"b": {"type": "string"}},
            "required": ["b"], "additionalProperties": false,
        }),
        &["`a`: `required` names `c`, which is not there"],
    );
    check(
        json!({"properties": {"b": {"type": "string", "required": true}}, "additionalProperties": true}),
        json!({
            "type": "object", "properties": {"b": {"type": "string"}},
            "required": ["b"], "additionalProperties": true,
        }),
        &["`a.b`: `required` of the argument itself was read as that of its object"],
    );
    check(
        json!({"type": "array", "items": [{"type": "integer"}], "additionalItems": false}),
        json!({"type": "array", "prefixItems": [{"type": "integer"}], "items": false}),
        &["`a`: `items` as a list was read as `prefixItems`"],
    );
    check(
        json!({"type": "number", "minimum": "0", "exclusiveMinimum": true, "multipleOf": 0, "widget": "slider"}),
        json!({"type": "number", "exclusiveMinimum": 0}),
        &["`a`: `multipleOf` was dropped", "`a`: `widget` was dropped"],
    );
    check(
        json!({"type": "string", "pattern": "(", "example": "x"}),
        json!({"type": "string", "examples": ["x"]}),
        &["`a`: `pattern` was dropped"],
    );
    check(
        json!({"oneOf": [{"type": "int"}, {"type": "float"}]}),
        json!({"anyOf": [{"type": "integer"}, {"type": "number"}]}),
        &[
            "`a`: `oneOf` was read as `anyOf`",
            "`a`: the type `int` was read as `integer`",
            "`a`: the type `float` was read as `number`",
        ],
    );
    check(
        json!(7),
        json!({}),
        &["`a`: this is no schema, so anything is allowed"],
    );
}

#[test]
fn references_are_kept_within_reach() {
    let node = json!({
        "type": "object",
        "properties": {"name": {"type": "string"}, "next": {"$ref": "#/definitions/Node"}},
    });
    let raw = json!({
        "title": "Walk", "description": "Walks.", "type": "object",
        "properties": {
            "start": {"allOf": [{"$ref": "#/definitions/Node"}], "description": "First."},
            "other": {"$ref": "https://example.org/schema"},
            "goal": {"$ref": "#/definitions/Node"},
        },
        "definitions": {"Node": node},
    });
    let tool = ForeignTool::read(&raw).unwrap();
    let reference = json!({"$ref": "#/$defs/Node"});
    let fields = json!({"name": {"type": "string"}, "next": reference});
    assert_eq!(
        tool.arguments,
        json!({
            "type": "object",
            "properties": {
                "start": {
                    "type": "object", "description": "First.", "properties": fields,
                    "additionalProperties": false,
                },
                "other": {},
                "goal": reference,
            },
            "additionalProperties": false,
            "$defs": {"Node": {"type": "object", "properties": fields, "additionalProperties": false}},
        })
    );
    assert_eq!(
        (tool.name.as_str(), tool.description.as_str()),
        ("Walk", "Walks.")
    );
    let schema = Schema::of_arguments(&tool.arguments);
    assert_eq!(
        schema.faults(&json!({"goal": {"next": {"nam": "x"}}})),
        ["`goal.next` has no field `nam`; did you mean `name`?"]
    );
}

#[test]
fn a_choice_of_whole_sets_of_arguments_is_one_set() {
    let tool = ForeignTool::read(&json!({"name": "f", "inputSchema": {"oneOf": [
        {"type": "object", "properties": {"id": {"type": "int"}, "at": {}}, "required": ["id", "at"]},
        {"type": "object", "properties": {"name": {"type": "str"}, "at": {}}, "required": ["at"]},
    ]}}))
    .unwrap();
    assert_eq!(
        tool.arguments,
        json!({
            "type": "object",
            "properties": {"id": {"type": "integer"}, "at": {}, "name": {"type": "string"}},
            "required": ["at"],
            "additionalProperties": false,
        })
    );
}

#[test]
fn arguments_in_java_may_be_names_of_variables() {
    let tool = ForeignTool::read(&json!({"name": "plot", "description": "P.", "parameters": {
        "type": "dict",
        "properties": {
            "labels": {"type": "Array", "items": {"type": "String"}, "description": "L."},
            "title": {"type": "String"},
            "count": {"type": "integer"},
        },
    }}))
    .unwrap();
    let schema = Schema::of_arguments(&tool.arguments);
    assert_eq!(
        schema.faults(&json!({"labels": ["a"], "count": 2})),
        Vec::<String>::new()
    );
    assert_eq!(
        schema.faults(&json!({"labels": "axisLabels", "count": "ROW_COUNT"})),
        Vec::<String>::new()
    );
    assert_eq!(
        schema.faults(&json!({"labels": "apples", "count": "two"})),
        [
            "`labels` must be a list of texts or the name of a variable or constant and is the text \"apples\"; give [\"apples\"]",
            "`count` must be an integer or the name of a variable or constant and is the text \"two\"",
        ]
    );
}

#[test]
fn every_wrapping_is_known() {
    let schema =
        json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
    let plain = ForeignTool::read(&json!({"name": "f", "description": "F.", "parameters": schema}));
    let plain = plain.unwrap();
    assert!(plain.notices.is_empty(), "{:?}", plain.notices);
    for raw in [
        json!({"type": "function", "function": {"name": "f", "description": "F.", "parameters": schema}}),
        json!({"type": "function", "name": "f", "description": "F.", "parameters": schema}),
        json!({"name": "f", "description": "F.", "input_schema": schema}),
        json!({"name": "f", "description": "F.", "inputSchema": schema}),
        json!({"title": "f", "description": "F.", "type": "object", "properties": schema["properties"], "required": ["a"]}),
    ] {
        assert_eq!(ForeignTool::read(&raw).unwrap(), plain, "{raw}");
    }
    let without = ForeignTool::read(&json!({"name": "now", "parameters": null, "strict": true}));
    let without = without.unwrap();
    assert_eq!(
        without.arguments,
        json!({"type": "object", "properties": {}, "additionalProperties": false})
    );
    let told: Vec<String> = without.notices.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["`strict` of the tool was dropped", "it has no description"]
    );
}

#[test]
fn what_is_no_tool_is_refused_and_what_is_too_much_is_cut() {
    let refused = |raw: Value| ForeignTool::read(&raw).unwrap_err();
    assert_eq!(refused(json!([])), ForeignError::NoObject);
    assert_eq!(refused(json!({"description": "F."})), ForeignError::NoName);
    assert_eq!(
        refused(json!({"name": "f", "parameters": {"type": "string"}})).to_string(),
        "the arguments of the tool `f` are of type `string`: an object with `properties` is wanted"
    );
    assert_eq!(
        refused(json!({"name": "f", "description": "x".repeat(300_000)})).to_string(),
        "the description of the tool `f` has 300029 bytes and 262144 are allowed"
    );
    // Each step of this would be a hundred more.
    let members: Vec<Value> = vec![json!({"$ref": "#/definitions/A"}); 100];
    let raw = json!({"name": "f", "description": "F.", "parameters": {
        "properties": {"a": {"$ref": "#/definitions/A"}},
        "definitions": {"A": {"allOf": members, "type": "string"}},
    }});
    let tool = ForeignTool::read(&raw).unwrap();
    assert_eq!(tool.arguments["$defs"]["A"], json!({"type": "string"}));
    let mut deep = json!({"type": "string"});
    for _ in 0..60 {
        deep = json!({"type": "array", "items": deep});
    }
    let raw = json!({"name": "f", "description": "ä".repeat(2_000), "parameters": {"properties": {"a": deep}}});
    let tool = ForeignTool::read(&raw).unwrap();
    assert_eq!(tool.description.len(), 1_023);
    assert_eq!(
        tool.notices[0].what,
        "the description is too large here, so anything is allowed"
    );
}

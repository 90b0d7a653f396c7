//! `query_json`.

use crate::room::Room;
use leadhand_protocol::ToolFaultKind::{InvalidArguments, LimitExceeded, NotFound};
use serde_json::json;

const SHOP: &str = r#"{"items": [
  {"name": "nut", "price": 0.10, "tags": ["small", "steel"]},
  {"name": "bolt", "price": 1.25, "tags": ["steel"]},
  {"name": "Öl", "price": 7, "id": 123456789012345678901234567890}
]}"#;

#[test]
fn json_is_queried() {
    let room = Room::with(&[("shop.json", SHOP), ("log.jsonl", "{\"a\":1}\n{\"a\":2}\n")]);
    for (query, results) in [
        (".items | length", "3"),
        (".items[].name", "\"nut\"\n\"bolt\"\n\"Öl\""),
        (
            "[.items[] | select(.price > 1) | .name]",
            "[\"bolt\",\"Öl\"]",
        ),
        (
            ".items[0] | {name, price}",
            "{\"name\":\"nut\",\"price\":0.10}",
        ),
        ("[.items[].price] | add", "8.35"),
        (
            ".items | map(.tags // []) | flatten | unique",
            "[\"small\",\"steel\"]",
        ),
        (".items[2].id", "123456789012345678901234567890"),
        (".items | group_by(.price > 1) | map(length)", "[1,2]"),
        (
            ".items[] | select(.name | test(\"^b\")) | .name",
            "\"bolt\"",
        ),
        ("def half: . / 2; .items[1].price | half", "0.625"),
        (
            ".items[1] | to_entries | map(.key) | join(\"-\")",
            "\"name-price-tags\"",
        ),
        ("limit(2; .items[].name)", "\"nut\"\n\"bolt\""),
        (".items[] | select(.price > 10)", "The query gives nothing."),
        ("\"2026-02-28T10:00:00Z\" | fromdate", "1772272800"),
    ] {
        room.check(
            "query_json",
            json!({ "path": "shop.json", "query": query }),
            results,
        );
    }
    room.check(
        "query_json",
        json!({ "path": "log.jsonl", "query": ".a + 1" }),
        "2\n3",
    );
    room.check(
        "query_json",
        json!({ "json": "[3,1]", "query": "sort" }),
        "[1,3]",
    );
}

#[test]
fn faulty_queries_say_where() {
    let room = Room::with(&[("shop.json", SHOP)]);
    for (query, message) in [
        (
            ".items[",
            "`.items[` is not a jq expression: closing bracket is missing at the end.",
        ),
        (
            ".items | | length",
            "`.items | | length` is not a jq expression: term is missing at character 10, before \
             `|`.",
        ),
        (
            ".items | lenght",
            "`.items | lenght` is not a jq expression: there is no function `lenght` at character \
             10, before `lenght`.",
        ),
        (
            "$x",
            "`$x` is not a jq expression: there is no variable `$x` at character 1, before `$x`.",
        ),
        (
            ".items.name",
            "the query fails on this JSON: cannot index [{\"name\":\"nut\",\"price\":0.10,\"tags\":\
             [\"small\",\"steel\"]},{\"name\":\"bolt\",\"price\":1.25,\"tags\":[\"steel\"]},{\
             \"name\":\"Öl\",\"price\":7,\"id\":123456789012345678901234567890}] with \"name\".",
        ),
        (
            ".items[].tags | length | error(\"no\")",
            "the query fails on this JSON: \"no\".",
        ),
    ] {
        let arguments = json!({ "path": "shop.json", "query": query });
        room.check_fault("query_json", arguments, InvalidArguments, message);
    }
    for outside in [
        "now", "env", "$ENV", "input", "inputs", "halt", "halt(1)", "debug", "stderr",
    ] {
        let (kind, message) = room
            .call("query_json", json!({ "json": "1", "query": outside }))
            .unwrap_err();
        assert_eq!(kind, InvalidArguments, "{outside}");
        assert!(message.contains("there is no "), "{outside}: {message}");
    }
}

#[test]
fn json_that_cannot_be_read_says_where() {
    let room = Room::with(&[
        ("bad.json", "{\n  \"a\": 1,\n  \"b\": }\n"),
        ("empty.json", "\n"),
    ]);
    for (arguments, kind, message) in [
        (
            json!({ "path": "bad.json", "query": "." }),
            InvalidArguments,
            "The JSON cannot be read: expected value at line 3 column 8.",
        ),
        (
            json!({ "path": "empty.json", "query": "." }),
            InvalidArguments,
            "The JSON cannot be read: it is empty.",
        ),
        (
            json!({ "path": "bad.jso", "query": "." }),
            NotFound,
            "`bad.jso` does not exist. In `.` there are: bad.json, empty.json.",
        ),
        (
            json!({ "query": "." }),
            InvalidArguments,
            "Give either `path`, a file, or `json`, not both or neither.",
        ),
        (
            json!({ "json": "[".repeat(5_000), "query": "." }),
            InvalidArguments,
            "The JSON cannot be read: it is nested deeper than 100.",
        ),
        (
            json!({ "json": "1", "query": "[".repeat(200) }),
            LimitExceeded,
            "the query has more than 8000 bytes, or more than 100 brackets within each other.",
        ),
    ] {
        room.check_fault("query_json", arguments, kind, message);
    }
}

#[test]
fn results_without_end_are_cut() {
    let room = Room::with(&[]);
    let text = room
        .call("query_json", json!({ "json": "1", "query": "repeat(1)" }))
        .unwrap();
    assert_eq!(
        text,
        "1\n".repeat(3_800) + "[3800 results fit; narrow the query to see others]"
    );
    let long = room
        .call(
            "query_json",
            json!({ "json": "[]", "query": "[range(20000)]" }),
        )
        .unwrap();
    assert!(
        long.len() < 8_000
            && long.ends_with("[cut off: this result has 108891 bytes; ask for less]"),
        "{}",
        &long[long.len() - 100..]
    );
    for endless in [
        "def f: f; f",
        "def f: 1 + f; f",
        "[repeat(1)]",
        "last(repeat(1))",
    ] {
        let given = room.call("query_json", json!({ "json": "1", "query": endless }));
        assert!(given.is_err(), "{endless}");
    }
}

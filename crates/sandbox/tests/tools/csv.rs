//! `read_csv`.

use crate::room::Room;
use leadhand_protocol::ToolFaultKind::{InvalidArguments, NotFound};
use serde_json::{Value, json};

const PEOPLE: &str = "name,city,age\nAda,Oslo,36\n\"Doe, J\",\"Bergen\",7\nEve,Oslo,100\n";

#[test]
fn rows_are_objects() {
    let room = Room::with(&[("people.csv", PEOPLE)]);
    for (arguments, answer) in [
        (
            json!({ "path": "people.csv" }),
            json!({ "rows": [
                { "name": "Ada", "city": "Oslo", "age": "36" },
                { "name": "Doe, J", "city": "Bergen", "age": "7" },
                { "name": "Eve", "city": "Oslo", "age": "100" },
            ], "matching": 3 }),
        ),
        (
            json!({ "path": "people.csv", "columns": ["age", "name"], "where": { "city": "Oslo" } }),
            json!({ "rows": [
                { "age": "36", "name": "Ada" },
                { "age": "100", "name": "Eve" },
            ], "matching": 2 }),
        ),
        (
            json!({ "path": "people.csv", "columns": "name", "where": { "age": ">= 36", "name": "~ V" } }),
            json!({ "rows": [{ "name": "Eve" }], "matching": 1 }),
        ),
        (
            json!({ "path": "people.csv", "where": { "age": 7 }, "columns": ["name"] }),
            json!({ "rows": [{ "name": "Doe, J" }], "matching": 1 }),
        ),
        (
            json!({ "path": "people.csv", "where": { "city": "!= Oslo" }, "columns": ["name"], "start_row": 2 }),
            json!({ "rows": [], "matching": 1 }),
        ),
        (
            json!({ "text": "a;b\r\n1,5;\"x\"\"y\r\nz\"\r\n", }),
            json!({ "rows": [{ "a": "1,5", "b": "x\"y\r\nz" }], "matching": 1 }),
        ),
        (
            json!({ "text": "1\t2\n3\t4", "header": false }),
            json!({ "rows": [
                { "column_1": "1", "column_2": "2" },
                { "column_1": "3", "column_2": "4" },
            ], "matching": 2 }),
        ),
        (
            json!({ "text": "\u{feff}a|a||\n1|2||4\n", "delimiter": "|" }),
            json!({ "rows": [
                { "a": "1", "a_2": "2", "column_3": "", "column_4": "4" },
            ], "matching": 1 }),
        ),
        (
            json!({ "text": "a,b\n1,2\n\n3\n4,5,6\n7,8\n" }),
            json!({ "rows": [{ "a": "1", "b": "2" }, { "a": "7", "b": "8" }], "matching": 2,
                "left_out": ["line 4 has 1 fields, not 2", "line 5 has 3 fields, not 2"] }),
        ),
    ] {
        room.check("read_csv", arguments, &answer.to_string());
    }
}

#[test]
fn long_tables_are_given_in_parts() {
    let rows: String = (1..=500).map(|n| format!("row {n},{n}\n")).collect();
    let room = Room::with(&[("long.csv", &format!("title,number\n{rows}"))]);
    let (mut start, mut seen) = (1, 0);
    while let Some(next) = {
        let text = room
            .call(
                "read_csv",
                json!({ "path": "long.csv", "start_row": start }),
            )
            .unwrap();
        assert!(text.len() <= 7_600, "{}", text.len());
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(answer["matching"], 500);
        seen += answer["rows"].as_array().unwrap().len();
        answer["next_row"].as_u64()
    } {
        assert_eq!(next, seen as u64 + 1);
        start = next;
    }
    assert_eq!(seen, 500);
}

#[test]
fn tables_that_cannot_be_read_say_where() {
    let room = Room::with(&[("people.csv", PEOPLE)]);
    for (arguments, kind, message) in [
        (
            json!({ "text": "a,b\n1,\"2\n3,4\n" }),
            InvalidArguments,
            "The CSV cannot be read: line 2: a field begins with a quote that is never closed.",
        ),
        (
            json!({ "text": "a,b\n\"1\n\"x,2\n" }),
            InvalidArguments,
            "The CSV cannot be read: line 3: text follows the closing quote of a field.",
        ),
        (
            json!({ "text": "\n" }),
            InvalidArguments,
            "The CSV has no line.",
        ),
        (
            json!({ "path": "people.csv", "columns": ["nmae"] }),
            NotFound,
            "There is no column `nmae`; there are: name, city, age.",
        ),
        (
            json!({ "path": "people.csv", "where": { "town": "Oslo" } }),
            NotFound,
            "There is no column `town`; there are: name, city, age.",
        ),
        (
            json!({ "path": "people.csv", "delimiter": "ab" }),
            InvalidArguments,
            "`delimiter` is one character or tab, not `ab`.",
        ),
        (
            json!({ "path": "people.csv", "text": "a" }),
            InvalidArguments,
            "Give either `path`, a file, or `text`, not both or neither.",
        ),
    ] {
        room.check_fault("read_csv", arguments, kind, message);
    }
    let wide = "x,".repeat(200_000);
    assert!(room.call("read_csv", json!({ "text": wide })).is_err());
}

//! `docs/messages` holds the schemas as they are. `LEADHAND_WRITE_SCHEMAS=1` writes them anew.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use leadhand_channel::{Lane, MESSAGE_VERSION, envelope_schema, message_schemas};
use leadhand_protocol::Message;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const BEFORE: &str = include_str!("published/before.md");

/// A kind, who sends it, who gets it, in which lane, and what follows.
type Row = (&'static str, &'static str, &'static str, Lane, &'static str);

const ROWS: [Row; 8] = [
    (
        "assign",
        "hub",
        "agent",
        Lane::Work,
        "`begin`: nothing. `think` and `act`: a `result` or a `failure` whose cause is this message",
    ),
    (
        "cancel",
        "hub",
        "agent",
        Lane::Cancel,
        "the model call that is being made is given up, and so are those that were assigned earlier; nothing is sent back",
    ),
    (
        "failure",
        "agent",
        "hub",
        Lane::Work,
        "the engine decides whether it is tried again",
    ),
    (
        "granted",
        "hub",
        "agent",
        Lane::Work,
        "whoever asked goes on",
    ),
    (
        "progress",
        "agent",
        "hub",
        Lane::Work,
        "onlookers see it; left out when the hub is busy, and counted",
    ),
    (
        "request",
        "agent",
        "hub",
        Lane::Work,
        "a `granted` of the same `wait`, at once or when what is waited for has come",
    ),
    (
        "result",
        "agent",
        "hub",
        Lane::Work,
        "it is put on record and the engine decides what is next",
    ),
    (
        "steer",
        "hub",
        "agent",
        Lane::Steer,
        "whoever is at work keeps it in mind",
    ),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/messages")
}

fn readme() -> String {
    let mut text = BEFORE.replace("VERSION", &MESSAGE_VERSION.to_string());
    let schemas = message_schemas();
    text.push_str("\n## Kinds\n| kind | from | to | lane | says | what follows |\n|---|---|---|---|---|---|\n");
    for (kind, from, to, lane, follows) in ROWS {
        let says = sentence(&schemas[kind]);
        let says = says
            .split_once(": ")
            .map_or(says.as_str(), |(_, says)| says);
        let lane = format!("{lane:?}").to_lowercase();
        writeln!(
            text,
            "| [{kind}]({kind}.json) | {from} | {to} | {lane} | {says} | {follows} |"
        )
        .unwrap();
    }
    text.push_str("\n## Requests\nLocks, votes, topics and questions have one way: an agent sends a `request`, and what came of it comes back as a `granted` of the same `wait`. What is published to an agent, and what it is asked, it is given when it asks to `receive` ([coordination](../coordination.md)).\n\n| request | is to |\n|---|---|\n");
    let requests = schemas["request"]["$defs"]["Request"]["oneOf"]
        .as_array()
        .unwrap();
    for request in requests {
        let name = request["required"][0]
            .as_str()
            .or(request["const"].as_str());
        writeln!(text, "| `{}` | {} |", name.unwrap(), sentence(request)).unwrap();
    }
    text
}

/// The first paragraph of a description, on one line and without its full stop.
fn sentence(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap();
    let first = text.split("\n\n").next().unwrap().replace('\n', " ");
    first.trim_end_matches('.').to_owned()
}

fn files() -> BTreeMap<String, String> {
    let mut schemas = message_schemas();
    schemas.insert("envelope".to_owned(), envelope_schema());
    let mut files: BTreeMap<_, _> = schemas
        .into_iter()
        .map(|(kind, schema)| {
            let text = serde_json::to_string_pretty(&schema).unwrap();
            (format!("{kind}.json"), text + "\n")
        })
        .collect();
    files.insert("README.md".to_owned(), readme());
    files
}

#[test]
fn published_schemas_are_those_of_the_types() {
    let folder = folder();
    if std::env::var_os("LEADHAND_WRITE_SCHEMAS").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for old in fs::read_dir(&folder).unwrap() {
            fs::remove_file(old.unwrap().path()).unwrap();
        }
        for (name, text) in files() {
            fs::write(folder.join(name), text).unwrap();
        }
    }
    let found: BTreeMap<String, String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    for (name, text) in files() {
        assert!(
            found.get(&name) == Some(&text),
            "docs/messages/{name} is not what the types say; run this test with \
             LEADHAND_WRITE_SCHEMAS=1 and look at what changed"
        );
    }
    assert_eq!(
        found.len(),
        files().len(),
        "a file in docs/messages is of no kind"
    );
}

#[test]
fn the_table_names_each_kind_and_its_lane() {
    let kinds: Vec<_> = ROWS.iter().map(|row| row.0.to_owned()).collect();
    assert_eq!(kinds, message_schemas().into_keys().collect::<Vec<_>>());
    let steer = Message::Steer {
        text: String::new(),
    };
    let control: Vec<_> = ROWS
        .iter()
        .filter(|row| row.3 != Lane::Work)
        .map(|row| (row.0, row.3))
        .collect();
    let expected = [
        ("cancel", Lane::of(&Message::Cancel)),
        ("steer", Lane::of(&steer)),
    ];
    assert_eq!(control, expected);
}

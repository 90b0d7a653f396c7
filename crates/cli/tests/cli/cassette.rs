//! A past run as a test: its cassette is played with no model and no tool called.

use crate::place::{Place, WRITES_NOTES};
use std::fs;

const PLAYED: [&str; 4] = [
    "-m",
    "cassette:run.cassette",
    "--tools",
    "recorded:run.cassette",
];

/// A task that reads a file by itself and is checked, after one whose output goes into a file.
const PLAN: &str = r#"{"tasks": [
  {"id": "t1", "role": "writer", "instruction": "Write a greeting.", "output_file": "notes.md",
   "acceptance": [{"check": "file_changed", "path": "notes.md"}]},
  {"id": "t2", "role": "analyst", "instruction": "Sum it up.", "depends_on": ["t1"],
   "inputs": [{"name": "facts", "from": {"file": "facts.txt"}}]}], "answer": "t2"}"#;
const SCRIPT: &str = concat!(
    r#"{"when": {"prompt_contains": "Write a greeting."}, "times": 0, "reply": {"text": "Hello."}}"#,
    "\n",
    r#"{"when": {"contains": "Sum it up."}, "times": 0, "reply": {"tool_calls": [{"name": "read_file", "arguments": {"path": "notes.md"}}]}}"#,
    "\n",
    r#"{"when": {"contains": "Hello."}, "times": 0, "reply": {"text": "A greeting and 42."}}"#,
    "\n"
);

/// A place of the same project in which a run was recorded, and its cassette.
fn recorded() -> (Place, String) {
    let files = [
        ("script.jsonl", SCRIPT),
        ("plan.json", PLAN),
        ("facts.txt", "It is 42.\n"),
    ];
    let place = Place::new(&files);
    let arguments = [
        "run",
        "--plan",
        "plan.json",
        "-m",
        "scripted:script.jsonl",
        "--autonomy",
        "L5",
    ];
    let seen = place.leadhand(&arguments);
    assert_eq!(
        (seen.code, seen.out.as_str()),
        (0, "A greeting and 42.\n"),
        "{}",
        seen.err
    );
    let seen = place.leadhand(&["trace", "export", "last", "--format", "cassette"]);
    assert_eq!(seen.code, 0, "{}", seen.err);
    (place, seen.out)
}

fn play(place: &Place) -> crate::place::Seen {
    place.leadhand(
        &[
            &["run", "--plan", "plan.json", "--autonomy", "L5"],
            &PLAYED[..],
        ]
        .concat(),
    )
}

#[test]
fn a_run_is_repeated_from_its_cassette_alone() {
    let (first, cassette) = recorded();
    // Neither the file that is read nor the one that is written is there.
    let place = Place::new(&[("plan.json", PLAN), ("run.cassette", &cassette)]);
    let seen = play(&place);
    assert_eq!(
        (seen.code, seen.out.as_str()),
        (0, "A greeting and 42.\n"),
        "{}",
        seen.err
    );
    assert!(!place.path("notes.md").exists(), "no tool was called");
    let export = |place: &Place| {
        let seen = place.leadhand(&["trace", "export", "last"]);
        seen.out
    };
    first.write("again.jsonl", &export(&place));
    let seen = first.leadhand(&["trace", "diff", "last", "again.jsonl"]);
    assert!(seen.out.contains("both are the same"), "{}", seen.out);
}

#[test]
fn the_first_request_that_differs_is_named() {
    let (_, cassette) = recorded();
    let changed = PLAN.replace("Write a greeting.", "Write a farewell.");
    let place = Place::new(&[("plan.json", &changed), ("run.cassette", &cassette)]);
    let seen = play(&place);
    assert_eq!(seen.code, 9, "{}", seen.err);
    let why = "cassette: no answer is recorded for what is asked now; the nearest that is \
               recorded, line ";
    assert!(seen.err.contains(why), "{}", seen.err);
    let sides = "by a0 writer, turn 1, differs: message 2 was \"…Your task: Write a greeting.\" \
                 and is \"…Your task: Write a farewell.\". Undo the change, or record again";
    let squeezed = seen.err.replace("\\n", "");
    assert!(
        squeezed.contains("greeting") && squeezed.contains("farewell"),
        "{}",
        seen.err
    );
    assert!(seen.err.contains("message 2 was"), "{}\n{sides}", seen.err);
}

#[test]
fn a_tool_call_that_is_not_recorded_fails_and_is_named() {
    let (_, cassette) = recorded();
    let without: Vec<&str> = cassette
        .lines()
        .filter(|line| {
            !line.contains("\"tool\":\"read_file\",\"arguments\":{\"path\":\"notes.md\"}")
        })
        .collect();
    assert!(without.len() < cassette.lines().count());
    let place = Place::new(&[
        ("plan.json", PLAN),
        ("run.cassette", &(without.join("\n") + "\n")),
    ]);
    let seen = play(&place);
    assert_eq!(seen.code, 9, "{}", seen.err);
    let why = "no result is recorded for `read_file` with";
    assert!(seen.err.contains(why), "{}", seen.err);
}

#[test]
fn wrong_cassettes_are_refused() {
    let place = Place::new(&[("plan.json", PLAN)]);
    let check = |file: &str, expected: &str| {
        place.write("run.cassette", file);
        let seen = play(&place);
        assert_eq!(seen.code, 2, "{}", seen.err);
        assert!(seen.err.contains(expected), "{}", seen.err);
    };
    check(
        "{\"cassette\":2,\"run\":\"r\",\"program\":\"9.9.9\"}\n",
        "run.cassette:1: this cassette has format 2, made by leadhand 9.9.9",
    );
    check(
        "{\"tool\":\"x\",\"arguments\":{}}\n",
        "run.cassette:1: wants either `output` or `fault`",
    );
    check(
        "{\"key\":\"x\"}\n",
        "run.cassette:1: wants either `reply` or `fault`",
    );
    check(
        "{\"key\":\"x\",\"other\":1}\n",
        "run.cassette:1: unknown field `other`",
    );
    check("", "there is nothing of tools on this cassette");
    let seen = place.leadhand(&["run", "x", "--tools", "real"]);
    assert!(
        seen.err.contains("--tools real: this is no recorded:FILE"),
        "{}",
        seen.err
    );
    fs::remove_file(place.path("run.cassette")).unwrap();
    assert_eq!(play(&place).code, 2);
}

#[test]
fn a_model_that_failed_and_came_back_is_played_as_if_it_had_not_failed() {
    let failing = WRITES_NOTES.replace(
        r#"{"times": 0, "reply": {"text": "Hello."}}"#,
        r#"{"reply": {"fault": {"kind": "unauthorised", "message": "the key was refused"}}}"#,
    );
    let place = Place::new(&[("failing.jsonl", &failing), ("script.jsonl", WRITES_NOTES)]);
    assert_eq!(
        place
            .leadhand(&["run", "Write notes", "-m", "scripted:failing.jsonl"])
            .code,
        9
    );
    assert_eq!(
        place
            .leadhand(&["resume", "last", "-m", "scripted:script.jsonl"])
            .code,
        0
    );
    let cassette = place
        .leadhand(&["trace", "export", "last", "--format", "cassette"])
        .out;
    let fresh = Place::new(&[("run.cassette", &cassette)]);
    let seen = fresh.leadhand(&[&["run", "Write notes"], &PLAYED[..]].concat());
    assert_eq!(seen.code, 0, "{}", seen.err);
}

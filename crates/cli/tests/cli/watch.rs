//! Runs that are stopped for what was found, whole and as their user sees them.

use crate::place::{Place, Seen};
use serde_json::Value;

const READS: &str = concat!(
    r#"{"times": 0, "reply": {"tool_calls": [{"name": "read_file", "arguments": {"path": "notes.md"}}]}}"#,
    "\n"
);
const CLAIMS: &str = concat!(r#"{"times": 0, "reply": {"text": "Done."}}"#, "\n");
const PLAN: &str = r#"{"tasks": [
    {"id": "facts", "role": "analyst", "instruction": "Collect."},
    {"id": "letter", "role": "coder", "instruction": "Write the letter.", "writes": ["letter.md"]}
]}"#;

fn place(model_of_letter: &str) -> Place {
    let facts = concat!(
        r#"{"when": {"contains": "Collect."}, "times": 0, "reply": {"text": "The fair is on Monday."}}"#,
        "\n"
    );
    Place::new(&[
        ("plan.json", PLAN),
        ("notes.md", "Nothing new."),
        ("script.jsonl", &format!("{facts}{model_of_letter}")),
    ])
}

fn ran(place: &Place) -> Seen {
    place.leadhand(&[
        "run",
        "--plan",
        "plan.json",
        "--autonomy",
        "L5",
        "-m",
        "scripted:script.jsonl",
    ])
}

/// The run stops with this code and reason, keeps what is done, and every reader tells why.
fn check(place: &Place, code: i32, kind: &str, reason: &str) {
    let seen = ran(place);
    assert_eq!(seen.code, code, "{}", seen.err);
    assert!(seen.err.contains(reason), "{}", seen.err);
    let shown = place.leadhand(&["trace", "show", "last"]);
    assert!(shown.out.contains(reason), "{}", shown.out);
    let json = place.leadhand(&["trace", "show", "last", "--events"]);
    let records = json
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let records: Vec<Value> = records.collect();
    let end = records
        .iter()
        .rev()
        .find(|line| line["event"]["event"] == "run_ended");
    let end = &end.expect("the run ended")["event"];
    assert_eq!(end["kind"], kind, "{end}");
    assert_eq!(
        (&end["tasks"][0]["state"], &end["tasks"][1]["state"]),
        (&Value::from("done"), &Value::from("failed"))
    );
    assert_eq!(place.leadhand(&["replay", "last"]).code, 0);
}

#[test]
fn a_run_that_goes_round_in_circles_ends_with_6() {
    check(&place(READS), 6, "loop_found", "work goes round in circles");
}

#[test]
fn a_run_that_does_not_come_back_to_its_plan_ends_with_7() {
    check(&place(CLAIMS), 7, "divergence_found", "work left the plan");
}

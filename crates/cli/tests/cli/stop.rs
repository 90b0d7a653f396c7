//! Pausing, dying and going on.

use crate::place::{Place, WRITES_NOTES};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// The same run as [`WRITES_NOTES`], but its worker thinks for an hour.
pub(crate) fn slow() -> String {
    WRITES_NOTES.replace(
        r#"{"times": 0, "reply""#,
        r#"{"delay_ms": 3600000, "times": 0, "reply""#,
    )
}

/// Starts the slow run and comes back once its worker is thinking.
pub(crate) fn started(place: &Place) -> (Child, BufReader<std::process::ChildStderr>) {
    started_with(place, &[])
}

fn started_with(place: &Place, more: &[&str]) -> (Child, BufReader<std::process::ChildStderr>) {
    let run = ["run", "Write notes", "-m", "scripted:slow.jsonl"];
    let mut command = place.command(&[&run, more].concat());
    let mut child = command
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("t1 started") {
        line.clear();
        assert!(
            err.read_line(&mut line).unwrap() > 0,
            "the run ended before its worker began"
        );
    }
    (child, err)
}

pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

pub(crate) fn state(place: &Place) -> (String, bool) {
    let seen = place.leadhand(&["ps", "--json"]);
    let runs: Value = serde_json::from_str(&seen.out).unwrap();
    (
        runs[0]["state"].as_str().unwrap().to_owned(),
        runs[0]["resumable"].as_bool().unwrap(),
    )
}

pub(crate) fn goes_on(place: &Place) {
    let seen = place.leadhand(&["resume", "last", "-m", "scripted:script.jsonl"]);
    assert_eq!(seen.code, 0, "{}", seen.err);
    assert_eq!(seen.out, "`notes.md` is written (7 bytes):\n\nHello.\n");
    // What was under way has its name, although it did not begin here.
    let told = "\n\
                t1: write_file {\"path\":\"notes.md\",\"content\":\"Hello.\\n\"}\n\
                t1 done in TIME, TOKENS, in notes.md\n";
    for told in ["\nresumed\n", told] {
        assert!(seen.err.contains(told), "{}", seen.err);
    }
    assert_eq!(state(place), ("done".to_owned(), false));
}

#[test]
fn ctrl_c_pauses_and_the_run_goes_on_later() {
    let place = Place::new(&[("slow.jsonl", &slow()), ("script.jsonl", WRITES_NOTES)]);
    let (mut child, err) = started(&place);
    assert_eq!(state(&place), ("running".to_owned(), false));
    signal(&child, "-INT");
    let said: Vec<String> = err.lines().map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said:?}");
    assert_eq!(said[0], "pausing… (again to stop at once)");
    assert!(
        said.last()
            .unwrap()
            .starts_with("resume with: leadhand resume 1"),
        "{said:?}"
    );
    assert_eq!(state(&place), ("interrupted".to_owned(), true));
    goes_on(&place);
}

#[test]
fn a_request_to_end_pauses_as_well() {
    let place = Place::new(&[("slow.jsonl", &slow())]);
    let (mut child, _err) = started(&place);
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(state(&place), ("interrupted".to_owned(), true));
}

#[test]
fn a_killed_run_goes_on_later() {
    let place = Place::new(&[("slow.jsonl", &slow()), ("script.jsonl", WRITES_NOTES)]);
    let (mut child, _err) = started(&place);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(state(&place), ("stopped".to_owned(), true));
    goes_on(&place);
    let seen = place.leadhand(&["resume", "last", "-m", "scripted:script.jsonl"]);
    assert_eq!(seen.code, 2);
    assert!(seen.err.contains("run RUN is over"), "{}", seen.err);
}

#[test]
fn a_run_that_goes_on_with_a_dearer_model_reckons_with_its_price() {
    let config = "[models.dear]\nprovider = \"scripted\"\nfile = \"script.jsonl\"\n\
                  price = { output_micro_usd = 1000000000 }\n";
    let place = Place::new(&[
        ("slow.jsonl", &slow()),
        ("script.jsonl", WRITES_NOTES),
        ("leadhand.toml", config),
    ]);
    let (mut child, _err) = started_with(&place, &["--budget-usd", "0.01"]);
    child.kill().unwrap();
    child.wait().unwrap();
    let seen = place.leadhand(&["resume", "last", "-m", "dear"]);
    assert_eq!(seen.code, 5, "{}", seen.err);
    let begin = "model dear\nrun RUN\nits models cost another amount from here on\nresumed\n";
    assert!(seen.err.starts_with(begin), "{}", seen.err);
    let why = "so much is not left";
    assert!(seen.err.contains(why), "{}", seen.err);
    goes_on(&place);
    let replayed = place.leadhand(&["replay", "last"]);
    assert_eq!(replayed.code, 0, "{}", replayed.out);
}

#[test]
fn a_goal_whose_run_died_is_gone_on_with_when_it_is_given_again() {
    let place = Place::new(&[("slow.jsonl", &slow()), ("script.jsonl", WRITES_NOTES)]);
    let again = |goal: &str| {
        place.leadhand(&[
            "run",
            goal,
            "-m",
            "scripted:script.jsonl",
            "--resume-on-crash",
        ])
    };
    let (mut child, _err) = started(&place);
    // One that is live has not died.
    let beside = again("Write notes");
    assert!(!beside.err.contains("died"), "{}", beside.err);
    child.kill().unwrap();
    child.wait().unwrap();
    let other = again("Write other notes");
    assert!(!other.err.contains("died"), "{}", other.err);
    let seen = again("Write notes");
    assert_eq!(seen.code, 0, "{}", seen.err);
    let begin = "goal Write notes\nmodel scripted:script.jsonl\nrun RUN died and is taken up\nrun RUN\nresumed\n";
    assert!(seen.err.starts_with(begin), "{}", seen.err);
    let once_more = again("Write notes");
    assert!(!once_more.err.contains("died"), "{}", once_more.err);
}

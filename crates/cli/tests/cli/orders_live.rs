//! Orders to a live run from another process: each is carried out there, and after the end no
//! model and no tool is called any more.

use crate::place::{Place, WRITES_NOTES};
use crate::stop::{goes_on, slow, started, state};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};

/// Two tasks, one after the other; the second writes a file.
const PLAN: &str = r#"
[[tasks]]
id = "t1"
title = "Think"
role = "writer"
instruction = "Think."

[[tasks]]
id = "t2"
title = "Write"
role = "writer"
instruction = "Write."
depends_on = ["t1"]
output_file = "marker.md"
"#;

/// A model that thinks for so long about the first task, and at once about the second.
fn script(delay_ms: u64) -> String {
    let first = format!(
        r#"{{"when": {{"prompt_contains": "Think."}}, "delay_ms": {delay_ms}, "reply": {{"text": "Thought."}}}}"#
    );
    format!("{first}\n{{\"times\": 0, \"reply\": {{\"text\": \"Written.\"}}}}\n")
}

/// Starts the plan and comes back once the first task is at work.
fn begun(place: &Place, plan: &str) -> Child {
    let mut command = place.command(&[
        "run",
        "--plan",
        plan,
        "-m",
        "scripted:model.jsonl",
        "--autonomy",
        "L5",
    ]);
    let mut child = command
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("t1 started") && !line.starts_with("t1: send_request") {
        line.clear();
        assert!(
            err.read_line(&mut line).unwrap() > 0,
            "the run ended before"
        );
    }
    // What it says is read, so that it does not wait for somebody who reads.
    std::thread::spawn(move || std::io::copy(&mut err, &mut std::io::sink()));
    child
}

/// The events of the last run, which has ended.
fn events(place: &Place) -> Vec<Value> {
    let seen = place.leadhand(&["trace", "show", "last", "--events"]);
    let lines = seen.out.lines();
    lines
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].clone())
        .collect()
}

fn names(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect()
}

/// That the run is over, and nothing was called after it was ordered to stop.
fn nothing_came_after(place: &Place, mut child: Child) {
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(state(place), ("cancelled".to_owned(), false));
    let events = events(place);
    let names = names(&events);
    let stopped = names
        .iter()
        .position(|name| *name == "stop_ordered")
        .unwrap();
    let called = |name: &&&str| matches!(**name, "turn_started" | "tool_called" | "call_started");
    assert_eq!(names[stopped..].iter().find(called), None, "{names:?}");
    assert_eq!(names.last(), Some(&"run_ended"));
    assert!(!place.path("marker.md").exists());
}

#[test]
fn a_live_run_is_paused_and_goes_on_later() {
    let place = Place::new(&[("slow.jsonl", &slow()), ("script.jsonl", WRITES_NOTES)]);
    let (mut child, _err) = started(&place);
    let seen = place.leadhand(&["pause", "last"]);
    assert_eq!(seen.code, 0, "{}", seen.err);
    assert_eq!(
        seen.out,
        "run RUN: paused: paused by a person\nstopped\n  t1     Write notes  was at work\n"
    );
    assert_eq!(seen.err, "resume with: leadhand resume RUN\n");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let again = place.leadhand(&["pause", "last"]);
    assert_eq!((again.code, again.out.as_str()), (2, ""));
    assert_eq!(
        again.err,
        "error: run RUN is not live: it stands still already\nwhat to do: resume with: leadhand resume RUN\n"
    );
    goes_on(&place);
}

#[test]
fn a_live_run_is_steered_edited_and_looked_into() {
    let place = Place::new(&[("plan.toml", PLAN), ("model.jsonl", &script(3_600_000))]);
    let child = begun(&place, "plan.toml");
    let check = |arguments: &[&str], out: &str| {
        let seen = place.leadhand(arguments);
        assert_eq!((seen.code, seen.out.as_str()), (0, out), "{}", seen.err);
    };
    let refused = |arguments: &[&str], err: &str| {
        let seen = place.leadhand(arguments);
        assert_eq!((seen.code, seen.err.as_str()), (2, err), "{}", seen.out);
    };
    check(
        &["steer", "last", "Use German.", "--task", "t1"],
        "run RUN: those at work on t1 are told\n",
    );
    refused(
        &["steer", "last", "Use German.", "--task", "t9"],
        "error: run RUN: there is no task `t9` in the plan: there is t1, t2\n",
    );
    refused(
        &["edit", "last", "--drop", "t1", "--hold", "t1"],
        "error: run RUN: task `t1` is at work: steer it, or drop it and add another one\n",
    );
    refused(
        &["edit", "last", "--budget-usd", "t2=0"],
        "error: run RUN: the budget of money is zero, with which nothing can be done: give one above zero, or none\n",
    );
    check(
        &[
            "edit",
            "last",
            "--hold",
            "t2",
            "--instruction",
            "t2=Write less.",
            "--budget-tokens",
            "t2=500",
        ],
        "run RUN: the plan is changed: has t2 do something else, bounds what t2 may spend, holds t2\n",
    );
    check(
        &["edit", "last", "--drop", "t2"],
        "run RUN: the plan is changed: drops t2\n",
    );
    refused(
        &["approve", "last"],
        "error: no question of run RUN is open\nwhat to do: `leadhand ps` shows which runs wait for a person\n",
    );
    // It is live, and looked into all the same.
    let told = events(&place);
    let told: Vec<&Value> = told
        .iter()
        .filter(|event| event["event"] == "told")
        .collect();
    assert_eq!(told[0]["text"], "The person you work for says: Use German.");
    let shown = place.leadhand(&["trace", "show", "last", "--json"]);
    let shown: Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(shown["tasks"][1]["state"], "dropped");
    let resumed = place.leadhand(&["resume", "last", "-m", "scripted:model.jsonl"]);
    assert_eq!(resumed.code, 2, "{}", resumed.err);
    assert!(
        resumed.err.contains("error: run RUN is "),
        "{}",
        resumed.err
    );
    assert_eq!(place.leadhand(&["cancel", "last"]).code, 0);
    nothing_came_after(&place, child);
}

#[test]
fn a_live_run_is_followed_to_its_end_and_cancelled() {
    let place = Place::new(&[("plan.toml", PLAN), ("model.jsonl", &script(3_600_000))]);
    let child = begun(&place, "plan.toml");
    let mut follower = place
        .command(&["trace", "tail", "last", "-f", "--from", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut follow = BufReader::new(follower.stdout.take().unwrap());
    let mut line = String::new();
    follow.read_line(&mut line).unwrap();
    assert_eq!(line, "     1  plan: 2 tasks\n");
    let seen = place.leadhand(&["cancel", "last", "--why", "enough", "--json"]);
    assert_eq!(seen.code, 0, "{}", seen.err);
    let cancelled: Value = serde_json::from_str(&seen.out).unwrap();
    assert_eq!(cancelled["live"], true);
    assert_eq!(cancelled["outcome"]["why"], "enough");
    assert_eq!(cancelled["outcome"]["tasks"][0]["state"], "running");
    let mut rest = String::new();
    follow.read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("  stopping: enough\n"), "{rest}");
    assert_eq!(follower.wait().unwrap().code(), Some(0));
    nothing_came_after(&place, child);
    let again = place.leadhand(&["cancel", "last"]);
    assert_eq!(again.code, 2);
    assert_eq!(
        again.err,
        "error: run RUN: the run is over (cancelled): start a new run, or fork this one where it should have gone another way\n"
    );
}

/// A plan whose first task is a request that must not be made twice, to a server of ours.
pub(crate) struct Request {
    pub(crate) place: Place,
    pub(crate) server: TcpListener,
}

impl Request {
    pub(crate) fn new() -> Self {
        let server = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}/pay", server.local_addr().unwrap());
        let call = format!(
            "call = {{ tool = \"send_request\", arguments = {{ url = \"{url}\", method = \"POST\", body = \"1\" }} }}"
        );
        let plan = PLAN.replacen("role = \"writer\"\ninstruction = \"Think.\"", &call, 1);
        let place = Place::new(&[("plan.toml", &plan), ("model.jsonl", &script(0))]);
        place.write_for_user(
            "policy.toml",
            &format!(
                "[[rules]]\ndecision = \"allow\"\ncapability = \"net.internal\"\nresource = \"{url}\"\n"
            ),
        );
        Self { place, server }
    }

    /// Starts it and comes back once the request has come.
    pub(crate) fn begun(&self) -> (Child, TcpStream) {
        let child = begun(&self.place, "plan.toml");
        let (stream, _) = self.server.accept().unwrap();
        (child, stream)
    }
}

#[test]
fn aborting_waits_for_nothing_and_says_what_is_in_doubt() {
    let request = Request::new();
    let (child, stream) = request.begun();
    let seen = request.place.leadhand(&["cancel", "last", "--abort"]);
    assert_eq!(seen.code, 0, "{}", seen.err);
    let lines: Vec<&str> = seen.out.lines().collect();
    assert_eq!(
        lines[..5],
        [
            "run RUN: cancelled: cancelled by a person",
            "stopped",
            "  t1     Think  was at work",
            "  t2     Write  had not begun",
            "in doubt",
        ],
        "{}",
        seen.out
    );
    assert!(lines[5].starts_with("  send_request {"), "{}", seen.out);
    drop(stream);
    nothing_came_after(&request.place, child);
}

/// Cancels the run while its request is at work, and answers the request once the order is on
/// record. Gives what the command printed.
fn cancelled_meanwhile(request: &Request, arguments: &[&str]) -> String {
    let (child, mut stream) = request.begun();
    let mut cancel = request
        .place
        .command(&[&["cancel", "last"], arguments].concat())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    while !names(&events(&request.place)).contains(&"stop_ordered") {}
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\npaid")
        .unwrap();
    let mut out = String::new();
    let mut printed = cancel.stdout.take().unwrap();
    printed.read_to_string(&mut out).unwrap();
    assert_eq!(cancel.wait().unwrap().code(), Some(0));
    let finished = events(&request.place);
    let finished = finished
        .iter()
        .find(|event| event["event"] == "tool_finished")
        .unwrap();
    assert!(finished.to_string().contains("paid"), "{finished}");
    nothing_came_after(&request.place, child);
    request.place.evened(&out)
}

#[test]
fn cancelling_waits_for_the_call_in_flight_and_makes_no_other() {
    assert_eq!(
        cancelled_meanwhile(&Request::new(), &[]),
        "run RUN: cancelled: cancelled by a person\nstopped\n  t1     Think  was at work\n  t2     Write  had not begun\n"
    );
}

#[test]
fn wrapping_up_lets_what_is_at_work_come_to_its_end_and_begins_nothing() {
    assert_eq!(
        cancelled_meanwhile(&Request::new(), &["--wrap-up"]),
        "run RUN: cancelled: cancelled by a person\nfinished\n  t1     Think\nstopped\n  t2     Write  had not begun\n"
    );
}

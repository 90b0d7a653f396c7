//! The real program and a sandboxed component of effect `compensable`: what it did is undone, the
//! last first, and a SIGKILL between the order of a call and its outcome leads to its probe, or to
//! a person, and never to a second booking.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should stop"
)]

mod component;
mod service;

use leadhand_end_to_end::Desk;
use serde_json::{Value, json};
use service::{Deed, Service, Stands};
use std::path::Path;
use std::process::{Command, Stdio};

/// A role that books.
const CLERK: &str = "---\nname: clerk\ndescription: Books.\ntools: book\n---\n\
    You book what you are told to.\n";
const CONFIG: &str = "[tools]\ncomponents = [\"book.wasm\"]\n";
const POLICY: &str = "[[rules]]\ndecision = \"allow\"\ntool = \"*book\"\ncapability = \"net.internal\"\n\
     untrusted = true\n";
/// Two bookings, one after the other.
const PLAN: &str = r#"{"tasks": [
  {"id": "a", "title": "a", "role": "clerk", "instruction": "Book a room."},
  {"id": "b", "title": "b", "role": "clerk", "instruction": "Book a flight.", "depends_on": ["a"]}],
  "answer": "b"}"#;
const MODEL: [&str; 2] = ["-m", "scripted:script.jsonl"];

/// What the models say: the same to the same prompt, so that it does not matter how often the
/// program was started.
fn script() -> String {
    let books = |what: &str| {
        let order = format!("Book a {what}.");
        let task = format!("Your task: {order}");
        let call = json!({"name": "book", "arguments": {"what": what}, "id": "c1"});
        [
            json!({"when": {"prompt_contains": task, "contains": order}, "times": 0,
                   "reply": {"tool_calls": [call]}}),
            json!({"when": {"prompt_contains": task}, "times": 0,
                   "reply": {"text": format!("There is a {what}.")}}),
        ]
    };
    let lines = [books("room"), books("flight")].concat();
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A project with the component, and the service it reaches.
struct Office {
    desk: Desk,
    service: Service,
}

impl Office {
    fn new(with_probe: bool) -> Self {
        let service = Service::start();
        let desk = Desk::with(&[
            ("script.jsonl", &script()),
            ("plan.json", PLAN),
            ("leadhand.toml", CONFIG),
            ("agents/workers/clerk.md", CLERK),
            ("../config/leadhand/policy.toml", POLICY),
        ]);
        let bytes = component::component(&service.origin, with_probe);
        std::fs::write(desk.project().join("book.wasm"), bytes).unwrap();
        Self { desk, service }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.desk.leadhand(arguments);
        // Compiled tools are shared with other tests.
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
        command.env("XDG_CACHE_HOME", cache);
        command
    }

    /// Carries out a command, holds it to its exit code, and gives what it writes.
    #[track_caller]
    fn leadhand(&self, arguments: &[&str], code: i32) -> String {
        let output = leadhand_end_to_end::run(&mut self.command(arguments), code);
        String::from_utf8(if code == 2 {
            output.stderr
        } else {
            output.stdout
        })
        .unwrap()
    }

    fn run(&self) -> Vec<&'static str> {
        let run = ["run", "--plan", "plan.json", "--autonomy", "L5"];
        [&run[..], &MODEL].concat()
    }

    #[track_caller]
    fn resumed(&self, code: i32) -> String {
        self.leadhand(&[&["resume", "last"], &MODEL[..]].concat(), code)
    }

    /// Kills a command with SIGKILL when the service stands still in a request of this tool.
    fn killed(&self, arguments: &[&str], tool: &'static str, what: &'static str, stands: Stands) {
        self.service.stand(tool, what, stands);
        let mut command = self.command(arguments);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.service.stood();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// The records of the last run that are of this kind.
    fn events(&self, kind: &str) -> Vec<Value> {
        let shown = self.leadhand(&["trace", "show", "last", "--events"], 0);
        let records = shown
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        let of_kind = |record: &Value| record["event"]["event"] == kind;
        records.filter(of_kind).collect()
    }

    /// What the service did, without the keys.
    fn done(&self) -> Vec<(String, Value)> {
        let deeds = self.service.deeds().into_iter();
        deeds.map(|deed| (deed.tool, deed.arguments)).collect()
    }

    /// That the run follows from its journal, and each booking has a key of its own.
    #[track_caller]
    fn is_sound(&self) {
        self.leadhand(&["replay", "last"], 0);
        let deeds = self.service.deeds().into_iter();
        let booked: Vec<Deed> = deeds.filter(|deed| deed.tool == "book").collect();
        assert!(booked.iter().all(|deed| deed.key.len() == 64), "{booked:?}");
        assert_ne!(booked[0].key, booked[1].key);
    }
}

fn booked(what: &str) -> (String, Value) {
    ("book".to_owned(), json!({ "what": what }))
}

fn undone(what: &str, result: &str) -> (String, Value) {
    let given = json!({"arguments": {"what": what}, "result": result});
    ("undo_book".to_owned(), given)
}

/// Both bookings, and both undone, the last first.
fn all_undone() -> Vec<(String, Value)> {
    vec![
        booked("room"),
        booked("flight"),
        undone("flight", "booked: flight"),
        undone("room", "booked: room"),
    ]
}

#[test]
fn what_a_component_did_is_undone_the_last_first() {
    let office = Office::new(true);
    office.leadhand(&office.run(), 0);
    assert_eq!(office.done(), all_undone()[..2]);
    let told = office.leadhand(&["rollback", "last"], 0);
    assert_eq!(office.done(), all_undone(), "{told}");
    let again = office.leadhand(&["rollback", "last"], 2);
    assert!(again.contains("rolled back already"), "{again}");
    assert_eq!(office.done(), all_undone(), "nothing is undone twice");
    office.is_sound();
}

/// Killed in the second booking, before or after the service has made it: the probe tells, and only
/// a booking that was not made is made.
#[test]
fn a_killed_call_is_settled_by_the_probe_of_its_component() {
    for stands in [Stands::BeforeTheDeed, Stands::AfterTheDeed] {
        let office = Office::new(true);
        office.killed(&office.run(), "book", "flight", stands);
        let before = office.done().len();
        assert_eq!(
            before,
            if stands == Stands::BeforeTheDeed {
                1
            } else {
                2
            }
        );
        let answer = office.resumed(0);
        assert_eq!(answer, "There is a flight.\n", "{stands:?}");
        assert_eq!(office.done(), all_undone()[..2], "{stands:?}");
        office.leadhand(&["rollback", "last"], 0);
        assert_eq!(office.done(), all_undone(), "{stands:?}");
        office.is_sound();
    }
}

/// Without a probe a person is asked, who has looked at the service's books.
#[test]
fn a_killed_call_without_a_probe_is_a_question_for_a_person() {
    for (stands, says) in [
        (Stands::BeforeTheDeed, &["--again"][..]),
        (Stands::AfterTheDeed, &["--took-effect", "booked: flight"]),
    ] {
        let office = Office::new(false);
        office.killed(&office.run(), "book", "flight", stands);
        let before = office.done();
        office.resumed(4);
        let asked = office.leadhand(&["questions", "last"], 0);
        assert!(
            asked.contains("called book, and nobody knows whether that took effect"),
            "{asked}"
        );
        assert_eq!(office.done(), before, "nothing is done before it is said");
        office.leadhand(&[&["approve", "last"], says].concat(), 0);
        office.resumed(0);
        assert_eq!(office.done(), all_undone()[..2], "{stands:?}");
        office.leadhand(&["rollback", "last"], 0);
        assert_eq!(office.done(), all_undone(), "{stands:?}");
        office.is_sound();
    }
}

/// What the probe said to the other run is not what the call gave: the branch asks it again.
#[test]
fn a_branch_before_a_call_was_in_doubt_asks_the_probe_itself() {
    let office = Office::new(true);
    office.killed(&office.run(), "book", "flight", Stands::AfterTheDeed);
    office.resumed(0);
    let in_doubt = office.events("call_in_doubt");
    assert_eq!(in_doubt.len(), 1);
    let at = in_doubt[0]["seq"].to_string();
    office.leadhand(&["fork", "last", "--at", &at], 0);
    assert_eq!(office.resumed(0), "There is a flight.\n");
    assert_eq!(office.events("forked").len(), 1);
    assert_eq!(office.events("probe_ordered").len(), 1);
    assert_eq!(office.done(), all_undone()[..2], "nothing is booked twice");
    office.is_sound();
}

/// What is in doubt is not undone, since nobody knows that there is something to undo.
#[test]
fn a_call_in_doubt_is_told_of_and_not_undone() {
    let office = Office::new(false);
    office.killed(&office.run(), "book", "flight", Stands::AfterTheDeed);
    office.resumed(4);
    let told = office.leadhand(&["rollback", "last"], 0);
    let done = [
        booked("room"),
        booked("flight"),
        undone("room", "booked: room"),
    ];
    assert_eq!(office.done(), done, "{told}");
    assert!(told.contains("in doubt"), "{told}");
    office.is_sound();
}

/// Killed while it undoes: what is undone already stays, and the rest is undone.
#[test]
fn a_killed_roll_back_goes_on_where_it_stood() {
    for stands in [Stands::BeforeTheDeed, Stands::AfterTheDeed] {
        let office = Office::new(true);
        office.leadhand(&office.run(), 0);
        office.killed(&["rollback", "last"], "undo_book", "room", stands);
        office.resumed(130);
        let mut done = office.done();
        // To undo may be done twice, so it is done again when nobody knows.
        done.dedup();
        assert_eq!(done, all_undone(), "{stands:?}");
        office.is_sound();
    }
}

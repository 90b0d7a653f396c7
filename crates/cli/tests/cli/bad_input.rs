//! Looking at what is wrong: journals that were damaged, runs that are just being written, traces of
//! others that do not fit together, and texts that are too large or do harm.

use crate::place::{Place, Seen, WRITES_NOTES};
use leadhand::rooms::journal::{Durability, Journal, SledJournal};
use leadhand::rooms::protocol::AgentId;
use leadhand::{Event, Record, RunId};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Most memory that a program may take which shows a text of [`LARGE_BYTES`], in KiB.
const MEMORY_KIB_MAX: u64 = 200 * 1024;
/// A result of a tool that is almost as large as an event may be.
const LARGE_BYTES: usize = 15 * 1024 * 1024;

/// A project with one run that is over, and the folder of that run.
fn place_with_run() -> (Place, PathBuf) {
    let place = Place::new(&[("script.jsonl", WRITES_NOTES)]);
    let seen = place.leadhand(&["run", "Write notes", "-m", "scripted:script.jsonl"]);
    assert_eq!(seen.code, 0, "{}", seen.err);
    let runs = fs::read_dir(place.path(".leadhand/runs")).unwrap();
    let folder = runs.map(|run| run.unwrap().path()).next().unwrap();
    (place, folder)
}

fn journal(place: &Place) -> SledJournal {
    SledJournal::open_root(place.path(".leadhand"), Durability::Process)
}

/// Writes the run anew, so that all its records are in its store.
fn moved_into_store((place, folder): &(Place, PathBuf)) {
    let run = RunId::new(folder.file_name().unwrap().to_str().unwrap()).unwrap();
    let records = journal(place).read(&run).unwrap().records;
    let status = fs::read(folder.join("status.json")).unwrap();
    fs::remove_dir_all(folder).unwrap();
    let journal = journal(place).with_tail_bytes_max(0);
    let mut writer = journal.create(&run).unwrap();
    for some in records.chunks(4) {
        writer.append(some).unwrap().wait().unwrap();
    }
    writer.close().unwrap();
    fs::write(folder.join("status.json"), status).unwrap();
    assert!(folder.join("journal/db").exists());
}

/// Changes a byte wherever a file reads so: a store may have written it more than once.
fn change(path: &Path, text: &str) {
    let mut bytes = fs::read(path).unwrap();
    let places = 0..bytes.len() - text.len();
    let reads_so = |at: &usize| bytes[*at..].starts_with(text.as_bytes());
    let places: Vec<usize> = places.filter(reads_so).collect();
    assert!(!places.is_empty(), "{text}");
    places.iter().for_each(|at| bytes[*at] ^= 1);
    fs::write(path, bytes).unwrap();
}

fn cut(path: &Path, keep: impl Fn(u64) -> u64) {
    let file = File::options().write(true).open(path).unwrap();
    let length = file.metadata().unwrap().len();
    file.set_len(keep(length)).unwrap();
}

fn verified(place: &Place) -> Value {
    let seen = place.leadhand(&["trace", "verify", "last", "--json"]);
    assert_eq!(seen.code, 3, "{}", seen.err);
    serde_json::from_str(&seen.out).unwrap()
}

/// Whoever looks at the run sees what stands before the damage, and is told of it; gives how many
/// records those are.
fn check_damaged(place: &Place) -> u64 {
    let events = place.leadhand(&["trace", "show", "last", "--events"]);
    let first = events.out.lines().count() as u64;
    let look = |arguments: &[&str]| {
        let seen = place.leadhand(&[&["trace"], arguments].concat());
        assert_eq!(seen.code, 1, "{arguments:?}: {}", seen.err);
        let told = format!("error: the journal of run RUN is damaged from record {first} on: ");
        assert!(seen.err.contains(&told), "{arguments:?}: {}", seen.err);
        seen.out
    };
    // What is saved of a store that does not open is held by nothing.
    assert!(verified(place)["damage"]["seq"].as_u64().unwrap() <= first);
    let shown = look(&["show", "last"]);
    let head = "run   RUN\ngoal  Write notes\nstate done, autonomy L4, 1 of 1 task done\n";
    assert_eq!(shown.starts_with(head), first > 0, "{shown}");
    assert_eq!(look(&["show", "last", "--events"]), events.out);
    assert_eq!(look(&["tail", "last", "--json"]), events.out);
    let graph = look(&["graph", "last"]);
    assert_eq!(graph.contains("t1 [writer]"), first > 5, "{graph}");
    first
}

#[test]
fn a_journal_whose_tail_is_damaged_is_shown_as_far_as_it_goes() {
    let spoil = |spoil: &dyn Fn(&Path)| {
        let (place, folder) = place_with_run();
        spoil(&folder.join("tail-00000000000000000000"));
        check_damaged(&place)
    };
    assert!((10..18).contains(&spoil(&|tail| change(tail, "task_done"))));
    assert!((5..18).contains(&spoil(&|tail| cut(tail, |length| length * 3 / 4))));
    assert_eq!(spoil(&|tail| cut(tail, |_| 0)), 0);
    assert_eq!(spoil(&|tail| change(tail, "{\"seq\":0,")), 0);
}

#[test]
fn a_journal_whose_store_is_damaged_is_shown_as_far_as_it_goes() {
    let spoil = |spoil: &dyn Fn(&Path)| {
        let made = place_with_run();
        moved_into_store(&made);
        spoil(&made.1.join("journal/db"));
        check_damaged(&made.0)
    };
    // How much is lost depends on where the store has put what.
    assert!(spoil(&|store| change(store, "task_done")) < 19);
    assert!(spoil(&|store| change(store, "run_ended")) < 19);
    assert!(spoil(&|store| cut(store, |length| length * 3 / 4)) < 19);
}

#[test]
fn where_the_summary_cannot_be_read_the_state_is_that_of_the_records() {
    let (place, folder) = place_with_run();
    let whole = place.leadhand(&["trace", "show", "last"]);
    for summary in ["", "{", "[1]", "{\"tasks\": \"many\"}"] {
        fs::write(folder.join("status.json"), summary).unwrap();
        assert_eq!(
            place.leadhand(&["trace", "show", "last"]),
            whole,
            "{summary}"
        );
    }
    assert_eq!((whole.code, whole.err.as_str()), (0, ""));
}

#[test]
fn a_run_is_shown_while_it_is_written() {
    let task = |number: usize| {
        json!({"id": format!("t{number}"), "title": "Look", "instruction": "Look.",
            "depends_on": [], "call": {"tool": "list_files", "arguments": {"path": "."}}})
    };
    let plan = json!({"tasks": (0..400).map(task).collect::<Vec<_>>()});
    let place = Place::new(&[
        ("script.jsonl", WRITES_NOTES),
        ("plan.json", &plan.to_string()),
    ]);
    let mut run = place.command(&["run", "Look", "--plan", "plan.json"]);
    run.args(["-m", "scripted:script.jsonl", "-c", "limits.tasks_max=1000"]);
    run.args(["-c", "limits.planned_tasks_max=1000"]);
    let mut run = run
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(run.stderr.take().unwrap()).lines();
    said.find(|line| line.as_ref().unwrap().starts_with("run "));
    let rest = std::thread::spawn(move || said.for_each(drop));
    let mut before = 0;
    while run.try_wait().unwrap().is_none() {
        for arguments in [
            &["show", "last", "--events"][..],
            &["tail", "last", "--json"],
        ] {
            let seen = place.leadhand(&[&["trace"], arguments].concat());
            assert_eq!((seen.code, seen.err.as_str()), (0, ""), "{arguments:?}");
            let numbers = seen.out.lines().map(|line| {
                let record: Value = serde_json::from_str(line).unwrap();
                record["seq"].as_u64().unwrap()
            });
            let numbers: Vec<u64> = numbers.collect();
            assert!(numbers.iter().copied().eq(0..numbers.len() as u64));
            assert!(numbers.len() >= before, "{} < {before}", numbers.len());
            before = numbers.len();
        }
        let shown = place.leadhand(&["trace", "show", "last"]);
        assert_eq!((shown.code, shown.err.as_str()), (0, ""));
        assert!(shown.out.starts_with("run   RUN\ngoal  Look\nstate "));
        assert_eq!(place.leadhand(&["trace", "graph", "last"]).code, 0);
    }
    rest.join().unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(0));
}

#[test]
fn spans_without_parents_and_with_clocks_that_run_apart_are_shown() {
    let span = |id: &str, parent: &str, [begin, end]: [&str; 2], of: &[(&str, &str)]| {
        let attributes = of
            .iter()
            .map(|(key, value)| json!({"key": key, "value": {"stringValue": value}}));
        json!({"traceId": "t", "spanId": id, "parentSpanId": parent, "name": id,
            "startTimeUnixNano": begin, "endTimeUnixNano": end,
            "attributes": attributes.collect::<Vec<_>>()})
    };
    let call = |path: &'static str| {
        [
            ("gen_ai.operation.name", "execute_tool"),
            ("gen_ai.tool.name", "look"),
            ("gen_ai.tool.call.arguments", path),
        ]
    };
    let spans = [
        // Its agent is nowhere, and it ends before it begins.
        span(
            "s1",
            "gone",
            ["5000000000", "2000000000"],
            &call("{\"at\":1}"),
        ),
        // One that is its own parent, and two that are each other's.
        span(
            "s2",
            "s2",
            ["1000000000", "3000000000"],
            &call("{\"at\":2}"),
        ),
        span(
            "s3",
            "s4",
            ["1000000000", "3500000000"],
            &call("{\"at\":3}"),
        ),
        span(
            "s4",
            "s3",
            ["0", "18446744073709551615"],
            &call("{\"at\":4}"),
        ),
        // Times that are none.
        span("s5", "", ["", "-7"], &call("{\"at\":5}")),
    ];
    let document = json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]});
    let place = Place::new(&[("spans.json", &document.to_string())]);
    let seen = place.leadhand(&["trace", "show", "spans.json"]);
    assert_eq!((seen.code, seen.err.as_str()), (0, ""), "{}", seen.out);
    for at in 1..=5 {
        let called = format!("look {{\"at\":{at}}}: ok, ");
        assert_eq!(seen.out.matches(&called).count(), 1, "{}", seen.out);
    }
}

/// A run with one huge result of a tool, as its journal has it.
fn place_with_large_result() -> Place {
    let call = json!({"agent": 1, "turn": 1, "index": 0});
    let events = [
        json!({"event": "agent_started", "agent": 1, "role": "scout", "purpose": "plan", "attempt": 1}),
        json!({"event": "turn_started", "agent": 1, "turn": 1}),
        json!({"event": "tool_called", "call": call, "origin": "model",
            "tool_call": {"id": "c", "name": "read_file", "arguments": {"path": "large"}},
            "verdict": {"decision": "allow", "because": "rule"}, "grants": []}),
        json!({"event": "tool_finished", "call": call,
            "outcome": {"ok": {"text": "Word. ".repeat(LARGE_BYTES / 6)}}}),
        json!({"event": "agent_ended", "agent": 1, "failure": null}),
    ];
    let place = Place::new(&[]);
    let journal = journal(&place);
    let mut writer = journal.create(&RunId::new("large").unwrap()).unwrap();
    for (seq, event) in events.into_iter().enumerate() {
        let record = json!({"seq": seq, "at_ms": 5, "event": event});
        let record: Record = serde_json::from_value(record).unwrap();
        writer.append(&[record]).unwrap().wait().unwrap();
    }
    writer.close().unwrap();
    place
}

#[test]
fn a_result_of_many_megabytes_is_shown_in_short_and_given_whole_in_bounded_memory() {
    let place = place_with_large_result();
    let seen = place.leadhand(&["trace", "show", "large"]);
    assert_eq!((seen.code, seen.err.as_str()), (0, ""));
    assert!(
        seen.out.contains("ok, 0.0 s  Word. Word.") || seen.out.contains("ok, TIME  Word. Word.")
    );
    assert!(seen.out.len() < 2_000, "{} bytes", seen.out.len());

    let mut events = place
        .command(&["trace", "show", "large", "--events"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = events.stdout.take().unwrap();
    let mut begin = vec![0; 1024 * 1024];
    out.read_exact(&mut begin).unwrap();
    // It waits with the rest until somebody reads on.
    let status = fs::read_to_string(format!("/proc/{}/status", events.id())).unwrap();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let most = most.unwrap().trim().trim_end_matches(" kB");
    assert!(most.parse::<u64>().unwrap() < MEMORY_KIB_MAX, "{most} KiB");
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!(events.wait().unwrap().code(), Some(0));
    let whole = String::from_utf8(begin).unwrap() + &rest;
    assert_eq!(whole.lines().count(), 5);
    assert!(whole.len() > LARGE_BYTES);

    // A file may hold what no journal would take.
    let larger = Event::OutputGiven {
        agent: AgentId(1),
        content: "Word. ".repeat(20 * 1024 * 1024 / 6),
    };
    let head = json!({"format": "leadhand run", "version": 1, "events": 1, "program": "0.1.0",
        "run": "large", "records": 1});
    let line = json!({"run": "large", "seq": 0, "at_ms": 5, "event": larger});
    place.write("large.jsonl", &format!("{head}\n{line}\n"));
    let seen = place.leadhand(&["trace", "show", "large.jsonl"]);
    assert_eq!((seen.code, seen.err.as_str()), (0, ""));
    assert!(seen.out.len() < 2_000, "{} bytes", seen.out.len());
}

#[test]
fn what_a_model_wrote_does_nothing_to_the_terminal_of_who_looks() {
    let hostile = r"\u001b]0;owned\u0007\u001b[31m\u009b2Jgpj.\u202eexe";
    let titled = WRITES_NOTES.replace("Write notes", r"\\u001b[2J\\u202enotes");
    let script = titled.replace("Hello.", hostile);
    let place = Place::new(&[("script.jsonl", &script)]);
    let seen = place.leadhand(&[
        "run",
        "Write \u{1b}[31mnotes",
        "-m",
        "scripted:script.jsonl",
    ]);
    assert_eq!(seen.code, 0, "{}", seen.err);
    let harmless = |seen: &Seen| {
        let is_harmful = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert_eq!((seen.code, seen.err.as_str()), (0, ""));
        assert!(!seen.out.contains(is_harmful), "{:?}", seen.out);
    };
    for (arguments, shown) in [
        (
            &["show", "last"][..],
            "\\u{1b}]0;owned\\u{7}\\u{1b}[31m\\u{9b}2J",
        ),
        (&["tail", "last"], "\\u{1b}[2J\\u{202e}notes"),
        (&["graph", "last"], "\\u{1b}[2J\\u{202e}notes"),
        (&["graph", "last", "--dot"], "u{202e}notes"),
        (&["graph", "last", "--svg"], "\\u{202e}notes"),
        (&["why", "last", "18"], "\\u{1b}[31mnotes"),
        (&["why", "last", "10"], "\\u{1b}]0;owned\\u{7}"),
    ] {
        let seen = place.leadhand(&[&["trace"], arguments].concat());
        harmless(&seen);
        assert!(seen.out.contains(shown), "{arguments:?}: {}", seen.out);
    }
}

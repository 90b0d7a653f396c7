//! Runs told to a receiver that keeps what it got: nothing is missing, doubled or waited for, and
//! no text leaves unasked.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "told/receiver.rs"]
mod receiver;

use leadhand_inspector::{LiveSpans, Span};
use leadhand_journal::{Journal, MemoryJournal};
use leadhand_protocol::{Record, RunId, TraceContext};
use leadhand_telemetry::{
    Content, RECORDS_WAITING_MAX, SPANS_PER_BATCH_MAX, Telemetry, TelemetryOptions,
};
use receiver::Receiver;
use serde_json::{Value, json};
use std::sync::Arc;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";

fn name(run: &str) -> Arc<RunId> {
    Arc::new(RunId::new(run).unwrap())
}

/// A run of one agent that asks its model and calls a tool so many times, and ends.
fn records(run: &str, turns: u32, goal: &Value) -> Vec<Record> {
    let mut events = vec![
        json!({"event": "run_started", "run": run, "goal": goal, "roles": [], "tools": [],
            "rules": [], "limits": {}, "plan": null, "files": [], "files_left_out": 0,
            "instructions": "", "seed": 0}),
        json!({"event": "agent_started", "agent": 1, "role": "scout", "purpose": "plan", "attempt": 1}),
    ];
    for turn in 1..=turns {
        let call = json!({"agent": 1, "turn": turn, "index": 0});
        let tool_call = json!({"id": "c", "name": "read_file", "arguments": {"path": "hidden-path", "key": "hid\"den"}});
        events.extend([
            json!({"event": "turn_started", "agent": 1, "turn": turn}),
            json!({"event": "model_replied", "agent": 1, "turn": turn, "reply": {
                "text": "hidden words", "tool_calls": [tool_call], "finish": "tool_calls",
                "usage": {"input_tokens": 30, "output_tokens": 4}, "model": "openai:m", "micro_usd": 5}}),
            json!({"event": "tool_called", "call": call, "origin": "model", "tool_call": tool_call,
                "verdict": {"decision": "allow", "because": "rule 7"}, "grants": []}),
            json!({"event": "tool_finished", "call": call, "outcome": {"ok": {"text": "the key is sk-123456789"}}}),
        ]);
    }
    events.push(json!({"event": "agent_ended", "agent": 1, "failure": null}));
    events.push(
        json!({"event": "run_ended", "kind": "not_achieved", "why": "", "answer": "",
        "tasks": [], "files": [], "usage": {"input_tokens": 30, "output_tokens": 4},
        "micro_usd": 5, "turns": 1, "tool_calls": 2, "revisions": 0}),
    );
    let record = |(seq, event): (usize, Value)| {
        serde_json::from_value(json!({"seq": seq, "at_ms": 1_000 + seq, "event": event}))
            .unwrap_or_else(|why| panic!("{why}: {event}"))
    };
    events.into_iter().enumerate().map(record).collect()
}

fn goal() -> Value {
    json!({"text": "hidden goal"})
}

/// A journal that holds these records.
fn journal(run: &RunId, records: &[Record]) -> Arc<dyn Journal> {
    let journal = MemoryJournal::new();
    let mut writer = journal.create(run).unwrap();
    for some in records.chunks(512) {
        drop(writer.append(some).unwrap());
    }
    writer.close().unwrap();
    Arc::new(journal)
}

/// The names of the spans of these records.
fn wanted(run: &RunId, records: &[Record]) -> Vec<String> {
    let mut live = LiveSpans::new(run, Content::Left);
    let spans: Vec<Span> = records.iter().flat_map(|it| live.take(it)).collect();
    let mut names: Vec<String> = spans.iter().map(|span| span.id.to_string()).collect();
    names.sort_unstable();
    names
}

#[test]
fn all_spans_and_measures_of_a_run_arrive_without_its_texts() {
    let receiver = Receiver::start();
    let (run, records) = (name("r1"), records("r1", 3, &goal()));
    let options = TelemetryOptions::new(receiver.address());
    let telemetry = Telemetry::start(&options, journal(&run, &records)).unwrap();
    records.iter().for_each(|it| telemetry.take(&run, it));
    let told = telemetry.flush();
    assert_eq!((told.spans_sent, told.spans_lost), (8, 0), "{told:?}");
    assert_eq!((told.metrics, told.is_cut), (None, false));
    assert_eq!(receiver.names(), wanted(&run, &records));
    let tokens = receiver.measured("gen_ai.client.token.usage");
    assert_eq!(tokens, 6, "three prompts and three replies");
    assert_eq!(receiver.measured("gen_ai.client.operation.duration"), 6);
    assert!(!receiver.holds("hidden") && receiver.holds("read_file"));
}

#[test]
fn texts_that_are_asked_for_arrive_masked() {
    let receiver = Receiver::start();
    let (run, records) = (name("r1"), records("r1", 1, &goal()));
    let mut options = TelemetryOptions::new(receiver.address());
    options.content = Content::Sent;
    // The shorter one must leave nothing of the longer one, nor JSON of one with a quote.
    options.masked = vec!["sk-12345".into(), "sk-123456789".into(), "hid\"den".into()];
    options.headers.insert("x-key".into(), "abc".into());
    assert!(!format!("{options:?}").contains("abc"));
    let telemetry = Telemetry::start(&options, journal(&run, &records)).unwrap();
    records.iter().for_each(|it| telemetry.take(&run, it));
    drop(telemetry);
    for shown in [
        "hidden goal",
        "hidden words",
        "hidden-path",
        "the key is [masked]",
    ] {
        assert!(receiver.holds(shown), "{shown}");
    }
    assert!(receiver.holds("\\\"key\\\":\\\"[masked]\\\""));
    assert!(!receiver.holds("sk-12345") && !receiver.holds("[masked]6789"));
    assert!(receiver.heads().contains("x-key: abc"));
}

#[test]
fn a_receiver_that_holds_everything_up_holds_no_run_up_and_gets_all() {
    let receiver = Receiver::start();
    let held = receiver.hold();
    let run = name("r1");
    let turns = u32::try_from(RECORDS_WAITING_MAX).unwrap();
    let records = records("r1", turns, &goal());
    let options = TelemetryOptions::new(receiver.address());
    let telemetry = Telemetry::start(&options, journal(&run, &records)).unwrap();
    // Comes to its end while the receiver answers nothing.
    records.iter().for_each(|it| telemetry.take(&run, it));
    drop(held);
    let told = telemetry.flush();
    assert_eq!((told.spans_lost, told.is_cut), (0, false), "{told:?}");
    assert!(receiver.batches() > 2 * turns as usize / SPANS_PER_BATCH_MAX);
    assert_eq!(receiver.names(), wanted(&run, &records));
}

#[test]
fn what_nobody_takes_is_counted_and_said() {
    // Nobody listens there any more.
    let address = Receiver::start().address();
    let (run, records) = (name("r1"), records("r1", 3, &goal()));
    let options = TelemetryOptions::new(address);
    let telemetry = Telemetry::start(&options, journal(&run, &records)).unwrap();
    records.iter().for_each(|it| telemetry.take(&run, it));
    let told = telemetry.flush();
    assert_eq!((told.spans_sent, told.spans_lost), (0, 8), "{told:?}");
    assert!(told.why.is_some());
}

#[test]
fn of_a_run_that_is_gone_on_with_only_what_is_new_is_told() {
    let receiver = Receiver::start();
    let (run, records) = (name("r1"), records("r1", 3, &goal()));
    let options = TelemetryOptions::new(receiver.address());
    let telemetry = Telemetry::start(&options, journal(&run, &records)).unwrap();
    // The first two turns and their calls were told by who carried the run out before.
    let (_, new) = records.split_at(10);
    new.iter().for_each(|it| telemetry.take(&run, it));
    let told = telemetry.flush();
    assert_eq!(told.spans_sent, 4, "{told:?}");
    assert!(receiver.holds("scout"), "the agent began before");
}

#[test]
fn a_run_is_a_part_of_the_trace_that_it_was_told() {
    let receiver = Receiver::start();
    let options = TelemetryOptions::new(receiver.address());
    for (flags, spans) in [("01", 4), ("00", 0)] {
        let parent: TraceContext = format!("{PARENT}-{flags}").parse().unwrap();
        let goal = json!({"text": "hidden goal", "trace_parent": parent});
        let (run, records) = (name("r1"), records("r1", 1, &goal));
        let telemetry = Telemetry::start(&options, journal(&run, &records)).unwrap();
        records.iter().for_each(|it| telemetry.take(&run, it));
        assert_eq!(telemetry.flush().spans_sent, spans);
    }
    for (trace, parent, name) in receiver.places() {
        assert_eq!(trace, "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(
            parent == "b7ad6b7169203331",
            name.starts_with("invoke_workflow")
        );
    }
}

#[test]
fn what_is_no_receiver_is_refused_in_words() {
    let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::new());
    for endpoint in [
        "",
        "localhost:4318",
        "ftp://127.0.0.1",
        "http://me:pw@127.0.0.1",
    ] {
        let options = TelemetryOptions::new(endpoint);
        let error = Telemetry::start(&options, Arc::clone(&journal)).unwrap_err();
        assert!(
            error.to_string().contains("no address of an OTLP receiver"),
            "{error}"
        );
    }
    let mut options = TelemetryOptions::new("http://127.0.0.1:1");
    options.headers.insert("a b".into(), "c".into());
    let error = Telemetry::start(&options, journal).unwrap_err();
    assert!(error.to_string().contains("`a b`"), "{error}");
}

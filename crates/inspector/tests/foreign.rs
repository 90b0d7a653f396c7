//! Spans out of a run, read again; spans of others.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on should stop, and says what it did not do"
)]

use leadhand_detectors::Spans;
use leadhand_inspector::{Content, Imported, LiveSpans, Span, Spent, Timeline, imported, to_otlp};
use leadhand_protocol::{AgentId, Record, RunId, RunTrace};
use serde_json::{Value, json};

fn run() -> Timeline {
    Timeline::of(&RunId::new("r1").unwrap(), &records())
}

fn records() -> Vec<Record> {
    let call = |index: u8| json!({"agent": 1, "turn": 1, "index": index});
    let tool_call =
        |path: &str| json!({"id": "c", "name": "read_file", "arguments": {"path": path}});
    let called = |index: u8, path: &str, decision: &str| {
        json!({"event": "tool_called", "call": call(index), "origin": "model",
            "tool_call": tool_call(path), "verdict": {"decision": decision, "because": "rule 7"}, "grants": []})
    };
    let reply = json!({"text": "Both, secret.", "tool_calls": [tool_call("a"), tool_call("b")],
        "finish": "tool_calls", "usage": {"input_tokens": 30, "output_tokens": 4}, "model": "openai:m", "micro_usd": 5});
    let found = json!({"finding": "loop", "agent": 1, "rule": "cycle", "identity": "00000000000000aa",
        "since": 0, "period": 1, "times": 3, "evidence": "secret evidence"});
    let mut found_event = found;
    found_event["event"] = json!("found");
    let message = json!({"published": {"topic": "news", "sequence": 1, "from": 7, "payload": {"kind": "text", "version": 1, "value": "secret"}}});
    let events = [
        json!({"event": "agent_started", "agent": 1, "role": "scout", "purpose": "plan", "attempt": 1}),
        json!({"event": "coordinated", "fact": {"received": {"party": 1, "message": message}}}),
        json!({"event": "turn_started", "agent": 1, "turn": 1}),
        json!({"event": "model_replied", "agent": 1, "turn": 1, "reply": reply}),
        called(0, "a", "allow"),
        called(1, "b", "deny"),
        json!({"event": "tool_finished", "call": call(0), "outcome": {"ok": {"text": "secret a"}}}),
        json!({"event": "tool_finished", "call": call(1),
            "outcome": {"error": {"kind": "denied", "message": "secret no", "retryable": false}}}),
        found_event,
        json!({"event": "agent_ended", "agent": 1, "failure": null}),
    ];
    events
        .iter()
        .enumerate()
        .map(|(seq, event)| {
            serde_json::from_value(json!({"seq": seq, "at_ms": 1_000 + seq, "event": event}))
                .unwrap_or_else(|why| panic!("{why}: {event}"))
        })
        .collect()
}

/// What is to be seen of a trace of others.
fn of_others(imported: &Imported) -> Timeline {
    Timeline::of(&RunId::new("trace").unwrap(), &imported.records)
}

fn spans(documents: &[Value]) -> Spans {
    let mut spans = Spans::default();
    for document in documents {
        spans.take(&document.to_string()).unwrap();
    }
    spans
}

#[test]
fn a_run_that_leaves_as_spans_comes_back_with_what_it_did() {
    let timeline = run();
    let spans = spans(&to_otlp(&timeline, Content::Sent));
    let counts = json!(spans.counts());
    assert_eq!(counts["spans"], 5, "{counts}");
    assert_eq!(counts["error_spans"], 1, "{counts}");
    assert_eq!(counts["tools"], json!(["read_file"]));
    let kinds = json!({"chat": 1, "execute_tool": 2, "invoke_workflow": 1, "plan": 1});
    assert_eq!(counts["kinds"], kinds);
    let back = of_others(&imported(&spans.into_traces()[0]));
    assert_eq!(back.tasks[1].agents[0].role, "scout");
    let spent = Spent {
        micro_usd: 0,
        ..timeline.spent
    };
    assert_eq!(back.spent, spent);
    let text = back.to_text();
    for part in [
        "Both, secret.",
        "read_file {\"path\":\"a\"}: ok, 0.0 s  secret a",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_run_that_goes_on_gives_the_spans_that_it_has_when_it_is_over() {
    let run = RunId::new("r1").unwrap();
    let mut records = records();
    let last = json!({"seq": records.len(), "at_ms": 2_000, "event": {"event": "run_ended",
        "kind": "not_achieved", "why": "", "answer": "", "tasks": [], "files": [],
        "usage": {"input_tokens": 30, "output_tokens": 4}, "micro_usd": 5, "turns": 1,
        "tool_calls": 2, "revisions": 0}});
    records.push(serde_json::from_value(last).unwrap());
    // The last agent never ends, and the one before leaves a call open.
    records.retain(|record| !matches!(record.seq, 7 | 9));
    for content in [Content::Left, Content::Sent] {
        let mut live = LiveSpans::new(&run, content);
        let mut given: Vec<Span> = records.iter().flat_map(|it| live.take(it)).collect();
        let mut all = Span::all(&Timeline::of(&run, &records), content);
        assert_eq!(given.len(), 5, "{given:?}");
        given.sort_by_key(|span| span.id);
        all.sort_by_key(|span| span.id);
        assert_eq!(given, all);
        let trace = RunTrace::new("r1", None);
        let scout = given.iter().find(|it| it.id == trace.agent(AgentId(1)));
        assert_eq!(scout.unwrap().links, [trace.agent(AgentId(7))]);
    }
}

#[test]
fn no_text_leaves_unasked() {
    let documents = json!(to_otlp(&run(), Content::Left)).to_string();
    assert!(!documents.contains("secret"), "{documents}");
    assert!(documents.contains("leadhand.finding"), "{documents}");
    let asked = json!(to_otlp(&run(), Content::Sent)).to_string();
    assert!(asked.contains("secret evidence"), "{asked}");
}

#[test]
fn shared_traces_have_the_counts_that_they_state() {
    let Some(folder) = std::env::var_os("LEADHAND_SHARED") else {
        println!("skipped: LEADHAND_SHARED does not name a folder with data/traces");
        return;
    };
    let folder = std::path::Path::new(&folder).join("data/traces");
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let expected: Value = serde_json::from_str(&text("expected.json")).unwrap();
    for (name, expected) in expected.as_object().unwrap() {
        let mut spans = Spans::default();
        spans.take(&text(name)).unwrap();
        let counts = json!(spans.counts());
        for count in ["spans", "traces", "error_spans", "tools", "kinds"] {
            assert_eq!(counts[count], expected[count], "{count} of {name}");
        }
    }
}

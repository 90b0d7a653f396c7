//! Why things happened, over runs whose records are made by hand: what each event follows from.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use leadhand_inspector::why;
use leadhand_protocol::Record;
use serde_json::{Value, json};

fn records(events: &Value) -> Vec<Record> {
    let all = events.as_array().unwrap().iter().enumerate();
    let record = |(seq, event): (usize, &Value)| -> Record {
        serde_json::from_value(json!({"seq": seq, "at_ms": seq, "event": event}))
            .unwrap_or_else(|why| panic!("{why}: {event}"))
    };
    all.map(record).collect()
}

/// A worker whose call is asked about, allowed by a person, and fails; another one beside it.
fn story() -> Vec<Record> {
    let call = json!({"agent": 1, "turn": 1, "index": 0});
    let tool_call = json!({"id": "c", "name": "send", "arguments": {"to": "x"}});
    let reply = json!({"text": "", "tool_calls": [tool_call], "finish": "tool_calls",
        "usage": {"input_tokens": 1, "output_tokens": 1}, "model": "m", "micro_usd": 0});
    let ask = json!({"ask": "tool", "call": call, "role": "writer", "tool_call": tool_call, "because": "rule 7"});
    let started = |agent: u8, task: &str| json!({"event": "agent_started", "agent": agent, "role": "writer", "purpose": {"task": task}, "attempt": 1});
    let task = |id: &str| json!({"id": id, "title": "", "role": "writer", "instruction": "Do."});
    records(&json!([
        {"event": "run_resumed"},
        {"event": "plan_accepted", "revision": 0, "plan": {"tasks": [task("t1"), task("t2")]}},
        started(1, "t1"),
        started(2, "t2"),
        {"event": "turn_started", "agent": 1, "turn": 1},
        {"event": "turn_started", "agent": 2, "turn": 1},
        {"event": "model_replied", "agent": 1, "turn": 1, "reply": reply},
        {"event": "tool_called", "call": call, "origin": "model", "tool_call": tool_call,
            "verdict": {"decision": "ask", "because": "rule 7"}, "grants": []},
        {"event": "person_asked", "request": 0, "ask": ask},
        {"event": "model_replied", "agent": 2, "turn": 1, "reply": reply},
        {"event": "person_answered", "request": 0, "answer": {"answer": "allow"}},
        {"event": "call_started", "call": call},
        {"event": "tool_finished", "call": call,
            "outcome": {"error": {"kind": "failed", "message": "no", "retryable": false}}},
        {"event": "told", "agent": 2, "fault": true, "text": "unknown"},
        {"event": "turn_started", "agent": 1, "turn": 2},
    ]))
}

#[test]
fn a_call_follows_from_its_reply_and_from_who_allowed_it() {
    let records = story();
    let chain: Vec<u64> = why(&records, 14).iter().map(|link| link.seq).collect();
    assert_eq!(chain, [14, 12, 11, 10, 8, 7, 6, 4, 2, 1, 0]);
    let asked = &why(&records, 14)[5];
    assert_eq!(asked.rule.as_deref(), Some("rule 7"));
    assert!(asked.what.contains("a person is asked"), "{}", asked.what);
    // What another agent does is no cause.
    let told: Vec<u64> = why(&records, 13).iter().map(|link| link.seq).collect();
    assert_eq!(told, [13, 9, 5, 3, 1, 0]);
}

#[test]
fn every_chain_goes_back_to_the_first_record() {
    let records = story();
    for record in &records {
        let chain = why(&records, record.seq);
        assert!(chain.is_sorted_by(|one, other| one.seq > other.seq));
        assert_eq!(chain.last().unwrap().seq, 0);
    }
    assert!(why(&records, 99).is_empty());
    assert!(why(&[], 0).is_empty());
}

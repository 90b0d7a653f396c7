//! Spans of others and records of ours, put together to steps.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on should stop, and says what it did not do"
)]

use leadhand_detectors::{Came, OtlpFault, Spans, Trace, recorded};
use leadhand_protocol::{AgentId, Record, RunId};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn attributes(of: &Value) -> Value {
    let pairs = of.as_object().unwrap().iter();
    pairs
        .map(|(key, value)| json!({"key": key, "value": {"stringValue": value}}))
        .collect()
}

fn span(id: &str, parent: &str, end: u64, of: &Value) -> Value {
    json!({"traceId": "t", "spanId": id, "parentSpanId": parent, "name": id,
        "endTimeUnixNano": (end * 1_000_000).to_string(), "attributes": attributes(of)})
}

fn read(spans: &[Value]) -> Vec<Trace> {
    let mut taken = Spans::default();
    // One a line, children first, as collectors write them.
    for span in spans {
        let document = json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]});
        assert_eq!(taken.take(&document.to_string()), Ok(1));
    }
    taken.into_traces()
}

/// Each step as agent, words, and calls with results.
fn shown(trace: &Trace) -> Vec<String> {
    let mut lines = Vec::new();
    let none: Option<()> = trace.find(|_, step| {
        let calls = step.calls.iter().map(|call| {
            let (tool, result, came) = (call.tool, call.result, call.came);
            format!(" {tool} {:?} = {result} ({came:?})", call.arguments)
        });
        let calls: String = calls.collect();
        let (agent, at) = (trace.name(step.agent), step.at_ms.unwrap_or_default());
        let gained = if step.gained { " gained" } else { "" };
        lines.push(format!("{at} {agent}: {}{calls}{gained}", step.said));
        None
    });
    assert!(none.is_none());
    lines
}

#[test]
fn calls_that_a_model_wants_at_once_are_one_step() {
    let wants = json!([{"role": "assistant", "parts": [
        {"type": "text", "content": "Both."},
        {"type": "tool_call", "id": "c1", "name": "look", "arguments": {"at": 1}},
        {"type": "tool_call", "id": "c2", "name": "look", "arguments": {"at": 2}}]}]);
    let says = json!([{"parts": [{"type": "text", "content": "Done."}]}]);
    let call = |id: &str, at: u8, result: &str| {
        json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look",
            "gen_ai.tool.call.id": id, "gen_ai.tool.call.arguments": format!("{{\"at\":{at}}}"),
            "gen_ai.tool.call.result": result})
    };
    let chat = |messages: &Value| json!({"gen_ai.operation.name": "chat", "gen_ai.output.messages": messages.to_string()});
    let traces = read(&[
        span("s1", "run", 10, &chat(&wants)),
        span("s3", "run", 30, &call("c1", 1, "one")),
        span("s2", "run", 20, &call("c2", 2, "two")),
        span("s4", "run", 40, &chat(&says)),
        span(
            "run",
            "",
            50,
            &json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "scout"}),
        ),
    ]);
    assert_eq!(traces.len(), 1);
    let expected = [
        "30 scout: Both. look Json(Object {\"at\": Number(2)}) = two (Unknown) \
         look Json(Object {\"at\": Number(1)}) = one (Unknown)",
        "40 scout: Done.",
    ];
    assert_eq!(shown(&traces[0]), expected);
}

#[test]
fn spans_of_openinference_are_read_and_failures_say_why() {
    let mut failed = span(
        "tool",
        "top",
        2,
        &json!({"openinference.span.kind": "TOOL", "tool.name": "add", "input.value": "1 2"}),
    );
    failed["status"] = json!({"code": 2, "message": "no numbers"});
    let said = json!({"openinference.span.kind": "LLM",
        "llm.output_messages.0.message.content": "Hm.",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "never",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": "{}"});
    let traces = read(&[
        failed,
        span("said", "top", 1, &said),
        span(
            "top",
            "top",
            3,
            &json!({"openinference.span.kind": "CHAIN"}),
        ),
    ]);
    let expected = [
        "2 top:  add Text(\"1 2\") = no numbers (Failed)",
        "1 top: Hm. never Json(Object {}) =  (Unknown)",
    ];
    assert_eq!(shown(&traces[0]), expected);
}

/// The names that others used before there were conventions, or use still.
#[test]
fn older_names_are_read() {
    let call = json!({"id": "c1", "type": "function",
        "function": {"name": "look", "arguments": "{\"at\":1}"}});
    let choice = json!({"index": 0, "message": {"content": "Hm.", "tool_calls": [call]}});
    let mut event = choice.clone();
    event["event.name"] = json!("gen_ai.choice");
    let asked = json!([{"event.name": "gen_ai.user.message", "content": "not the model's"}, event]);
    let mut told = span("m", "", 1, &json!({"gen_ai.operation.name": "chat"}));
    told["events"] = json!([{"name": "gen_ai.choice",
        "attributes": attributes(&json!({"gen_ai.event.content": choice.to_string()}))}]);
    let flat = json!({"llm.request.type": "chat", "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.content": "Hm.",
        "gen_ai.completion.0.tool_calls.0.id": "c1",
        "gen_ai.completion.0.tool_calls.0.name": "look",
        "gen_ai.completion.0.tool_calls.0.arguments": "{\"at\":1}"});
    let in_one = json!({"gen_ai.operation.name": "chat", "events": asked.to_string()});
    for said in [span("m", "", 1, &flat), span("m", "", 1, &in_one), told] {
        let made = json!({"traceloop.span.kind": "tool", "traceloop.entity.name": "look",
            "traceloop.entity.input": "{\"at\":1}", "traceloop.entity.output": "x"});
        let traces = read(&[said, span("t", "", 2, &made)]);
        let expected = "2 m: Hm. look Json(Object {\"at\": Number(1)}) = x (Unknown)";
        assert_eq!(shown(&traces[0]), [expected]);
    }
}

#[test]
fn what_is_null_or_of_another_spelling_is_read() {
    let document = json!({"resource_spans": [{"scope_spans": null}, {"scope_spans": [{"spans": [
        {"trace_id": "t", "span_id": "s", "parent_span_id": null, "name": null, "events": null,
         "end_time_unix_nano": 7_000_000, "status": {"code": null, "message": null}, "attributes": [
            {"key": null, "value": null}, {"key": "nothing", "value": {}},
            {"key": "gen_ai.operation.name", "value": {"string_value": "execute_tool"}},
            {"key": "tool_arguments", "value": {"kvlistValue": {"values": [
                {"key": "at", "value": {"arrayValue": {"values": [{"intValue": 1}]}}}]}}},
            {"key": "gen_ai.tool.name", "value": {"stringValue": "look"}}]}]}]}]});
    let mut spans = Spans::default();
    assert_eq!(spans.take(&document.to_string()), Ok(1));
    let traces = spans.into_traces();
    let expected = "7 :  look Json(Object {\"at\": Array [Number(1)]}) =  (Unknown)";
    assert_eq!(shown(&traces[0]), [expected]);
}

#[test]
fn what_is_no_document_is_refused_with_its_place() {
    let refused = |text: &str, is_cut_off: bool, expected: &str| {
        let fault = Spans::default().take(text).unwrap_err();
        let OtlpFault::NoDocument { why, cut_off } = fault else {
            panic!("{fault}");
        };
        assert_eq!(cut_off, is_cut_off, "{why}");
        assert!(why.contains(expected), "{why}");
    };
    refused("", true, "line 1 column 0");
    refused("{\"resourceSpans\": [\n{", true, "line 2");
    refused("{}", false, "missing field `resourceSpans`");
    refused("{\"resourceSpans\": 7}", false, "expected a sequence");
    refused(&"[".repeat(100_000), true, "column 100000");
    let nothing = "{\"resourceSpans\": [{\"scopeSpans\": [{\"spans\": [{}]}]}]}";
    let mut spans = Spans::default();
    assert_eq!(spans.take(nothing), Ok(1));
    assert_eq!(spans.into_traces()[0].len(), 0);
}

/// Records of these events, in their order; each must be an event.
fn records(events: &Value) -> Vec<Record> {
    let all = events.as_array().unwrap().iter().enumerate();
    let record = |(seq, event): (usize, &Value)| -> Record {
        serde_json::from_value(json!({"seq": seq, "at_ms": seq, "event": event}))
            .unwrap_or_else(|why| panic!("{why}: {event}"))
    };
    all.map(record).collect()
}

#[test]
fn records_of_a_run_are_put_together_to_turns() {
    let call = |id: u8, agent: u8| json!({"agent": agent, "turn": 1, "index": id});
    let tool = |name: &str| json!({"id": name, "name": name, "arguments": {"path": "a"}});
    let called = |id: u8, origin: &str, name: &str, decision: &str| {
        json!({"event": "tool_called", "call": call(id, 1), "origin": origin, "tool_call": tool(name),
            "verdict": {"decision": decision, "because": "r"}, "grants": []})
    };
    let finished = |id: u8, outcome: Value| json!({"event": "tool_finished", "call": call(id, 1), "outcome": outcome});
    let fault = |kind: &str, retryable: bool| json!({"error": {"kind": kind, "message": kind, "retryable": retryable}});
    let reply = json!({"text": "Three.", "tool_calls": [tool("cut"), tool("get"), tool("put")],
        "finish": "tool_calls", "usage": {"input_tokens": 1, "output_tokens": 1}, "model": "m", "micro_usd": 0});
    let hash = "a".repeat(64);
    let trace = recorded(
        &RunId::new("r1").unwrap(),
        &records(&json!([
            {"event": "agent_started", "agent": 1, "role": "writer", "purpose": {"task": "t1"}, "attempt": 1},
            called(9, "input", "read_file", "allow"),
            {"event": "turn_started", "agent": 1, "turn": 1},
            {"event": "model_replied", "agent": 1, "turn": 1, "reply": reply},
            called(0, "model", "cut", "deny"),
            called(1, "model", "get", "allow"),
            called(2, "model", "put", "allow"),
            finished(9, json!({"ok": {"text": "not the model's"}})),
            finished(0, fault("denied", false)),
            finished(2, json!({"ok": {"text": "put", "files": [{"path": "a", "change": "created", "hash": hash}]}})),
            finished(1, fault("failed", true)),
            {"event": "turn_started", "agent": 1, "turn": 2},
            {"event": "model_failed", "agent": 1, "turn": 2, "fault": {"kind": "unreachable", "message": "gone", "retryable": true}},
            {"event": "task_done", "task": "t1", "artifact": {"hash": hash, "bytes": 1, "media_type": "text/plain"}, "content": "x"},
        ])),
    );
    assert_eq!(trace.name(AgentId(1)), "a1 writer");
    let path = "Json(Object {\"path\": String(\"a\")})";
    let expected = [
        format!(
            "10 a1 writer: Three. cut {path} = denied (Blocked) get {path} = failed (Unavailable) \
             put {path} = put (Done)"
        ),
        "12 a1 writer:  gained".to_owned(),
    ];
    assert_eq!(shown(&trace), expected);
    let changed = trace.find(|_, step| Some(step.calls[2].manner.changed.len()));
    assert_eq!(changed, Some(1));
}

#[test]
fn shared_spans_are_read_with_all_their_calls() {
    let Some(folder) = std::env::var_os("LEADHAND_SHARED") else {
        println!("skipped: LEADHAND_SHARED does not name a folder with data/traces");
        return;
    };
    let folder = std::path::Path::new(&folder).join("data/traces");
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let expected: Value = serde_json::from_str(&text("expected.json")).unwrap();
    for (name, expected) in expected.as_object().unwrap() {
        let mut spans = Spans::default();
        let taken = spans.take(&text(name)).unwrap();
        let traces = spans.into_traces();
        assert_eq!(
            json!([taken, traces.len()]),
            json!([expected["spans"], expected["traces"]])
        );
        let mut calls: Vec<(String, Came)> = Vec::new();
        for trace in &traces {
            let none: Option<()> = trace.find(|_, step| {
                let own = step.calls.iter();
                calls.extend(own.map(|call| (call.tool.to_owned(), call.came)));
                None
            });
            assert!(none.is_none());
        }
        let kinds = &expected["kinds"];
        let wanted = kinds["execute_tool"].as_u64().or(kinds["TOOL"].as_u64());
        assert_eq!(u64::try_from(calls.len()).ok(), wanted, "{name}");
        let tools: BTreeSet<&str> = calls.iter().map(|call| call.0.as_str()).collect();
        assert_eq!(json!(tools), expected["tools"], "{name}");
        let failed = calls.iter().filter(|call| call.1 == Came::Failed).count();
        assert_eq!(json!(failed), expected["error_spans"], "{name}");
    }
}

//! Traces that other programs wrote, in every reader of runs.

use crate::place::{Place, Seen};
use serde_json::{Value, json};

/// A span of one trace with these attributes; times are in milliseconds.
fn span(id: &str, parent: &str, [began, ended]: [u64; 2], of: &[(&str, &str)]) -> Value {
    let attributes = of
        .iter()
        .map(|(key, value)| json!({"key": key, "value": {"stringValue": value}}));
    json!({"traceId": "t1", "spanId": id, "parentSpanId": parent, "name": id,
        "startTimeUnixNano": (began * 1_000_000).to_string(),
        "endTimeUnixNano": (ended * 1_000_000).to_string(),
        "attributes": attributes.collect::<Vec<_>>()})
}

fn failed(mut span: Value, why: &str) -> Value {
    span["status"] = json!({"code": 2, "message": why});
    span
}

/// OTLP JSON of a lead that has a scout look, which fails at the end.
pub(crate) fn two_agents() -> String {
    const OPERATION: &str = "gen_ai.operation.name";
    let agent = |name| [(OPERATION, "invoke_agent"), ("gen_ai.agent.name", name)];
    let tool = |name, result| {
        [
            (OPERATION, "execute_tool"),
            ("gen_ai.tool.name", name),
            ("gen_ai.tool.call.arguments", "{\"at\":1}"),
            ("gen_ai.tool.call.result", result),
        ]
    };
    let told = |text: &str| {
        json!([{"role": "user", "parts": [{"type": "text", "content": text}]}]).to_string()
    };
    let said = |text: &str, tool: &str| {
        json!([{"parts": [{"type": "text", "content": text}, {"type": "tool_call", "name": tool}]}])
            .to_string()
    };
    let model = |id, parent, times, told: &str, said: &str| {
        span(
            id,
            parent,
            times,
            &[
                (OPERATION, "chat"),
                ("gen_ai.response.model", "m"),
                ("gen_ai.input.messages", told),
                ("gen_ai.output.messages", said),
            ],
        )
    };
    let spans = [
        span("s1", "", [1_000, 9_000], &agent("lead")),
        model(
            "s2",
            "s1",
            [1_100, 2_000],
            &told("Find it."),
            &said("I send one.", "send"),
        ),
        span("s3", "s1", [2_100, 8_000], &tool("send", "Nothing.")),
        failed(
            span("s4", "s3", [2_200, 7_900], &agent("scout")),
            "it gave up",
        ),
        model("s5", "s4", [2_300, 3_000], &told("Look."), &said("", "see")),
        span("s6", "s4", [3_100, 6_000], &tool("see", "It is there.")),
        failed(span("s7", "s4", [6_200, 7_000], &tool("hear", "")), "deaf"),
    ];
    json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).to_string()
}

#[test]
fn every_reader_of_runs_reads_traces_of_others() {
    let place = Place::new(&[("spans.json", &two_agents())]);
    let read = |arguments: &[&str]| {
        let seen = place.leadhand(&[&["trace"], arguments].concat());
        assert_eq!((seen.code, seen.err.as_str()), (0, ""), "{}", seen.out);
        seen.out
    };
    let shown = read(&["show", "spans.json", "--tool", "hear"]);
    let expected = "trace t1\n2 parts in TIME, 2 turns, 3 tool calls, TOKENS\n\n\
        p2 [scout] scout: failed in TIME, within p1\n  failed because: it gave up\n  \
        a2 scout: 1 turn, 2 tool calls, TOKENS, TIME\n    \
        #10 hear {\"at\":1}: failed, TIME: deaf\n    gave up: it gave up\n";
    assert_eq!(shown, expected);
    let tail = "     0  trace t1: 2 parts\n     1  p1 started: lead [lead]\n     \
        4  p1: send {\"at\":1}\n     5  p2 started: scout [scout]\n     \
        8  p2: see {\"at\":1}\n    10  p2: hear {\"at\":1}\n    \
        11  p2: hear failed: deaf\n    12  p2: gave up: it gave up\n    \
        14  p1 ended in TIME\n";
    assert_eq!(read(&["tail", "spans.json"]), tail);
    let lines = read(&["tail", "spans.json", "--json"]);
    assert_eq!(lines, read(&["show", "spans.json", "--events"]));
    assert_eq!(lines.lines().count(), 15);
    let graph = "■ p1 [lead] lead: ended\n└─ ✗ p2 [scout] scout: failed\n";
    assert_eq!(read(&["graph", "spans.json"]), graph);
    assert!(read(&["graph", "spans.json", "--svg"]).contains("<title>t1</title>"));
    let why = read(&["why", "spans.json", "11"]);
    let seqs: Vec<&str> = why
        .lines()
        .map(|line| {
            let (_, rest) = line.split_once('#').unwrap();
            rest.split_once(' ').unwrap().0
        })
        .collect();
    assert_eq!(
        seqs,
        ["11", "10", "9", "8", "7", "6", "5", "4", "3", "2", "1", "0"],
        "{why}"
    );
    let same = read(&["diff", "spans.json", "spans.json"]);
    assert!(same.contains("both are the same, 15 records"), "{same}");
    place.write(
        "other.json",
        &two_agents().replace("It is there.", "It is gone."),
    );
    let differs = read(&["diff", "spans.json", "other.json"]);
    assert!(
        differs.contains("the first 9 records are the same, then"),
        "{differs}"
    );
    assert!(
        differs.contains("a trace of others: 15 records, 2 model calls, 3 tool calls"),
        "{differs}"
    );
    assert!(!differs.contains("answer"), "{differs}");
}

#[test]
fn one_of_several_traces_is_named_by_number_or_id() {
    let line = |id: &str, times: usize| {
        let step = json!({"agent": "a", "tool": "ls", "args": {"at": 1}, "observation": "x"});
        json!({"id": id, "steps": vec![step; times]}).to_string()
    };
    let lines = [line("task/1", 1), line("7", 4), line("task/1", 2)].join("\n");
    let place = Place::new(&[("lines.jsonl", &lines)]);
    let tail = |name: &str| place.leadhand(&["trace", "tail", name]);
    let parts = |seen: Seen| seen.out.matches("ls {").count();
    assert_eq!(parts(tail("lines.jsonl#2")), 4);
    assert_eq!(parts(tail("lines.jsonl#3")), 2);
    let seen = tail("lines.jsonl");
    assert_eq!((seen.code, seen.out.as_str()), (2, ""));
    assert!(
        seen.err
            .contains("holds 3 traces, and one is looked at here"),
        "{}",
        seen.err
    );
    let seen = tail("lines.jsonl#4");
    assert!(
        seen.err
            .contains("holds 3 traces, and there is no number 4"),
        "{}",
        seen.err
    );
    // An id that two have means both, of which one is to be named.
    assert!(tail("lines.jsonl#task/1").err.contains("holds 2 traces"));
    assert_eq!(
        parts(place.leadhand(&["trace", "show", "lines.jsonl#task/1"])),
        3
    );
    assert!(
        tail("lines.jsonl#task/9")
            .err
            .contains("none has the id `task/9`")
    );
    let seen = place.leadhand(&["check", "lines.jsonl#2"]);
    assert_eq!(seen.code, 6, "{}", seen.err);
    // Steps are told with their records, which `trace show` has.
    assert!(
        seen.out
            .starts_with("7: a loop (cycle) of a, called at step 2 (#6), since step 0 (#2)"),
        "{}",
        seen.out
    );
    let seen = place.leadhand(&["trace", "tail", "-f", "lines.jsonl#2"]);
    assert!(
        seen.err.contains("is a file, and -f follows a live run"),
        "{}",
        seen.err
    );
    // A folder is no file, and may be called as a run is.
    std::fs::create_dir(place.path("last")).unwrap();
    let seen = tail("last");
    assert!(seen.err.contains("no run `last`"), "{}", seen.err);
    let seen = place.leadhand(&["ui", "-"]);
    assert!(seen.err.contains("can be read once only"), "{}", seen.err);
}

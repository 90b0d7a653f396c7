//! Traces of others through the detectors, and files that are none.

use crate::place::{Place, Seen};
use std::fmt::Write;
use std::io::Write as _;

const HINT: &str = "what to do: a line is one trace: {\"id\": \"…\", \"steps\": [{\"agent\": \"…\", \"tool\": \"…\", \"args\": …, \"observation\": \"…\"}, …]}, or spans of OTLP JSON; what stood before this line is answered\n";

/// A trace of one agent that searches the same and finds the same.
pub(crate) fn circling(id: &str, times: usize) -> String {
    let step = r#"{"agent":"scout","kind":"tool","tool":"search","args":{"q":"x"},"observation":"3 hits"}"#;
    let steps = vec![step; times].join(",");
    format!("{{\"id\":\"{id}\",\"steps\":[{steps}]}}\n")
}

#[test]
fn a_loop_is_told_with_its_rule_agent_and_evidence() {
    let place = Place::new(&[]);
    place.write("t.jsonl", &(circling("short", 2) + &circling("long", 9)));
    let told = "short: nothing found in 2 steps\n\
                long: a loop (cycle) of scout, called at step 2 (#6), since step 0 (#2): 3 times by \
                now: `search` with {\"q\":\"x\"}: 3 hits\n";
    assert_eq!(
        place.leadhand(&["check", "t.jsonl"]),
        Seen::new(6, told, "")
    );
    let fires = "{\"id\":\"short\",\"fire\":null,\"agent\":null,\"rule\":null}\n\
                 {\"id\":\"long\",\"fire\":2,\"agent\":\"scout\",\"rule\":\"cycle\"}\n";
    let seen = place.leadhand(&["check", "--first-fire", "t.jsonl"]);
    assert_eq!(seen, Seen::new(0, fires, ""));
}

#[test]
fn a_write_off_the_plan_is_told_with_its_step() {
    let place = Place::new(&[]);
    let trace = r#"{"id":"t","plan":[{"name":"cancel_order","kwargs":{"order":7}}],"steps":[
        {"agent":"desk","kind":"tool","tool":"get_order","args":{"order":7},"observation":"open"},
        {"agent":"desk","kind":"tool","tool":"cancel_order","args":{"order":8},"observation":"cancelled 8"}]}"#;
    place.write("t.jsonl", &trace.replace('\n', ""));
    let seen = place.leadhand(&["check", "--divergence", "t.jsonl"]);
    let told = "{\"id\":\"t\",\"diverged\":true,\"step\":1,\"agent\":\"desk\"}\n";
    assert_eq!(seen, Seen::new(0, told, ""));
    assert_eq!(place.leadhand(&["check", "t.jsonl"]).code, 7);
}

#[test]
fn what_is_no_trace_is_named_and_what_stood_before_it_is_answered() {
    let place = Place::new(&[]);
    let cases = [
        ("", "line 1: the file ends, and held no trace\n"),
        ("\n\n", "line 3: the file ends, and held no trace\n"),
        (
            "{\"id\":\"x\"}",
            "line 1: no trace: missing field `steps` at line 1 column 10\n",
        ),
        (
            "nonsense",
            "line 1: no trace: expected ident at line 1 column 2\n",
        ),
        (
            "{\"steps\": 3}",
            "line 1: no trace: invalid type: integer `3`, expected a sequence at line 1 column 11\n",
        ),
    ];
    for (text, told) in cases {
        place.write("t.jsonl", text);
        let err = format!("error: t.jsonl, {told}{HINT}");
        assert_eq!(
            place.leadhand(&["check", "t.jsonl"]),
            Seen::new(2, "", &err)
        );
    }
    place.write(
        "t.jsonl",
        &(circling("whole", 2) + "{\"id\":\"cut off\",\"st"),
    );
    let seen = place.leadhand(&["check", "t.jsonl"]);
    assert_eq!(
        (seen.code, &*seen.out),
        (2, "whole: nothing found in 2 steps\n")
    );
    let seen = place.leadhand(&["check", "absent.jsonl"]);
    assert_eq!(seen.code, 2, "{}", seen.err);
}

#[test]
fn steps_with_missing_fields_are_read_as_far_as_they_go() {
    let place = Place::new(&[]);
    place.write(
        "t.jsonl",
        r#"{"steps":[{},{"tool":"t"},{"agent":null,"observation":{"a":1}}]}"#,
    );
    let seen = place.leadhand(&["check", "t.jsonl"]);
    assert_eq!(seen, Seen::new(0, ": nothing found in 3 steps\n", ""));
}

/// Both would be gigabytes if more than one trace at a time, or more of a text than is looked at,
/// were kept.
#[test]
fn a_huge_observation_and_a_million_steps_are_read() {
    let place = Place::new(&[]);
    let huge = "x ".repeat(25_000_000);
    place.write(
        "huge.jsonl",
        &format!("{{\"id\":\"h\",\"steps\":[{{\"tool\":\"t\",\"observation\":\"{huge}\"}}]}}"),
    );
    let seen = place.leadhand(&["check", "huge.jsonl"]);
    assert_eq!(seen, Seen::new(0, "h: nothing found in 1 step\n", ""));
    let path = place.path("many.jsonl");
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    write!(file, "{{\"id\":\"m\",\"steps\":[{{\"tool\":\"t\"}}").unwrap();
    let mut step = String::new();
    for at in 1..1_000_000 {
        step.clear();
        write!(
            step,
            ",{{\"tool\":\"t\",\"args\":\"{at}\",\"observation\":\"row {at} of it\"}}"
        )
        .unwrap();
        file.write_all(step.as_bytes()).unwrap();
    }
    file.write_all(b"]}").unwrap();
    drop(file);
    let seen = place.leadhand(&["check", "many.jsonl"]);
    assert_eq!(
        seen,
        Seen::new(0, "m: nothing found in 1000000 steps\n", "")
    );
}

#[test]
fn spans_are_read_as_one_document_or_one_a_line() {
    let place = Place::new(&[]);
    let text =
        |key: &str, value: &str| serde_json::json!({"key": key, "value": {"stringValue": value}});
    let span = |at: u8| {
        let attributes = [
            text("gen_ai.operation.name", "execute_tool"),
            text("gen_ai.agent.name", "scout"),
            text("gen_ai.tool.name", "search"),
            text("gen_ai.tool.call.arguments", "{\"q\":\"x\"}"),
            text("gen_ai.tool.call.result", "3 hits"),
        ];
        serde_json::json!({"traceId": "t1", "spanId": at.to_string(), "name": "s",
            "endTimeUnixNano": at.to_string(), "attributes": attributes})
    };
    let document = |spans: &[serde_json::Value]| serde_json::json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]});
    let told = "{\"id\":\"t1\",\"fire\":2,\"agent\":\"scout\",\"rule\":\"cycle\"}\n";
    let all: Vec<_> = (0..9).map(span).collect();
    let lines: Vec<String> = (0..9).map(|at| document(&[span(at)]).to_string()).collect();
    for text in [
        serde_json::to_string_pretty(&document(&all)).unwrap(),
        lines.join("\n"),
    ] {
        place.write("t.json", &text);
        let seen = place.leadhand(&["check", "--first-fire", "t.json"]);
        assert_eq!(seen, Seen::new(0, told, ""));
    }
    let pretty = serde_json::to_string_pretty(&document(&all)).unwrap();
    place.write("t.json", &pretty[..pretty.len() / 2]);
    let seen = place.leadhand(&["check", "t.json"]);
    assert_eq!((seen.code, &*seen.out), (2, ""), "{}", seen.err);
    assert!(seen.err.contains("EOF while parsing"), "{}", seen.err);
}

#[test]
fn a_run_of_the_project_is_checked_by_its_name() {
    let place = Place::new(&[("script.jsonl", crate::place::WRITES_NOTES)]);
    place.leadhand(&["run", "Write notes", "-m", "scripted:script.jsonl"]);
    let seen = place.leadhand(&["check", "last"]);
    assert_eq!(seen, Seen::new(0, "RUN: nothing found in 2 steps\n", ""));
    // Names of runs are made equal in what is seen, and an export is read as it was written.
    let written = place
        .command(&["trace", "export", "last"])
        .output()
        .unwrap();
    std::fs::write(place.path("run.jsonl"), written.stdout).unwrap();
    let told = "{\"id\":\"RUN\",\"finding\":null,\"steps\":2}\n";
    let seen = place.leadhand(&["check", "run.jsonl", "--json"]);
    assert_eq!(seen, Seen::new(0, told, ""));
    let text = std::fs::read(place.path("run.jsonl")).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&text).unwrap();
    std::fs::write(place.path("run.gz"), gzip.finish().unwrap()).unwrap();
    let seen = place.leadhand(&["check", "run.gz", "--json"]);
    assert_eq!(seen, Seen::new(0, told, ""));
    // Records that are small in the file and large in memory.
    let mut lines = String::from_utf8(text).unwrap();
    let huge = "{\"\":0},".repeat(1_000_000);
    lines = lines.replacen("\"seq\":1,", &format!("\"seq\":1,\"more\":[{huge}0],"), 1);
    place.write("huge.jsonl", &lines);
    let seen = place.leadhand(&["check", "huge.jsonl"]);
    assert_eq!(seen.code, 2, "{}", seen.err);
    assert!(
        seen.err.contains("the record has more than 1000000 parts"),
        "{}",
        seen.err
    );
    let seen = place.leadhand(&["check", "nobody"]);
    assert_eq!(seen.code, 2);
    assert!(
        seen.err.contains("there is no run `nobody`"),
        "{}",
        seen.err
    );
}

#[test]
fn a_file_that_is_cut_off_or_no_text_is_refused() {
    let place = Place::new(&[]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    for at in 0..200 {
        let id = format!("{at}-{:x}", at * 7919);
        gzip.write_all(circling(&id, 2).as_bytes()).unwrap();
    }
    let whole = gzip.finish().unwrap();
    std::fs::write(place.path("whole.gz"), &whole).unwrap();
    std::fs::write(place.path("cut.gz"), &whole[..whole.len() - 9]).unwrap();
    std::fs::write(place.path("binary"), b"\x7fELF\x02\x01\xff\xfe\n").unwrap();
    assert_eq!(place.leadhand(&["check", "whole.gz"]).code, 0);
    for name in ["cut.gz", "./binary"] {
        let seen = place.leadhand(&["check", name]);
        assert_eq!(seen.code, 2, "{name}");
        assert!(seen.err.contains("cannot be read: "), "{}", seen.err);
    }
}

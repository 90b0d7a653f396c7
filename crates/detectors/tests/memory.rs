//! How much room hostile traces take. JSON of small parts takes up to a hundred times its length
//! in memory, so these would take gigabytes if they were taken apart as a whole. One test, since
//! the peak is that of the process.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on should stop, and says what it measured"
)]

use leadhand_detectors::{
    ATTRIBUTES_MAX, Loops, PLAN_BYTES_MAX, SPANS_MAX, STEPS_MAX, Spans, Trace,
};

/// Length of the hostile part of each document, in bytes.
const PART_BYTES: usize = 24 * 1024 * 1024;
/// What they may take, with the texts of the test itself, in bytes. 0.5 GB were seen; taken apart
/// as a whole, the first of them alone takes 2 GB.
const PEAK_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// So many of a part as there is room for, in a list.
fn list(part: &str) -> String {
    let parts = PART_BYTES / (part.len() + 1);
    format!("[{}{part}]", format!("{part},").repeat(parts))
}

fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes * 1024)
}

/// Has the detectors read it, and gives what was wrong with it.
fn read(line: &str) -> Result<usize, String> {
    let trace = Trace::read(line)?;
    let mut loops = Loops::default();
    let none: Option<()> = trace.find(|_, step| {
        loops.see(step);
        None
    });
    assert!(none.is_none());
    Ok(trace.len())
}

fn spans(spans: &str) -> Result<usize, String> {
    let document = format!("{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{spans}]}}]}}]}}");
    let mut taken = Spans::default();
    taken.take(&document).map_err(|why| why.to_string())?;
    Ok(taken.into_traces().iter().map(Trace::len).sum())
}

/// The span of a model's reply that has this attribute.
fn model(key: &str, value: &str) -> String {
    let is_model = "{\"key\":\"openinference.span.kind\",\"value\":{\"stringValue\":\"LLM\"}}";
    format!("{{\"attributes\":[{is_model},{{\"key\":\"{key}\",\"value\":{value}}}]}}")
}

#[test]
fn small_parts_take_little_room() {
    if peak().is_none() {
        println!("skipped: this system does not say how much memory a process took");
        return;
    }
    let objects = list("{\"\":0}");
    let of_steps = |fields: &str| read(&format!("{{\"steps\":[{{\"tool\":\"t\",{fields}}}]}}"));
    let wanted = "{\\\"type\\\":\\\"tool_call\\\"}";
    let messages = |calls: &str| {
        let text = format!("{{\"stringValue\":\"[{{\\\"parts\\\":{calls}}}]\"}}");
        model("gen_ai.output.messages", &text)
    };
    let short = messages(&format!("[{}0]", format!("{wanted},").repeat(40_000)));
    let values = list("{\"intValue\":1}");
    let array = format!("{{\"arrayValue\":{{\"values\":{values}}}}}");
    let read_whole = [
        ("arguments", of_steps(&format!("\"args\":{objects}"))),
        (
            "observation",
            of_steps(&format!("\"observation\":{objects}")),
        ),
        (
            "a field of others",
            of_steps(&format!("\"more\":{objects}")),
        ),
        ("an attribute", spans(&model("output.value", &array))),
        ("messages", spans(&messages(&list(wanted)))),
        ("many messages", spans(&vec![short; 16].join(","))),
    ];
    for (name, outcome) in read_whole {
        assert!(outcome.is_ok(), "{name}: {outcome:?}");
    }
    let empty = list("{}");
    let refused = [
        read(&format!("{{\"steps\":{empty}}}")),
        read(&format!("{{\"steps\":[],\"plan\":{objects}}}")),
        spans(empty.trim_matches(['[', ']'])),
        spans(&format!("{{\"attributes\":{empty}}}")),
        spans(&format!("{{\"events\":{empty}}}")),
    ];
    let bounds = [
        STEPS_MAX,
        PLAN_BYTES_MAX,
        SPANS_MAX,
        ATTRIBUTES_MAX,
        ATTRIBUTES_MAX,
    ];
    for (outcome, bound) in refused.into_iter().zip(bounds) {
        let why = outcome.unwrap_err();
        assert!(why.contains(&bound.to_string()), "{why}");
    }
    let peak = peak().unwrap();
    println!("at most {} MB", peak / 1_000_000);
    assert!(peak < PEAK_BYTES_MAX, "{peak} bytes");
}

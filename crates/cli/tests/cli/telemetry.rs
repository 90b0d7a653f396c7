//! Runs told to OpenTelemetry: a receiver in this process, one that is not there, and, where
//! `LEADHAND_PHOENIX` names one that listens, Arize Phoenix.

use crate::place::{Place, WRITES_NOTES};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

const RUN: [&str; 4] = ["run", "Write notes", "-m", "scripted:script.jsonl"];
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn place() -> Place {
    Place::new(&[("script.jsonl", WRITES_NOTES)])
}

/// Takes whatever is sent; gives its address, and of each request its first line and the length
/// of its body.
fn receiver() -> (String, Receiver<(String, usize)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, seen) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, sender) = (stream.unwrap(), sender.clone());
            std::thread::spawn(move || {
                let mut reader = BufReader::new(&stream);
                loop {
                    let mut head: Vec<String> = Vec::new();
                    for line in reader.by_ref().lines().map_while(Result::ok) {
                        if line.is_empty() {
                            break;
                        }
                        head.push(line);
                    }
                    let Some(first) = head.first() else { return };
                    let length = head
                        .iter()
                        .find_map(|line| line.strip_prefix("content-length: "));
                    let mut body = vec![0; length.unwrap().parse().unwrap()];
                    reader.read_exact(&mut body).unwrap();
                    drop(sender.send((first.clone(), body.len())));
                    let mut stream = &stream;
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                    stream.write_all(answer).unwrap();
                }
            });
        }
    });
    (address, seen)
}

#[test]
fn a_run_is_told_while_it_goes_on() {
    let (address, seen) = receiver();
    let place = place();
    let named = place.leadhand(&[&RUN[..], &["--otlp-endpoint", &address]].concat());
    assert_eq!(named.code, 0, "{}", named.err);
    let mut usual = place.command(&RUN);
    usual.env("OTEL_EXPORTER_OTLP_ENDPOINT", &address);
    assert_eq!(place.outcome_of(&mut usual).code, 0);
    let requests = seen;
    let seen: Vec<(String, usize)> = requests.try_iter().collect();
    let mut disabled = place.command(&RUN);
    disabled.env("OTEL_EXPORTER_OTLP_ENDPOINT", &address);
    disabled.env("OTEL_SDK_DISABLED", "true");
    assert_eq!(place.outcome_of(&mut disabled).code, 0);
    assert_eq!(requests.try_iter().count(), 0);
    let posted = |path: &str| {
        let wanted = format!("POST {path} HTTP/1.1");
        seen.iter().filter(|(line, _)| *line == wanted).count()
    };
    assert!(posted("/v1/traces") >= 2, "{seen:?}");
    assert!(posted("/v1/metrics") >= 2, "{seen:?}");
    assert!(seen.iter().all(|(_, length)| *length > 200), "{seen:?}");
}

#[test]
fn a_run_whose_receiver_is_gone_comes_to_its_end_and_says_so() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let address = format!("http://{free}");
    let seen = place().leadhand(&[&RUN[..], &["--otlp-endpoint", &address]].concat());
    assert_eq!(seen.code, 0);
    assert!(seen.out.ends_with("Hello.\n"), "{}", seen.out);
    let told = format!(
        "6 of 6 spans did not arrive: {address}/v1/traces: HTTP export failed: network error\n\
         have them later with: leadhand trace export RUN --format otlp\n"
    );
    assert!(seen.err.ends_with(&told), "{}", seen.err);
}

#[test]
fn what_is_no_receiver_is_refused_before_anything_is_done() {
    let place = place();
    for (options, said) in [
        (
            &["--otlp-endpoint", "localhost:4318"][..],
            "no address of an OTLP receiver",
        ),
        (&["--otlp-content"], "--otlp-content without a receiver"),
    ] {
        let seen = place.leadhand(&[&RUN[..], options].concat());
        assert_eq!(seen.code, 2, "{}", seen.err);
        assert!(seen.err.contains(said), "{}", seen.err);
    }
    assert_eq!(place.leadhand(&["ps", "--all"]).out.lines().count(), 0);
}

#[test]
fn a_run_is_a_part_of_the_trace_that_it_was_called_from() {
    let place = place();
    let mut called = place.command(&RUN);
    called.env("TRACEPARENT", PARENT).env("TRACESTATE", "v=1");
    assert_eq!(place.outcome_of(&mut called).code, 0);
    let exported = place.leadhand(&["trace", "export", "last", "--format", "otlp"]);
    let document: Value = serde_json::from_str(&exported.out).unwrap();
    let spans = &document["resourceSpans"][0]["scopeSpans"][0]["spans"];
    for span in spans.as_array().unwrap() {
        assert_eq!(span["traceId"], &PARENT[3..35]);
        assert_eq!(span["traceState"], "v=1");
    }
    assert_eq!(spans[0]["parentSpanId"], &PARENT[36..52]);
    let mut wrong = place.command(&RUN);
    let seen = place.outcome_of(wrong.env("TRACEPARENT", "\u{1b}[31mred"));
    assert_eq!(seen.code, 0);
    let said = "TRACEPARENT `\\u{1b}[31mred` is left out: this is no traceparent";
    assert!(seen.err.contains(said), "{}", seen.err);
}

#[test]
fn phoenix_shows_agents_tools_and_tokens() {
    let Ok(address) = std::env::var("LEADHAND_PHOENIX") else {
        println!("skipped: LEADHAND_PHOENIX does not name a Phoenix that listens");
        return;
    };
    let place = place();
    let mut called = place.command(&[&RUN[..], &["--otlp-endpoint", &address]].concat());
    // A trace of its own, so that its spans are found again.
    let trace = format!("{:032x}", std::process::id());
    called.env("TRACEPARENT", format!("00-{trace}-b7ad6b7169203331-01"));
    let seen = place.outcome_of(&mut called);
    assert_eq!(seen.code, 0, "{}", seen.err);
    assert!(!seen.err.contains("did not arrive"), "{}", seen.err);
    let host = address.strip_prefix("http://").unwrap();
    let mut spans: Vec<Value> = Vec::new();
    // It takes what it is sent at once, and shows it a little later.
    while spans.len() < 6 {
        let mut stream = TcpStream::connect(host).unwrap();
        let path = format!("/v1/projects/default/spans?limit=100&trace_id={trace}");
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        spans.clone_from(body["data"].as_array().unwrap());
        spans.retain(|span| span["context"]["trace_id"] == *trace);
        std::thread::yield_now();
    }
    let of_kind = |kind: &str| {
        let found = spans.iter().filter(|span| span["span_kind"] == kind);
        found.collect::<Vec<_>>()
    };
    assert_eq!(of_kind("AGENT").len(), 2, "{spans:?}");
    assert_eq!(of_kind("TOOL")[0]["attributes"]["tool.name"], "write_file");
    let tokens = |span: &&Value| span["attributes"]["llm.token_count.total"].as_u64();
    assert!(
        of_kind("LLM").iter().all(|span| tokens(span) > Some(0)),
        "{spans:?}"
    );
}

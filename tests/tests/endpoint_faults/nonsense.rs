//! An endpoint that answers nonsense to every call, for ever: the run ends at its own bounds, says
//! why, and takes no more memory and disk than they allow.

use crate::{RUN, desk, ended, start};
use leadhand_model::{StubAnswer, StubServer};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Child;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// A run that takes longer against an endpoint that talks nonsense has no end.
const NONSENSE_MAX: Duration = Duration::from_secs(60);
/// More memory than a run takes whose endpoint talks sense, and less than what an endpoint sends
/// that never stops, in KiB.
const MEMORY_KIB_MAX: u64 = 320_000;
/// What stands on the disk after a run that came to nothing, in bytes.
const RECORD_BYTES_MAX: u64 = 1_000_000;

/// What a program says on standard error and its exit code; and what memory it took at most, read
/// off whenever it says something. Nothing where the system does not tell.
async fn watched(mut child: Child, name: &str) -> (String, Option<i32>, u64) {
    let status = format!("/proc/{}/status", child.id());
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let listening = spawn_blocking(move || {
        let (mut said, mut peak_kib) = (String::new(), 0);
        for line in lines.map_while(Result::ok) {
            let status = std::fs::read_to_string(&status).unwrap_or_default();
            let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse().ok());
            peak_kib = kib.unwrap_or(0).max(peak_kib);
            said.push_str(&line);
            said.push('\n');
        }
        (said, peak_kib)
    });
    let listened = timeout(NONSENSE_MAX, listening).await;
    if listened.is_err() {
        child.kill().unwrap();
    }
    let code = child.wait().unwrap().code();
    let (said, peak_kib) = listened
        .unwrap_or_else(|_| panic!("{name}: it has no end"))
        .unwrap();
    (said, code, peak_kib)
}

fn bytes_below(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(data) if data.is_dir() => bytes_below(&entry.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    });
    bytes.sum()
}

/// How a run ends: the exit code, words of the reason, and how often the endpoint is asked.
type End<'a> = (i32, &'a str, usize);

/// A run whose endpoint has but this one answer.
async fn check_nonsense(name: &str, answer: StubAnswer, arguments: &[&str], end: End<'_>) {
    let stub = StubServer::for_ever(answer).await.unwrap();
    let desk = desk(stub.base_url());
    let (err, code, peak_kib) = watched(start(&desk, arguments), name).await;
    let asked = stub.requests().len();
    assert_eq!((code, asked), (Some(end.0), end.2), "{name}: {err}");
    assert!(err.contains(end.1), "{name}: {err}");
    assert!(!err.contains("panicked"), "{name}: {err}");
    assert!(
        peak_kib < MEMORY_KIB_MAX,
        "{name}: {peak_kib} KiB of memory"
    );
    let on_disk = bytes_below(&desk.project().join(".leadhand"));
    assert!(
        on_disk < RECORD_BYTES_MAX,
        "{name}: {on_disk} bytes on disk"
    );
    let replayed = ended(start(&desk, &["replay", "last"])).await;
    assert_eq!(replayed.status.code(), Some(0), "{name}");
}

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

fn body(kind: &str, bytes: impl Into<Vec<u8>>) -> StubAnswer {
    StubAnswer::Body(kind.to_owned(), bytes.into())
}

fn endless(status: u16, kind: &str, start: &str, piece: &str, pause_ms: u64) -> StubAnswer {
    StubAnswer::Endless {
        status,
        kind: kind.to_owned(),
        start: start.into(),
        piece: piece.into(),
        pause_ms,
    }
}

/// Two attempts at the first task, each of which asks twice: what cannot be read is asked for
/// again, what does not come at all ends the run resumable, and what can be read and repeats
/// stops it as a loop.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_for_ever_ends_at_the_bounds_of_the_run() {
    let garbage: Vec<u8> = (0..=255).cycle().take(50_000).collect();
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let unknown = StubAnswer::tool_call("no_such_tool", &serde_json::json!({}));
    let named = StubAnswer::tool_call(&"n".repeat(20_000_000), &serde_json::json!({}));
    let html = || body("text/html", "<html>Welcome</html>");
    let no_json = "answered 200 with something that is no JSON: ";
    let cases = [
        ("a page", html(), (3, no_json, 4)),
        (
            "another shape",
            body(JSON, "{\"status\":\"ok\"}"),
            (3, "the answer holds no choices", 4),
        ),
        (
            "a choice of nothing",
            body(JSON, "{\"choices\":[{}]}"),
            (6, "Your answer is empty", 4),
        ),
        (
            "nested",
            body(JSON, nested),
            (3, "recursion limit exceeded", 4),
        ),
        (
            "garbage",
            body("application/octet-stream", garbage.clone()),
            (3, no_json, 4),
        ),
        (
            "garbage as events",
            body(EVENTS, garbage),
            (9, "was cut off before its end", 2),
        ),
        ("a tool there is not", unknown, (6, "a loop was found", 8)),
        (
            "a tool with a long name",
            named,
            (3, "larger than 400000 bytes", 4),
        ),
    ];
    for (name, answer, end) in cases {
        check_nonsense(name, answer, &RUN, end).await;
    }
    check_nonsense(
        "a page as a plan",
        html(),
        &["run", "Write."],
        (3, "no plan could be made", 2),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_without_an_end_ends_at_the_bounds_of_the_run() {
    let long = "x".repeat(65_536);
    let (words, pings) = (
        "data: {\"choices\":[{\"delta\":{\"content\":\"la la la la la la la la\"}}]}\n\n",
        ": ping\n\n",
    );
    let text = "{\"choices\":[{\"message\":{\"content\":\"";
    let (large, late) = (
        "larger than 400000 bytes",
        "gave no whole answer within 1.5 s",
    );
    let cases = [
        (
            "a page",
            endless(200, "text/html", "<p>", &long, 0),
            (3, large, 4),
        ),
        ("a text", endless(200, JSON, text, &long, 0), (3, large, 4)),
        (
            "a line",
            endless(200, EVENTS, "data: ", &long, 0),
            (3, large, 4),
        ),
        (
            "an event",
            endless(200, EVENTS, "", &"data: 1\n".repeat(8_192), 0),
            (3, large, 4),
        ),
        (
            "a stream",
            endless(200, EVENTS, "", &words.repeat(500), 0),
            (3, large, 4),
        ),
        (
            "a drop at a time",
            endless(200, EVENTS, "", pings, 50),
            (9, late, 2),
        ),
        (
            "a failure",
            endless(500, JSON, "", &long, 0),
            (9, "500 Internal Server Error", 2),
        ),
    ];
    for (name, answer, end) in cases {
        check_nonsense(name, answer, &RUN, end).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_that_cannot_be_are_held_against_the_budget() {
    let counts = "{\"prompt_tokens\":1e308,\"completion_tokens\":18446744073709551615}";
    let said = |text: &str| {
        let choice =
            format!("{{\"message\":{{\"content\":\"{text}\"}},\"finish_reason\":\"stop\"}}");
        body(
            JSON,
            format!("{{\"choices\":[{choice}],\"usage\":{counts}}}"),
        )
    };
    let budgeted = [&RUN[..], &["--budget-tokens", "100000"]].concat();
    check_nonsense(
        "spent at once",
        said("hi"),
        &budgeted,
        (5, "budget spent", 1),
    )
    .await;
    // Twice as much as can be counted, of one agent and of the run.
    check_nonsense("no budget", said(""), &RUN, (6, "Your answer is empty", 4)).await;
}

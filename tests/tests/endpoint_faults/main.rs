//! The real program and an endpoint that is killed and started again in the middle of runs,
//! answers 429, 500, half a stream, nonsense, and nothing: the run ends as specified, can be
//! resumed, and goes on with what it has. One that answers nonsense for ever is in `nonsense`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should stop"
)]

mod nonsense;

use leadhand_end_to_end::Desk;
use leadhand_model::{StubAnswer, StubServer};
use serde_json::Value;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Child, Output, Stdio};
use tokio::task::spawn_blocking;

const PLAN: &str = r#"{"tasks": [
  {"id": "a", "role": "writer", "instruction": "Write a.", "output_file": "a.md"},
  {"id": "b", "role": "writer", "instruction": "Write b.", "depends_on": ["a"], "output_file": "b.md"}],
  "answer": "b"}"#;

/// An endpoint whose port is asked for at the time of the test.
fn config(base_url: &str) -> String {
    format!(
        "default_model = \"stub\"\n[models.stub]\nprovider = \"openai\"\nmodel = \"stub\"\n\
         base_url = \"{base_url}\"\n\
         [models.stub.retry]\nattempts_max = 2\nfirst_wait_ms = 1\nwait_ms_max = 2000\n\
         attempt_ms_max = 1500\n"
    )
}

fn desk(base_url: &str) -> Desk {
    Desk::with(&[("plan.json", PLAN), ("leadhand.toml", &config(base_url))])
}

fn start(desk: &Desk, arguments: &[&str]) -> Child {
    let mut command = desk.leadhand(arguments);
    // Compiled tools are shared with other tests.
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
    command.env("XDG_CACHE_HOME", cache);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

async fn ended(child: Child) -> Output {
    spawn_blocking(move || child.wait_with_output().unwrap())
        .await
        .unwrap()
}

/// The endpoint again, where it was. The system may hold the port a little longer.
async fn restarted(port: u16, answers: Vec<StubAnswer>) -> StubServer {
    loop {
        match StubServer::start_at(port, answers.clone()).await {
            Ok(stub) => return stub,
            Err(error) if error.kind() == ErrorKind::AddrInUse => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
}

const RUN: [&str; 3] = ["run", "--plan", "plan.json"];

/// Runs against these answers, and resumes, where that must be, against an endpoint in health.
async fn check(name: &str, answers: Vec<StubAnswer>, code: i32, why: &str, then: &[&str]) {
    let stub = StubServer::start(answers).await.unwrap();
    let port = stub.port();
    let desk = desk(stub.base_url());
    let seen = ended(start(&desk, &RUN)).await;
    let err = String::from_utf8_lossy(&seen.stderr).into_owned();
    assert_eq!(seen.status.code(), Some(code), "{name}: {err}");
    assert!(err.contains(why), "{name}: {err}");
    drop(stub);
    if code == 0 {
        assert_eq!(desk.text("b.md"), "Second.\n", "{name}");
        return;
    }
    assert!(
        err.contains("resume with: leadhand resume"),
        "{name}: {err}"
    );
    let answers = then.iter().map(|text| StubAnswer::text(text)).collect();
    let stub = restarted(port, answers).await;
    let seen = ended(start(&desk, &["resume", "last"])).await;
    let err = String::from_utf8_lossy(&seen.stderr).into_owned();
    assert_eq!(seen.status.code(), Some(0), "{name}: {err}");
    assert_eq!(
        stub.requests().len(),
        then.len(),
        "{name}: nothing is asked again"
    );
    let files = ["a.md", "b.md"].map(|file| desk.text(file));
    assert_eq!(files, ["First.\n", "Second.\n"], "{name}");
    let replayed = ended(start(&desk, &["replay", "last"])).await;
    assert_eq!(replayed.status.code(), Some(0), "{name}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_outlives_whatever_its_endpoint_does() {
    let first = || StubAnswer::text("First.");
    let again = |answer: &StubAnswer| vec![first(), answer.clone(), answer.clone()];
    let limited = StubAnswer::rate_limited("0");
    check(
        "429 for ever",
        again(&limited),
        9,
        "too many requests",
        &["Second."],
    )
    .await;
    let long = StubAnswer::rate_limited("3600");
    check(
        "429 for an hour",
        vec![first(), long],
        9,
        "too many requests",
        &["Second."],
    )
    .await;
    let broken = StubAnswer::status(500, "{\"error\":{\"message\":\"it is broken\"}}");
    check(
        "500 for ever",
        again(&broken),
        9,
        "it is broken",
        &["Second."],
    )
    .await;
    check("hangs up", again(&StubAnswer::HangUp), 9, "", &["Second."]).await;
    let silence = StubAnswer::Silence("Sec".into());
    check("silence", again(&silence), 9, "", &["Second."]).await;
    let unknown = StubAnswer::status(401, "{\"error\":{\"message\":\"the key is unknown\"}}");
    check(
        "401",
        vec![unknown],
        9,
        "the key is unknown",
        &["First.", "Second."],
    )
    .await;
    // What passes within the attempts there are is not noticed.
    let passing = [
        StubAnswer::CutOff("Sec".into()),
        StubAnswer::Body("application/json".into(), b"{\"choices\": [[[".to_vec()),
        StubAnswer::Body("text/html".into(), b"<html>Welcome</html>".to_vec()),
        broken,
        limited,
    ];
    for answer in passing {
        let name = format!("{answer:?} once");
        let answers = vec![first(), answer, StubAnswer::text("Second.")];
        check(&name, answers, 0, "", &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_killed_while_it_answers_is_found_again() {
    let silence = StubAnswer::Silence("Sec".into());
    let stub = StubServer::start(vec![StubAnswer::text("First."), silence])
        .await
        .unwrap();
    let port = stub.port();
    let desk = desk(stub.base_url());
    let run = start(&desk, &RUN);
    while stub.requests().len() < 2 {
        tokio::task::yield_now().await;
    }
    // It is at work on the second answer, and gone.
    drop(stub);
    let seen = ended(run).await;
    let err = String::from_utf8_lossy(&seen.stderr).into_owned();
    assert_eq!(seen.status.code(), Some(9), "{err}");
    let stub = restarted(port, vec![StubAnswer::text("Second.")]).await;
    let seen = ended(start(&desk, &["resume", "last", "--json"])).await;
    assert_eq!(seen.status.code(), Some(0));
    let out = String::from_utf8_lossy(&seen.stdout).into_owned();
    let last: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    assert_eq!(last["outcome"]["kind"], "done");
    assert_eq!(stub.requests().len(), 1, "the first answer is on record");
    assert_eq!(desk.text("b.md"), "Second.\n");
}

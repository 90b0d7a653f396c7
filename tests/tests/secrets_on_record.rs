//! A key of an endpoint and a secret of a tool go through a run, and both come back from
//! careless servers: no byte of either is in the journal, in an export or on a cassette.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should stop"
)]

use leadhand_end_to_end::{Desk, run};
use leadhand_model::{StubAnswer, StubServer};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::Command;
use tokio::task::spawn_blocking;

const KEY: &str = "sk-endpoint-4f1c9a77e2";
const SECRET: &str = "tool-secret-0b8d53aa61";
/// What the person who exports the run does not want to be seen either.
const WORD: &str = "open-sesame";

/// Every file below a folder.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    found
}

#[track_caller]
fn hold_none(name: &str, bytes: &[u8], secrets: &[&str]) {
    for secret in secrets {
        let holds = bytes
            .windows(secret.len())
            .any(|part| part == secret.as_bytes());
        assert!(!holds, "{name} holds {secret}");
    }
}

fn program(desk: &Desk, arguments: &[&str]) -> Command {
    let mut command = desk.leadhand(arguments);
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
    command.env("XDG_CACHE_HOME", cache);
    command.env("STUB_KEY", KEY).env("SHOP_KEY", SECRET);
    command
}

/// A shop that sends its secret back, and a word.
async fn shop() -> StubServer {
    let page = format!("You sent Bearer {SECRET}. The word is {WORD}.");
    StubServer::start(vec![StubAnswer::Body("text/plain".into(), page.into())])
        .await
        .unwrap()
}

/// An endpoint that sends the key back, has the shop's page fetched, and tells the word.
async fn endpoint(origin: &str) -> StubServer {
    let careless = format!("{{\"error\":{{\"message\":\"busy, {KEY}\"}}}}");
    let answers = vec![
        StubAnswer::status(503, &careless),
        StubAnswer::tool_call("fetch", &json!({"url": format!("{origin}/me")})),
        StubAnswer::text(&format!("The word is {WORD}.")),
    ];
    StubServer::start(answers).await.unwrap()
}

fn desk(origin: &str, base_url: &str) -> Desk {
    let config = format!(
        "default_model = \"stub\"\n[models.stub]\nprovider = \"openai\"\nmodel = \"stub\"\n\
         base_url = \"{base_url}\"\napi_key_env = \"STUB_KEY\"\n\
         [models.stub.retry]\nfirst_wait_ms = 1\n\
         [secrets.shop]\norigin = \"{origin}\"\nheader = \"authorization\"\nprefix = \"Bearer \"\n\
         env = \"SHOP_KEY\"\n"
    );
    let allow = |capability: &str, resource: &str| {
        format!(
            "[[rules]]\ndecision = \"allow\"\ntool = \"fetch\"\ncapability = \"{capability}\"\n\
             resource = \"{resource}\"\n"
        )
    };
    let rules = allow("net.internal", &format!("{origin}/**")) + &allow("secret", "shop");
    let role = "---\nname: shopper\ndescription: Fetches.\ntools: fetch\n---\nYou fetch.";
    let plan = json!({"tasks": [{"id": "a", "role": "shopper", "instruction": "Fetch it."}],
                      "answer": "a"});
    Desk::with(&[
        ("plan.json", &plan.to_string()),
        ("agents/shopper.md", role),
        ("../config/leadhand/leadhand.toml", &config),
        ("../config/leadhand/policy.toml", &rules),
    ])
}

const RUN: [&str; 5] = ["run", "--plan", "plan.json", "--autonomy", "L5"];

fn export(desk: &Desk, more: &[&str]) -> Vec<u8> {
    let arguments = [&["trace", "export", "last"], more].concat();
    run(&mut program(desk, &arguments), 0).stdout
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_of_a_secret_is_in_journal_export_or_cassette() {
    let shop = shop().await;
    let origin = shop.base_url().trim_end_matches("/v1").to_owned();
    let model = endpoint(&origin).await;
    let desk = desk(&origin, model.base_url());
    let (desk, seen) = spawn_blocking(move || {
        let arguments = [&RUN[..], &["--json"]].concat();
        let seen = run(&mut program(&desk, &arguments), 0);
        (desk, seen)
    })
    .await
    .unwrap();
    let sent = |stub: &StubServer, value: &str| {
        let mut requests = stub.requests().into_iter();
        requests.any(|request| request.headers.iter().any(|header| header.contains(value)))
    };
    assert!(
        sent(&model, KEY) && sent(&shop, SECRET),
        "both were really sent"
    );
    let secrets = [KEY, SECRET];
    let shown = [seen.stdout, seen.stderr].concat();
    hold_none("what was shown", &shown, &secrets);
    for (name, bytes) in files(&desk.project()) {
        hold_none(&name, &bytes, &secrets);
    }
    // Files of the journal are packed; the export has all that is in them.
    let whole = export(&desk, &[]);
    hold_none("the export", &whole, &secrets);
    let cassette = export(&desk, &["--format", "cassette"]);
    hold_none("the cassette", &cassette, &secrets);
    let whole = String::from_utf8_lossy(&whole);
    assert!(whole.contains("[secret shop]") && whole.contains(WORD));
    masked(&desk);
    let asked = (model.requests().len(), shop.requests().len());
    assert_eq!(asked, (3, 1), "nobody was asked again");
}

/// What else is not to be seen is masked, and the run follows from what is left.
fn masked(desk: &Desk) {
    let lines = export(desk, &["--mask", WORD]);
    let cassette = export(desk, &["--mask", WORD, "--format", "cassette"]);
    for bytes in [&lines, &cassette] {
        hold_none("what was masked", bytes, &[KEY, SECRET, WORD]);
    }
    fs::write(desk.project().join("masked.jsonl"), lines).unwrap();
    fs::write(desk.project().join("masked.cassette"), cassette).unwrap();
    let check = ["replay", "--check", "masked.jsonl"];
    run(&mut program(desk, &check), 0);
    let play = [
        "-m",
        "cassette:masked.cassette",
        "--tools",
        "recorded:masked.cassette",
    ];
    let played = run(&mut program(desk, &[&RUN[..], &play].concat()), 0);
    let answer = String::from_utf8_lossy(&played.stdout).into_owned();
    assert_eq!(answer, "The word is [masked].\n");
}

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_of_a_secret_is_in_journal_export_or_cassette() {
    let page = format!("You sent Bearer {SECRET}. The word is {WORD}.");
    let shop = StubServer::start(vec![StubAnswer::Body("text/plain".into(), page.into())])
        .await
        .unwrap();
    let origin = shop.base_url().trim_end_matches("/v1").to_owned();
    let careless = format!("{{\"error\":{{\"message\":\"busy, {KEY}\"}}}}");
    let fetch = json!({"url": format!("{origin}/me")});
    let model = StubServer::start(vec![
        StubAnswer::status(503, &careless),
        StubAnswer::tool_call("fetch", &fetch),
        StubAnswer::text(&format!("The word is {WORD}.")),
    ])
    .await
    .unwrap();
    let config = format!(
        "default_model = \"stub\"\n[models.stub]\nprovider = \"openai\"\nmodel = \"stub\"\n\
         base_url = \"{}\"\napi_key_env = \"STUB_KEY\"\n\
         [models.stub.retry]\nfirst_wait_ms = 1\n\
         [secrets.shop]\norigin = \"{origin}\"\nheader = \"authorization\"\nprefix = \"Bearer \"\n\
         env = \"SHOP_KEY\"\n",
        model.base_url()
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
    let desk = Desk::with(&[
        ("plan.json", &plan.to_string()),
        ("agents/shopper.md", role),
        ("../config/leadhand/leadhand.toml", &config),
        ("../config/leadhand/policy.toml", &rules),
    ]);
    let (desk, seen) = spawn_blocking(move || {
        let seen = run(
            &mut program(
                &desk,
                &["run", "--plan", "plan.json", "--json", "--autonomy", "L5"],
            ),
            0,
        );
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

    let export = |more: &[&str]| {
        let arguments = [&["trace", "export", "last"], more].concat();
        run(&mut program(&desk, &arguments), 0).stdout
    };
    let secrets = [KEY, SECRET];
    hold_none(
        "what was shown",
        &[seen.stdout, seen.stderr].concat(),
        &secrets,
    );
    for (name, bytes) in files(&desk.project()) {
        hold_none(&name, &bytes, &secrets);
    }
    let whole = export(&[]);
    hold_none("the export", &whole, &secrets);
    hold_none("the cassette", &export(&["--format", "cassette"]), &secrets);
    assert!(String::from_utf8_lossy(&whole).contains("[secret shop]"));

    // What else is not to be seen is masked, and the run follows from what is left.
    assert!(String::from_utf8_lossy(&whole).contains(WORD));
    let masked = export(&["--mask", WORD]);
    let cassette = export(&["--mask", WORD, "--format", "cassette"]);
    for bytes in [&masked, &cassette] {
        hold_none("what was masked", bytes, &[KEY, SECRET, WORD]);
    }
    fs::write(desk.project().join("masked.jsonl"), masked).unwrap();
    fs::write(desk.project().join("masked.cassette"), cassette).unwrap();
    run(
        &mut program(&desk, &["replay", "--check", "masked.jsonl"]),
        0,
    );
    let played = run(
        &mut program(
            &desk,
            &[
                "run",
                "--plan",
                "plan.json",
                "--autonomy",
                "L5",
                "-m",
                "cassette:masked.cassette",
                "--tools",
                "recorded:masked.cassette",
            ],
        ),
        0,
    );
    let answer = String::from_utf8_lossy(&played.stdout).into_owned();
    assert_eq!(answer, "The word is [masked].\n");
    assert_eq!(
        (model.requests().len(), shop.requests().len()),
        (3, 1),
        "nobody was asked again"
    );
}

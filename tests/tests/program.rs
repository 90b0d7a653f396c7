//! The real program from its arguments to its exit code: on the model in its own process, on a
//! server that nobody here wrote, and on an endpoint with native tool calls. Of a real model
//! only what holds for any sensible answer is expected.

use leadhand_end_to_end::{Desk, LlamaServer, computing, given, run};
use leadhand_model::{StubAnswer, StubServer};
use serde_json::{Value, json};

const ROSES: &str = "# Roses\n\nRoses are shrubs with thorns. They bloom in June. Cut them back in \
    March, above a bud that points outward, and give them compost.\n";
const PEAS: &str = "# Peas\n\nPeas are sown in April, five centimetres deep, in rows. They climb \
    and need a fence of a metre. The first pods can be picked in June.\n";

/// A role without tools: which tool a small model picks is not what is tested here.
const GARDENER: &str = "---\nname: gardener\ndescription: Reads notes on plants.\ntools: []\n---\n\
    You read notes on plants and give exactly what is asked for.\n";
/// One worker a file, its file read and its finding written by the program, in the sandbox.
const PLAYBOOK: &str = r#"
name = "first-months"
description = "Finds out in which month each plant is first worked on."

[[tasks]]
id = "note-{{index}}"
role = "gardener"
for_each_file = "garden/*.md"
instruction = "In which month is this plant sown or cut?"
inputs = [{ name = "{{item}}", from = { file = "{{item}}" } }]
output_file = "months/{{item_name}}.json"
acceptance = [{ check = "file_changed", path = "months/{{item_name}}.json" }]

[tasks.output_schema]
type = "object"
required = ["month"]
additionalProperties = false
properties = { month = { enum = ["January", "February", "March", "April", "May", "June"] } }

[[tasks]]
id = "table"
depends_on = ["note-*"]

[tasks.call]
tool = "write_file"
arguments = { path = "MONTHS.md", content = "{{each note-*}}{{item}}: {{output}}\n{{end}}" }

[[acceptance]]
check = "file_matches"
path = "MONTHS.md"
pattern = "roses"
"#;

fn garden() -> Desk {
    Desk::with(&[
        ("garden/roses.md", ROSES),
        ("garden/peas.md", PEAS),
        ("agents/gardener.md", GARDENER),
        ("agents/playbooks/first-months.toml", PLAYBOOK),
    ])
}

/// Runs the playbook and holds the program to what it left behind.
fn find_months(model: &[&str], base_url: Option<&str>) {
    let desk = garden();
    let mut command = desk.leadhand(&[&["run", "--playbook", "first-months"], model].concat());
    if let Some(base_url) = base_url {
        command.env("OPENAI_BASE_URL", base_url);
    }
    let output = run(&mut command, 0);
    let found = |file: &str| -> Value {
        serde_json::from_str(&desk.text(file)).expect("the file holds JSON")
    };
    assert_eq!(found("months/peas.md.json"), json!({"month": "April"}));
    assert!(found("months/roses.md.json")["month"].is_string());
    let table = desk.text("MONTHS.md");
    let places = ["garden/peas.md:", "April", "garden/roses.md:"].map(|it| table.find(it));
    assert!(places.is_sorted() && places[0] == Some(0), "{table}");
    assert_eq!(
        desk.text("garden/peas.md"),
        PEAS,
        "what was only read is as it was"
    );
    assert!(!output.stdout.is_empty(), "there is an answer");
}

#[test]
fn a_playbook_runs_on_the_embedded_model() {
    let Some(model) = given("LEADHAND_TEST_MODEL") else {
        return;
    };
    let _turn = computing();
    let model = model.to_str().expect("a path of this machine is text");
    find_months(&["--model-file", model], None);
}

#[test]
fn a_playbook_and_a_plan_are_made_on_the_server_of_llama_cpp() {
    let model = given("LEADHAND_TEST_MODEL");
    let (Some(model), Some(python)) = (model, given("LEADHAND_TEST_SERVER_PYTHON")) else {
        return;
    };
    let _turn = computing();
    let server = LlamaServer::start(&python, &model);
    find_months(&[], Some(server.base_url()));

    let goal = "Read garden/roses.md and garden/peas.md and write GARDEN.md: one paragraph on each";
    let desk = garden();
    let mut command = desk.leadhand(&["plan", "--json", goal]);
    let output = run(command.env("OPENAI_BASE_URL", server.base_url()), 0);
    let plan: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let tasks = plan["tasks"].as_array().expect("a plan has tasks");
    // A worker carries each out, or the program itself by a tool call.
    let is_carried_out = |task: &Value| task["role"] != "" || task["call"].is_object();
    assert!(
        !tasks.is_empty() && tasks.iter().all(is_carried_out),
        "{plan}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn native_tool_calls_of_an_endpoint_reach_the_sandbox() {
    let draft = json!({"approach": "", "tasks": [{
        "id": "t1", "title": "Count", "role": "analyst", "files": [], "one_worker_per_file": false,
        "instruction": "Count the lines of list.txt and add 40.", "depends_on": [], "output_file": "", "changes_files": false,
    }]});
    let stub = StubServer::start(vec![
        StubAnswer::text(&draft.to_string()),
        StubAnswer::rate_limited("0"),
        StubAnswer::ToolCalls(vec![
            ("read_file".into(), json!({"path": "list.txt"}).to_string()),
            (
                "calculate".into(),
                json!({"expression": "2 + 40"}).to_string(),
            ),
        ]),
        StubAnswer::CutOff("The list".into()),
        StubAnswer::text("There are 2 lines, which makes 42."),
    ])
    .await
    .unwrap();
    let desk = Desk::with(&[("list.txt", "one\ntwo\n")]);
    let mut command = desk.leadhand(&["run", "Count the lines of list.txt and add 40."]);
    command
        .env("OPENAI_BASE_URL", stub.base_url())
        .env("OPENAI_MODEL", "stub");
    let output = tokio::task::spawn_blocking(move || run(&mut command, 0))
        .await
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "There are 2 lines, which makes 42.\n"
    );

    let requests = stub.requests();
    assert_eq!(requests.len(), 5, "two of them failed and were repeated");
    assert_eq!(
        requests[1].body, requests[2].body,
        "what is repeated is the same"
    );
    let offered = requests[1].body["tools"].as_array().unwrap();
    let offered: Vec<&str> = offered
        .iter()
        .map(|tool| tool["function"]["name"].as_str().unwrap())
        .collect();
    assert!(
        offered.contains(&"read_file") && offered.contains(&"calculate"),
        "{offered:?}"
    );
    let results: Vec<&Value> = requests[4].body["messages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|message| message["role"] == "tool")
        .collect();
    assert_eq!(results.len(), 2, "each call has its result");
    assert!(
        results[0]["content"].as_str().unwrap().contains("two"),
        "{results:?}"
    );
    assert!(
        results[1]["content"].as_str().unwrap().contains("42"),
        "{results:?}"
    );
}

#[test]
fn what_cannot_begin_says_why_and_what_to_do() {
    let check = |arguments: &[&str], variables: &[(&str, &str)], code: i32, expected: &str| {
        let desk = Desk::with(&[("a.txt", "a")]);
        let mut command = desk.leadhand(arguments);
        let output = run(command.envs(variables.iter().copied()), code);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.contains(expected),
            "{arguments:?}: {expected:?} is not in:\n{said}"
        );
        assert_eq!(output.stdout, b"", "{arguments:?}");
    };
    let script = &["run", "-m", "scripted:missing.jsonl", "Do it."];
    check(script, &[], 2, "missing.jsonl");
    check(&["run", "-m", "nobody", "Do it."], &[], 2, "nobody");
    check(&["run", "--model-file", "a.txt", "Do it."], &[], 2, "GGUF");
    let nowhere = [
        ("OPENAI_BASE_URL", "http://127.0.0.1:9/v1"),
        ("OPENAI_MODEL", "m"),
    ];
    let once = ["run", "-c", "limits.model_call_seconds_max=5", "Do it."];
    check(&once, &nowhere, 9, "127.0.0.1:9");
}

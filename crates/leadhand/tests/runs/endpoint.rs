//! A run over HTTP, against a server that fails in every usual way before it answers.

use crate::office::{builder_for, model, plan, text};
use leadhand::rooms::protocol::RunTrace;
use leadhand::{
    AgentId, Event, Goal, Leadhand, ModelConfig, ModelFaultKind, OutcomeKind, RetryPolicy,
    ToolStyle, Usage,
};
use leadhand_model::{StubAnswer, StubServer};
use serde_json::{Value, json};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct City {
    city: String,
}

fn leadhand(workspace: &std::path::Path, server: &StubServer) -> Leadhand {
    // What fails is asked again at once, so that the test does not wait.
    let retry = RetryPolicy {
        first_wait_ms: 0,
        ..RetryPolicy::default()
    };
    let config = ModelConfig {
        model: Some("stub".to_owned()),
        base_url: Some(server.base_url().to_owned()),
        tool_style: Some(ToolStyle::Native),
        retry: Some(retry),
        ..ModelConfig::default()
    };
    let look_up = |wanted: City| async move { Ok(format!("{} has 134000 people", wanted.city)) };
    builder_for("look_up", workspace, model(|_| async { text("not asked") }))
        .model_config("endpoint", &config)
        .default_model("endpoint")
        .tool(leadhand::tool("look_up", "Looks a city up.", look_up))
        .build()
        .unwrap()
}

#[tokio::test]
async fn native_tool_calls_and_every_usual_failure() {
    let folder = tempfile::tempdir().unwrap();
    let server = StubServer::start(vec![
        StubAnswer::tool_call("look_up", &json!({"city": "Bern"})),
        StubAnswer::rate_limited("0"),
        StubAnswer::status(500, "{}"),
        StubAnswer::CutOff("Bern has 13".to_owned()),
        StubAnswer::text("Bern has 134000 people."),
    ])
    .await
    .unwrap();
    let leadhand = leadhand(folder.path(), &server);
    let plan = plan(&[("t1", "How many people has Bern?", &[])]);
    let run = leadhand.start_plan("", plan).unwrap();
    let id = run.id().clone();
    let outcome = run.await.unwrap();
    let told = (
        outcome.kind,
        outcome.answer.as_str(),
        outcome.tool_calls,
        outcome.turns,
    );
    assert_eq!(told, (OutcomeKind::Done, "Bern has 134000 people.", 1, 2));
    let requests = server.requests();
    assert_eq!(requests.len(), 5);
    let said: Vec<Value> = requests[4].body["messages"].as_array().unwrap()[2..].to_vec();
    assert_eq!(
        said,
        [
            json!({"role": "assistant", "content": null, "tool_calls": [{
                "id": "stub_0", "type": "function",
                "function": {"name": "look_up", "arguments": "{\"city\":\"Bern\"}"}
            }]}),
            json!({"role": "tool", "tool_call_id": "stub_0", "content": "Bern has 134000 people"}),
        ]
    );
    let failed: Vec<ModelFaultKind> = leadhand
        .journal()
        .read(&id)
        .unwrap()
        .records
        .iter()
        .filter_map(|record| match &*record.event {
            Event::ModelReplied { reply, .. } => Some(&reply.attempts),
            _ => None,
        })
        .flatten()
        .map(|attempt| attempt.fault.kind)
        .collect();
    assert_eq!(
        failed,
        [
            ModelFaultKind::RateLimited,
            ModelFaultKind::ServerFailed,
            ModelFaultKind::Unreachable
        ]
    );
    let twice = Usage {
        input_tokens: 22,
        cached_tokens: 10,
        output_tokens: 14,
        reasoning_tokens: 4,
    };
    assert_eq!(outcome.usage, twice);
}

#[tokio::test]
async fn a_server_that_lets_nobody_in_stops_the_run_resumable() {
    let folder = tempfile::tempdir().unwrap();
    let server = StubServer::start(vec![StubAnswer::status(401, "{}")])
        .await
        .unwrap();
    let leadhand = leadhand(folder.path(), &server);
    let run = leadhand
        .start_plan("", plan(&[("t1", "Do it.", &[])]))
        .unwrap();
    let id = run.id().clone();
    let outcome = run.await.unwrap();
    assert_eq!(
        (outcome.kind, outcome.kind.resumable()),
        (OutcomeKind::ModelUnreachable, true)
    );
    server.push(StubAnswer::text("fine"));
    let outcome = leadhand.resume(&id).await.unwrap();
    assert_eq!(
        (outcome.kind, outcome.answer.as_str()),
        (OutcomeKind::Done, "fine")
    );
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_model_is_told_what_trace_its_turn_is_a_part_of() {
    let folder = tempfile::tempdir().unwrap();
    let answers = vec![StubAnswer::status(500, "{}")];
    let server = StubServer::start(answers).await.unwrap();
    let leadhand = leadhand(folder.path(), &server);
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut goal = Goal::new("Say it.");
    leadhand
        .start_plan(goal.clone(), plan(&[("t1", "Say it.", &[])]))
        .unwrap()
        .await
        .unwrap();
    goal.trace_parent = Some(parent.parse().unwrap());
    let run = leadhand
        .start_plan(goal.clone(), plan(&[("t1", "Say it.", &[])]))
        .unwrap();
    let trace = RunTrace::new(run.id().as_str(), goal.trace_parent.as_ref());
    run.await.unwrap();
    let told_of = |request: &leadhand_model::StubRequest| {
        let mut headers = request.headers.iter();
        headers.find_map(|it| Some(it.strip_prefix("traceparent: ")?.to_owned()))
    };
    let mut told: Vec<Option<String>> = server.requests().iter().map(told_of).collect();
    // What fails is asked again, and is the same turn.
    told.dedup();
    let turn = trace.at(trace.turn(AgentId(0), 1));
    assert_eq!(told, [None, Some(turn.to_string())]);
    assert!(turn.to_string().starts_with(&parent[..35]));
}

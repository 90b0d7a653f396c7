//! A worker that goes round in circles. It is told what repeats, and gets out of it; another one
//! does not listen, and the run stops before it costs more. The tool says what makes two of its
//! calls the same, so that a new note beside the same question is no way around.

use leadhand::{
    Autonomy, Effect, Event, Goal, Leadhand, Limits, Plan, RunEvent, Task, TaskId, tool,
};
use leadhand_examples::script;
use serde_json::{Value, json};
use std::error::Error;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Search {
    /// What to look for.
    query: String,
    /// Why.
    #[serde(rename = "note")]
    _note: String,
}

const SCOUT: &str = "---
name: scout
description: Finds things.
tools: [search]
---
You find what you are asked for.";

async fn look(name: &str, lines: &[Value]) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let search = tool(
        "search",
        "Searches the archive.",
        |search: Search| async move {
            match search.query.as_str() {
                "harbour plan 1912" => Ok("Shelf 4, box 7.".to_owned()),
                _ => Ok::<_, String>("Nothing was found.".to_owned()),
            }
        },
    );
    let leadhand = Leadhand::builder()
        .workspace(folder.path())
        .model("script", script(lines)?)
        .tool(search.effect(Effect::Pure).equal_by(["query"]))
        .role_file("scout", SCOUT)
        .limits(Limits {
            task_attempts_max: 1,
            ..Limits::default()
        })
        .build()?;
    let plan = Plan {
        tasks: vec![Task::new(
            TaskId::new("find")?,
            "scout",
            "Find the plan of the harbour.",
        )],
        answer: None,
    };
    let goal = Goal {
        autonomy: Autonomy::L5,
        ..Goal::new("Find the plan of the harbour.")
    };
    let run = leadhand.start_plan(goal, plan)?;
    let mut events = run.events();
    let run = tokio::spawn(run);
    println!("{name}");
    while let Some(event) = events.next().await {
        if let RunEvent::Recorded(record) = event {
            match &*record.event {
                Event::Found(finding) => println!("  found {}", json!(finding)),
                Event::Told { text, .. } if text.contains("circles") => println!("  told: {text}"),
                _ => {}
            }
        }
    }
    let outcome = run.await??;
    println!(
        "  {:?} after {} calls: {}{}",
        outcome.kind, outcome.tool_calls, outcome.answer, outcome.why
    );
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let again = |times: usize| {
        (0..times).map(|time| {
            let arguments = json!({"query": "harbour", "note": format!("try {time}")});
            json!({"reply": {"tool_calls": [{"name": "search", "arguments": arguments}]}})
        })
    };
    let arguments = json!({"query": "harbour plan 1912", "note": "the year may help"});
    let other = json!({"tool_calls": [{"name": "search", "arguments": arguments}]});
    let listens: Vec<Value> = again(3)
        .chain([
            json!({"when": {"contains": "circles"}, "reply": other}),
            json!({"reply": {"text": "It is on shelf 4, in box 7."}}),
        ])
        .collect();
    look("one who listens", &listens).await?;
    let deaf: Vec<Value> = again(364).collect();
    look("one who does not", &deaf).await?;
    Ok(())
}

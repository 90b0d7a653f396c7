//! A tool as another system describes it: type words of Python, a dot in its name. It is offered
//! in a sound form, and what was changed is told. A call with slips never reaches the closure:
//! the model is told what to mend, and does.

use leadhand::{Effect, Leadhand, Plan, Task, TaskId, foreign_tool};
use leadhand_examples::script;
use serde_json::{Value, json};
use std::error::Error;

const CLERK: &str = "---
name: clerk
description: Knows about triangles.
tools: [math__hypot]
---
You compute lengths. Never guess one.";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let description = json!({
        "name": "math.hypot",
        "description": "Length of the vector (x, y).",
        "parameters": {
            "type": "dict",
            "properties": {
                "x": {"type": "float", "description": "To the right."},
                "y": {"type": "float", "description": "Upwards.", "required": true},
                "digits": {"type": "integer", "default": "2"},
            },
            "required": ["x"],
        },
    });
    let hypot = foreign_tool(&description, |arguments: Value| async move {
        println!("called with {arguments}");
        let side = |name: &str| arguments[name].as_f64().unwrap_or_default();
        Ok(side("x").hypot(side("y")).to_string())
    })?;
    for notice in hypot.notices() {
        println!("{notice}");
    }
    let call =
        |arguments: Value| json!({"tool_calls": [{"name": "math__hypot", "arguments": arguments}]});
    let model = script(&[
        json!({"reply": call(json!({"x": "3", "why": 4}))}),
        json!({"when": {"contains": "give 3"}, "reply": call(json!({"x": 3, "y": 4}))}),
        json!({"when": {"contains": "5"}, "reply": {"text": "It is 5 long."}}),
    ])?;
    let leadhand = Leadhand::builder()
        .workspace(folder.path())
        .model("script", model)
        .tool(hypot.effect(Effect::Pure))
        .role_file("clerk", CLERK)
        .observer(std::sync::Arc::new(|seen| {
            if let leadhand::Observation::Recorded(_, record) = seen
                && let leadhand::Event::ToolFinished {
                    outcome: Err(fault),
                    ..
                } = &*record.event
            {
                println!("told: {fault}");
            }
        }))
        .build()?;
    let plan = Plan {
        tasks: vec![Task::new(
            TaskId::new("ask")?,
            "clerk",
            "How long is (3, 4)?",
        )],
        answer: None,
    };
    let outcome = leadhand.start_plan("How long is (3, 4)?", plan)?.await?;
    println!("{:?}: {}", outcome.kind, outcome.answer);
    Ok(())
}

//! Watching a run: every record of its journal and every piece of a reply, as they come. There
//! may be any number of readers; none of them can slow the run down or change it.

use leadhand::{Event, Leadhand, RunEvent};
use leadhand_examples::{plan_of_one_task, script};
use serde_json::json;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let model = script(&[
        plan_of_one_task("analyst", "What is 6 times 7?"),
        json!({"reply": {"tool_calls": [
            {"name": "calculate", "arguments": {"expression": "6 * 7"}},
        ]}}),
        json!({"reply": {"text": "It is 42."}}),
    ])?;
    let leadhand = Leadhand::builder()
        .workspace(folder.path())
        .model("script", model)
        .build()?;
    let run = leadhand.start("What is 6 times 7?")?;
    let mut events = run.events();
    // A run makes no progress unless somebody waits for it.
    let run = tokio::spawn(run);
    while let Some(event) = events.next().await {
        match event {
            RunEvent::Recorded(record) => println!("{:2} {}", record.seq, told(&record.event)),
            RunEvent::Piece { agent, text } if !text.starts_with('{') => {
                println!("   {agent} writes: {text}");
            }
            RunEvent::Piece { .. } => {}
            RunEvent::Missed(events) => println!("   {events} missed"),
        }
    }
    println!("{}", run.await??.answer);
    Ok(())
}

/// Some events in words, the others by their name.
fn told(event: &Event) -> String {
    match event {
        Event::AgentStarted { agent, role, .. } => format!("{agent} starts as {role}"),
        Event::ToolCalled {
            tool_call, verdict, ..
        } => {
            format!("{} is called: {:?}", tool_call.name, verdict.decision)
        }
        Event::ToolFinished {
            outcome: Ok(output),
            ..
        } => format!("it answers {}", output.text),
        Event::RunEnded(outcome) => format!("the run ends: {:?}", outcome.kind),
        other => serde_json::to_value(other)
            .ok()
            .and_then(|event| event["event"].as_str().map(str::to_owned))
            .unwrap_or_default(),
    }
}

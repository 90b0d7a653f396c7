//! The smallest run: the manager plans the goal, a worker carries it out, and its result is the
//! answer. The model is a script here; `Builder::model_config` puts a real one in its place.

use leadhand::Leadhand;
use leadhand_examples::{plan_of_one_task, script};
use serde_json::json;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let model = script(&[
        plan_of_one_task("writer", "Greet the reader in one sentence."),
        json!({"reply": {"text": "Good morning, and welcome."}}),
    ])?;
    let leadhand = Leadhand::builder()
        .workspace(folder.path())
        .model("script", model)
        .build()?;
    let outcome = leadhand.run("Greet the reader.").await?;
    println!("{:?}: {}", outcome.kind, outcome.answer);
    println!(
        "model calls: {}, tool calls: {}",
        outcome.turns, outcome.tool_calls
    );
    for task in outcome.tasks {
        println!("{} {}: {}", task.task, task.title, task.state);
    }
    Ok(())
}

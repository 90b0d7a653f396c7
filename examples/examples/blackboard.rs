//! The board that all agents of a run share. An entry has a version, and is written only over the
//! version that its writer has read, so nobody's work is lost. Others wait for what comes.

use leadhand::{CallInfo, Effect, Leadhand, Plan, Task, TaskId, ToolTemplate, tool_with_info};
use leadhand_examples::script;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use std::error::Error;
use std::time::Duration;

/// Arguments of a tool that takes none.
#[derive(Deserialize, JsonSchema)]
struct Nothing {}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let scout = |_: Nothing, call: CallInfo| async move {
        call.run.write("price", 0, json!({"cents": 1250})).await?;
        let (version, value) = call.run.watch("price", 1, None).await?;
        let value = value.unwrap_or_default();
        Ok(format!("version {version} is {value}"))
    };
    let buyer = |_: Nothing, call: CallInfo| async move {
        let minute = Some(Duration::from_secs(60));
        let (version, value) = call.run.watch("price", 0, minute).await?;
        let price = value.unwrap_or_default();
        let cents = price["cents"].as_u64().unwrap_or_default() - 50;
        call.run
            .write("price", version, json!({ "cents": cents }))
            .await?;
        // The entry is newer by now: who has not read it does not write it.
        let late = call.run.write("price", version, json!({"cents": 1})).await;
        Ok(late.map_or_else(|refused| refused.to_string(), |()| "written".to_owned()))
    };
    let leadhand = Leadhand::builder()
        .workspace(folder.path())
        .model("script", script(&[])?)
        .tool(tool_with_info("scout", "Finds a price.", scout).effect(Effect::Idempotent))
        .tool(tool_with_info("buyer", "Bids.", buyer).effect(Effect::Idempotent))
        .build()?;

    let task = |id: &str| -> Result<Task, Box<dyn Error>> {
        let mut task = Task::new(TaskId::new(id)?, "", "Trade.");
        task.call = Some(ToolTemplate {
            tool: id.to_owned(),
            arguments: json!({}),
        });
        Ok(task)
    };
    for answer in ["scout", "buyer"] {
        let plan = Plan {
            tasks: vec![task("scout")?, task("buyer")?],
            answer: Some(TaskId::new(answer)?),
        };
        let outcome = leadhand.start_plan("Agree on a price.", plan)?.await?;
        println!("{answer}: {}", outcome.answer);
    }
    Ok(())
}

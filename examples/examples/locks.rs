//! Locks between agents at work. Three tasks add to one ledger at the same time; each reads it,
//! takes its time, and writes it. The lock keeps them apart, and who waits does not use up the
//! time that its call may take. A lock that is not given back goes on when its agent ends.

use leadhand::{CallInfo, Effect, Leadhand, Plan, Task, TaskId, ToolTemplate, tool_with_info};
use leadhand_examples::script;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is added.
#[derive(Deserialize, JsonSchema)]
struct Sum {
    cents: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let ledger = Arc::new(AtomicU64::new(0));
    let shared = Arc::clone(&ledger);
    let add = tool_with_info(
        "add",
        "Adds to the ledger.",
        move |sum: Sum, call: CallInfo| {
            let ledger = Arc::clone(&shared);
            async move {
                let held = call.run.lock("ledger").await?;
                let before = ledger.load(Ordering::Relaxed);
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
                ledger.store(before + sum.cents, Ordering::Relaxed);
                call.run.release(held).await?;
                Ok(format!("added {}", sum.cents))
            }
        },
    );
    let leadhand = Leadhand::builder()
        .workspace(folder.path())
        .model("script", script(&[])?)
        .tool(add.effect(Effect::Idempotent))
        .build()?;

    let task = |id: &str, cents: u64| -> Result<Task, Box<dyn Error>> {
        let mut task = Task::new(TaskId::new(id)?, "", "Add to the ledger.");
        task.call = Some(ToolTemplate {
            tool: "add".to_owned(),
            arguments: json!({ "cents": cents }),
        });
        Ok(task)
    };
    let plan = Plan {
        tasks: vec![task("rent", 700)?, task("food", 250)?, task("bus", 50)?],
        answer: Some(TaskId::new("bus")?),
    };
    let outcome = leadhand.start_plan("Add all up.", plan)?.await?;
    for task in &outcome.tasks {
        println!("{}: {}", task.task, task.state);
    }
    println!(
        "{:?}: {} cents",
        outcome.kind,
        ledger.load(Ordering::Relaxed)
    );
    Ok(())
}

//! A vote among agents: the first choice that two of three vote for is decided, and everybody who
//! waits for the vote is told.

use leadhand::{
    CallInfo, Declaration, Effect, Electorate, Leadhand, Plan, RequestError, Task, TaskId,
    ToolTemplate, tool_with_info,
};
use leadhand_examples::script;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use std::error::Error;

/// What one agent is for.
#[derive(Deserialize, JsonSchema)]
struct Opinion {
    choice: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let judge = |opinion: Opinion, call: CallInfo| async move {
        // Whoever is first says what the vote is; the same again changes nothing.
        let vote = Declaration::Quorum {
            electorate: Electorate::Anyone(3),
            threshold: 2,
            choices: Vec::new(),
        };
        call.run.declare("release", vote).await?;
        // Whoever comes when it is decided is told that no vote changes that any more.
        match call.run.vote("release", opinion.choice.as_str()).await {
            Ok(()) | Err(RequestError::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let decided = call.run.decision("release", None).await?;
        Ok(format!("wanted {}, decided {decided}", opinion.choice))
    };
    let leadhand = Leadhand::builder()
        .workspace(folder.path())
        .model("script", script(&[])?)
        .tool(tool_with_info("judge", "Votes.", judge).effect(Effect::Idempotent))
        .build()?;

    let task = |id: &str, choice: &str| -> Result<Task, Box<dyn Error>> {
        let mut task = Task::new(TaskId::new(id)?, "", "Vote.");
        task.call = Some(ToolTemplate {
            tool: "judge".to_owned(),
            arguments: json!({ "choice": choice }),
        });
        Ok(task)
    };
    let plan = Plan {
        tasks: vec![
            task("tests", "go")?,
            task("docs", "wait")?,
            task("security", "go")?,
        ],
        answer: Some(TaskId::new("docs")?),
    };
    let outcome = leadhand.start_plan("Decide on the release.", plan)?.await?;
    println!("{:?}: {}", outcome.kind, outcome.answer);
    Ok(())
}

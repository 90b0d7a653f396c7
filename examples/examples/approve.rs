//! A person over the run, here a rule in code: at level L2 the plan and every change wait for
//! an answer. What is refused is told to the agent in the person's own words, and the run goes
//! on. Without an approver the run would stop and could be resumed when somebody is there.

use leadhand::{
    Answer, Approver, Ask, Autonomy, BoxFuture, Goal, Leadhand, Plan, RequestId, RunId, Task,
    TaskId,
};
use leadhand_examples::script;
use serde_json::json;
use std::error::Error;

/// Lets agents write notes and nothing else.
struct NotesOnly;

impl Approver for NotesOnly {
    fn answer<'a>(
        &'a self,
        _: &'a RunId,
        request: RequestId,
        ask: &'a Ask,
    ) -> BoxFuture<'a, Option<Answer>> {
        let (question, allowed) = match ask {
            Ask::Plan { plan, .. } => (format!("a plan of {} task", plan.tasks.len()), true),
            Ask::Task { task } => (format!("the task {}", task.id), true),
            // Whether a call that a crash cut off took effect is not for a rule to say, and what
            // to do about work that goes round in circles neither.
            Ask::Outcome { .. } | Ask::Finding { .. } => return Box::pin(async { None }),
            Ask::Tool { tool_call, .. } => {
                let path = tool_call.arguments["path"].as_str().unwrap_or_default();
                (
                    format!("{} on {path}", tool_call.name),
                    path.starts_with("notes/"),
                )
            }
        };
        println!(
            "{request} {question}: {}",
            if allowed { "yes" } else { "no" }
        );
        let answer = if allowed {
            Answer::Allow
        } else {
            Answer::Deny {
                reason: "write into notes/ only".to_owned(),
            }
        };
        Box::pin(async { Some(answer) })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let write = |path: &str| {
        let arguments = json!({"path": path, "content": "Buy bread.\n"});
        json!({"reply": {"tool_calls": [{"name": "write_file", "arguments": arguments}]}})
    };
    let model = script(&[
        write("shopping.txt"),
        write("notes/shopping.txt"),
        json!({"reply": {"text": "I wrote the list into notes/shopping.txt."}}),
    ])?;
    let leadhand = Leadhand::builder()
        .workspace(folder.path())
        .model("script", model)
        .approver(NotesOnly)
        .build()?;
    let mut task = Task::new(TaskId::new("list")?, "coder", "Write a shopping list.");
    task.writes = vec!["**".to_owned()];
    let plan = Plan {
        tasks: vec![task],
        answer: None,
    };
    let goal = Goal {
        autonomy: Autonomy::L2,
        ..Goal::new("Write a shopping list.")
    };
    let outcome = leadhand.start_plan(goal, plan)?.await?;
    println!("{:?}: {}", outcome.kind, outcome.answer);
    println!("files: {:?}", leadhand.files(10)?.0);
    Ok(())
}

//! A plan of your own instead of one by the manager. Tasks run side by side unless one depends
//! on another; a result is saved through the sandbox; and a task is done only when its checks
//! hold on evidence: the first poem is sent back here, whatever its poet says.

use leadhand::{Check, Leadhand, Plan, Task, TaskId, to_text};
use leadhand_examples::script;
use serde_json::json;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let model = script(&[
        json!({"when": {"contains": "line about rain"}, "reply": {"text": "Nice weather today."}}),
        json!({"when": {"contains": "not accepted"}, "reply": {"text": "The rain is at the door."}}),
        json!({"when": {"contains": "line about snow"}, "reply": {"text": "The snow is on the hill."}}),
        json!({"when": {"contains": "Choose"}, "reply": {"text": "I choose the rain."}}),
    ])?;
    let leadhand = Leadhand::builder()
        .workspace(folder.path())
        .model("script", model)
        .build()?;

    let poem = |about: &str| -> Result<Task, Box<dyn Error>> {
        let path = format!("{about}.txt");
        let instruction = format!("Write a line about {about}.");
        let mut task = Task::new(TaskId::new(about)?, "writer", instruction);
        task.title = format!("A line about {about}");
        task.output_file = Some(path.clone());
        task.acceptance = vec![Check::FileMatches {
            path,
            pattern: about.to_owned(),
        }];
        Ok(task)
    };
    let mut choice = Task::new(
        TaskId::new("choice")?,
        "reviewer",
        "Choose the better line.",
    );
    choice.title = "Choose".to_owned();
    choice.depends_on = vec![TaskId::new("rain")?, TaskId::new("snow")?];
    let plan = Plan {
        tasks: vec![poem("rain")?, poem("snow")?, choice],
        answer: None,
    };
    println!("{}", to_text(&plan));

    let outcome = leadhand
        .start_plan("Two lines, and the better one.", plan)?
        .await?;
    println!("{:?}: {}", outcome.kind, outcome.answer);
    for task in &outcome.tasks {
        println!("{}: {}", task.title, task.state);
    }
    for file in &outcome.files {
        let text = std::fs::read_to_string(folder.path().join(&file.path))?;
        println!("{} ({:?}): {}", file.path, file.change, text.trim());
    }
    Ok(())
}

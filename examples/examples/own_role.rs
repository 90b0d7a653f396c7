//! A role of your own, as the text of a role file: who the agent is, what it may use and how
//! long it may try. Files written for other agent programs load too; what they ask for that is
//! not known here is noticed, not an error. What the tools may touch is narrowed by `grants`.

use leadhand::{Leadhand, Plan, Task, TaskId};
use leadhand_examples::script;
use serde_json::json;
use std::error::Error;

const LIBRARIAN: &str = "---
name: librarian
description: Finds passages in the books.
tools: [search_files, read_file]
grants: [fs.read books/**]
turns: 4
color: green
---
You find passages and quote them with the book they stand in.";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    std::fs::create_dir(folder.path().join("books"))?;
    std::fs::write(
        folder.path().join("books/sea.txt"),
        "Call me whatever you like.\n",
    )?;
    std::fs::write(
        folder.path().join("diary.txt"),
        "Dear diary, call me tired.\n",
    )?;
    let search = |path: &str| {
        let arguments = json!({"pattern": "(?i)call me", "path": path});
        json!({"reply": {"tool_calls": [{"name": "search_files", "arguments": arguments}]}})
    };
    let model = script(&[
        search("diary.txt"),
        search("books"),
        json!({"when": {"contains": "whatever"}, "reply": {"text": "\"Call me whatever you like.\" (sea.txt)"}}),
    ])?;
    let leadhand = Leadhand::builder()
        .workspace(folder.path())
        .model("script", model)
        .role_file("librarian", LIBRARIAN)
        .build()?;
    for role in leadhand
        .roster()
        .roles()
        .filter(|role| role.name == "librarian")
    {
        println!(
            "{}: {} Tools: {:?}",
            role.name, role.description, role.tools
        );
    }
    for notice in leadhand.notices() {
        println!("noticed: {notice}");
    }
    let task = Task::new(TaskId::new("find")?, "librarian", "Who says \"call me\"?");
    let run = leadhand.start_plan(
        "Find it.",
        Plan {
            tasks: vec![task],
            answer: None,
        },
    )?;
    let id = run.id().clone();
    let outcome = run.await?;
    for record in leadhand.journal().read(&id)?.records {
        if let leadhand::Event::ToolFinished { outcome, .. } = &*record.event {
            let said = match outcome {
                Ok(found) => &found.text,
                Err(fault) => &fault.message,
            };
            println!("search: {said}");
        }
    }
    println!("{:?}: {}", outcome.kind, outcome.answer);
    Ok(())
}

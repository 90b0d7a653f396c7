//! Orders to a run that is under way: it is told something new and paused, and goes on later
//! where it stood, from its journal on disk. What was done before the pause is not done again.
//! After a crash a run is resumed in just the same way.

use leadhand::{Durability, Event, Leadhand, Outcome, Plan, RunEvent, SledJournal, Task, TaskId};
use leadhand_examples::script;
use serde_json::{Value, json};
use std::error::Error;
use std::path::Path;

/// One process, as it were: all it shares with the next one are the folders.
fn leadhand(workspace: &Path, journal: &Path, lines: &[Value]) -> Result<Leadhand, Box<dyn Error>> {
    let leadhand = Leadhand::builder()
        .workspace(workspace)
        .journal(SledJournal::open_root(journal, Durability::Process))
        .model("script", script(lines)?)
        .build()?;
    Ok(leadhand)
}

fn show(outcome: &Outcome) {
    println!("{:?} {}", outcome.kind, outcome.why);
    for task in &outcome.tasks {
        println!("  {}: {}", task.task, task.state);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (workspace, journal) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let first = Task::new(TaskId::new("facts")?, "writer", "Collect the facts.");
    let mut second = Task::new(TaskId::new("letter")?, "writer", "Write the letter.");
    second.depends_on = vec![first.id.clone()];
    let plan = Plan {
        tasks: vec![first, second],
        answer: None,
    };

    let slow = json!({"reply": {"text": "Too late."}, "delay_ms": 600_000});
    let facts = json!({"reply": {"text": "The fair is on Monday."}});
    let before = leadhand(workspace.path(), journal.path(), &[facts, slow])?;
    let run = before.start_plan("Write a letter.", plan)?;
    let (id, control, mut events) = (run.id().clone(), run.control(), run.events());
    let run = tokio::spawn(run);
    while let Some(event) = events.next().await {
        if let RunEvent::Recorded(record) = event
            && let Event::TaskDone { content, .. } = &*record.event
        {
            println!("done: {content}");
            control.steer(None, "Write it in French.");
            control.pause();
        }
    }
    show(&run.await??);
    drop(before);

    let french =
        json!({"when": {"contains": "in French"}, "reply": {"text": "La foire a lieu lundi."}});
    let after = leadhand(workspace.path(), journal.path(), &[french])?;
    let outcome = after.resume(&id).await?;
    show(&outcome);
    println!("{}", outcome.answer);
    Ok(())
}

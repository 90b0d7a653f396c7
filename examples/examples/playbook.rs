//! A playbook: a plan with parameters for a job that is known beforehand, so that no model has
//! to plan it. This one multiplies a task over the files of a folder and puts the results
//! together with a tool call, without a model that could copy them wrongly.

use leadhand::{Leadhand, built_in_playbooks};
use leadhand_examples::script;
use serde_json::json;
use std::collections::BTreeMap;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    std::fs::create_dir(folder.path().join("notes"))?;
    std::fs::write(
        folder.path().join("notes/bread.md"),
        "Flour, water, salt, and a day.\n",
    )?;
    std::fs::write(
        folder.path().join("notes/tea.md"),
        "Water at 80 degrees, two minutes.\n",
    )?;
    let said = |to: &str, text: &str| json!({"when": {"contains": to}, "reply": {"text": text}});
    let model = script(&[
        said(
            "Summarize the file `notes/bread.md`",
            "Bread takes three things and a day.",
        ),
        said(
            "Summarize the file `notes/tea.md`",
            "Green tea wants two minutes.",
        ),
        said("Bread takes", "Baking bread"),
        said("Green tea wants", "Making tea"),
    ])?;
    let leadhand = Leadhand::builder()
        .workspace(folder.path())
        .model("script", model)
        .build()?;

    let playbooks = built_in_playbooks();
    let summarize = playbooks
        .iter()
        .find(|playbook| playbook.name == "summarize-folder");
    let summarize = summarize.ok_or("it comes with the program")?;
    for param in &summarize.params {
        println!(
            "{} ({}), unless given: {:?}",
            param.name, param.description, param.default
        );
    }
    let values = BTreeMap::from([("path".to_owned(), "notes".to_owned())]);
    let (goal, plan) = leadhand.instantiate(summarize, &values)?;
    println!("\n{}\n{} tasks\n", goal.text, plan.tasks.len());

    let outcome = leadhand.start_plan(goal, plan)?.await?;
    println!("{:?}, with {} model calls", outcome.kind, outcome.turns);
    println!(
        "{}",
        std::fs::read_to_string(folder.path().join("SUMMARY.md"))?
    );
    Ok(())
}

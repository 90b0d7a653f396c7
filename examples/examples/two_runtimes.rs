//! Several of them in one process: there is no global state, so each has its own folder, model,
//! tools, rules and journal, and their runs go on side by side.

use leadhand::{Leadhand, MemoryJournal, tool};
use leadhand_examples::{plan_of_one_task, script};
use serde_json::json;
use std::error::Error;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Nothing {}

/// A shop with a tool that the other one does not have.
fn shop(name: &'static str, stock: &'static str) -> Result<Leadhand, Box<dyn Error>> {
    let role = format!(
        "---\nname: clerk\ndescription: Knows the stock.\ntools: [{name}_stock]\n---\nLook it up."
    );
    let folder = tempfile::tempdir()?;
    let model = script(&[
        plan_of_one_task("clerk", "What is in stock?"),
        json!({"reply": {"tool_calls": [{"name": format!("{name}_stock"), "arguments": {}}]}}),
        json!({"when": {"contains": stock}, "reply": {"text": format!("We have {stock}.")}}),
    ])?;
    let look = move |_: Nothing| async move { Ok(stock.to_owned()) };
    let leadhand = Leadhand::builder()
        // The folder is held open, and may be removed when this function is left.
        .workspace(folder.path())
        .model("script", model)
        .tool(tool(
            format!("{name}_stock"),
            "Says what is in stock.",
            look,
        ))
        .role_file("clerk", &role)
        .journal(MemoryJournal::new())
        .build()?;
    Ok(leadhand)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (bakery, dairy) = (shop("bakery", "rye bread")?, shop("dairy", "goat cheese")?);
    let goal = "What is in stock?";
    let (bread, cheese) = tokio::join!(bakery.run(goal), dairy.run(goal));
    println!("bakery: {}", bread?.answer);
    println!("dairy: {}", cheese?.answer);
    for (name, shop) in [("bakery", bakery), ("dairy", dairy)] {
        let tools = shop.tools();
        let own = tools
            .iter()
            .map(|tool| tool.name.as_str())
            .filter(|name| name.ends_with("stock"));
        let runs = shop.journal().runs()?.len();
        println!(
            "{name}: {:?}, {runs} run in its journal",
            own.collect::<Vec<_>>()
        );
    }
    Ok(())
}

//! An answer of a type of your own. The model is held to the JSON Schema of the type: a reply
//! that does not fit goes back to it with what is wrong, and what arrives here is a value.

use leadhand::Leadhand;
use leadhand_examples::{plan_of_one_task, script};
use serde_json::json;
use std::error::Error;

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "it is only shown")]
struct Invoice {
    /// As it stands on the invoice.
    number: String,
    /// What is to be paid, in cents.
    total_cents: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    std::fs::write(
        folder.path().join("invoice.txt"),
        "Invoice R-17\nTotal: 42.50\n",
    )?;
    let answer = |text: &str| json!({"reply": {"text": text}});
    let model = script(&[
        plan_of_one_task("researcher", "Give number and total of invoice.txt."),
        json!({"reply": {"tool_calls": [
            {"name": "read_file", "arguments": {"path": "invoice.txt"}},
        ]}}),
        answer("It is R-17 over 42.50."),
        // The manager puts the result into the form that was asked for, at the second try.
        answer(r#"{"number": "R-17", "total_cents": "42.50"}"#),
        answer(r#"{"number": "R-17", "total_cents": 4250}"#),
    ])?;
    let leadhand = Leadhand::builder()
        .workspace(folder.path())
        .model("script", model)
        .build()?;
    let typed = leadhand.run_typed::<Invoice>("Read invoice.txt.").await?;
    println!("{:?}", typed.value);
    println!("model calls: {}", typed.outcome.turns);
    Ok(())
}

//! A tool of your own: an async closure. The schema that the model sees is derived from the
//! type of its argument; what does not fit never reaches the closure. An `Err` is no failure of
//! the run: the model reads it and can do better, as it does here.

use leadhand::{Effect, Leadhand, Plan, Task, TaskId, tool};
use leadhand_examples::script;
use serde_json::json;
use std::error::Error;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Order {
    /// Number of the order.
    number: u32,
}

const CLERK: &str = "---
name: clerk
description: Knows about orders.
tools: [order_state]
---
You answer questions about orders. Look every order up.";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let order_state = tool(
        "order_state",
        "Says how far an order is.",
        |order: Order| async move {
            println!("called with {}", order.number);
            match order.number {
                7 => Ok("Order 7 was shipped.".to_owned()),
                number => Err(format!("there is no order {number}")),
            }
        },
    );
    let call = |arguments| json!({"tool_calls": [{"name": "order_state", "arguments": arguments}]});
    let model = script(&[
        json!({"reply": call(json!({"number": "seven"}))}),
        json!({"when": {"contains": "do not fit"}, "reply": call(json!({"number": 70}))}),
        json!({"when": {"contains": "no order 70"}, "reply": call(json!({"number": 7}))}),
        json!({"when": {"contains": "shipped"}, "reply": {"text": "It was shipped."}}),
    ])?;
    let leadhand = Leadhand::builder()
        .workspace(folder.path())
        .model("script", model)
        // Looking something up changes nothing, so it may be done again after a crash.
        .tool(order_state.effect(Effect::Pure))
        .role_file("clerk", CLERK)
        .build()?;
    for spec in leadhand
        .tools()
        .iter()
        .filter(|spec| spec.name == "order_state")
    {
        println!("{}: {} {}", spec.name, spec.description, spec.arguments);
    }
    let task = Task::new(TaskId::new("ask")?, "clerk", "How far is order seven?");
    let plan = Plan {
        tasks: vec![task],
        answer: None,
    };
    let outcome = leadhand
        .start_plan("How far is order seven?", plan)?
        .await?;
    println!("{:?}: {}", outcome.kind, outcome.answer);
    Ok(())
}

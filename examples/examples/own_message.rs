//! Messages of a type of your own. What an agent publishes goes to all who have subscribed to the
//! topic; a question goes to one agent, and whoever asks waits for its answer. Each message is
//! held against the schema of its type before it is delivered, and an older version of one that
//! is read is brought up to date.

use leadhand::{
    AgentId, CallInfo, Effect, Leadhand, MessageType, Plan, Task, TaskId, ToolTemplate,
    TypedMessages, tool_with_info,
};
use leadhand_examples::script;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::error::Error;

/// What somebody would pay.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Offer {
    cents: u64,
}

impl MessageType for Offer {
    const NAME: &'static str = "offer";
    const VERSION: u32 = 2;

    /// In version 1 an offer was in euros.
    fn upgrade(_version: u32, value: Value) -> Result<Value, String> {
        let euros = value["euros"].as_u64().ok_or("`euros` is no number")?;
        Ok(json!({ "cents": euros * 100 }))
    }
}

/// Whether it is enough.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Verdict {
    accepted: bool,
}

impl MessageType for Verdict {
    const NAME: &'static str = "verdict";
    const VERSION: u32 = 1;
}

/// Arguments of a tool that takes none.
#[derive(Deserialize, JsonSchema)]
struct Nothing {}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let seller = |_: Nothing, call: CallInfo| async move {
        call.run.subscribe("offers").await?;
        call.run.write("seller", 0, call.id.agent.0).await?;
        let first = call.run.receive_typed::<Offer>(None).await?.message;
        let last = call.run.receive_typed::<Offer>(None).await?;
        let accepted = last.message.cents > first.cents;
        let question = last.question.ok_or("the last offer is no question")?;
        call.run
            .answer_typed(question, &Verdict { accepted })
            .await?;
        Ok(format!(
            "offered {}, then {}",
            first.cents, last.message.cents
        ))
    };
    let buyer = |_: Nothing, call: CallInfo| async move {
        let (_, seller) = call.run.watch("seller", 0, None).await?;
        let seller = seller.and_then(|it| it.as_u64()).unwrap_or_default();
        let seller = AgentId(u32::try_from(seller).map_err(|error| error.to_string())?);
        let reached = call
            .run
            .publish_typed("offers", &Offer { cents: 900 })
            .await?;
        let better = Offer { cents: 1_000 };
        let verdict: Verdict = call.run.ask_typed(seller, &better, None).await?;
        Ok(format!("reached {reached}, accepted: {}", verdict.accepted))
    };
    let leadhand = Leadhand::builder()
        .workspace(folder.path())
        .model("script", script(&[])?)
        .message_type::<Offer>()
        .message_type::<Verdict>()
        .tool(tool_with_info("seller", "Sells.", seller).effect(Effect::Idempotent))
        .tool(tool_with_info("buyer", "Buys.", buyer).effect(Effect::Idempotent))
        .build()?;

    let task = |id: &str| -> Result<Task, Box<dyn Error>> {
        let mut task = Task::new(TaskId::new(id)?, "", "Trade.");
        task.call = Some(ToolTemplate {
            tool: id.to_owned(),
            arguments: json!({}),
        });
        Ok(task)
    };
    for answer in ["seller", "buyer"] {
        let plan = Plan {
            tasks: vec![task("seller")?, task("buyer")?],
            answer: Some(TaskId::new(answer)?),
        };
        let outcome = leadhand.start_plan("Trade.", plan)?.await?;
        println!("{answer}: {}", outcome.answer);
    }
    Ok(())
}

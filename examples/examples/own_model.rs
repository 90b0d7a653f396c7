//! A model of your own: anything that can answer a prompt. Retries, fallbacks, time-outs and
//! prices are not its business; it answers once, or says why not. Roles name it in `model:`.

use leadhand::{
    BoxFuture, Leadhand, Model, ModelFault, ModelInfo, ModelReply, ModelRequest, Pieces, Plan,
    Price, Task, TaskId, ToolStyle, Usage,
};
use std::error::Error;

/// Says the last thing it was told, backwards.
struct Backwards;

impl Model for Backwards {
    fn describe(&self) -> ModelInfo {
        ModelInfo {
            name: "backwards-1".to_owned(),
            provider: "example".to_owned(),
            context_tokens: Some(1_000),
            tool_style: ToolStyle::Native,
            price: Price {
                output_micro_usd: 2_000_000,
                ..Price::default()
            },
        }
    }

    fn call<'a>(
        &'a self,
        request: &'a ModelRequest,
        pieces: Pieces<'a>,
    ) -> BoxFuture<'a, Result<ModelReply, ModelFault>> {
        Box::pin(async move {
            let told = request.messages.last().map_or("", |message| message.text());
            let text: String = told.trim().chars().rev().collect();
            // For onlookers, such as a terminal; the reply itself is what counts.
            pieces(&text);
            let usage = Usage {
                input_tokens: 5,
                output_tokens: 500_000,
                ..Usage::default()
            };
            Ok(ModelReply {
                text,
                usage,
                ..ModelReply::default()
            })
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let leadhand = Leadhand::builder()
        .workspace(folder.path())
        .model("backwards", Backwards)
        .build()?;
    let task = Task::new(TaskId::new("t1")?, "writer", "!dlrow ,olleH");
    let plan = Plan {
        tasks: vec![task],
        answer: None,
    };
    let outcome = leadhand.start_plan("Say hello.", plan)?.await?;
    println!("{}", outcome.answer);
    println!(
        "{} tokens, {} millionths of a dollar",
        outcome.usage.total(),
        outcome.micro_usd
    );
    Ok(())
}

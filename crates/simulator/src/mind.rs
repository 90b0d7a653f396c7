//! The scripted model: what it says depends on the prompt, on which turn of which agent it is,
//! and on nothing else, so that a call that is made again after a crash is answered alike.

use crate::chance::number_of;
use crate::draft::draft;
use crate::script::Says;
use crate::trace::What;
use crate::world::World;
use leadhand_model::{BoxFuture, Model, ModelInfo, Pieces, Price, ToolStyle};
use leadhand_protocol::{
    AgentId, ChatMessage, FinishReason, ModelFault, ModelReply, ModelRequest, OutputFormat,
    ToolCall, Usage,
};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// The name of the model of every run.
pub(crate) const MODEL: &str = "mind";
/// Another name under which it is there, for a branch that has another model.
pub(crate) const OTHER_MODEL: &str = "other-mind";
/// How long a reply takes at least, and how much longer at most, in milliseconds.
const REPLY_MS: (u64, u64) = (5, 60);
const INPUT_TOKENS: u64 = 40;
const OUTPUT_TOKENS: u64 = 10;
/// Two millionths of a dollar for every token.
pub(crate) const PRICE: Price = Price {
    input_micro_usd: 2_000_000,
    cached_micro_usd: None,
    output_micro_usd: 2_000_000,
};

pub(crate) struct Mind(pub(crate) World);

impl Model for Mind {
    fn describe(&self) -> ModelInfo {
        ModelInfo {
            name: MODEL.to_owned(),
            provider: "simulator".to_owned(),
            context_tokens: None,
            tool_style: ToolStyle::Native,
            price: PRICE,
        }
    }

    fn call<'a>(
        &'a self,
        request: &'a ModelRequest,
        pieces: Pieces<'a>,
    ) -> BoxFuture<'a, Result<ModelReply, ModelFault>> {
        Box::pin(async move {
            let (agent, turn) = asked_for(request);
            self.0.begin(What::Model {
                agent: AgentId(agent),
                turn,
            });
            let tries = self.0.model_tries(agent, turn);
            let takes_ms = number_of([self.0.script.seed, u64::from(agent), u64::from(turn)]);
            let takes_ms = REPLY_MS.0 + takes_ms % REPLY_MS.1;
            tokio::time::sleep(Duration::from_millis(takes_ms)).await;
            pieces("a piece");
            let moves = self.0.script.moves.iter();
            let mut here = moves.filter(|one| one.agent == agent && one.turn == turn);
            let says = here.next().map(|one| &one.says);
            if let Some(Says::Slow { ms }) = says {
                tokio::time::sleep(Duration::from_millis(*ms)).await;
            }
            self.0.came_back();
            said(says, tries, request)
        })
    }
}

/// Which turn of which agent a request is for: the engine makes the seed of a request from them.
fn asked_for(request: &ModelRequest) -> (u32, u32) {
    let agent = u32::try_from(request.seed >> 16).unwrap_or(u32::MAX);
    (agent, u32::try_from(request.seed & 0xffff).unwrap_or(0))
}

fn said(says: Option<&Says>, tries: u32, request: &ModelRequest) -> Result<ModelReply, ModelFault> {
    let sensible = || sensible(request);
    Ok(match says {
        None | Some(Says::Slow { .. }) => sensible(),
        Some(Says::Fault { kind, times }) if tries < *times => {
            return Err(ModelFault {
                kind: *kind,
                message: "the script wants it to fail".to_owned(),
                retry_after_ms: None,
            });
        }
        Some(Says::Fault { .. }) => sensible(),
        Some(Says::Malformed) => ModelReply {
            malformed: Some("The reply was broken off.".to_owned()),
            ..text("{\"tool\":")
        },
        Some(Says::Empty) => text(""),
        Some(Says::Cut) => ModelReply {
            finish: FinishReason::Length,
            ..text("and so on and so on")
        },
        Some(Says::Filtered) => ModelReply {
            finish: FinishReason::ContentFilter,
            ..text("")
        },
        Some(Says::Text(words)) => text(words),
        Some(Says::Calls(tools)) => calls(tools, "something else"),
        // As a panic, but without the words on the terminal that would hide those that matter.
        Some(Says::Panic) => std::panic::resume_unwind(Box::new("the script wants a panic")),
        Some(Says::Costly { tokens }) => {
            let mut reply = sensible();
            reply.usage.input_tokens = *tokens;
            reply
        }
    })
}

/// What a model says that does what it is told.
fn sensible(request: &ModelRequest) -> ModelReply {
    let json = |value: serde_json::Value| text(&value.to_string());
    match &request.output {
        OutputFormat::Json { name, schema } if name == "plan" => {
            json(draft(&request.messages, schema))
        }
        OutputFormat::Json { name, .. } if name == "verdict" => {
            json(json!({"reason": "it is as it should be", "passed": true}))
        }
        OutputFormat::Json { .. } => worker(request).unwrap_or_else(|| json(json!({"ok": true}))),
        OutputFormat::Text => worker(request).unwrap_or_else(|| text("All is done.")),
    }
}

/// What a worker does: the calls that its task names, then its output.
fn worker(request: &ModelRequest) -> Option<ModelReply> {
    let job = Job::of(request)?;
    let made = request
        .messages
        .iter()
        .filter(|message| matches!(***message, ChatMessage::Tool { .. }))
        .count();
    let offered = |tool: &String| request.tools.iter().any(|spec| spec.name == *tool);
    let uses: Vec<String> = job.uses.into_iter().filter(offered).collect();
    if job.together && made == 0 && !uses.is_empty() {
        return Some(calls(&uses, &job.id));
    }
    if let Some(tool) = uses.get(made) {
        return Some(calls(std::slice::from_ref(tool), &job.id));
    }
    match &request.output {
        OutputFormat::Json { .. } => None,
        OutputFormat::Text => Some(text(&format!("one {}\ntwo", job.id))),
    }
}

/// What stands in an instruction for the model: `[[id|tool,tool|together]]`.
struct Job {
    id: String,
    uses: Vec<String>,
    together: bool,
}

impl Job {
    fn of(request: &ModelRequest) -> Option<Self> {
        let mut texts = request.messages.iter().map(|message| message.text());
        let (_, rest) = texts.find_map(|text| text.split_once("Your task: [["))?;
        let (inside, _) = rest.split_once("]]")?;
        let mut parts = inside.split('|');
        let id = parts.next()?.to_owned();
        let uses = parts.next().unwrap_or_default().split(',');
        Some(Self {
            id,
            uses: uses
                .filter(|tool| !tool.is_empty())
                .map(str::to_owned)
                .collect(),
            together: parts.next() == Some("together"),
        })
    }
}

fn text(words: &str) -> ModelReply {
    ModelReply {
        text: words.to_owned(),
        usage: Usage {
            input_tokens: INPUT_TOKENS,
            output_tokens: OUTPUT_TOKENS,
            ..Usage::default()
        },
        ..ModelReply::default()
    }
}

fn calls(tools: &[String], what: &str) -> ModelReply {
    let tool_calls = (0..).zip(tools).map(|(place, tool): (usize, _)| ToolCall {
        id: format!("c{place}"),
        name: tool.clone(),
        arguments: arguments_of(tool, what),
    });
    ModelReply {
        tool_calls: tool_calls.map(Arc::new).collect(),
        finish: FinishReason::ToolCalls,
        ..text("")
    }
}

pub(crate) fn arguments_of(tool: &str, what: &str) -> serde_json::Value {
    match tool {
        "read_file" => json!({"path": "notes.txt"}),
        "write_file" => json!({"path": "notes.txt", "content": what}),
        _ => json!({"what": what}),
    }
}

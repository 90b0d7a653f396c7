//! Tools that are always there, through which agents of models do what code does with a
//! [`RunHandle`](crate::RunHandle). A role that names one has it. They change nothing outside of
//! the run, so they count as pure; what they bring is labelled by who wrote it.

mod calls;

use crate::toolbox::{CallInfo, NativeTool};
use leadhand_model::BoxFuture;
use leadhand_protocol::{
    Effect, Isolation, ToolCall, ToolFault, ToolFaultKind, ToolOutput, ToolSpec,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// What such a tool does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RunTool {
    AcquireLocks,
    ReleaseLocks,
    Vote,
    AwaitVote,
    ReadBoard,
    WriteBoard,
    Publish,
    Subscribe,
    Ask,
    Answer,
}

const ALL: [RunTool; 10] = [
    RunTool::AcquireLocks,
    RunTool::ReleaseLocks,
    RunTool::Vote,
    RunTool::AwaitVote,
    RunTool::ReadBoard,
    RunTool::WriteBoard,
    RunTool::Publish,
    RunTool::Subscribe,
    RunTool::Ask,
    RunTool::Answer,
];

/// The tools that are always there.
pub(crate) fn run_tools() -> impl Iterator<Item = impl NativeTool> {
    ALL.into_iter()
}

/// What the tools are that are always there.
#[must_use]
pub fn run_tool_specs() -> Vec<ToolSpec> {
    ALL.iter().map(NativeTool::spec).collect()
}

/// Whether a tool of this name is one that is always there.
#[must_use]
pub fn is_run_tool(name: &str) -> bool {
    ALL.iter().any(|tool| tool.name() == name)
}

impl RunTool {
    fn name(self) -> &'static str {
        match self {
            Self::AcquireLocks => "acquire_locks",
            Self::ReleaseLocks => "release_locks",
            Self::Vote => "vote",
            Self::AwaitVote => "await_vote",
            Self::ReadBoard => "read_board",
            Self::WriteBoard => "write_board",
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
            Self::Ask => "ask",
            Self::Answer => "answer",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::AcquireLocks => {
                "Waits until you hold all of these locks, which no other agent holds then. Ask for all that you need in one call, and release them when you are done."
            }
            Self::ReleaseLocks => {
                "Gives locks back, each with the number that came with it. What you hold at your end is given back by itself."
            }
            Self::Vote => {
                "Votes once in a vote among agents. With `voters` and `threshold` it says what the vote is: how many may vote, and how many votes for one choice decide."
            }
            Self::AwaitVote => "Waits until a vote is decided, and tells for what.",
            Self::ReadBoard => {
                "Reads an entry of the board that all agents share: its version and its value. Version 0 is an entry that is not there."
            }
            Self::WriteBoard => {
                "Writes an entry of the board that all agents share, if it still has the version that you have read; 0 is an entry that is not there."
            }
            Self::Publish => "Gives a message to all agents that have subscribed to a topic.",
            Self::Subscribe => {
                "From now on you are told what others publish in a topic, before your next turn."
            }
            Self::Ask => {
                "Asks another agent, by its id such as `a3`, or without one the manager, and waits for the answer."
            }
            Self::Answer => "Answers a question that was put to you, by its number.",
        }
    }

    fn arguments(self) -> Value {
        let name = json!({"type": "string", "minLength": 1, "maxLength": 128});
        let text = json!({"type": "string", "minLength": 1});
        let wait = json!({
            "type": "integer", "minimum": 0, "maximum": calls::WAIT_SECONDS_MAX,
            "description": "How long to wait, in seconds.",
        });
        let (fields, required) = match self {
            Self::AcquireLocks => (
                json!({
                    "locks": {"type": "array", "items": name, "minItems": 1, "maxItems": 64},
                    "shared": {"type": "boolean", "description": "Whether others may hold them shared as well."},
                    "wait_seconds": wait,
                }),
                json!(["locks"]),
            ),
            Self::ReleaseLocks => {
                let one = json!({
                    "type": "object",
                    "properties": {"lock": name, "number": {"type": "integer", "minimum": 1}},
                    "required": ["lock", "number"],
                    "additionalProperties": false,
                });
                let locks = json!({"type": "array", "items": one, "minItems": 1, "maxItems": 64});
                (json!({"locks": locks}), json!(["locks"]))
            }
            Self::Vote => (
                json!({
                    "vote": name,
                    "choice": text,
                    "voters": {"type": "integer", "minimum": 1, "maximum": 1024},
                    "threshold": {"type": "integer", "minimum": 1, "maximum": 1024},
                }),
                json!(["vote", "choice"]),
            ),
            Self::AwaitVote => (json!({"vote": name, "wait_seconds": wait}), json!(["vote"])),
            Self::ReadBoard => (json!({"entry": name}), json!(["entry"])),
            Self::WriteBoard => (
                json!({
                    "entry": name,
                    "version": {"type": "integer", "minimum": 0},
                    "value": {"description": "Any JSON."},
                }),
                json!(["entry", "version", "value"]),
            ),
            Self::Publish => (
                json!({"topic": name, "text": text}),
                json!(["topic", "text"]),
            ),
            Self::Subscribe => (json!({"topic": name}), json!(["topic"])),
            Self::Ask => (
                json!({
                    "agent": {"type": "string", "pattern": "^a[0-9]{1,9}$"},
                    "text": text,
                    "wait_seconds": wait,
                }),
                json!(["text"]),
            ),
            Self::Answer => (
                json!({"question": {"type": "integer", "minimum": 1}, "text": text}),
                json!(["question", "text"]),
            ),
        };
        json!({
            "type": "object",
            "properties": fields,
            "required": required,
            "additionalProperties": false,
        })
    }
}

impl NativeTool for RunTool {
    fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: self.name().to_owned(),
            description: self.description().to_owned(),
            arguments: Arc::new(self.arguments()),
            result: None,
            effect: Effect::Pure,
            accesses: Vec::new(),
            probe: None,
            undo: None,
            isolation: Isolation::Native,
            trusted: true,
            equal_by: Vec::new(),
            poll_every_ms: None,
        }
    }

    fn call<'a>(
        &'a self,
        call: &'a ToolCall,
        info: &'a CallInfo,
    ) -> BoxFuture<'a, Result<ToolOutput, ToolFault>> {
        Box::pin(async move {
            let done = self.carry_out(&call.arguments, &info.run).await;
            done.map(ToolOutput::text).map_err(|message| ToolFault {
                kind: ToolFaultKind::Failed,
                message,
                retryable: true,
            })
        })
    }
}

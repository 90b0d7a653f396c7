//! Typed values between agents. Their envelope is in `envelope`.

use crate::coordination::{Request, Told, WaitId};
use crate::{
    CallId, ContentHash, ModelFault, ModelReply, ModelRequest, Permit, Purpose, ToolCall,
    ToolFault, ToolOutput,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The closed set of messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    tag = "kind",
    content = "payload",
    rename_all = "snake_case",
    deny_unknown_fields
)]
pub enum Message {
    /// Hub to agent: do this.
    Assign(Assignment),
    /// Hub to agent: stop what you do; nothing more is wanted.
    Cancel,
    /// Hub to agent: a person wants this kept in mind.
    Steer {
        /// The words.
        text: String,
    },
    /// Hub to agent: what came of a request.
    Granted {
        /// Which request.
        wait: WaitId,
        /// What came of it, or why it was refused.
        #[serde(with = "Heard")]
        #[schemars(with = "Heard")]
        told: Result<Told, String>,
    },
    /// Agent to hub: a piece of the reply that is being written.
    Progress {
        /// The turn.
        turn: u32,
        /// The piece.
        piece: String,
    },
    /// Agent to hub: what came of an assignment.
    Result(Done),
    /// Agent to hub: why nothing came of an assignment.
    Failure(Failed),
    /// Agent to hub: what an agent at work wants of the run or of others at work.
    Request {
        /// The agent's name for it, by which the answer is told apart.
        wait: WaitId,
        /// What it wants.
        request: Box<Request>,
    },
}

/// How what came of a request is written: `{"ok": …}` or `{"error": …}`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Result<Told, String>", rename_all = "snake_case")]
enum Heard {
    /// What it is told.
    Ok(Told),
    /// Why it was refused.
    #[serde(rename = "error")]
    Err(String),
}

/// What an agent is to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Assignment {
    /// This is what it is there for.
    Begin {
        /// The role.
        role: String,
        /// The purpose.
        purpose: Purpose,
    },
    /// Make this model call.
    Think {
        /// The turn.
        turn: u32,
        /// The call.
        request: Box<ModelRequest>,
    },
    /// Make this tool call.
    Act {
        /// The call's id.
        call: CallId,
        /// The call.
        tool_call: Arc<ToolCall>,
        /// What it may touch.
        permit: Arc<Permit>,
        /// The name of what it does, from its content.
        key: ContentHash,
    },
}

/// What came of an assignment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Done {
    /// What the model said.
    Thought {
        /// The turn.
        turn: u32,
        /// The answer.
        reply: Arc<ModelReply>,
    },
    /// What a tool gave.
    Acted {
        /// Which call.
        call: CallId,
        /// What.
        output: Box<ToolOutput>,
    },
}

/// Why nothing came of an assignment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Failed {
    /// Why no model answered.
    Thought {
        /// The turn.
        turn: u32,
        /// Why.
        fault: ModelFault,
    },
    /// Why a tool gave nothing.
    Acted {
        /// Which call.
        call: CallId,
        /// Why.
        fault: ToolFault,
    },
}

impl Message {
    /// What kind of message it is, for logs and counters.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        match self {
            Self::Assign(_) => MessageKind::Assign,
            Self::Cancel => MessageKind::Cancel,
            Self::Steer { .. } => MessageKind::Steer,
            Self::Granted { .. } => MessageKind::Granted,
            Self::Progress { .. } => MessageKind::Progress,
            Self::Result(_) => MessageKind::Result,
            Self::Failure(_) => MessageKind::Failure,
            Self::Request { request, .. } => MessageKind::of(request),
        }
    }
}

/// Kinds of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageKind {
    /// See [`Message::Assign`].
    Assign,
    /// See [`Message::Cancel`].
    Cancel,
    /// See [`Message::Steer`].
    Steer,
    /// See [`Message::Granted`].
    Granted,
    /// See [`Message::Progress`].
    Progress,
    /// See [`Message::Result`].
    Result,
    /// See [`Message::Failure`].
    Failure,
    /// A request that may have to wait.
    Acquire,
    /// A request that gives back, or says something, and never waits.
    Release,
    /// A message to all who have subscribed to a topic.
    Publish,
    /// A request about what comes into the own inbox, or for the next that does.
    Subscribe,
    /// A question to another agent or to the manager.
    Question,
    /// The answer to one.
    Answer,
}

impl MessageKind {
    /// The kind of a request.
    fn of(request: &Request) -> Self {
        match request {
            Request::Acquire { .. }
            | Request::Upgrade { .. }
            | Request::Take { .. }
            | Request::Arrive { .. }
            | Request::Join { .. }
            | Request::AwaitQuorum { .. }
            | Request::Watch { .. } => Self::Acquire,
            Request::Release { .. }
            | Request::Declare { .. }
            | Request::Give { .. }
            | Request::CountDown { .. }
            | Request::GiveUp { .. }
            | Request::Vote { .. }
            | Request::Read { .. }
            | Request::CompareAndSet { .. }
            | Request::CancelWait { .. } => Self::Release,
            Request::Publish { .. } => Self::Publish,
            Request::Subscribe { .. } | Request::Unsubscribe { .. } | Request::Receive { .. } => {
                Self::Subscribe
            }
            Request::Ask { .. } => Self::Question,
            Request::Answer { .. } => Self::Answer,
        }
    }
}

//! Typed values between agents, in a versioned envelope.

use crate::{
    AgentId, CallId, ContentHash, ModelFault, ModelReply, ModelRequest, Permit, Purpose, RunId,
    ToolCall, ToolFault, ToolOutput,
};

/// An agent, or the run's hub that hands out the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// The run itself: engine, journal and all.
    Hub,
    /// One agent.
    Agent(AgentId),
}

/// A message and what is known about its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// The run it belongs to.
    pub run: RunId,
    /// Who sends it.
    pub from: Address,
    /// Who is to get it.
    pub to: Address,
    /// Position among the messages of its sender, from 0.
    pub sequence: u64,
    /// Version of the message schema.
    pub version: u8,
    /// What it says.
    pub message: Message,
}

/// The closed set of messages.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// Hub to agent: this is what you are here for.
    Assign {
        /// The role.
        role: String,
        /// The purpose.
        purpose: Purpose,
    },
    /// Hub to agent: make this model call.
    Think {
        /// The turn.
        turn: u32,
        /// The call.
        request: Box<ModelRequest>,
    },
    /// Hub to agent: make this tool call.
    Act {
        /// The call's id.
        call: CallId,
        /// The call.
        tool_call: ToolCall,
        /// What it may touch.
        permit: Permit,
        /// The name of what it does, from its content.
        key: ContentHash,
    },
    /// Hub to agent: stop what you do; nothing more is wanted.
    Cancel,
    /// Agent to hub: a piece of the reply that is being written.
    Progress {
        /// The turn.
        turn: u32,
        /// The piece.
        piece: String,
    },
    /// Agent to hub: what the model said, or why it did not.
    Replied {
        /// The turn.
        turn: u32,
        /// The answer.
        result: Result<Box<ModelReply>, ModelFault>,
    },
    /// Agent to hub: what came of a tool call.
    Acted {
        /// Which.
        call: CallId,
        /// What.
        outcome: Result<ToolOutput, ToolFault>,
    },
}

impl Message {
    /// What kind of message it is, for logs and counters.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        match self {
            Self::Assign { .. } => MessageKind::Assign,
            Self::Think { .. } => MessageKind::Think,
            Self::Act { .. } => MessageKind::Act,
            Self::Cancel => MessageKind::Cancel,
            Self::Progress { .. } => MessageKind::Progress,
            Self::Replied { .. } => MessageKind::Replied,
            Self::Acted { .. } => MessageKind::Acted,
        }
    }
}

/// Kinds of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageKind {
    /// See [`Message::Assign`].
    Assign,
    /// See [`Message::Think`].
    Think,
    /// See [`Message::Act`].
    Act,
    /// See [`Message::Cancel`].
    Cancel,
    /// See [`Message::Progress`].
    Progress,
    /// See [`Message::Replied`].
    Replied,
    /// See [`Message::Acted`].
    Acted,
}

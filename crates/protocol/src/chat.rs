//! What is sent to a language model and what comes back. A *chat message* is one entry of
//! a prompt; the word *message* alone means a typed value between agents.

use crate::{ToolCall, ToolSpec, TraceContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// One entry of a prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum ChatMessage {
    /// Instructions that stand above everything else.
    System {
        /// The text.
        text: String,
    },
    /// What the program or a person says.
    User {
        /// The text.
        text: String,
    },
    /// What the model said.
    Assistant {
        /// The text.
        text: String,
        /// The tools it called.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<Arc<ToolCall>>,
    },
    /// What a tool answered.
    Tool {
        /// The `id` of the call it answers.
        call_id: String,
        /// The tool.
        name: String,
        /// Its result, or its fault in words.
        text: String,
    },
}

impl ChatMessage {
    /// The text of the entry, whoever it is from.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::System { text }
            | Self::User { text }
            | Self::Assistant { text, .. }
            | Self::Tool { text, .. } => text,
        }
    }
}

/// One model call. Entries and tools are shared, so a growing conversation is not copied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelRequest {
    /// Models by name, the first one first, the others as fallbacks; empty is the default.
    pub models: Vec<String>,
    /// The prompt.
    pub messages: Vec<Arc<ChatMessage>>,
    /// The tools the model may call.
    pub tools: Arc<[ToolSpec]>,
    /// What the final reply must look like.
    pub output: OutputFormat,
    /// Tokens the reply may have.
    pub output_tokens_max: u32,
    /// Sampling temperature in thousandths; 0 is greedy.
    pub temperature_milli: u32,
    /// Seed of the sampling, where the model takes one.
    pub seed: u64,
    /// The place of the call in a trace, which is told on to a model over HTTP. It is known where
    /// the call is made, and neither recorded nor sent with the request.
    #[serde(skip)]
    pub trace: Option<TraceContext>,
}

/// What a final reply must look like.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutputFormat {
    /// Free text.
    #[default]
    Text,
    /// JSON that fits this JSON Schema.
    Json {
        /// A name for the value, letters and underscores.
        name: String,
        /// The schema.
        schema: Value,
    },
}

/// Tokens of one model call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Usage {
    /// Tokens of the prompt.
    pub input_tokens: u64,
    /// Those of them that a cache saved computing.
    pub cached_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// Those of them that were reasoning.
    pub reasoning_tokens: u64,
}

impl Usage {
    /// Tokens in and out together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// Adds another call's tokens.
    pub fn add(&mut self, other: Self) {
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.cached_tokens = self.cached_tokens.saturating_add(other.cached_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.reasoning_tokens = self.reasoning_tokens.saturating_add(other.reasoning_tokens);
    }
}

/// Why a model stopped writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// It was done.
    #[default]
    Stop,
    /// It reached the token limit: the reply is cut off.
    Length,
    /// It called tools.
    ToolCalls,
    /// The provider held the reply back.
    ContentFilter,
}

/// One answer of a model.
///
/// A reply that cannot be read (broken JSON, no known shape) is not an error: `malformed`
/// says what was wrong, and the engine tells the model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ModelReply {
    /// What it wrote, without its tool calls.
    pub text: String,
    /// The tools it called.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<Arc<ToolCall>>,
    /// What was wrong with the shape of the reply, in words for the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub malformed: Option<String>,
    /// Why it stopped.
    pub finish: FinishReason,
    /// Tokens spent, those of failed attempts included where they are known.
    pub usage: Usage,
    /// The model that answered.
    pub model: String,
    /// Money spent, in millionths of a US dollar.
    pub micro_usd: u64,
    /// Attempts that failed before this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
}

/// One failed attempt at a model call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// The model that was asked.
    pub model: String,
    /// What came instead of an answer.
    pub fault: ModelFault,
}

/// Why a model call brought no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, JsonSchema)]
#[error("{message}")]
pub struct ModelFault {
    /// What kind of failure.
    pub kind: ModelFaultKind,
    /// What happened, to what, why, and what to do.
    pub message: String,
    /// How long the server asked us to wait, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// Kinds of model failure; they decide whether another attempt makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelFaultKind {
    /// No connection, or it broke off.
    Unreachable,
    /// No or a wrong key.
    Unauthorised,
    /// Too many requests.
    RateLimited,
    /// The server failed (5xx).
    ServerFailed,
    /// No answer in time.
    TimedOut,
    /// The answer could not be read as the protocol's.
    BadAnswer,
    /// The server refused this request (4xx); the same request will be refused again.
    Refused,
    /// The prompt does not fit the model's context.
    ContextFull,
    /// There is no model of this name, or it is not set up.
    NotFound,
    /// The call was cancelled.
    Cancelled,
}

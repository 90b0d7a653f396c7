//! What parties say to each other: what a message holds, how it reaches its reader, and what
//! becomes of one that does not.

use super::PrimitiveName;
use crate::AgentId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// What a message or an answer holds. Whether the value is what its type says is checked by
/// whoever knows the types; here it is any JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Payload {
    /// The name of its type; [`Payload::TEXT`] is there without being registered.
    pub kind: PrimitiveName,
    /// The version of its type, from 1.
    pub version: u32,
    /// The value.
    pub value: Arc<Value>,
}

impl Payload {
    /// The type whose value is a JSON string.
    pub const TEXT: &'static str = "text";

    /// A payload of type [`Payload::TEXT`].
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            kind: PrimitiveName::text(),
            version: 1,
            value: Arc::new(Value::String(text.into())),
        }
    }
}

/// Names a question that one party put to another or to the manager; counted from 1 in a run.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct QuestionId(pub u64);

impl fmt::Display for QuestionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A message as it comes out of an inbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Delivered {
    /// Somebody published it.
    Published {
        /// In which topic.
        topic: PrimitiveName,
        /// Its place among all that was published there, from 1.
        sequence: u64,
        /// Who.
        from: AgentId,
        /// What.
        payload: Payload,
    },
    /// Somebody asks, and waits for the answer.
    Question {
        /// By which name it is answered.
        question: QuestionId,
        /// Who.
        from: AgentId,
        /// What.
        payload: Payload,
    },
}

/// A published message that did not reach all it was for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadLetter {
    /// In which topic it was published.
    pub topic: PrimitiveName,
    /// Its place among all that was published there, from 1.
    pub sequence: u64,
    /// Who published it.
    pub from: AgentId,
    /// Whom it did not reach; nobody, when nobody had subscribed.
    pub to: Vec<AgentId>,
    /// What it holds.
    pub payload: Payload,
    /// Why.
    pub why: DeadLetterCause,
}

/// Why a message did not reach somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetterCause {
    /// Nobody had subscribed to the topic.
    NoSubscriber,
    /// Their inboxes were full.
    InboxFull,
    /// All that is kept for everybody was as much as may be.
    NoRoom,
    /// They ended before they read it.
    ReceiverEnded,
}

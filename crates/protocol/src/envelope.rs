//! What is known about a message beside what it says: its name, its way, what it belongs to,
//! and until when it is wanted.

use crate::{AgentId, Label, Message, RunId, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where messages come from and go to. Only the hub and agents send; a role or a task stands
/// for the one agent that works in it.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Address {
    /// The run itself: engine, journal and all.
    Hub,
    /// One agent.
    Agent(AgentId),
    /// The agent of this role.
    Role(String),
    /// The agent that carries out this task.
    Task(TaskId),
}

impl From<AgentId> for Address {
    fn from(agent: AgentId) -> Self {
        Self::Agent(agent)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hub => f.write_str("the run's hub"),
            Self::Agent(agent) => write!(f, "agent {agent}"),
            Self::Role(role) => write!(f, "the agent of the role `{role}`"),
            Self::Task(task) => write!(f, "the agent of the task `{task}`"),
        }
    }
}

/// Names a message: who sent it, and a count that grows with each message of that sender. No two
/// messages of one life of a run have the same name; a run that goes on in another process counts
/// anew. Written as `hub.7` or `a3.7`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^(hub|a[0-9]+)\\.[0-9]+$"))]
pub struct MessageId {
    /// The agent that sent it; none is the hub.
    pub agent: Option<AgentId>,
    /// Greater than that of every message it sent before.
    pub count: u64,
}

impl MessageId {
    /// Who sent it.
    #[must_use]
    pub fn sender(self) -> Address {
        self.agent.map_or(Address::Hub, Address::Agent)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.agent {
            Some(agent) => write!(f, "{agent}.{}", self.count),
            None => write!(f, "hub.{}", self.count),
        }
    }
}

impl From<MessageId> for String {
    fn from(id: MessageId) -> String {
        id.to_string()
    }
}

impl TryFrom<String> for MessageId {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let parts = || {
            let (sender, count) = text.split_once('.')?;
            let agent = match sender {
                "hub" => None,
                agent => Some(AgentId(agent.strip_prefix('a')?.parse().ok()?)),
            };
            Some(Self {
                agent,
                count: count.parse().ok()?,
            })
        };
        parts().ok_or_else(|| {
            format!("`{text}` names no message: write `hub.` or `a` and the agent's number and `.`, then a count")
        })
    }
}

/// A message and what is known about its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// The name of the message.
    pub id: MessageId,
    /// The run it belongs to.
    pub run: RunId,
    /// Who sends it.
    pub from: Address,
    /// Who is to get it.
    pub to: Address,
    /// The message that began what this one belongs to, such as the assignment that a result is
    /// of. None of one that begins something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<MessageId>,
    /// The message that led to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<MessageId>,
    /// Place among what its sender has sent to this inbox in its lane, from 0 without gaps.
    pub sequence: u64,
    /// When nobody wants it any more, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// Version of the message schema.
    pub version: u8,
    /// Where what it says came from.
    #[serde(default, skip_serializing_if = "Label::is_empty")]
    pub label: Label,
    /// What it says.
    pub message: Message,
}

impl Envelope {
    /// The message that began what this one belongs to; itself, if it began it.
    #[must_use]
    pub fn thread(&self) -> MessageId {
        self.correlation.unwrap_or(self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::MessageId;
    use crate::AgentId;

    fn check(text: &str, id: Option<(Option<u32>, u64)>) {
        let expected = id.map(|(agent, count)| MessageId {
            agent: agent.map(AgentId),
            count,
        });
        let read = MessageId::try_from(text.to_owned()).ok();
        assert_eq!(read, expected, "{text:?}");
        if let Some(id) = read {
            assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn a_message_is_named_by_its_sender_and_a_count() {
        check("hub.0", Some((None, 0)));
        check("a3.17", Some((Some(3), 17)));
        check(
            "a4294967295.18446744073709551615",
            Some((Some(u32::MAX), u64::MAX)),
        );
        for text in [
            "",
            "hub",
            "hub.",
            "3.1",
            "a.1",
            "a4294967296.1",
            "hub.-1",
            "a1.1.1",
        ] {
            check(text, None);
        }
    }
}

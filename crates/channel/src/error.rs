//! Why a message was not delivered. Whatever the reason, its envelope is among the dead
//! letters.

use leadhand_protocol::{Address, AgentId, MessageKind};

/// What can go wrong between a hub and its agents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// No agent of this id was registered, or it was closed since.
    #[error(
        "agent {agent} has no inbox, so its {kind:?} message is a dead letter; register the agent before sending to it"
    )]
    UnknownAgent {
        /// The agent.
        agent: AgentId,
        /// What it was to get.
        kind: MessageKind,
    },
    /// The receiver has dropped its end.
    #[error(
        "{} is gone, so the {kind:?} message for it is a dead letter; treat what it was doing as ended", name(*to)
    )]
    Gone {
        /// The receiver.
        to: Address,
        /// What it was to get.
        kind: MessageKind,
    },
    /// The receiver's inbox stayed full.
    #[error(
        "the inbox of {} stayed full for {waited_ms} ms, so the {kind:?} message for it is a dead letter; the receiver has stopped reading: end it", name(*to)
    )]
    TimedOut {
        /// The receiver.
        to: Address,
        /// What it was to get.
        kind: MessageKind,
        /// How long there was no room, in milliseconds.
        waited_ms: u64,
    },
    /// The receiver ended before it read the message.
    #[error("{} ended without reading the {kind:?} message, which is now a dead letter", name(*to))]
    Unread {
        /// The receiver.
        to: Address,
        /// What it would have got.
        kind: MessageKind,
    },
    /// The agent has a mailbox that is in use.
    #[error("agent {agent} is registered already; close it before it is registered again")]
    AlreadyRegistered {
        /// The agent.
        agent: AgentId,
    },
}

fn name(address: Address) -> String {
    match address {
        Address::Hub => "the run's hub".to_owned(),
        Address::Agent(agent) => format!("agent {agent}"),
    }
}

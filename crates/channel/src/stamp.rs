//! What a sender puts on its messages.

use crate::Dispatch;
use leadhand_protocol::{Address, AgentId, Envelope, MessageId, RunId};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Version of the message schema, on every envelope. The first one had a kind for each thing
/// to do; what became of them stands in `upgrade`.
pub const MESSAGE_VERSION: u8 = 2;

/// A sender's name, and the count of all messages of the run: an agent that is registered again
/// uses no number twice, and nothing is kept of those that have ended.
#[derive(Debug, Clone)]
pub(crate) struct Stamp {
    run: RunId,
    agent: Option<AgentId>,
    count: Arc<AtomicU64>,
}

impl Stamp {
    /// The stamp of the hub.
    pub(crate) fn new(run: RunId) -> Self {
        Self {
            run,
            agent: None,
            count: Arc::default(),
        }
    }

    /// The stamp of an agent of the same run.
    pub(crate) fn of(&self, agent: AgentId) -> Self {
        Self {
            agent: Some(agent),
            ..self.clone()
        }
    }

    /// An envelope with a name of its own. Its place in the inbox is given by the transport.
    pub(crate) fn put(&self, to: Address, dispatch: Dispatch) -> Envelope {
        let id = MessageId {
            agent: self.agent,
            // Only that no two are the same matters; what they go with is ordered elsewhere.
            count: self.count.fetch_add(1, Ordering::Relaxed),
        };
        Envelope {
            id,
            run: self.run.clone(),
            from: id.sender(),
            to,
            correlation: dispatch.thread.map(|thread| thread.correlation),
            cause: dispatch.thread.map(|thread| thread.cause),
            sequence: 0,
            deadline_ms: dispatch.deadline_ms,
            version: MESSAGE_VERSION,
            label: dispatch.label,
            message: dispatch.message,
        }
    }
}

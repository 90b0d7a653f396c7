//! What a party can wait for.

use super::{LockAsk, Need, PrimitiveKind, PrimitiveName, QuestionId};
use crate::AgentId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a party waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Want {
    /// All of these locks.
    Locks(Vec<LockAsk>),
    /// To hold this lock alone, which it holds upgradable.
    Upgrade(PrimitiveName),
    /// Permits.
    Permits {
        /// Of which semaphore.
        semaphore: PrimitiveName,
        /// How many.
        permits: u32,
    },
    /// That others arrive.
    Barrier {
        /// Where.
        barrier: PrimitiveName,
        /// How many in all.
        parties: u32,
    },
    /// That latches are done.
    Join {
        /// Which.
        latches: Vec<PrimitiveName>,
        /// How many of them.
        need: Need,
    },
    /// That a quorum decides.
    Quorum(PrimitiveName),
    /// That an entry of the board is newer.
    Change {
        /// Which.
        key: PrimitiveName,
        /// Than this version.
        after_version: u64,
    },
    /// A message in the own inbox.
    Message,
    /// The answer to a question.
    Answer {
        /// Which.
        question: QuestionId,
        /// Who is to answer it; nobody is the manager.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<AgentId>,
    },
}

impl Want {
    /// The kind of what is waited for.
    #[must_use]
    pub fn kind(&self) -> PrimitiveKind {
        match self {
            Self::Locks(_) | Self::Upgrade(_) => PrimitiveKind::Lock,
            Self::Permits { .. } => PrimitiveKind::Semaphore,
            Self::Barrier { .. } => PrimitiveKind::Barrier,
            Self::Join { .. } => PrimitiveKind::Latch,
            Self::Quorum(_) => PrimitiveKind::Quorum,
            Self::Change { .. } => PrimitiveKind::Board,
            Self::Message => PrimitiveKind::Inbox,
            Self::Answer { .. } => PrimitiveKind::Question,
        }
    }

    /// The names of what is waited for, in the order in which they were given; none for a
    /// message or an answer, for which nobody stands in a queue.
    pub fn names(&self) -> impl Iterator<Item = &PrimitiveName> {
        let (one, asks, latches): (_, &[LockAsk], &[PrimitiveName]) = match self {
            Self::Locks(asks) => (None, asks, &[]),
            Self::Join { latches, .. } => (None, &[], latches),
            Self::Message | Self::Answer { .. } => (None, &[], &[]),
            Self::Upgrade(name)
            | Self::Quorum(name)
            | Self::Permits {
                semaphore: name, ..
            }
            | Self::Barrier { barrier: name, .. }
            | Self::Change { key: name, .. } => (Some(name), &[], &[]),
        };
        let asked = asks.iter().map(|ask| &ask.lock);
        one.into_iter().chain(asked).chain(latches)
    }
}

//! What a party can ask. One closed set of requests with what is said of each of them, and so one
//! file, although a long one.

use super::{Payload, PrimitiveName, QuestionId, WaitId};
use crate::AgentId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// Who asks, and by which name the answer is told apart.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Asker {
    /// The party.
    pub party: AgentId,
    /// Its request.
    pub wait: WaitId,
}

/// Most locks in one request.
pub const LOCKS_PER_REQUEST_MAX: usize = 64;

/// The kinds of primitives; each is a namespace.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PrimitiveKind {
    /// Held shared or exclusive.
    Lock,
    /// A number of permits.
    Semaphore,
    /// Parties that go on together.
    Barrier,
    /// Counted down to done, once.
    Latch,
    /// A vote with a threshold.
    Quorum,
    /// An entry of the board: a value with a version.
    Board,
    /// What is published under a name goes to all who have subscribed.
    Topic,
    /// Where a party's messages are until it reads them.
    Inbox,
    /// Put to one party, or to the manager; its name is its number.
    Question,
}

impl fmt::Display for PrimitiveKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lock => "lock",
            Self::Semaphore => "semaphore",
            Self::Barrier => "barrier",
            Self::Latch => "latch",
            Self::Quorum => "quorum",
            Self::Board => "board entry",
            Self::Topic => "topic",
            Self::Inbox => "inbox",
            Self::Question => "question",
        })
    }
}

/// How a lock is held.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LockMode {
    /// Together with others.
    Shared,
    /// Together with others that are shared; may become exclusive later. One party at a time
    /// holds a lock so, since two that both wait to become exclusive would wait for ever.
    Upgradable,
    /// Alone.
    Exclusive,
}

impl LockMode {
    /// Whether two parties may hold one lock in these modes at once.
    #[must_use]
    pub fn goes_with(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::Shared, Self::Shared | Self::Upgradable) | (Self::Upgradable, Self::Shared)
        )
    }
}

/// One lock of a set that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LockAsk {
    /// Which.
    pub lock: PrimitiveName,
    /// How.
    pub mode: LockMode,
}

/// How many latches of a join must be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Need {
    /// Each.
    All,
    /// One.
    Any,
    /// So many.
    KOf(u32),
}

/// Who may vote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Electorate {
    /// The first so many who vote, each with weight 1.
    Anyone(u32),
    /// These, and what the vote of each weighs.
    Named(Vec<Elector>),
}

/// One who may vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Elector {
    /// Who.
    pub party: AgentId,
    /// What its vote weighs; at least 1.
    pub weight: u32,
}

/// What a semaphore, a latch or a quorum is. Said once; the same again changes nothing, and
/// something else is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Declaration {
    /// A semaphore.
    Semaphore {
        /// How many can be out at once.
        permits: u32,
    },
    /// A latch.
    Latch {
        /// How often it is counted down until it is done.
        count: u32,
        /// Who may count it down; nobody named is anybody. When all who are named have ended,
        /// it is given up.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        by: Vec<AgentId>,
    },
    /// A quorum.
    Quorum {
        /// Who may vote.
        electorate: Electorate,
        /// The weight that decides, once it is behind one choice.
        threshold: u32,
        /// What can be voted for; none named is any value.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        choices: Vec<Arc<Value>>,
    },
}

impl Declaration {
    /// The kind of what is declared.
    #[must_use]
    pub fn kind(&self) -> PrimitiveKind {
        match self {
            Self::Semaphore { .. } => PrimitiveKind::Semaphore,
            Self::Latch { .. } => PrimitiveKind::Latch,
            Self::Quorum { .. } => PrimitiveKind::Quorum,
        }
    }
}

/// What a party asks. A deadline is in milliseconds since the Unix epoch, and matters only if
/// there is something to wait for: a request with a deadline of now is granted at once or refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Have these locks, all or none.
    Acquire {
        /// Which, and how.
        locks: Vec<LockAsk>,
        /// When the wait ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_ms: Option<u64>,
    },
    /// Hold an upgradable lock exclusive.
    Upgrade {
        /// Which.
        lock: PrimitiveName,
        /// When the wait ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_ms: Option<u64>,
    },
    /// Hold a lock no longer.
    Release {
        /// Which.
        lock: PrimitiveName,
        /// The number that came with it.
        fence: u64,
    },
    /// Say what a semaphore, latch or quorum is.
    Declare {
        /// Its name.
        name: PrimitiveName,
        /// What it is.
        declaration: Declaration,
    },
    /// Have permits of a semaphore.
    Take {
        /// Which.
        semaphore: PrimitiveName,
        /// How many, all at once.
        permits: u32,
        /// When the wait ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_ms: Option<u64>,
    },
    /// Give permits back.
    Give {
        /// Which.
        semaphore: PrimitiveName,
        /// How many.
        permits: u32,
    },
    /// Wait until so many have arrived.
    Arrive {
        /// Where. The first to arrive says how many there are to be.
        barrier: PrimitiveName,
        /// How many go on together.
        parties: u32,
        /// When the wait ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_ms: Option<u64>,
    },
    /// Count a latch down by one.
    CountDown {
        /// Which.
        latch: PrimitiveName,
    },
    /// Say that a latch will never be done.
    GiveUp {
        /// Which.
        latch: PrimitiveName,
    },
    /// Wait until enough latches are done.
    Join {
        /// Which.
        latches: Vec<PrimitiveName>,
        /// How many of them.
        need: Need,
        /// When the wait ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_ms: Option<u64>,
    },
    /// Vote.
    Vote {
        /// In which quorum.
        quorum: PrimitiveName,
        /// For what.
        choice: Arc<Value>,
    },
    /// Wait until a quorum has decided.
    AwaitQuorum {
        /// Which.
        quorum: PrimitiveName,
        /// When the wait ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_ms: Option<u64>,
    },
    /// Be told an entry of the board.
    Read {
        /// Which.
        key: PrimitiveName,
    },
    /// Write an entry of the board if it is still what it was.
    CompareAndSet {
        /// Which.
        key: PrimitiveName,
        /// The version it must have; 0 is an entry that is not there.
        expected_version: u64,
        /// What it becomes.
        value: Arc<Value>,
    },
    /// Wait until an entry of the board is newer.
    Watch {
        /// Which.
        key: PrimitiveName,
        /// The version that is known; 0 waits for the first.
        after_version: u64,
        /// When the wait ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_ms: Option<u64>,
    },
    /// Give a message to all who have subscribed to a topic.
    Publish {
        /// Which.
        topic: PrimitiveName,
        /// The message.
        payload: Payload,
    },
    /// Get what is published from now on.
    Subscribe {
        /// In which topic.
        topic: PrimitiveName,
    },
    /// Get no more of a topic; what is in the inbox already stays there.
    Unsubscribe {
        /// Which.
        topic: PrimitiveName,
    },
    /// Wait for the next message of the own inbox, and take it out.
    Receive {
        /// When the wait ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_ms: Option<u64>,
    },
    /// Put a question, and wait for its answer.
    Ask {
        /// To whom; nobody is the manager.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<AgentId>,
        /// The question.
        payload: Payload,
        /// When the wait ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_ms: Option<u64>,
    },
    /// Answer a question.
    Answer {
        /// Which.
        question: QuestionId,
        /// The answer.
        payload: Payload,
    },
    /// Wait no longer.
    CancelWait {
        /// The request that waits.
        wait: WaitId,
    },
}

impl Request {
    /// Whether a party may have to wait for what it asks; it has one such request at a time.
    #[must_use]
    pub fn may_wait(&self) -> bool {
        match self {
            Self::Acquire { .. }
            | Self::Upgrade { .. }
            | Self::Take { .. }
            | Self::Arrive { .. }
            | Self::Join { .. }
            | Self::AwaitQuorum { .. }
            | Self::Watch { .. }
            | Self::Receive { .. }
            | Self::Ask { .. } => true,
            Self::Release { .. }
            | Self::Declare { .. }
            | Self::Give { .. }
            | Self::CountDown { .. }
            | Self::GiveUp { .. }
            | Self::Vote { .. }
            | Self::Read { .. }
            | Self::CompareAndSet { .. }
            | Self::Publish { .. }
            | Self::Subscribe { .. }
            | Self::Unsubscribe { .. }
            | Self::Answer { .. }
            | Self::CancelWait { .. } => false,
        }
    }

    /// The same request with another end of its wait, in milliseconds since the Unix epoch; as it
    /// is where it never waits.
    #[must_use]
    pub fn with_deadline(mut self, at_ms: Option<u64>) -> Self {
        match &mut self {
            Self::Acquire { deadline_ms, .. }
            | Self::Upgrade { deadline_ms, .. }
            | Self::Take { deadline_ms, .. }
            | Self::Arrive { deadline_ms, .. }
            | Self::Join { deadline_ms, .. }
            | Self::AwaitQuorum { deadline_ms, .. }
            | Self::Watch { deadline_ms, .. }
            | Self::Receive { deadline_ms }
            | Self::Ask { deadline_ms, .. } => *deadline_ms = at_ms,
            Self::Release { .. }
            | Self::Declare { .. }
            | Self::Give { .. }
            | Self::CountDown { .. }
            | Self::GiveUp { .. }
            | Self::Vote { .. }
            | Self::Read { .. }
            | Self::CompareAndSet { .. }
            | Self::Publish { .. }
            | Self::Subscribe { .. }
            | Self::Unsubscribe { .. }
            | Self::Answer { .. }
            | Self::CancelWait { .. } => {}
        }
        self
    }
}

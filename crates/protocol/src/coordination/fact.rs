//! What follows from requests. Applied from the beginning, the facts give the state again; each
//! says all that it changes, so that a reader needs no rule to know who got what.

use super::{
    Asker, DeadLetter, Declaration, Delivered, LockMode, Payload, PrimitiveKind, PrimitiveName,
    QuestionId, WaitId, Want,
};
use crate::AgentId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// One fact of coordination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fact {
    /// Somebody waits.
    Waiting {
        /// Who.
        asker: Asker,
        /// Its place among all that wait: lower has asked earlier.
        ticket: u64,
        /// How urgent it is; higher is more.
        priority: u8,
        /// When the wait ends, in milliseconds since the Unix epoch.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_ms: Option<u64>,
        /// For what.
        want: Want,
    },
    /// Somebody got what it asked or waited for.
    Granted {
        /// Who.
        asker: Asker,
        /// How urgent it is; higher is more.
        priority: u8,
        /// What.
        obtained: Obtained,
    },
    /// A wait ended without what it was for.
    WaitEnded {
        /// Whose.
        asker: Asker,
        /// Why.
        why: WaitEnd,
    },
    /// Parties would have waited for each other for ever; the wait of one was ended.
    DeadlockBroken {
        /// Whose.
        victim: Asker,
        /// Who waited for whom, beginning with the request that closed the cycle.
        cycle: Vec<CycleStep>,
    },
    /// A lock is no longer held.
    Released {
        /// By whom.
        asker: Asker,
        /// Which.
        lock: PrimitiveName,
        /// The number that came with it.
        fence: u64,
    },
    /// Permits came back.
    Returned {
        /// From whom.
        asker: Asker,
        /// To which semaphore.
        semaphore: PrimitiveName,
        /// How many.
        permits: u32,
    },
    /// A semaphore, latch or quorum was declared.
    Declared {
        /// By whom.
        asker: Asker,
        /// Its name.
        name: PrimitiveName,
        /// What it is.
        declaration: Declaration,
    },
    /// A latch was counted down by one.
    CountedDown {
        /// By whom.
        asker: Asker,
        /// Which.
        latch: PrimitiveName,
    },
    /// A latch will never be done.
    GivenUp {
        /// Who said so.
        asker: Asker,
        /// Which.
        latch: PrimitiveName,
    },
    /// Somebody voted.
    Voted {
        /// Who.
        asker: Asker,
        /// In which quorum.
        quorum: PrimitiveName,
        /// For what.
        choice: Arc<Value>,
    },
    /// An entry of the board was written.
    Written {
        /// By whom.
        asker: Asker,
        /// Which.
        key: PrimitiveName,
        /// The version it has now.
        version: u64,
        /// What it is now.
        value: Arc<Value>,
    },
    /// An entry of the board was read.
    WasRead {
        /// By whom.
        asker: Asker,
        /// Which.
        key: PrimitiveName,
    },
    /// Somebody gets what is published in a topic from now on.
    Subscribed {
        /// Who.
        asker: Asker,
        /// Which.
        topic: PrimitiveName,
    },
    /// Somebody gets no more of a topic.
    Unsubscribed {
        /// Who.
        asker: Asker,
        /// Which.
        topic: PrimitiveName,
    },
    /// A message was published, and lies in the inboxes of those it reaches.
    Published {
        /// By whom.
        asker: Asker,
        /// In which topic.
        topic: PrimitiveName,
        /// Its place among all that was published there, from 1.
        sequence: u64,
        /// Whom it reaches.
        receivers: Vec<AgentId>,
        /// What it holds.
        payload: Payload,
    },
    /// A message that was just published did not reach all it was for. One that is not read when
    /// its reader ends becomes a dead letter too, by [`Fact::PartyEnded`].
    DeadLetter(DeadLetter),
    /// A party was given the oldest message of its inbox without having asked for it.
    Received {
        /// Who.
        party: AgentId,
        /// Which.
        message: Delivered,
    },
    /// A question was put, and lies in the inbox of whom it is put to.
    Asked {
        /// By whom.
        asker: Asker,
        /// Its number.
        question: QuestionId,
        /// To whom; nobody is the manager.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<AgentId>,
        /// What it holds.
        payload: Payload,
    },
    /// A question was answered.
    Answered {
        /// By whom.
        asker: Asker,
        /// Which.
        question: QuestionId,
    },
    /// A request found that nothing was to be done: what it declared was declared just
    /// so, or it had subscribed already.
    Unchanged {
        /// Whose.
        asker: Asker,
    },
    /// A party waits no longer, because it said so.
    Cancelled {
        /// Who said so, by the name of this request.
        asker: Asker,
        /// The request that waited.
        wait: WaitId,
    },
    /// A party ended, and with it whatever it held, waited for and was to do. Published messages
    /// that it has not read are dead letters.
    PartyEnded {
        /// Which.
        party: AgentId,
    },
}

/// What somebody got.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Obtained {
    /// All locks of a set; also one that was upgraded.
    Locks(Vec<LockHeld>),
    /// Permits.
    Permits {
        /// Of which semaphore.
        semaphore: PrimitiveName,
        /// How many.
        permits: u32,
    },
    /// All have arrived.
    Passed {
        /// Where.
        barrier: PrimitiveName,
        /// How many they are.
        parties: u32,
        /// How often the barrier was passed before.
        generation: u64,
    },
    /// Enough latches are done.
    Joined {
        /// Those that are, in the order of the request.
        done: Vec<PrimitiveName>,
    },
    /// A quorum decided.
    Decided {
        /// Which.
        quorum: PrimitiveName,
        /// For what.
        choice: Arc<Value>,
    },
    /// An entry of the board is newer.
    Changed {
        /// Which.
        key: PrimitiveName,
        /// Its version.
        version: u64,
    },
    /// The oldest message of the inbox.
    Message(Delivered),
    /// An answer.
    Answered {
        /// To which question.
        question: QuestionId,
        /// Of whom.
        from: AgentId,
        /// What it holds.
        payload: Payload,
    },
}

/// A lock that somebody holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LockHeld {
    /// Which.
    pub lock: PrimitiveName,
    /// How.
    pub mode: LockMode,
    /// A number that is greater than that of every earlier grant. Whoever takes an order from
    /// the holder can refuse one with a lower number than it has seen.
    pub fence: u64,
}

/// Why a wait ended without what it was for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WaitEnd {
    /// Its time was over.
    DeadlineReached,
    /// The party said so.
    Cancelled,
    /// What it waited for cannot come any more.
    CannotBeMet {
        /// The kind of what it waited for.
        kind: PrimitiveKind,
        /// The one that will not come.
        name: PrimitiveName,
    },
}

/// One party of a cycle, and for what it waits of the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CycleStep {
    /// The party.
    pub party: AgentId,
    /// The kind of what it waits for.
    pub kind: PrimitiveKind,
    /// What it waits for; the next party of the cycle, after the last the first, holds it, has
    /// asked for it earlier, or is to count it down or answer it.
    pub name: PrimitiveName,
}

/// What is told to whom once a fact is applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// To whom, and on which of its requests.
    pub asker: Asker,
    /// What.
    pub told: Told,
}

/// What somebody is told of its request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Told {
    /// It is done.
    Done,
    /// It has what it asked for.
    Obtained(Obtained),
    /// An entry of the board as it is now; version 0 is one that is not there.
    Entry {
        /// Which.
        key: PrimitiveName,
        /// Its version.
        version: u64,
        /// Its value.
        value: Option<Arc<Value>>,
    },
    /// Its message is published.
    Published {
        /// Its place among all that was published in the topic, from 1.
        sequence: u64,
        /// How many it reaches.
        receivers: u32,
    },
    /// Its wait ended without what it was for.
    Ended(WaitEnd),
    /// Its wait was ended to break this deadlock. What it holds it still holds, and the others
    /// of the cycle wait for that.
    Deadlock(Vec<CycleStep>),
}

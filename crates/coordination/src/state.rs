//! The state: each kind of primitive by name, and what each party holds, waits for and is to do.
//! Nothing is found by looking at everything: a party knows its own, a primitive knows its queue.

use crate::barrier::Barrier;
use crate::board::Board;
use crate::inbox::Inbox;
use crate::latch::Latch;
use crate::lock::Lock;
use crate::question::Question;
use crate::quorum::Quorum;
use crate::semaphore::Semaphore;
use crate::topic::{DeadLetters, Topic};
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{PrimitiveName, QuestionId, WaitId, Want};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Those who wait for one primitive, by ticket: the first has asked first.
pub(crate) type Queue = BTreeMap<u64, AgentId>;

/// All locks and their kin of one run, and who holds and awaits them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coordination {
    pub(crate) parties: BTreeMap<AgentId, Party>,
    /// Only those that somebody holds or waits for.
    pub(crate) locks: BTreeMap<PrimitiveName, Lock>,
    pub(crate) semaphores: BTreeMap<PrimitiveName, Semaphore>,
    pub(crate) barriers: BTreeMap<PrimitiveName, Barrier>,
    pub(crate) latches: BTreeMap<PrimitiveName, Latch>,
    pub(crate) quorums: BTreeMap<PrimitiveName, Quorum>,
    pub(crate) board: Board,
    pub(crate) topics: BTreeMap<PrimitiveName, Topic>,
    /// Those that are open.
    pub(crate) questions: BTreeMap<QuestionId, Question>,
    pub(crate) dead_letters: DeadLetters,
    /// When waits end, soonest first.
    pub(crate) deadlines: BTreeSet<(u64, AgentId)>,
    pub(crate) counts: Counts,
}

/// What grows or is bounded over all primitives.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counts {
    /// The ticket of the last wait.
    pub(crate) ticket: u64,
    /// The number of the last grant of a lock. One counter for all locks, so that a lock that
    /// nobody uses need not be remembered for its number.
    pub(crate) fence: u64,
    /// The number of the last question.
    pub(crate) question: u64,
    pub(crate) waits: usize,
    pub(crate) waited_names: usize,
    pub(crate) holds: usize,
    pub(crate) kept_bytes: usize,
}

/// What a party has to do with primitives; forgotten when that is nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Party {
    /// As it was with the last request that waited or was granted.
    pub(crate) priority: u8,
    pub(crate) wait: Option<Wait>,
    pub(crate) locks: BTreeSet<PrimitiveName>,
    pub(crate) semaphores: BTreeSet<PrimitiveName>,
    /// Latches that name it and are not over.
    pub(crate) latches: BTreeSet<PrimitiveName>,
    /// Quorums that name it and have not had its vote.
    pub(crate) quorums: BTreeSet<PrimitiveName>,
    /// Topics to which it has subscribed.
    pub(crate) topics: BTreeSet<PrimitiveName>,
    /// Open questions that were put to it, read or not.
    pub(crate) asked: BTreeSet<QuestionId>,
    pub(crate) inbox: Inbox,
}

impl Party {
    pub(crate) fn holds(&self) -> usize {
        self.locks.len() + self.semaphores.len()
    }

    fn is_idle(&self) -> bool {
        self.wait.is_none()
            && self.locks.is_empty()
            && self.semaphores.is_empty()
            && self.latches.is_empty()
            && self.quorums.is_empty()
            && self.topics.is_empty()
            && self.asked.is_empty()
            && self.inbox.letters.is_empty()
    }
}

/// A request that waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// Its name.
    pub id: WaitId,
    /// Its place among all that wait: lower has asked earlier.
    pub ticket: u64,
    /// How urgent it is; higher is more.
    pub priority: u8,
    /// When it ends, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// What it is for.
    pub want: Want,
}

impl Coordination {
    /// When [`Self::due`] is next to be asked, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn next_deadline_ms(&self) -> Option<u64> {
        self.deadlines.first().map(|(at_ms, _)| *at_ms)
    }

    /// What a party waits for.
    #[must_use]
    pub fn wait_of(&self, party: AgentId) -> Option<&Wait> {
        self.parties.get(&party)?.wait.as_ref()
    }

    /// Things with a name that stay, which are all but locks.
    pub(crate) fn primitives(&self) -> usize {
        self.semaphores.len()
            + self.barriers.len()
            + self.latches.len()
            + self.quorums.len()
            + self.board.entries.len()
            + self.topics.len()
    }

    pub(crate) fn forget_if_idle(&mut self, party: AgentId) {
        if self.parties.get(&party).is_some_and(Party::is_idle) {
            self.parties.remove(&party);
        }
    }
}

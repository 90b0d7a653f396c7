//! What a simulated run leaves behind: the journal, and what the world saw of it. Invariants look
//! at this and at nothing else.

use crate::script::Script;
use leadhand_protocol::coordination::{Asker, Delivered, LockHeld, QuestionId};
use leadhand_protocol::{
    AgentId, CallId, ContentHash, OutcomeKind, PersonInput, Record, RequestId, RunId,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A run and its world, seen from the end.
pub struct Trace {
    /// What was played.
    pub script: Arc<Script>,
    /// The run.
    pub run: RunId,
    /// The journal at the end.
    pub records: Vec<Record>,
    /// Records that were acknowledged, and may not be lost by what happened since.
    pub promised: Vec<Record>,
    /// What was begun, in order.
    pub begun: Vec<Begun>,
    /// What the service did.
    pub deeds: Vec<Deed>,
    /// Orders that were given, and what was said to them.
    pub given: Vec<Given>,
    /// Questions as they were put.
    pub asked: Vec<Asked>,
    /// What tools that deal with other agents were told.
    pub seen: Vec<Seen>,
    /// How many of these are of before the last power cut, which may have taken the record of it.
    pub seen_before_cut: usize,
    /// Of each file all that was ever written to it.
    pub written: BTreeMap<String, BTreeSet<ContentHash>>,
    /// How each process ended.
    pub lives: Vec<Ended>,
    /// The summary beside the journal.
    pub status: Option<Value>,
    /// What came of resuming the run when it was over.
    pub again: Option<Again>,
    /// What came of forking the run when it was over.
    pub branch: Option<Forking>,
}

/// A run that is over was forked.
pub enum Forking {
    /// It was not, and why.
    Refused(String),
    /// It was not, for a reason that no script asks for.
    Broken(String),
    /// It was.
    Made(Box<Branch>),
}

/// A branch, carried out to its end.
pub struct Branch {
    /// How many records of the other run it has.
    pub at: usize,
    /// The records of the other run before it was forked.
    pub other: Vec<Record>,
    /// The records of the other run when the branch had ended.
    pub other_after: Vec<Record>,
    /// What it left behind. What the service did for calls that were begun before the branch is
    /// in it too.
    pub trace: Trace,
}

/// A run that is over was resumed.
#[derive(Debug, Clone, PartialEq)]
pub struct Again {
    /// What was said to it.
    pub said: Ended,
    /// Records before.
    pub before: usize,
    /// Records after.
    pub after: usize,
}

/// Something that can be begun.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A model is asked.
    Model {
        /// For whom.
        agent: AgentId,
        /// In which turn.
        turn: u32,
    },
    /// A tool is called.
    Tool {
        /// Which call.
        call: CallId,
        /// The tool.
        tool: String,
        /// Whether it acts in a way that may not be repeated.
        harmful: bool,
        /// Whether it undoes what another call did.
        undoes: bool,
    },
    /// A person is asked.
    Question {
        /// Which question.
        request: RequestId,
    },
}

/// Something that was begun.
#[derive(Debug, Clone, PartialEq)]
pub struct Begun {
    /// What.
    pub what: What,
    /// In which life.
    pub life: usize,
    /// When, in milliseconds since the first life.
    pub at_ms: u64,
    /// How far its order was then.
    pub ordered: Durable,
}

/// How far a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durable {
    /// There is none.
    Nowhere,
    /// It was appended, and not acknowledged.
    Appended,
    /// It was acknowledged.
    Acknowledged,
    /// It is on disk.
    OnDisk,
}

/// What the service did for a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Deed {
    /// The call.
    pub call: CallId,
    /// The name of what it does.
    pub key: ContentHash,
    /// The tool.
    pub tool: String,
    /// With what.
    pub arguments: Value,
    /// In which life.
    pub life: usize,
    /// The place of the record that ordered it.
    pub ordered: Option<usize>,
    /// Whether it was undone.
    pub undone: bool,
}

/// An order that was given.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// The order.
    pub order: PersonInput,
    /// In which life, or before which.
    pub life: usize,
    /// When something was said to it, in milliseconds since the first life.
    pub at_ms: u64,
    /// Whether it is on record, or why not.
    pub answer: Result<(), String>,
}

/// A question that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Which.
    pub request: RequestId,
    /// The call it is about, if it is in doubt.
    pub call: Option<CallId>,
}

/// What a tool was told.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// On which of its requests.
    pub asker: Asker,
    /// What.
    pub saw: Saw,
}

/// What a tool can be told that must hold for others as well.
#[derive(Debug, Clone, PartialEq)]
pub enum Saw {
    /// It has a lock.
    Lock {
        /// Which.
        held: LockHeld,
        /// Other agents at work that have it as well, as far as their tools know.
        beside: Vec<(AgentId, LockHeld)>,
    },
    /// It is given a message.
    Message(Delivered),
    /// It has the answer to a question.
    Answer(QuestionId),
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// With an outcome.
    Outcome(OutcomeKind),
    /// By the script.
    Died,
    /// The journal failed, as the script says.
    DiskFull,
    /// What was to be done first was refused.
    Refused(String),
    /// Nothing happened for longer than anything takes, while this many things were still owed.
    Stuck {
        /// Models and tools at work, and questions without an answer.
        owed: u32,
        /// Waits of tools for what may come from anybody, and so for ever.
        open: u32,
    },
    /// With an error that no script asks for, or a panic.
    Broken(String),
    /// The run was over.
    Over,
    /// This many tasks were alive when the run had ended.
    Alive(usize),
}

impl Trace {
    /// How the run ended for good; none if it did not.
    #[must_use]
    pub fn ended(&self) -> Option<OutcomeKind> {
        self.records.last().and_then(|record| match &*record.event {
            leadhand_protocol::Event::RunEnded(outcome) => Some(outcome.kind),
            _ => None,
        })
    }
}

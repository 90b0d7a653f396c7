//! Why a request changed nothing, in words for whoever asked. A refused request leaves no fact.

use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{LockMode, PrimitiveKind, PrimitiveName, QuestionId, WaitId};

/// Why a request was refused. The text says what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The party waits for something else.
    #[error(
        "you wait already, by your request {}: cancel that wait or let it end first; what is needed together is asked for in one request", .wait.0
    )]
    AlreadyWaits {
        /// The request that waits.
        wait: WaitId,
    },
    /// No such request waits.
    #[error("no request {} of yours waits: it was answered already, or never made", .wait.0)]
    NoSuchWait {
        /// What was named.
        wait: WaitId,
    },
    /// It would have to wait, and its time is over.
    #[error(
        "the {kind} `{name}` is not to be had now and the deadline has passed: ask again with a later deadline, or do without"
    )]
    DeadlinePassed {
        /// The kind of what was asked for.
        kind: PrimitiveKind,
        /// The first name that was asked for.
        name: PrimitiveName,
    },
    /// A bound is reached.
    #[error(
        "this would make {found} {what}, and {max} is the most: release, finish or cancel some first, or ask for less"
    )]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there would be.
        found: usize,
        /// How many there may be.
        max: usize,
    },
    /// Nothing was named.
    #[error("nothing is named: name at least one {kind}")]
    NothingNamed {
        /// The kind of which one was wanted.
        kind: PrimitiveKind,
    },
    /// A request names one thing twice.
    #[error("the {kind} `{name}` is named twice: name it once")]
    NamedTwice {
        /// The kind.
        kind: PrimitiveKind,
        /// The name.
        name: PrimitiveName,
    },
    /// A declaration names one party twice.
    #[error("the {kind} `{name}` names {party} twice: name it once")]
    PartyTwice {
        /// The kind.
        kind: PrimitiveKind,
        /// The name.
        name: PrimitiveName,
        /// The party.
        party: AgentId,
    },
    /// A number is zero that must not be.
    #[error("{what} of the {kind} `{name}` is 0: give at least 1")]
    Zero {
        /// What is zero.
        what: &'static str,
        /// The kind.
        kind: PrimitiveKind,
        /// The name.
        name: PrimitiveName,
    },
    /// There is no such thing.
    #[error("there is no {kind} `{name}`: declare it first, or mend the name")]
    Unknown {
        /// The kind.
        kind: PrimitiveKind,
        /// The name.
        name: PrimitiveName,
    },
    /// It is there, and is something else.
    #[error("the {kind} `{name}` was declared with {declared}: say the same, or take another name")]
    DeclaredOtherwise {
        /// The kind.
        kind: PrimitiveKind,
        /// The name.
        name: PrimitiveName,
        /// What it is.
        declared: String,
    },
    /// The party does not hold the lock.
    #[error(
        "you do not hold the lock `{lock}`: it was never granted to you, or you released it; there is nothing to release or upgrade"
    )]
    NotHeld {
        /// Which.
        lock: PrimitiveName,
    },
    /// The number is not that of the present grant.
    #[error(
        "the lock `{lock}` is held by you with number {current}, not {given}: that one was of an earlier grant; use the number that came with the last"
    )]
    OldFence {
        /// Which.
        lock: PrimitiveName,
        /// What was given.
        given: u64,
        /// What it is.
        current: u64,
    },
    /// The party holds the lock.
    #[error(
        "you hold the lock `{lock}` already ({mode:?}): use it, upgrade it if it is upgradable, or release it first"
    )]
    AlreadyHeld {
        /// Which.
        lock: PrimitiveName,
        /// How.
        mode: LockMode,
    },
    /// Only what is held upgradable can be upgraded.
    #[error(
        "you hold the lock `{lock}` {mode:?}, which does not become exclusive: release it and acquire it exclusive; next time acquire it upgradable"
    )]
    NotUpgradable {
        /// Which.
        lock: PrimitiveName,
        /// How it is held.
        mode: LockMode,
    },
    /// The lock is waited for by its own holder.
    #[error("you wait to hold the lock `{lock}` alone: cancel that wait before you release it")]
    UpgradeWaits {
        /// Which.
        lock: PrimitiveName,
    },
    /// More than there ever are.
    #[error(
        "the semaphore `{semaphore}` has {permits} permits in all, and {asked} would never be granted: take fewer at once"
    )]
    MorePermitsThanThereAre {
        /// Which.
        semaphore: PrimitiveName,
        /// How many were asked for.
        asked: u32,
        /// How many there are.
        permits: u32,
    },
    /// More than the party has.
    #[error(
        "you hold {held} permits of the semaphore `{semaphore}` and cannot give back {given}: give back what you took"
    )]
    MorePermitsThanHeld {
        /// Which.
        semaphore: PrimitiveName,
        /// How many were given back.
        given: u32,
        /// How many the party holds.
        held: u32,
    },
    /// The latch has come to its end.
    #[error("the latch `{latch}` is {state} already: there is nothing left to count down")]
    LatchOver {
        /// Which.
        latch: PrimitiveName,
        /// `done` or `given up`.
        state: &'static str,
    },
    /// Somebody else's to do.
    #[error("the {kind} `{name}` is for others: {party} is not among those it was declared for")]
    NotAMember {
        /// The kind.
        kind: PrimitiveKind,
        /// The name.
        name: PrimitiveName,
        /// Who asked.
        party: AgentId,
    },
    /// What is waited for cannot come.
    #[error("the {kind} `{name}` cannot be met any more: {why}; go on without it, or ask for less")]
    CannotBeMet {
        /// The kind.
        kind: PrimitiveKind,
        /// The name.
        name: PrimitiveName,
        /// Why.
        why: String,
    },
    /// A party votes once.
    #[error(
        "you have voted in the quorum `{quorum}` already, and that vote stands: await its decision"
    )]
    VotedAlready {
        /// Which.
        quorum: PrimitiveName,
    },
    /// The vote is for something that cannot be voted for.
    #[error("{given} is no choice of the quorum `{quorum}`: vote for one of {choices}")]
    NotAChoice {
        /// Which.
        quorum: PrimitiveName,
        /// The vote, cut.
        given: String,
        /// What can be voted for, cut.
        choices: String,
    },
    /// It has decided.
    #[error("the quorum `{quorum}` is over: it decided for {choice}, and no vote changes that")]
    QuorumOver {
        /// Which.
        quorum: PrimitiveName,
        /// What it decided for, cut.
        choice: String,
    },
    /// Somebody was faster.
    #[error(
        "the board entry `{key}` has version {found}, not {expected}: read it again, make your change to what it is now, and write that"
    )]
    VersionConflict {
        /// Which.
        key: PrimitiveName,
        /// The version that was named.
        expected: u64,
        /// The version that it has; 0 is an entry that is not there.
        found: u64,
    },
    /// A message, question or answer is too large.
    #[error(
        "this holds {found} bytes of JSON or more, and {max} is the most for a message, question or answer: put what is large into an artifact or an entry of the board, and send its name"
    )]
    PayloadTooLarge {
        /// How large it is; counting stops soon after the most that may be.
        found: usize,
        /// How large it may be.
        max: usize,
    },
    /// The party gets nothing of the topic.
    #[error("you have not subscribed to the topic `{topic}`: there is nothing to end")]
    NotSubscribed {
        /// Which.
        topic: PrimitiveName,
    },
    /// Nothing is there to be read, and there is no time to wait.
    #[error(
        "your inbox is empty and the deadline has passed: receive again with a later deadline, or go on without"
    )]
    NoMessage,
    /// A question that nobody would have time to answer.
    #[error(
        "the deadline of this question has passed, so nobody could answer it: ask with a later one"
    )]
    NoTimeToAnswer,
    /// A question to oneself.
    #[error("you ask yourself, and would wait for ever: ask another agent, or the manager")]
    AsksItself,
    /// Whoever is asked has too much to read.
    #[error(
        "the inbox of {party} is full ({max} messages, or the bytes for them), so the question cannot be put to it: ask later, or ask somebody else"
    )]
    InboxFull {
        /// Who is asked.
        party: AgentId,
        /// How many messages an inbox takes.
        max: usize,
    },
    /// The number is that of no question.
    #[error("there is no question {question}: none was put by that number; mend it")]
    NeverAsked {
        /// What was named.
        question: QuestionId,
    },
    /// Nobody waits for the answer any more.
    #[error(
        "the question {question} is over: it was answered already, or whoever asked waits no longer; nothing is left to answer"
    )]
    QuestionOver {
        /// Which.
        question: QuestionId,
    },
    /// The question is for somebody else.
    #[error("the question {question} is not for {party} to answer: leave it to whom it was put to")]
    NotYoursToAnswer {
        /// Which.
        question: QuestionId,
        /// Who tried.
        party: AgentId,
    },
}

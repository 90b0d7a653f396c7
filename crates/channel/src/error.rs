//! Why a message was not delivered, or not read. The envelope of one that was to be delivered is
//! among the dead letters.

use leadhand_protocol::{Address, MessageId, MessageKind};

/// What can go wrong between a hub and its agents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// Nobody of this address was registered, or it was closed since.
    #[error(
        "{to} has no inbox, so its {kind:?} message is a dead letter; register the agent before sending to it"
    )]
    UnknownReceiver {
        /// The receiver.
        to: Address,
        /// What it was to get.
        kind: MessageKind,
    },
    /// Several agents answer to a role or a task.
    #[error(
        "{to} is not one but {agents} agents, so the {kind:?} message is a dead letter; send it to one of them by its number"
    )]
    ManyReceivers {
        /// The receiver.
        to: Address,
        /// What it was to get.
        kind: MessageKind,
        /// How many they are.
        agents: usize,
    },
    /// Nobody wants the message any more.
    #[error(
        "the {kind:?} message for {to} was wanted until {deadline_ms} and it is {now_ms} (ms since the Unix epoch), so it is a dead letter; send it again with a later deadline if it still matters"
    )]
    DeadlinePassed {
        /// The receiver.
        to: Address,
        /// What it was to get.
        kind: MessageKind,
        /// Until when it was wanted, in milliseconds since the Unix epoch.
        deadline_ms: u64,
        /// When it was found, in milliseconds since the Unix epoch.
        now_ms: u64,
    },
    /// A request was not answered in time.
    #[error(
        "{to} did not answer the {kind:?} message by its deadline ({deadline_ms} ms since the Unix epoch); ask again with a later one, or go on without the answer"
    )]
    NoAnswer {
        /// Who was asked.
        to: Address,
        /// What it was asked with.
        kind: MessageKind,
        /// Until when, in milliseconds since the Unix epoch.
        deadline_ms: u64,
    },
    /// One sender waits for too many answers.
    #[error("{open_max} requests of one sender are open; wait for one of them before the next")]
    TooManyRequests {
        /// How many may be open.
        open_max: usize,
    },
    /// The receiver has dropped its end.
    #[error(
        "{to} is gone, so the {kind:?} message for it is a dead letter; treat what it was doing as ended"
    )]
    Gone {
        /// The receiver.
        to: Address,
        /// What it was to get.
        kind: MessageKind,
    },
    /// The receiver's inbox stayed full.
    #[error(
        "the inbox of {to} stayed full for {waited_ms} ms, so the {kind:?} message for it is a dead letter; the receiver has stopped reading: end it"
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
    #[error("{to} ended without reading the {kind:?} message, which is now a dead letter")]
    Unread {
        /// The receiver.
        to: Address,
        /// What it would have got.
        kind: MessageKind,
    },
    /// The owner has an inbox that is in use.
    #[error("{owner} is registered already; close it before it is registered again")]
    AlreadyRegistered {
        /// Whose.
        owner: Address,
    },
    /// An envelope was not written as JSON.
    #[error("message {id} for {to} was not sent: {why}")]
    NotSent {
        /// The message.
        id: MessageId,
        /// The receiver.
        to: Address,
        /// Why.
        why: WireFault,
    },
    /// What came is no envelope that can be taken.
    #[error("a message was refused: {why}")]
    NotRead {
        /// Why.
        why: WireFault,
    },
}

/// What is wrong with an envelope as JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireFault {
    /// It is too large.
    #[error("it has {bytes} bytes, and {bytes_max} is the most; send what is large by its hash")]
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
        /// The largest, in bytes.
        bytes_max: usize,
    },
    /// It is no JSON.
    #[error("it is no JSON: {why}")]
    NotJson {
        /// What the parser says.
        why: String,
    },
    /// It does not say of which version it is.
    #[error("`/version` is no whole number, so nobody can tell how to read it")]
    NoVersion,
    /// It is of a version that came after this program.
    #[error(
        "it is of version {version} and this program knows messages up to version {known}; bring this side up to date, or have the other one write version {known}"
    )]
    NewerVersion {
        /// Its version.
        version: u64,
        /// The newest that is known.
        known: u8,
    },
    /// It is of an older version and cannot be made one of today.
    #[error("it is of version {version} and cannot be upgraded: {why}")]
    NoUpgrade {
        /// Its version.
        version: u64,
        /// Why.
        why: String,
    },
    /// There is no such kind of message.
    #[error("`/message/kind` is `{kind}`, which is no kind of message; there are {known}")]
    UnknownKind {
        /// Its kind, cut to 80 characters.
        kind: String,
        /// The kinds there are, with commas.
        known: String,
    },
    /// It does not fit its schema.
    #[error("it is no {kind} message: {}", faults.join("; "))]
    DoesNotFit {
        /// Its kind.
        kind: String,
        /// What does not fit, each with its place as a JSON pointer.
        faults: Vec<String>,
    },
    /// It is named as the message of somebody else.
    #[error("its name is {id} and it says that {from} sends it; a message is named by its sender")]
    WrongSender {
        /// Its name.
        id: MessageId,
        /// Who sends it, as it says.
        from: Address,
    },
}

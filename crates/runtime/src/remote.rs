//! A live run within reach of other processes of the same user: a Unix socket in the run's own
//! folder, on which lines of JSON are exchanged. In here are the words; `place` is where the
//! socket lies, `wire` reads and writes lines, `server` stands beside the run loop, `client` is
//! what another process holds. Whoever connects is hostile until checked: every size, wait and
//! number has a bound, and the run loop itself only answers what costs it next to nothing.

use crate::status::Status;
use leadhand_journal::Verified;
use leadhand_protocol::{Ask, ContentHash, Outcome, PersonInput, Plan, Record, RequestId, Seq};
use serde::{Deserialize, Serialize};

mod client;
mod error;
mod place;
mod server;
mod wire;

pub use client::{RemoteRecords, RemoteRun, StoredRecords, Told};
pub use error::RemoteError;
pub(crate) use server::{Remote, Wish};

/// Version of what is said over the socket. A request of another version is refused by name.
pub const REMOTE_VERSION: u32 = 1;
/// Connections that are open at once; one more is told so and closed.
pub const CONNECTIONS_MAX: usize = 32;
/// Largest request, in bytes: a plan of some hundred tasks fits.
pub const REQUEST_BYTES_MAX: usize = 1024 * 1024;
/// A connection that asks for nothing, or does not read what it is told, is closed after so
/// many milliseconds.
pub const CLIENT_WAIT_MS: u64 = 10_000;
/// Milliseconds between two requests of one connection, so that none can flood the run.
pub const REQUEST_GAP_MS: u64 = 5;
/// Connections for which stored records are read at once: each holds a piece of them in memory.
pub const READERS_MAX: usize = 4;
/// From this size on a piece of stored records is sent before more are read, in bytes of JSON.
pub const PIECE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long a run that has ended waits for its last word to be read, in milliseconds.
pub const FAREWELL_MS: u64 = 1_000;

/// One line from a client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Request {
    version: u32,
    #[serde(flatten)]
    wanted: Wanted,
}

/// What is looked at before anything else of a line.
#[derive(Deserialize)]
struct Head {
    version: u32,
}

/// What a client wants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
enum Wanted {
    /// That an order of a person is followed: `ok` or `refused`.
    Order { order: Box<PersonInput> },
    /// The questions that are open.
    Questions,
    /// How far the run is.
    Status,
    /// The plan as it stands.
    Plan,
    /// All records from one on, then `all`.
    Records { from: Seq },
    /// The same, and then each one as it comes, to the end of the run.
    Follow { from: Seq },
    /// That all records are checked against their chain, and whether a head that was noted is in it.
    Verify { noted: Option<ContentHash> },
    /// Nothing but the outcome, which every connection is told that is open at the end.
    Wait,
}

/// One line to a client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
enum Reply {
    /// The order is on record.
    Ok,
    /// The order cannot be followed, and what to do instead.
    Refused { why: String },
    /// The request is none, or nobody who asks it here is answered.
    Fault { fault: Fault, why: String },
    /// The questions that are open.
    Questions { open: Vec<OpenQuestion> },
    /// How far the run is.
    Status { status: Box<Status> },
    /// The plan; none before there is one.
    Plan { plan: Option<Box<Plan>> },
    /// One record.
    Record { record: Box<Record> },
    /// These were all records there are.
    All,
    /// What came of checking them.
    Verified { verified: Verified },
    /// The run is over or stands still. The last line.
    Ended { outcome: Box<Outcome> },
}

/// Why a client is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Fault {
    /// It runs as another user.
    AnotherUser,
    /// It speaks another version.
    Version,
    /// Too many are connected.
    Busy,
    /// What it sent is no request.
    Unreadable,
}

/// A question that is open, and the name of exactly what it asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenQuestion {
    /// Its number in the run.
    pub question: RequestId,
    /// The [`Ask::digest`] of what is asked; an answer that names another one is refused.
    pub digest: ContentHash,
    /// What is asked, exactly as it will be done.
    pub ask: Ask,
}

impl OpenQuestion {
    /// The questions of a run with their digests.
    pub fn of<'a>(open: impl IntoIterator<Item = (&'a RequestId, &'a Ask)>) -> Vec<Self> {
        let named = open.into_iter().map(|(question, ask)| Self {
            question: *question,
            digest: ask.digest(),
            ask: ask.clone(),
        });
        named.collect()
    }
}

/// The effective user of this process.
fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

//! What another process holds of a live run.

use super::wire::{self, Lines};
use super::{Fault, OpenQuestion, REMOTE_VERSION, Reply, Request, Wanted, own_user, place};
use crate::remote::RemoteError;
use crate::status::Status;
use leadhand_journal::{Journal, RECORD_BYTES_MAX, Verified};
use leadhand_protocol::{ContentHash, Outcome, PersonInput, Plan, Record, RunId, Seq};
use std::io::{self, ErrorKind};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;

/// Longest line that is read, in bytes: a record and what is around it.
const REPLY_BYTES_MAX: usize = RECORD_BYTES_MAX + 64 * 1024;

/// A run that another process carries out. Dropping it leaves the run alone.
pub struct RemoteRun {
    run: RunId,
    lines: Lines,
    to: OwnedWriteHalf,
}

impl RemoteRun {
    /// Connects to a live run of this journal.
    ///
    /// # Errors
    /// [`RemoteError::NotListening`], also for a journal without folders, and
    /// [`RemoteError::AnotherUser`].
    pub async fn connect(journal: &dyn Journal, run: &RunId) -> Result<Self, RemoteError> {
        let fault = |source: io::Error| match source.kind() {
            ErrorKind::PermissionDenied => RemoteError::AnotherUser {
                run: run.clone(),
                why: "its control socket is closed to this user".to_owned(),
            },
            _ => RemoteError::NotListening {
                run: run.clone(),
                source,
            },
        };
        let none = || fault(ErrorKind::NotFound.into());
        let folder = journal.folder(run).ok_or_else(none)?;
        let place = place::named(&folder).map_err(fault)?;
        let stream = UnixStream::connect(&place.path).await.map_err(fault)?;
        // A folder that others can write to may hold another user's socket.
        let theirs = stream.peer_cred().map_err(fault)?.uid();
        if theirs != own_user() {
            return Err(RemoteError::AnotherUser {
                run: run.clone(),
                why: format!(
                    "who listens is the user {theirs}, and this is {}",
                    own_user()
                ),
            });
        }
        let (from, to) = stream.into_split();
        Ok(Self {
            run: run.clone(),
            lines: Lines::new(from, REPLY_BYTES_MAX),
            to,
        })
    }

    /// Gives an order and waits until it is on record.
    ///
    /// # Errors
    /// [`RemoteError::Refused`] when it cannot be followed; and as the others.
    pub async fn order(&mut self, order: PersonInput) -> Result<(), RemoteError> {
        let order = Box::new(order);
        match self.ask(Wanted::Order { order }).await? {
            Reply::Ok => Ok(()),
            reply => Err(self.unexpected(&reply)),
        }
    }

    /// The questions that are open.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub async fn questions(&mut self) -> Result<Vec<OpenQuestion>, RemoteError> {
        match self.ask(Wanted::Questions).await? {
            Reply::Questions { open } => Ok(open),
            reply => Err(self.unexpected(&reply)),
        }
    }

    /// How far the run is.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub async fn status(&mut self) -> Result<Status, RemoteError> {
        match self.ask(Wanted::Status).await? {
            Reply::Status { status } => Ok(*status),
            reply => Err(self.unexpected(&reply)),
        }
    }

    /// The plan as it stands; none before there is one.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub async fn plan(&mut self) -> Result<Option<Plan>, RemoteError> {
        match self.ask(Wanted::Plan).await? {
            Reply::Plan { plan } => Ok(plan.map(|plan| *plan)),
            reply => Err(self.unexpected(&reply)),
        }
    }

    /// All records there are from one on.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub async fn records(&mut self, from: Seq) -> Result<Vec<Record>, RemoteError> {
        let mut stored = self.stored(from).await;
        let mut records = Vec::new();
        while let Some((record, _)) = stored.next().await? {
            records.push(record);
        }
        Ok(records)
    }

    /// The same, as they come. Nothing else can be asked before the last of them has come.
    pub async fn stored(&mut self, from: Seq) -> StoredRecords<'_> {
        // Why it could not be sent is told by what comes next.
        let _ = self.send(Wanted::Records { from }).await;
        StoredRecords(self)
    }

    /// Has the run's process check all records there are against their chain, and look for a head
    /// that was noted.
    ///
    /// # Errors
    /// [`RemoteError`]. What does not hold is no error.
    pub async fn verify(&mut self, noted: Option<ContentHash>) -> Result<Verified, RemoteError> {
        match self.ask(Wanted::Verify { noted }).await? {
            Reply::Verified { verified } => Ok(verified),
            reply => Err(self.unexpected(&reply)),
        }
    }

    /// All records from one on, and those that come, to the end of the run.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub async fn follow(mut self, from: Seq) -> Result<RemoteRecords, RemoteError> {
        self.send(Wanted::Follow { from }).await?;
        Ok(RemoteRecords(self))
    }

    /// Waits until the run is over or stands still. That it can be opened by others is sure
    /// then.
    ///
    /// # Errors
    /// [`RemoteError::Gone`] when its process ends without an outcome; and as the others.
    pub async fn outcome(mut self) -> Result<Outcome, RemoteError> {
        // A run that has just ended says so unasked, and takes no request any more.
        let sent = self.send(Wanted::Wait).await;
        match self.next().await {
            Ok(Reply::Ended { outcome }) => Ok(*outcome),
            Ok(reply) => Err(self.unexpected(&reply)),
            Err(error) => Err(sent.err().unwrap_or(error)),
        }
    }

    async fn ask(&mut self, wanted: Wanted) -> Result<Reply, RemoteError> {
        let sent = self.send(wanted).await;
        match self.next().await {
            Ok(reply) => Ok(reply),
            // Why it was not taken may have been said before it was sent.
            Err(RemoteError::Gone { .. }) if sent.is_err() => Err(self.gone()),
            Err(error) => Err(error),
        }
    }

    async fn send(&mut self, wanted: Wanted) -> Result<(), RemoteError> {
        let version = REMOTE_VERSION;
        let request = Request { version, wanted };
        let sent = wire::write(&mut self.to, &request).await;
        sent.map_err(|_| self.gone())
    }

    async fn next(&mut self) -> Result<Reply, RemoteError> {
        self.next_line().await.map(|(reply, _)| reply)
    }

    /// The next reply, and how long its line was, in bytes.
    async fn next_line(&mut self) -> Result<(Reply, usize), RemoteError> {
        let line = self
            .lines
            .next()
            .await
            .map_err(|error| match error.kind() {
                ErrorKind::InvalidData => self.unreadable(error.to_string()),
                _ => self.gone(),
            })?;
        let line = line.ok_or_else(|| self.gone())?;
        let reply: Reply =
            serde_json::from_slice(&line).map_err(|error| self.unreadable(error.to_string()))?;
        let run = self.run.clone();
        match reply {
            Reply::Refused { why } => Err(RemoteError::Refused { run, why }),
            Reply::Fault {
                fault: Fault::AnotherUser,
                why,
            } => Err(RemoteError::AnotherUser { run, why }),
            Reply::Fault { why, .. } => Err(RemoteError::Declined { run, why }),
            reply => Ok((reply, line.len())),
        }
    }

    fn gone(&self) -> RemoteError {
        let run = self.run.clone();
        RemoteError::Gone { run }
    }

    fn unreadable(&self, what: String) -> RemoteError {
        let run = self.run.clone();
        RemoteError::Unreadable { run, what }
    }

    /// A run that ends while it is asked something says only that.
    fn unexpected(&self, reply: &Reply) -> RemoteError {
        match reply {
            Reply::Ended { .. } => self.gone(),
            _ => self.unreadable("it is no answer to what was asked".to_owned()),
        }
    }
}

/// The records that a live run has stored.
pub struct StoredRecords<'a>(&'a mut RemoteRun);

impl StoredRecords<'_> {
    /// The next one and how long it was as a line, in bytes; none after the last.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub async fn next(&mut self) -> Result<Option<(Record, usize)>, RemoteError> {
        match self.0.next_line().await? {
            (Reply::Record { record }, bytes) => Ok(Some((*record, bytes))),
            (Reply::All, _) => Ok(None),
            (reply, _) => Err(self.0.unexpected(&reply)),
        }
    }
}

/// The records of a live run, as they come.
pub struct RemoteRecords(RemoteRun);

/// What is told of a run that is followed.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// The next record.
    Record(Box<Record>),
    /// The run is over or stands still; nothing follows.
    Ended(Box<Outcome>),
}

impl RemoteRecords {
    /// What comes next.
    ///
    /// # Errors
    /// [`RemoteError::Gone`] when the run's process ends without an outcome; and as the others.
    pub async fn next(&mut self) -> Result<Told, RemoteError> {
        match self.0.next().await? {
            Reply::Record { record } => Ok(Told::Record(record)),
            Reply::Ended { outcome } => Ok(Told::Ended(outcome)),
            reply => Err(self.0.unexpected(&reply)),
        }
    }
}

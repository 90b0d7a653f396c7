//! The end of the socket that stands beside the run loop. Connections have tasks of their own;
//! the loop is only handed what it alone can answer, one small thing at a time.

use super::wire::{self, Lines};
use super::{
    CLIENT_WAIT_MS, CONNECTIONS_MAX, FAREWELL_MS, Fault, Head, OpenQuestion, READERS_MAX,
    REMOTE_VERSION, REQUEST_BYTES_MAX, REQUEST_GAP_MS, Reply, Request, Wanted, own_user, place,
};
use crate::person::Order;
use crate::status::Status;
use leadhand_journal::Journal;
use leadhand_protocol::{Outcome, Plan, Record, RunId, Seq};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, broadcast, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Requests that wait for the loop; each connection has at most one.
const WISHES_WAITING_MAX: usize = CONNECTIONS_MAX;
/// Records kept for a follower that is slower than the run; beyond, it reads the journal.
const RECORDS_KEPT_MAX: usize = 256;

/// What only the loop can answer.
#[derive(Debug)]
pub(crate) enum Wish {
    Order(Order),
    Questions(oneshot::Sender<Vec<OpenQuestion>>),
    Status(oneshot::Sender<Status>),
    Plan(oneshot::Sender<Option<Plan>>),
}

/// The loop's end. Dropping it closes every connection and takes the socket away.
pub(crate) struct Remote {
    place: place::Place,
    wishes: mpsc::Receiver<Wish>,
    told: broadcast::Sender<Arc<Record>>,
    ended: watch::Sender<Option<Arc<Outcome>>>,
    tasks: JoinSet<()>,
}

impl Remote {
    /// Listens in the folder of a run whose lock is held. A run that cannot listen goes on
    /// without.
    pub(crate) fn listen(run: &RunId, journal: &Arc<dyn Journal>) -> Option<Self> {
        let folder = journal.folder(run)?;
        let opened = place::open(&folder)
            .and_then(|(listener, place)| Ok((UnixListener::from_std(listener)?, place)));
        let (listener, place) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                tracing::warn!(%run, %error, "the run cannot be reached by other processes");
                return None;
            }
        };
        let (wish, wishes) = mpsc::channel(WISHES_WAITING_MAX);
        let (told, _) = broadcast::channel(RECORDS_KEPT_MAX);
        let (ended, end) = watch::channel(None);
        let house = House {
            run: run.clone(),
            journal: Arc::clone(journal),
            wish,
            told: told.clone(),
            end,
            readers: Arc::new(Semaphore::new(READERS_MAX)),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, house));
        Some(Self {
            place,
            wishes,
            told,
            ended,
            tasks,
        })
    }

    /// What is wanted next; never for a run that does not listen.
    pub(crate) async fn next(remote: &mut Option<Self>) -> Option<Wish> {
        match remote {
            Some(remote) => remote.wishes.recv().await,
            None => std::future::pending().await,
        }
    }

    /// Tells followers of a record that is durable.
    pub(crate) fn tell(&self, record: &Record) {
        if self.told.receiver_count() > 0 {
            // The last follower may just have gone.
            let _ = self.told.send(Arc::new(record.clone()));
        }
    }

    /// Nobody can connect any more; those who are connected stay.
    pub(crate) fn shut(self) -> Farewell {
        drop(self.place);
        Farewell {
            ended: self.ended,
            tasks: self.tasks,
        }
    }
}

/// Who is connected to a run that has ended.
pub(crate) struct Farewell {
    ended: watch::Sender<Option<Arc<Outcome>>>,
    tasks: JoinSet<()>,
}

impl Farewell {
    /// Tells everybody the outcome, and waits for slow ones for a moment.
    pub(crate) async fn say(mut self, outcome: &Outcome) {
        self.ended.send_replace(Some(Arc::new(outcome.clone())));
        let all_gone = async { while self.tasks.join_next().await.is_some() {} };
        let _ = timeout(Duration::from_millis(FAREWELL_MS), all_gone).await;
    }
}

/// What connections share.
#[derive(Clone)]
struct House {
    run: RunId,
    journal: Arc<dyn Journal>,
    wish: mpsc::Sender<Wish>,
    told: broadcast::Sender<Arc<Record>>,
    end: watch::Receiver<Option<Arc<Outcome>>>,
    readers: Arc<Semaphore>,
}

impl House {
    /// The outcome, once there is one. A loop that is gone without one takes this task along.
    async fn end(&mut self) -> Arc<Outcome> {
        let end = self.end.wait_for(Option::is_some).await;
        let outcome = end.ok().and_then(|outcome| outcome.clone());
        match outcome {
            Some(outcome) => outcome,
            None => std::future::pending().await,
        }
    }
}

async fn serve(listener: UnixListener, mut house: House) {
    let mut connections = JoinSet::new();
    loop {
        let visitor = house.clone();
        tokio::select! {
            _ = house.end() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => match admit(&stream, connections.len()) {
                    Ok(()) => {
                        connections.spawn(attend(stream, visitor));
                    }
                    Err((fault, why)) => turn_away(&stream, fault, why),
                },
                // No file handle is left, or the like: others may give some back.
                Err(error) => {
                    tracing::warn!(run = %house.run, %error, "a connection cannot be accepted");
                    sleep(Duration::from_millis(REQUEST_GAP_MS)).await;
                }
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Whether a connection is taken; the user is checked before anything is read of it.
fn admit(stream: &UnixStream, connections: usize) -> Result<(), (Fault, String)> {
    let own = own_user();
    match stream.peer_cred() {
        Ok(peer) if peer.uid() == own => {}
        Ok(peer) => {
            let why = format!(
                "it is the run of user {own}, and this is user {}",
                peer.uid()
            );
            return Err((Fault::AnotherUser, why));
        }
        Err(error) => {
            let why = format!("the system does not say which user this is: {error}");
            return Err((Fault::AnotherUser, why));
        }
    }
    if connections >= CONNECTIONS_MAX {
        let why = format!(
            "{CONNECTIONS_MAX} are connected already, which is all it takes: try again when one is gone"
        );
        return Err((Fault::Busy, why));
    }
    Ok(())
}

/// Says why, if that can be said without waiting: a fresh connection has room for a line.
fn turn_away(stream: &UnixStream, fault: Fault, why: String) {
    let mut line = serde_json::to_vec(&Reply::Fault { fault, why }).unwrap_or_default();
    line.push(b'\n');
    let _ = stream.try_write(&line);
}

/// One connection, to its end.
async fn attend(stream: UnixStream, house: House) {
    let (from, to) = stream.into_split();
    let mut visit = Visit {
        lines: Lines::new(from, REQUEST_BYTES_MAX),
        to,
        house,
    };
    // A client that goes away, or is too slow, is no fault of the run.
    if let Err(error) = visit.serve().await {
        tracing::debug!(run = %visit.house.run, %error, "a connection ended");
    }
}

struct Visit {
    lines: Lines,
    to: OwnedWriteHalf,
    house: House,
}

impl Visit {
    async fn serve(&mut self) -> io::Result<()> {
        let wait = Duration::from_millis(CLIENT_WAIT_MS);
        loop {
            let line = tokio::select! {
                outcome = self.house.end() => return self.bid_farewell(&outcome).await,
                line = timeout(wait, self.lines.next()) => line,
            };
            let line = match line {
                Ok(Ok(Some(line))) => line,
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(error)) if error.kind() == ErrorKind::InvalidData => {
                    return self.fault(Fault::Unreadable, error.to_string()).await;
                }
                Ok(Err(error)) => return Err(error),
                Err(_) => {
                    let why = format!("nothing was asked for {CLIENT_WAIT_MS} ms");
                    return self.fault(Fault::Unreadable, why).await;
                }
            };
            match read(&line) {
                Ok(wanted) => {
                    if !self.fulfil(wanted).await? {
                        return Ok(());
                    }
                }
                Err((fault, why)) => return self.fault(fault, why).await,
            }
            sleep(Duration::from_millis(REQUEST_GAP_MS)).await;
        }
    }

    /// Gives whether another request may follow.
    async fn fulfil(&mut self, wanted: Wanted) -> io::Result<bool> {
        let reply = match wanted {
            Wanted::Order { order } => {
                let (heard, answer) = oneshot::channel();
                let wish = Wish::Order(Order {
                    input: *order,
                    heard: Some(heard),
                });
                self.wish(wish, answer).await.map(|heard| match heard {
                    Ok(()) => Reply::Ok,
                    Err(refusal) => Reply::Refused {
                        why: refusal.to_string(),
                    },
                })
            }
            Wanted::Questions => {
                let (heard, answer) = oneshot::channel();
                let open = self.wish(Wish::Questions(heard), answer).await;
                open.map(|open| Reply::Questions { open })
            }
            Wanted::Status => {
                let (heard, answer) = oneshot::channel();
                let status = self.wish(Wish::Status(heard), answer).await;
                status.map(|status| Reply::Status {
                    status: Box::new(status),
                })
            }
            Wanted::Plan => {
                let (heard, answer) = oneshot::channel();
                let plan = self.wish(Wish::Plan(heard), answer).await;
                plan.map(|plan| Reply::Plan {
                    plan: plan.map(Box::new),
                })
            }
            Wanted::Records { from } => {
                self.stored(from).await?;
                Some(Reply::All)
            }
            Wanted::Verify { noted } => Some(self.verify(noted).await?),
            Wanted::Follow { from } => return self.follow(from).await.map(|()| false),
            Wanted::Wait => return self.wait().await.map(|()| false),
        };
        match reply {
            Some(reply) => self.say(&reply).await.map(|()| true),
            // The run has ended meanwhile, which is told next.
            None => Ok(true),
        }
    }

    /// Hands a wish to the loop and waits for the answer; none when the loop is past answering.
    async fn wish<T>(&self, wish: Wish, answer: oneshot::Receiver<T>) -> Option<T> {
        self.house.wish.send(wish).await.ok()?;
        answer.await.ok()
    }

    async fn follow(&mut self, from: Seq) -> io::Result<()> {
        let mut told = self.house.told.subscribe();
        let mut next = self.stored(from).await?;
        loop {
            let record = tokio::select! {
                biased;
                record = told.recv() => record,
                outcome = self.house.end() => return self.bid_farewell(&outcome).await,
                _ = self.lines.next() => return Ok(()),
            };
            match record {
                Ok(record) if record.seq == next => {
                    next += 1;
                    let record = Box::new(Record::clone(&record));
                    self.say(&Reply::Record { record }).await?;
                }
                Ok(record) if record.seq < next => {}
                // What was missed is in the journal.
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {
                    next = self.stored(next).await?;
                }
                Err(broadcast::error::RecvError::Closed) => return Ok(()),
            }
        }
    }

    /// A client that says something, or goes, does not wait any more.
    async fn wait(&mut self) -> io::Result<()> {
        tokio::select! {
            outcome = self.house.end() => self.bid_farewell(&outcome).await,
            _ = self.lines.next() => Ok(()),
        }
    }

    async fn bid_farewell(&mut self, outcome: &Arc<Outcome>) -> io::Result<()> {
        let outcome = Box::new(Outcome::clone(outcome));
        self.say(&Reply::Ended { outcome }).await
    }

    async fn fault(&mut self, fault: Fault, why: String) -> io::Result<()> {
        self.say(&Reply::Fault { fault, why }).await
    }

    async fn say(&mut self, reply: &Reply) -> io::Result<()> {
        let mut line = Vec::new();
        wire::push(&mut line, reply)?;
        self.write(&line).await
    }

    /// Writes lines, for whose reading the client has [`CLIENT_WAIT_MS`].
    async fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let wait = Duration::from_millis(CLIENT_WAIT_MS);
        let written = timeout(wait, self.to.write_all(lines)).await;
        written.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
    }
}

/// The version is looked at first: what another one means cannot be known.
fn read(line: &[u8]) -> Result<Wanted, (Fault, String)> {
    let unreadable = |error: serde_json::Error| {
        (
            Fault::Unreadable,
            format!("this is no request: {error}; docs/override.md shows what one is"),
        )
    };
    let Head { version } = serde_json::from_slice(line).map_err(unreadable)?;
    if version != REMOTE_VERSION {
        let why = format!(
            "it speaks version {REMOTE_VERSION} and was spoken to in version {version}: use the program that the run was started with"
        );
        return Err((Fault::Version, why));
    }
    let request: Request = serde_json::from_slice(line).map_err(unreadable)?;
    Ok(request.wanted)
}

mod stored;
#[cfg(test)]
mod tests;

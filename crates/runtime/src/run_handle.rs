//! What a tool at work has of its run: it asks for locks and their kin, says things to other
//! agents, and hears what a person says meanwhile. Each request goes to the hub as a message, and
//! the engine decides.

mod desk;
mod requests;
mod stopwatch;

pub(crate) use desk::Desk;
pub(crate) use stopwatch::{Stopwatch, within};

use crate::runtime::Clock;
use desk::locked;
use leadhand_channel::Outbox;
use leadhand_protocol::CallId;
use leadhand_protocol::coordination::{CycleStep, NameError, Request, Told, WaitEnd, WaitId};
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;

/// Why a request brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// It was refused; nothing has changed.
    #[error("{0}")]
    Refused(String),
    /// It waited, and its wait ended without what it was for.
    #[error("{}", ended(.0))]
    Ended(WaitEnd),
    /// Its wait was ended, since agents waited for each other. What this agent holds it still
    /// holds, and the others wait for that.
    #[error("{}", deadlock(.0))]
    Deadlock(Vec<CycleStep>),
    /// The run ends, or there is none.
    #[error("the run is not there to answer: it ends, or the tool is called outside of a run")]
    Gone,
}

fn ended(why: &WaitEnd) -> String {
    match why {
        WaitEnd::DeadlineReached => {
            "the time to wait is over: ask again with more of it, or do without".to_owned()
        }
        WaitEnd::Cancelled => {
            "the wait was taken back: the run stops, or the call was made before and took it back"
                .to_owned()
        }
        WaitEnd::CannotBeMet { kind, name } => {
            format!("the {kind} `{name}` cannot come any more: go on without it")
        }
    }
}

fn deadlock(cycle: &[CycleStep]) -> String {
    let step = |step: &CycleStep| {
        let CycleStep { party, kind, name } = step;
        format!("{party} waits for {kind} `{name}`")
    };
    let steps: Vec<String> = cycle.iter().map(step).collect();
    format!(
        "a deadlock: {}; release what you hold, and ask for all that you need in one request",
        steps.join(", ")
    )
}

impl From<NameError> for RequestError {
    fn from(error: NameError) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<RequestError> for String {
    fn from(error: RequestError) -> Self {
        error.to_string()
    }
}

/// The run, as one tool call sees it. Cheap to clone; of no use once the call is over.
///
/// An agent has one wait at a time. While a request waits, the time that the call may take stands
/// still. Dropping the future of a request that waits takes the request back.
#[derive(Clone)]
pub struct RunHandle(Arc<Shared>);

struct Shared {
    call: CallId,
    /// The way to the hub; none outside of a run.
    outbox: Option<Outbox>,
    desk: Desk,
    clock: Clock,
    /// Requests made so far.
    asked: AtomicU32,
    stopwatch: Stopwatch,
    steered: Mutex<Vec<String>>,
}

impl fmt::Debug for RunHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunHandle({})", self.0.call)
    }
}

impl RunHandle {
    /// The handle of a call that is made outside of a run: everything it asks is answered by
    /// [`RequestError::Gone`]. For tests of tools.
    #[must_use]
    pub fn detached(call: CallId) -> Self {
        Self::new(call, None, Desk::default(), crate::runtime::system_clock())
    }

    pub(crate) fn new(call: CallId, outbox: Option<Outbox>, desk: Desk, clock: Clock) -> Self {
        Self(Arc::new(Shared {
            call,
            outbox,
            desk,
            clock,
            asked: AtomicU32::new(0),
            stopwatch: Stopwatch::default(),
            steered: Mutex::default(),
        }))
    }

    /// What people said to this agent since the call began, and since this was asked last.
    #[must_use]
    pub fn steered(&self) -> Vec<String> {
        std::mem::take(&mut *locked(&self.0.steered))
    }

    pub(crate) fn steer(&self, text: &str) {
        locked(&self.0.steered).push(text.to_owned());
    }

    pub(crate) fn stopwatch(&self) -> &Stopwatch {
        &self.0.stopwatch
    }

    pub(crate) fn clock_ms(&self) -> u64 {
        (self.0.clock)()
    }

    /// Asks the run, and waits for what comes of it. The other methods say the same in shorter
    /// words.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn request(&self, request: Request) -> Result<Told, RequestError> {
        let outbox = self.0.outbox.as_ref().ok_or(RequestError::Gone)?;
        let nth = self
            .0
            .asked
            .fetch_add(1, Ordering::Relaxed)
            .saturating_add(1);
        let Some(wait) = WaitId::of(self.0.call, nth) else {
            let call = self.0.call;
            return Err(RequestError::Refused(format!(
                "the call {call} has made more requests than one call may: go on in another call"
            )));
        };
        let (tell, told) = oneshot::channel();
        let mut open = Open::new(self, wait, tell, told);
        let asking = self.0.desk.send(outbox, Some((wait, request)));
        asking.await.map_err(|_| RequestError::Gone)?;
        open.sent = true;
        let told = (&mut open.told).await;
        open.sent = false;
        match told.map_err(|_| RequestError::Gone)? {
            Ok(Told::Ended(why)) => Err(RequestError::Ended(why)),
            Ok(Told::Deadlock(cycle)) => Err(RequestError::Deadlock(cycle)),
            Ok(told) => Ok(told),
            Err(why) => Err(RequestError::Refused(why)),
        }
    }
}

/// A request that is not answered yet. Whoever drops it wants no answer any more.
struct Open<'a> {
    handle: &'a RunHandle,
    wait: WaitId,
    /// Whether the hub knows of it, and was not heard of.
    sent: bool,
    told: oneshot::Receiver<Result<Told, String>>,
}

impl<'a> Open<'a> {
    fn new(
        handle: &'a RunHandle,
        wait: WaitId,
        tell: oneshot::Sender<Result<Told, String>>,
        told: oneshot::Receiver<Result<Told, String>>,
    ) -> Self {
        handle.0.desk.open(wait, tell);
        handle.0.stopwatch.begin();
        Self {
            handle,
            wait,
            sent: false,
            told,
        }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let Shared {
            call,
            desk,
            stopwatch,
            ..
        } = &*self.handle.0;
        stopwatch.end();
        // From here on an answer finds that nobody waits for it; one may have come before.
        self.told.close();
        let answer = self.told.try_recv().ok();
        desk.close(self.wait, self.sent && answer.is_none());
        if let Some(answer) = answer {
            desk.unwanted(call.agent, self.wait, answer);
        }
    }
}

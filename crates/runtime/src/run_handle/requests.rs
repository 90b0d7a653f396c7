//! All that a call can ask of its run, one method each. A time to wait is how long the request may
//! wait; none is as long as it takes.

use super::{RequestError, RunHandle};
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{
    Declaration, Delivered, LockAsk, LockHeld, LockMode, Need, Obtained, Payload, PrimitiveName,
    QuestionId, Request, Told,
};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

type Answer<T> = Result<T, RequestError>;

impl RunHandle {
    /// Has these locks, all or none.
    ///
    /// # Errors
    /// [`RequestError`], as of every request.
    pub async fn acquire(
        &self,
        locks: &[(&str, LockMode)],
        wait: Option<Duration>,
    ) -> Answer<Vec<LockHeld>> {
        let ask = |(lock, mode): &(&str, LockMode)| {
            let (lock, mode) = (PrimitiveName::new(*lock)?, *mode);
            Ok::<_, RequestError>(LockAsk { lock, mode })
        };
        let locks = locks.iter().map(ask).collect::<Answer<_>>()?;
        let deadline_ms = self.deadline_ms(wait);
        match self
            .request(Request::Acquire { locks, deadline_ms })
            .await?
        {
            Told::Obtained(Obtained::Locks(held)) => Ok(held),
            other => Err(unlike(&other)),
        }
    }

    /// Has one lock alone, however long that takes.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn lock(&self, lock: &str) -> Answer<LockHeld> {
        let held = self.acquire(&[(lock, LockMode::Exclusive)], None).await?;
        held.into_iter().next().ok_or(RequestError::Gone)
    }

    /// Holds an upgradable lock alone.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn upgrade(&self, lock: &LockHeld, wait: Option<Duration>) -> Answer<LockHeld> {
        let lock = lock.lock.clone();
        let deadline_ms = self.deadline_ms(wait);
        match self.request(Request::Upgrade { lock, deadline_ms }).await? {
            Told::Obtained(Obtained::Locks(held)) => {
                held.into_iter().next().ok_or(RequestError::Gone)
            }
            other => Err(unlike(&other)),
        }
    }

    /// Holds a lock no longer.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn release(&self, held: LockHeld) -> Answer<()> {
        let LockHeld { lock, fence, .. } = held;
        self.done(Request::Release { lock, fence }).await
    }

    /// Says what a semaphore, latch or quorum is; the same again changes nothing.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn declare(&self, name: &str, declaration: Declaration) -> Answer<()> {
        let name = PrimitiveName::new(name)?;
        self.done(Request::Declare { name, declaration }).await
    }

    /// Has permits of a semaphore.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn take(&self, semaphore: &str, permits: u32, wait: Option<Duration>) -> Answer<()> {
        let semaphore = PrimitiveName::new(semaphore)?;
        let deadline_ms = self.deadline_ms(wait);
        let request = Request::Take {
            semaphore,
            permits,
            deadline_ms,
        };
        self.request(request).await.map(drop)
    }

    /// Gives permits back.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn give(&self, semaphore: &str, permits: u32) -> Answer<()> {
        let semaphore = PrimitiveName::new(semaphore)?;
        self.done(Request::Give { semaphore, permits }).await
    }

    /// Waits until so many have arrived; gives how often the barrier was passed before.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn arrive(&self, barrier: &str, parties: u32, wait: Option<Duration>) -> Answer<u64> {
        let request = Request::Arrive {
            barrier: PrimitiveName::new(barrier)?,
            parties,
            deadline_ms: self.deadline_ms(wait),
        };
        match self.request(request).await? {
            Told::Obtained(Obtained::Passed { generation, .. }) => Ok(generation),
            other => Err(unlike(&other)),
        }
    }

    /// Counts a latch down by one.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn count_down(&self, latch: &str) -> Answer<()> {
        let latch = PrimitiveName::new(latch)?;
        self.done(Request::CountDown { latch }).await
    }

    /// Says that a latch will never be done.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn give_up(&self, latch: &str) -> Answer<()> {
        let latch = PrimitiveName::new(latch)?;
        self.done(Request::GiveUp { latch }).await
    }

    /// Waits until enough latches are done; gives those that are.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn join(
        &self,
        latches: &[&str],
        need: Need,
        wait: Option<Duration>,
    ) -> Answer<Vec<PrimitiveName>> {
        let latches = latches.iter().map(|it| PrimitiveName::new(*it));
        let request = Request::Join {
            latches: latches.collect::<Result<_, _>>()?,
            need,
            deadline_ms: self.deadline_ms(wait),
        };
        match self.request(request).await? {
            Told::Obtained(Obtained::Joined { done }) => Ok(done),
            other => Err(unlike(&other)),
        }
    }

    /// Votes.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn vote(&self, quorum: &str, choice: impl Into<Value> + Send) -> Answer<()> {
        let choice = Arc::new(choice.into());
        let quorum = PrimitiveName::new(quorum)?;
        self.done(Request::Vote { quorum, choice }).await
    }

    /// Waits until a quorum has decided; gives for what.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn decision(&self, quorum: &str, wait: Option<Duration>) -> Answer<Arc<Value>> {
        let quorum = PrimitiveName::new(quorum)?;
        let deadline_ms = self.deadline_ms(wait);
        let request = Request::AwaitQuorum {
            quorum,
            deadline_ms,
        };
        match self.request(request).await? {
            Told::Obtained(Obtained::Decided { choice, .. }) => Ok(choice),
            other => Err(unlike(&other)),
        }
    }

    /// An entry of the board: its version, and its value; version 0 is one that is not there.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn read(&self, key: &str) -> Answer<(u64, Option<Arc<Value>>)> {
        let key = PrimitiveName::new(key)?;
        self.entry(Request::Read { key }).await
    }

    /// Writes an entry of the board if it has this version; 0 is an entry that is not there.
    ///
    /// # Errors
    /// [`RequestError`]; refused when the entry has another version by now.
    pub async fn write(
        &self,
        key: &str,
        expected_version: u64,
        value: impl Into<Value> + Send,
    ) -> Answer<()> {
        let value = Arc::new(value.into());
        let request = Request::CompareAndSet {
            key: PrimitiveName::new(key)?,
            expected_version,
            value,
        };
        self.done(request).await
    }

    /// Waits until an entry of the board is newer than this version, and gives it.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn watch(
        &self,
        key: &str,
        after_version: u64,
        wait: Option<Duration>,
    ) -> Answer<(u64, Option<Arc<Value>>)> {
        let request = Request::Watch {
            key: PrimitiveName::new(key)?,
            after_version,
            deadline_ms: self.deadline_ms(wait),
        };
        self.entry(request).await
    }

    /// Gives a message to all who have subscribed to a topic; gives how many that are.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn publish(&self, topic: &str, payload: Payload) -> Answer<u32> {
        let topic = PrimitiveName::new(topic)?;
        match self.request(Request::Publish { topic, payload }).await? {
            Told::Published { receivers, .. } => Ok(receivers),
            other => Err(unlike(&other)),
        }
    }

    /// Gets what is published in a topic from now on, into this agent's inbox.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn subscribe(&self, topic: &str) -> Answer<()> {
        let topic = PrimitiveName::new(topic)?;
        self.done(Request::Subscribe { topic }).await
    }

    /// Gets no more of a topic.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn unsubscribe(&self, topic: &str) -> Answer<()> {
        let topic = PrimitiveName::new(topic)?;
        self.done(Request::Unsubscribe { topic }).await
    }

    /// Waits for the next message of this agent's inbox.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn receive(&self, wait: Option<Duration>) -> Answer<Delivered> {
        if let Some(message) = self.0.desk.claim() {
            return Ok(message);
        }
        let deadline_ms = self.deadline_ms(wait);
        match self.request(Request::Receive { deadline_ms }).await? {
            Told::Obtained(Obtained::Message(message)) => Ok(message),
            other => Err(unlike(&other)),
        }
    }

    /// Asks another agent, or the manager where none is named, and waits for the answer.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn ask(
        &self,
        to: Option<AgentId>,
        payload: Payload,
        wait: Option<Duration>,
    ) -> Answer<Payload> {
        let deadline_ms = self.deadline_ms(wait);
        let request = Request::Ask {
            to,
            payload,
            deadline_ms,
        };
        match self.request(request).await? {
            Told::Obtained(Obtained::Answered { payload, .. }) => Ok(payload),
            other => Err(unlike(&other)),
        }
    }

    /// Answers a question that was put to this agent.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn answer(&self, question: QuestionId, payload: Payload) -> Answer<()> {
        self.done(Request::Answer { question, payload }).await
    }

    async fn done(&self, request: Request) -> Answer<()> {
        self.request(request).await.map(drop)
    }

    async fn entry(&self, request: Request) -> Answer<(u64, Option<Arc<Value>>)> {
        match self.request(request).await? {
            Told::Entry { version, value, .. } => Ok((version, value)),
            other => Err(unlike(&other)),
        }
    }

    fn deadline_ms(&self, wait: Option<Duration>) -> Option<u64> {
        let ms = u64::try_from(wait?.as_millis()).unwrap_or(u64::MAX);
        Some(self.clock_ms().saturating_add(ms))
    }
}

/// The engine answers each request in its own way.
fn unlike(told: &Told) -> RequestError {
    RequestError::Refused(format!(
        "the run gave an answer to something else: {told:?}"
    ))
}

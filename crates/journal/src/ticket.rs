//! A promise of durability: a oneshot that needs no runtime to be awaited, and can be
//! waited for without one.

use crate::JournalError;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// Resolves when what was appended is durable at the journal's level, or cannot be.
/// Dropping it changes nothing about the append.
#[derive(Debug)]
#[must_use = "an append is durable only when its ticket says so"]
pub struct Ticket(Arc<Mutex<Slot>>);

/// The other end of a [`Ticket`], held by the journal. Dropped without an answer, it
/// answers [`JournalError::WriterGone`].
#[derive(Debug)]
pub struct Promise(Arc<Mutex<Slot>>);

#[derive(Debug, Default)]
struct Slot {
    outcome: Option<Result<(), JournalError>>,
    waker: Option<Waker>,
}

impl Ticket {
    /// A ticket and the promise that resolves it.
    pub fn pair() -> (Promise, Ticket) {
        let slot = Arc::new(Mutex::new(Slot::default()));
        (Promise(Arc::clone(&slot)), Ticket(slot))
    }

    /// A ticket that is resolved already.
    pub fn ready(outcome: Result<(), JournalError>) -> Ticket {
        Ticket(Arc::new(Mutex::new(Slot {
            outcome: Some(outcome),
            waker: None,
        })))
    }

    /// Blocks the thread until the ticket resolves.
    ///
    /// # Errors
    /// Why the records are not durable.
    pub fn wait(self) -> Result<(), JournalError> {
        let mut ticket = pin!(self);
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        loop {
            match ticket.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(outcome) => return outcome,
                Poll::Pending => thread::park(),
            }
        }
    }
}

impl Future for Ticket {
    type Output = Result<(), JournalError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut slot = lock(&self.0);
        if let Some(outcome) = &slot.outcome {
            return Poll::Ready(outcome.clone());
        }
        slot.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Promise {
    /// Resolves the ticket.
    pub fn resolve(self, outcome: Result<(), JournalError>) {
        answer(&self.0, outcome);
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        answer(&self.0, Err(JournalError::WriterGone));
    }
}

/// The first answer counts.
fn answer(slot: &Mutex<Slot>, outcome: Result<(), JournalError>) {
    let mut slot = lock(slot);
    if slot.outcome.is_none() {
        slot.outcome = Some(outcome);
        if let Some(waker) = slot.waker.take() {
            drop(slot);
            waker.wake();
        }
    }
}

/// A slot is whole after every statement, so a panic elsewhere cannot have spoiled it.
fn lock(slot: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

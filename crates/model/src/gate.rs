//! Lets so many calls in at once, and the others in turn: between the runs that wait, one of
//! each after the other, and within a run whoever came first. A run with ten thousand calls
//! waiting so holds up another by one call and not by ten thousand. Who is let in next is
//! decided in `turns`; here is the waiting.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

mod turns;

use turns::Turns;

/// One gate. A clone is the same one.
#[derive(Clone)]
pub(crate) struct Gate {
    turns: Arc<Mutex<Turns<oneshot::Sender<Permit>>>>,
}

/// Leave to be inside. Dropping it lets the next one in, also when it was handed to somebody
/// who had gone by then.
pub(crate) struct Permit {
    gate: Gate,
}

impl Gate {
    /// A gate that lets so many in at once; at least one.
    pub(crate) fn new(permits: usize) -> Self {
        Self {
            turns: Arc::new(Mutex::new(Turns::new(permits.max(1)))),
        }
    }

    /// Waits for the turn of this run. Dropping the future gives the turn up.
    pub(crate) async fn enter(&self, run: u64) -> Permit {
        loop {
            let (ticket, receiver) = {
                let mut turns = self.turns();
                if turns.take_free() {
                    return self.permit();
                }
                let (sender, receiver) = oneshot::channel();
                (turns.wait(run, sender), receiver)
            };
            let _place = Place {
                gate: self,
                run,
                ticket,
            };
            // The other end is only dropped unused together with the gate, which is held here.
            if let Ok(permit) = receiver.await {
                return permit;
            }
        }
    }

    fn permit(&self) -> Permit {
        Permit { gate: self.clone() }
    }

    /// Nothing that is called under the lock can panic half-way, so a poisoned one is whole.
    fn turns(&self) -> MutexGuard<'_, Turns<oneshot::Sender<Permit>>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        // Outside the lock: a permit that nobody takes any more is dropped where it is sent, or
        // with the channel of whoever went, and comes here again.
        let next = self.gate.turns().leave();
        if let Some(next) = next {
            drop(next.send(self.gate.permit()));
        }
    }
}

/// A place among those who wait. Once it is dropped nobody is let in for it.
struct Place<'a> {
    gate: &'a Gate,
    run: u64,
    ticket: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let gone = self.gate.turns().give_up(self.run, self.ticket);
        drop(gone);
    }
}

#[cfg(test)]
mod tests;

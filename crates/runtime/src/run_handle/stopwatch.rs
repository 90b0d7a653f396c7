//! The time that a call may take, which stands still while the call waits for others.

use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

/// How long a call has waited for others.
#[derive(Debug, Default)]
pub(crate) struct Stopwatch {
    waits: Mutex<Waits>,
    ended: Notify,
}

#[derive(Debug, Default)]
struct Waits {
    before: Duration,
    /// Requests that wait just now, and since when.
    open: u32,
    since: Option<Instant>,
}

impl Stopwatch {
    pub(super) fn begin(&self) {
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.open += 1;
        waits.since.get_or_insert_with(Instant::now);
    }

    pub(super) fn end(&self) {
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.open = waits.open.saturating_sub(1);
        if waits.open == 0
            && let Some(since) = waits.since.take()
        {
            waits.before += since.elapsed();
            self.ended.notify_one();
        }
    }

    /// How long the call waited in all, and whether it waits just now.
    fn waited(&self) -> (Duration, bool) {
        let waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        let now = waits.since.map_or(Duration::ZERO, |since| since.elapsed());
        (waits.before + now, waits.open > 0)
    }
}

/// What `work` gives within `time`, of which nothing passes while it waits for others.
pub(crate) async fn within<T>(
    time: Duration,
    stopwatch: &Stopwatch,
    work: impl Future<Output = T>,
) -> Option<T> {
    let began = Instant::now();
    let mut work = pin!(work);
    loop {
        let (waited, waits) = stopwatch.waited();
        let worked = began.elapsed().saturating_sub(waited);
        let left = time.saturating_sub(worked);
        if left.is_zero() && !waits {
            return None;
        }
        let pause = async {
            if waits {
                stopwatch.ended.notified().await;
            } else {
                sleep(left).await;
            }
        };
        tokio::select! {
            biased;
            done = &mut work => return Some(done),
            () = pause => {}
        }
    }
}

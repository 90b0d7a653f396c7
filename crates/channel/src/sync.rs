//! The locks of this room and its clock: the system's, or with the feature `shuttle` locks at which a
//! checker decides who goes on, so that a test sees the orders that chance would hardly ever give.

#[cfg(feature = "shuttle")]
pub(crate) use shuttle::sync::{Mutex, MutexGuard};
#[cfg(not(feature = "shuttle"))]
pub(crate) use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// The outcome of `work`, or nothing when it takes longer than `wait`. In a checker no time passes.
pub(crate) async fn within<T>(wait: Option<Duration>, work: impl Future<Output = T>) -> Option<T> {
    match wait.filter(|_| !cfg!(feature = "shuttle")) {
        Some(wait) => tokio::time::timeout(wait, work).await.ok(),
        None => Some(work.await),
    }
}

//! How long a model wants to be left alone. What one caller was told with `Retry-After` holds
//! for all callers of the model, so that a limited endpoint is not asked by each of them.

use crate::RetryPolicy;
use crate::retry::is_worth_another_attempt;
use leadhand_protocol::ModelFault;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The pause of one model.
#[derive(Default)]
pub(crate) struct Pause {
    until: Mutex<Option<Instant>>,
}

impl Pause {
    /// Takes from a fault how long to wait. A longer pause that is on stays. Who asks for more
    /// than `wait_ms_max` is not waited for by anybody, and pauses nobody.
    pub(crate) fn heed(&self, fault: &ModelFault, policy: &RetryPolicy) {
        let asked_ms = fault.retry_after_ms.filter(|ms| *ms <= policy.wait_ms_max);
        if let Some(ms) = asked_ms.filter(|_| is_worth_another_attempt(fault.kind)) {
            let then = Instant::now().checked_add(Duration::from_millis(ms));
            let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
            *until = then.max(*until);
        }
    }

    /// The end of the pause, while it lasts.
    pub(crate) fn until(&self) -> Option<Instant> {
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        *until = until.filter(|then| *then > Instant::now());
        *until
    }
}

//! When and how long to wait before another attempt: exponential, with full jitter, and
//! never sooner than the server asked. The loop that asks lives in `set`; nothing here waits.

use leadhand_protocol::{ModelFault, ModelFaultKind};
use serde::{Deserialize, Serialize};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How often one model is asked and how long is waited between. All bounds hold per model
/// of a request's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// Attempts at one model, the first one included; at least 1.
    pub attempts_max: u32,
    /// The longest wait before the second attempt; it doubles with every further one.
    pub first_wait_ms: u64,
    /// The longest wait of all. A server that asks for more than this is given up.
    pub wait_ms_max: u64,
    /// How long one attempt may take.
    pub attempt_ms_max: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts_max: 4,
            first_wait_ms: 500,
            wait_ms_max: 60_000,
            attempt_ms_max: 300_000,
        }
    }
}

impl RetryPolicy {
    /// Asks once.
    #[must_use]
    pub fn never() -> Self {
        Self {
            attempts_max: 1,
            ..Self::default()
        }
    }

    /// How long to wait after `failed` attempts that ended in `fault`, or none when another
    /// attempt at this model makes no sense. `random` is any number; it chooses the jitter.
    ///
    /// The wait is `random` modulo `first_wait_ms * 2^(failed - 1)`, capped by `wait_ms_max`
    /// ("full jitter"); a `Retry-After` is added below it, so that clients which were told
    /// the same moment do not all come back in it.
    #[must_use]
    pub fn wait(&self, failed: u32, fault: &ModelFault, random: u64) -> Option<Duration> {
        if failed >= self.attempts_max.max(1) || !is_worth_another_attempt(fault.kind) {
            return None;
        }
        let doublings = failed.saturating_sub(1).min(32);
        let ceiling = self
            .first_wait_ms
            .saturating_mul(1 << doublings)
            .min(self.wait_ms_max);
        let jitter = random % ceiling.saturating_add(1).max(1);
        match fault.retry_after_ms {
            Some(asked) if asked > self.wait_ms_max => None,
            Some(asked) => Some(Duration::from_millis(asked + jitter / 4)),
            None => Some(Duration::from_millis(jitter)),
        }
    }
}

/// Whether the same request may fare better on the same model a moment later.
#[must_use]
pub fn is_worth_another_attempt(kind: ModelFaultKind) -> bool {
    match kind {
        ModelFaultKind::Unreachable
        | ModelFaultKind::RateLimited
        | ModelFaultKind::ServerFailed
        | ModelFaultKind::TimedOut
        | ModelFaultKind::BadAnswer => true,
        ModelFaultKind::Unauthorised
        | ModelFaultKind::Refused
        | ModelFaultKind::ContextFull
        | ModelFaultKind::NotFound
        | ModelFaultKind::Cancelled => false,
    }
}

/// Random numbers for the jitter: a counter through a keyed hash. Whoever can guess them
/// gains nothing.
pub(crate) enum Jitter {
    Seeded(AtomicU64),
    Random(RandomState, AtomicU64),
}

impl Jitter {
    pub(crate) fn new(seed: Option<u64>) -> Self {
        match seed {
            Some(seed) => Self::Seeded(AtomicU64::new(seed)),
            None => Self::Random(RandomState::new(), AtomicU64::new(0)),
        }
    }

    pub(crate) fn next(&self) -> u64 {
        match self {
            Self::Seeded(state) => {
                // SplitMix64 (Steele, Lea, Flood 2014).
                let mut z = state.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
                z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                z ^ (z >> 31)
            }
            Self::Random(keys, count) => keys.hash_one(count.fetch_add(1, Ordering::Relaxed)),
        }
    }
}

//! The clocks of WASI over the clock of the call. A program that sleeps really waits, within the
//! time of its call.

use crate::chance::CallClock;
use std::sync::Arc;
use std::time::Duration;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock};

/// What is told of how fine the clocks are.
const RESOLUTION: Duration = Duration::from_micros(1);

pub(super) struct Clock(pub(super) Arc<CallClock>);

impl HostWallClock for Clock {
    fn resolution(&self) -> Duration {
        RESOLUTION
    }

    fn now(&self) -> Duration {
        self.0.time_of_day()
    }
}

impl HostMonotonicClock for Clock {
    fn resolution(&self) -> u64 {
        nanoseconds(RESOLUTION)
    }

    fn now(&self) -> u64 {
        nanoseconds(self.0.passed())
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

//! The time of day, with a grant.

use crate::chance::CallClock;
use crate::contract::clock::Host;
use crate::state::CallState;
use leadhand_protocol::Capability;

impl Host for CallState {
    async fn now_ms(&mut self) -> wasmtime::Result<Result<u64, String>> {
        self.meter.host_call()?;
        Ok(match &*self.clock {
            CallClock::Real { .. } => {
                let now = self.clock.time_of_day().as_millis();
                Ok(u64::try_from(now).unwrap_or(u64::MAX))
            }
            CallClock::Virtual { .. } => {
                self.refuse(Capability::Clock, "**");
                Err("The clock is closed to this call: there is no grant of clock.".to_owned())
            }
        })
    }
}

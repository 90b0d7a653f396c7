//! Random bytes, with a grant.

use crate::chance::Chance;
use crate::contract::random::Host;
use crate::state::CallState;
use leadhand_protocol::Capability;

/// Most bytes of one call, as the contract says.
const BYTES_MAX: u32 = 4_096;

impl Host for CallState {
    async fn bytes(&mut self, length: u32) -> wasmtime::Result<Result<Vec<u8>, String>> {
        self.meter.host_call()?;
        if matches!(self.chance, Chance::Seeded(_)) {
            self.refuse(Capability::Random, "**");
            let message = "Chance is closed to this call: there is no grant of random.";
            return Ok(Err(message.to_owned()));
        }
        if length > BYTES_MAX {
            return Ok(Err(format!(
                "{length} bytes are too many: at most {BYTES_MAX} at once."
            )));
        }
        Ok(Ok(self.chance.bytes(length as usize)?))
    }
}

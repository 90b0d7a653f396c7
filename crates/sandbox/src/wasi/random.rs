//! Chance as WASI has it, over the chance of the call. WASI knows no refusal, so without a grant
//! the bytes are made from the seed of the call, for all three interfaces.

use crate::meter::Stop;
use crate::state::CallState;
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

/// Most bytes of one call; the guest is stopped at it. wasmtime's own bound is 64 MiB.
const BYTES_MAX: u64 = 64 * 1024;

impl CallState {
    fn random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        self.meter.host_call()?;
        match usize::try_from(length) {
            Ok(length) if length as u64 <= BYTES_MAX => Ok(self.chance.bytes(length)?),
            _ => Err(Stop::RandomBytes.into()),
        }
    }

    fn random_number(&mut self) -> wasmtime::Result<u64> {
        self.meter.host_call()?;
        Ok(self.chance.number()?)
    }
}

impl random::Host for CallState {
    fn get_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        self.random_bytes(length)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        self.random_number()
    }
}

impl insecure::Host for CallState {
    fn get_insecure_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        self.random_bytes(length)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        self.random_number()
    }
}

impl insecure_seed::Host for CallState {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok((self.random_number()?, self.random_number()?))
    }
}

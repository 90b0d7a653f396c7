//! Notes for the person who reads the trace.

use crate::contract::log::{Host, Level};
use crate::meter::Ledger;
use crate::state::CallState;

impl Host for CallState {
    async fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.meter.host_call()?;
        note(&self.meter.ledger, &self.call_id, level, &message);
        Ok(())
    }
}

/// Logs what a guest says, as far as the limit of its call reaches. Escaped: a guest must not
/// draw on somebody's terminal.
pub(crate) fn note(ledger: &Ledger, call: &str, level: Level, message: &str) {
    let granted = message.floor_char_boundary(ledger.log(message.len()));
    if granted == 0 {
        return;
    }
    let message = message[..granted].escape_debug();
    match level {
        Level::Debug => tracing::debug!(target: "leadhand_sandbox::guest", call, %message),
        Level::Info => tracing::info!(target: "leadhand_sandbox::guest", call, %message),
        Level::Warn => tracing::warn!(target: "leadhand_sandbox::guest", call, %message),
    }
}

//! What a store holds for one call: its counters, and what it was handed. Everything in here is
//! gone with the call.

use crate::chance::{CallClock, Chance};
use crate::files::FileAccess;
use crate::meter::{Meter, Stop};
use crate::net::NetAccess;
use crate::wasi::WasiState;
use leadhand_protocol::{Capability, Grant, ToolLimits, ToolOutput};
use std::sync::Arc;
use std::time::Instant;
use wasmtime::{Store, UpdateDeadline};

/// Room for the parts of a guest's answer beside its text, in bytes.
const ANSWER_MARGIN_BYTES: usize = 64 * 1024;
/// What a component may use while it is asked for its tools.
const SPECS_FUEL_MAX: u64 = 2_000_000_000;

/// The state of one call.
pub(crate) struct CallState {
    pub(crate) meter: Meter,
    /// None for components that cannot name a file, and while one is asked for its tools.
    pub(crate) files: Option<Arc<FileAccess>>,
    /// None for components that cannot make a request, and while one is asked for its tools.
    pub(crate) net: Option<Box<NetAccess>>,
    /// None unless the component imports interfaces of WASI.
    pub(crate) wasi: Option<Box<WasiState>>,
    pub(crate) clock: Arc<CallClock>,
    pub(crate) chance: Chance,
    /// What was tried and refused, files and network aside.
    pub(crate) refused: Vec<Grant>,
    pub(crate) call_id: String,
}

impl CallState {
    /// A state in which every import is closed.
    pub(crate) fn closed(limits: ToolLimits) -> Self {
        Self {
            meter: Meter::new(limits),
            files: None,
            net: None,
            wasi: None,
            clock: Arc::new(CallClock::new(false, 0)),
            chance: Chance::Seeded(0),
            refused: Vec::new(),
            call_id: String::new(),
        }
    }

    /// What a component may use while it is asked for its tools: work, but neither files nor
    /// the host. A component that imports WASI reads its environment when it starts, so it may
    /// call the host; what it finds is empty.
    pub(crate) fn while_asked(imports_wasi: bool) -> Self {
        Self::closed(ToolLimits {
            fuel_max: SPECS_FUEL_MAX,
            host_calls_max: if imports_wasi { 10_000 } else { 0 },
            file_bytes_read_max: 0,
            file_bytes_written_max: 1_000_000,
            log_bytes_max: 0,
            ..ToolLimits::default()
        })
    }

    /// Notes what the call lacked a grant for; at most so many as are told of it.
    pub(crate) fn refuse(&mut self, capability: Capability, resource: &str) {
        let refused = Grant {
            capability,
            resource: resource.to_owned(),
        };
        if self.refused.len() < ToolOutput::REFUSED_MAX && !self.refused.contains(&refused) {
            self.refused.push(refused);
        }
    }

    /// Everything the call lacked a grant for.
    pub(crate) fn take_refused(&mut self) -> Vec<Grant> {
        let mut refused = self
            .files
            .as_ref()
            .map(|files| files.take_refused())
            .unwrap_or_default();
        refused.append(&mut self.refused);
        if let Some(net) = &self.net {
            refused.extend_from_slice(net.refused());
        }
        refused.truncate(ToolOutput::REFUSED_MAX);
        refused
    }

    /// Puts the limits of the state into force.
    pub(crate) fn enforce(
        store: &mut Store<Self>,
        deadline: Option<Instant>,
    ) -> wasmtime::Result<()> {
        let limits = &store.data().meter.limits;
        let fuel = limits.fuel_max;
        let largest = usize::try_from(limits.file_bytes_written_max).unwrap_or(usize::MAX);
        let largest = largest.saturating_add(limits.output_bytes_max);
        // What one call of a function may make the host copy and allocate; wasmtime's own bound
        // is 128 MiB.
        store.set_hostcall_fuel(largest.saturating_add(ANSWER_MARGIN_BYTES));
        store.limiter(|state| &mut state.meter);
        store.set_fuel(fuel)?;
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |store| {
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(Stop::Time.into());
            }
            store.data().meter.within_host_calls()?;
            Ok(UpdateDeadline::Yield(1))
        });
        Ok(())
    }
}

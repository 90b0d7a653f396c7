//! What one call has used of each of its limits. wasmtime's own limiter caps every memory by
//! itself; this one caps their sum.

use leadhand_protocol::ToolLimits;
use std::fmt;
use wasmtime::ResourceLimiter;

/// A limit at which the guest is stopped. Other limits are told to the guest, which may then
/// give what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stop {
    #[error("its time is over")]
    Time,
    #[error("it called the host too often")]
    HostCalls,
}

/// Counters of one call.
#[derive(Debug)]
pub(crate) struct Meter {
    pub(crate) limits: ToolLimits,
    memory_bytes: usize,
    table_elements: usize,
    /// Whether the guest was refused memory: what then traps is no fault of its logic.
    pub(crate) memory_refused: bool,
    host_calls: u64,
    log_bytes: usize,
    pub(crate) file_bytes_read: u64,
    pub(crate) file_bytes_written: u64,
    pub(crate) folder_entries: usize,
}

impl Meter {
    pub(crate) fn new(limits: ToolLimits) -> Self {
        Self {
            limits,
            memory_bytes: 0,
            table_elements: 0,
            memory_refused: false,
            host_calls: 0,
            log_bytes: 0,
            file_bytes_read: 0,
            file_bytes_written: 0,
            folder_entries: 0,
        }
    }

    /// Counts a call from the guest to the host.
    pub(crate) fn host_call(&mut self) -> Result<(), Stop> {
        self.host_calls += 1;
        if self.host_calls > self.limits.host_calls_max {
            Err(Stop::HostCalls)
        } else {
            Ok(())
        }
    }

    /// How much of a note of `bytes` bytes may still be logged.
    pub(crate) fn log(&mut self, bytes: usize) -> usize {
        let granted = bytes.min(self.limits.log_bytes_max.saturating_sub(self.log_bytes));
        self.log_bytes += granted;
        granted
    }

    pub(crate) fn file_bytes_readable(&self) -> u64 {
        self.limits
            .file_bytes_read_max
            .saturating_sub(self.file_bytes_read)
    }

    pub(crate) fn file_bytes_writable(&self) -> u64 {
        self.limits
            .file_bytes_written_max
            .saturating_sub(self.file_bytes_written)
    }

    pub(crate) fn folder_entries_listable(&self) -> usize {
        self.limits
            .folder_entries_max
            .saturating_sub(self.folder_entries)
    }
}

impl fmt::Display for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "memory {} B, host calls {}, read {} B, written {} B, listed {}",
            self.memory_bytes,
            self.host_calls,
            self.file_bytes_read,
            self.file_bytes_written,
            self.folder_entries
        )
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        now: usize,
        wanted: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let sum = self.memory_bytes.saturating_sub(now).saturating_add(wanted);
        let granted = sum <= self.limits.memory_bytes_max;
        if granted {
            self.memory_bytes = sum;
        } else {
            self.memory_refused = true;
        }
        Ok(granted)
    }

    fn table_growing(
        &mut self,
        now: usize,
        wanted: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let sum = self
            .table_elements
            .saturating_sub(now)
            .saturating_add(wanted);
        let granted = sum <= self.limits.table_elements_max;
        if granted {
            self.table_elements = sum;
        }
        Ok(granted)
    }

    fn instances(&self) -> usize {
        self.limits.instances_max
    }

    fn tables(&self) -> usize {
        self.limits.instances_max
    }

    fn memories(&self) -> usize {
        self.limits.instances_max
    }
}

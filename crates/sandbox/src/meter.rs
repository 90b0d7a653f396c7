//! What one call has used of each of its limits. wasmtime's own limiter caps every memory by
//! itself; this one caps their sum. What streams and files use is counted apart, in a [`Ledger`]
//! that they share with the store.

use leadhand_protocol::ToolLimits;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use wasmtime::ResourceLimiter;

/// A limit at which the guest is stopped. Other limits are told to the guest, which may then
/// give what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stop {
    #[error("its time is over")]
    Time,
    #[error("it called the host too often")]
    HostCalls,
    #[error("it wanted too many random bytes at once")]
    RandomBytes,
}

/// Counters of one call.
#[derive(Debug)]
pub(crate) struct Meter {
    pub(crate) limits: ToolLimits,
    memory_bytes: usize,
    table_elements: usize,
    /// Whether the guest was refused memory: what then traps is no fault of its logic.
    pub(crate) memory_refused: bool,
    /// The same of table elements.
    pub(crate) table_refused: bool,
    host_calls: u64,
    pub(crate) folder_entries: usize,
    pub(crate) ledger: Arc<Ledger>,
}

impl Meter {
    pub(crate) fn new(limits: ToolLimits) -> Self {
        let ledger = Ledger {
            bytes_readable: AtomicU64::new(limits.file_bytes_read_max),
            bytes_writable: AtomicU64::new(limits.file_bytes_written_max),
            log_bytes: AtomicUsize::new(limits.log_bytes_max),
            files_openable: AtomicUsize::new(limits.open_files_max),
        };
        Self {
            limits,
            memory_bytes: 0,
            table_elements: 0,
            memory_refused: false,
            table_refused: false,
            host_calls: 0,
            folder_entries: 0,
            ledger: Arc::new(ledger),
        }
    }

    /// Counts a call from the guest to the host. Where nothing can be told to the guest, the
    /// count is looked at by [`Self::within_host_calls`] when its time slice ends.
    pub(crate) fn count_host_call(&mut self) {
        self.host_calls += 1;
    }

    pub(crate) fn within_host_calls(&self) -> Result<(), Stop> {
        if self.host_calls > self.limits.host_calls_max {
            Err(Stop::HostCalls)
        } else {
            Ok(())
        }
    }

    /// Counts a call from the guest to the host, and stops the guest at the limit.
    pub(crate) fn host_call(&mut self) -> Result<(), Stop> {
        self.count_host_call();
        self.within_host_calls()
    }

    pub(crate) fn folder_entries_listable(&self) -> usize {
        self.limits
            .folder_entries_max
            .saturating_sub(self.folder_entries)
    }
}

impl fmt::Display for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (limits, ledger) = (&self.limits, &self.ledger);
        write!(
            f,
            "memory {} B, host calls {}, read {} B, written {} B, listed {}",
            self.memory_bytes,
            self.host_calls,
            limits.file_bytes_read_max - ledger.bytes_readable(),
            limits.file_bytes_written_max - ledger.bytes_writable(),
            self.folder_entries
        )
    }
}

/// What a call may still use of files and of the log.
#[derive(Debug)]
pub(crate) struct Ledger {
    bytes_readable: AtomicU64,
    bytes_writable: AtomicU64,
    log_bytes: AtomicUsize,
    files_openable: AtomicUsize,
}

impl Ledger {
    pub(crate) fn bytes_readable(&self) -> u64 {
        self.bytes_readable.load(Ordering::Relaxed)
    }

    pub(crate) fn bytes_writable(&self) -> u64 {
        self.bytes_writable.load(Ordering::Relaxed)
    }

    /// Counts what was read; a reader asks before how much that may be.
    pub(crate) fn read(&self, bytes: u64) {
        let take = |left: u64| Some(left.saturating_sub(bytes));
        // Always some, so never an error.
        let _ = self
            .bytes_readable
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
    }

    /// Takes what is about to be written; false, and nothing taken, when that is too much.
    pub(crate) fn write(&self, bytes: u64) -> bool {
        let take = |left: u64| left.checked_sub(bytes);
        let taken = self
            .bytes_writable
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.is_ok()
    }

    /// How much of a note of `bytes` bytes may still be logged; it counts as logged.
    pub(crate) fn log(&self, bytes: usize) -> usize {
        let take = |left: usize| Some(left - bytes.min(left));
        let before = self
            .log_bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        bytes.min(before.unwrap_or_else(|left| left))
    }

    /// Counts a file as open until the token is dropped; none when too many are.
    pub(crate) fn open_file(self: &Arc<Self>) -> Option<OpenFile> {
        let take = |left: usize| left.checked_sub(1);
        let taken = self
            .files_openable
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.ok().map(|_| OpenFile(Arc::clone(self)))
    }
}

/// One open file or folder.
#[derive(Debug)]
pub(crate) struct OpenFile(Arc<Ledger>);

impl Drop for OpenFile {
    fn drop(&mut self) {
        self.0.files_openable.fetch_add(1, Ordering::Relaxed);
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
        } else {
            self.table_refused = true;
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

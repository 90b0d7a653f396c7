//! What this process has taken so far, as Linux counts it (proc(5)).

use crate::Failure;
use std::time::{Duration, Instant};

/// The begin of what is measured.
pub(crate) struct Start(Instant, f64);

impl Start {
    pub(crate) fn now() -> Result<Self, Failure> {
        Ok(Self(Instant::now(), cpu_s()?))
    }

    /// Seconds on the clock, and of computing, since then.
    pub(crate) fn so_far(&self) -> Result<(f64, f64), Failure> {
        Ok((self.0.elapsed().as_secs_f64(), cpu_s()? - self.1))
    }
}

/// What all threads have computed, in seconds: the process's own clock does not leave out those
/// that have ended.
pub(crate) fn cpu_s() -> Result<f64, Failure> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let time = Duration::new(u64::try_from(time.tv_sec)?, u32::try_from(time.tv_nsec)?);
    Ok(time.as_secs_f64())
}

/// The most memory this process has had in use, in megabytes of 1,024 kilobytes.
pub(crate) fn peak_memory_mb() -> Result<f64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes.ok_or("there is no VmHWM")?.parse::<f64>()? / 1_024.0)
}

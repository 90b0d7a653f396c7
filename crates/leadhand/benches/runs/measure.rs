//! What this process has taken so far, as Linux counts it (proc(5)).

use crate::Failure;
use rustix::time::{ClockId, clock_gettime};

/// What all threads have computed, in seconds.
pub(crate) fn cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The most memory that was in use, in bytes.
pub(crate) fn peak_bytes() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes.ok_or("there is no VmHWM")?.parse::<u64>()? * 1_024)
}

/// What this program prints when it is started again with these words: numbers of one line.
pub(crate) fn apart(words: &[&str]) -> Result<Vec<f64>, Failure> {
    let output = std::process::Command::new(std::env::current_exe()?)
        .args(words)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let text = String::from_utf8(output.stdout)?;
    let numbers = text.split_whitespace().map(str::parse);
    Ok(numbers.collect::<Result<_, _>>()?)
}

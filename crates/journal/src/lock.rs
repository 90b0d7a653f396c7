//! One writer per run, held by an advisory lock that ends with its process.
//!
//! `lock` is held exclusively by the writer and shared for a moment by those who look; it
//! holds the writer's pid and when it began. `reading` is held by the one process that
//! reads, since the store can be open once only.

use crate::JournalError;
use crate::error::unwritable;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// Held until it is dropped, or the process dies.
#[derive(Debug)]
pub(crate) struct FileLock(File);

impl Drop for FileLock {
    /// Closing the file would not do: a child process that this one is just starting holds
    /// the same open file for a moment, and the lock with it.
    fn drop(&mut self) {
        // Refused only for a file that is not open.
        let _ = self.0.unlock();
    }
}

/// Takes a writer's lock and says in it who and since when. Looks that others take in
/// passing are waited for; `None` when another writer has it.
pub(crate) fn write(path: &Path, wait: Duration) -> Result<Option<FileLock>, JournalError> {
    let file = open(path)?;
    let began = Instant::now();
    while !held(path, file.try_lock())? {
        // Shared is refused only by a writer: anybody else will be gone at once.
        if !held(path, file.try_lock_shared())? || began.elapsed() > wait {
            return Ok(None);
        }
        file.unlock().map_err(unwritable(path))?;
        pause();
    }
    say(&file).map_err(unwritable(path))?;
    Ok(Some(FileLock(file)))
}

/// Keeps writers away; `None` when there is one.
pub(crate) fn share(path: &Path) -> Result<Option<FileLock>, JournalError> {
    let file = open(path)?;
    let free = held(path, file.try_lock_shared())?;
    Ok(free.then_some(FileLock(file)))
}

/// Keeps other readers away; `None` when they do not end in time.
pub(crate) fn alone(path: &Path, wait: Duration) -> Result<Option<FileLock>, JournalError> {
    let file = open(path)?;
    let began = Instant::now();
    while !held(path, file.try_lock())? {
        if began.elapsed() > wait {
            return Ok(None);
        }
        pause();
    }
    Ok(Some(FileLock(file)))
}

/// Waits until nobody has it alone, for as long as that takes, and keeps it so.
pub(crate) fn together(path: &Path) -> Result<FileLock, JournalError> {
    let file = open(path)?;
    file.lock_shared().map_err(unwritable(path))?;
    Ok(FileLock(file))
}

/// Whether a writer holds the lock; changes no file, so that it works where nothing may be
/// written.
pub(crate) fn is_held(path: &Path) -> bool {
    File::open(path)
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// The pid in a lock file and the nanoseconds since the Unix epoch when its writer began;
/// zeros where they cannot be read.
pub(crate) fn holder(path: &Path) -> (u32, u128) {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut words = text.split_ascii_whitespace();
    let pid = words.next().and_then(|word| word.parse().ok());
    let began = words.next().and_then(|word| word.parse().ok());
    (pid.unwrap_or(0), began.unwrap_or(0))
}

fn open(path: &Path) -> Result<File, JournalError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(unwritable(path))
}

fn held(path: &Path, tried: Result<(), TryLockError>) -> Result<bool, JournalError> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(source)) => Err(unwritable(path)(source)),
    }
}

/// One write of fixed length: a reader sees the old line or the new one.
fn say(mut file: &File) -> std::io::Result<()> {
    let began = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    let line = format!("{:010} {began:020}\n", std::process::id());
    file.seek(SeekFrom::Start(0))?;
    file.write_all(line.as_bytes())
}

/// Between two tries at a lock that is held for milliseconds.
fn pause() {
    std::thread::sleep(Duration::from_millis(2));
}

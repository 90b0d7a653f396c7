//! What can go wrong with a journal. Errors can be cloned, because one failed commit is
//! the answer to many tickets.

use leadhand_protocol::{RunId, Seq};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why the journal could not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// A run of this name exists already.
    #[error("run {run} exists already; resume it, or begin a run of another name")]
    RunExists {
        /// The run.
        run: RunId,
    },
    /// There is no run of this name.
    #[error("there is no run {run} in {place}; `leadhand ps` lists the runs there are")]
    UnknownRun {
        /// The run.
        run: RunId,
        /// Where it was looked for.
        place: String,
    },
    /// Another writer has the run.
    #[error(
        "run {run} is being written by process {pid}, and a run has one writer; wait for it, or stop that process first"
    )]
    Locked {
        /// The run.
        run: RunId,
        /// The other writer's process; 0 if it has not said yet.
        pid: u32,
    },
    /// Another process writes the run, so that its records cannot be read from here.
    #[error(
        "run {run} is live in process {pid}, and its journal can only be read there; `leadhand ps` shows its state, and it can be read when that process ends"
    )]
    Live {
        /// The run.
        run: RunId,
        /// The process that writes it; 0 if it has not said yet.
        pid: u32,
    },
    /// Others were reading the run for too long.
    #[error("other processes have kept run {run} open for reading for {waited_ms} ms; try again")]
    Busy {
        /// The run.
        run: RunId,
        /// How long they were waited for, in milliseconds.
        waited_ms: u64,
    },
    /// A file or folder could not be written.
    #[error(
        "cannot write {}: {source}; the journal needs a folder it may write to, with room on the disk", path.display()
    )]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// A file or folder could not be read.
    #[error("cannot read {}: {source}; check that it is there and that you may read it", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// The store under the journal refused.
    #[error(
        "the store of run {run} in {} failed: {what}; what it holds can still be read, but nothing can be appended", path.display()
    )]
    Store {
        /// The run.
        run: RunId,
        /// The store's folder.
        path: PathBuf,
        /// What the store said.
        what: String,
    },
    /// The run was made with another store.
    #[error(
        "the records of run {run} lie in {}, which another store keeps than the one in use; use the journal that the run was made with", path.display()
    )]
    OtherStore {
        /// The run.
        run: RunId,
        /// The other store's file.
        path: PathBuf,
    },
    /// A record that must be readable is not.
    #[error(
        "the journal of run {run} is damaged at record {seq}: {what}; what comes before can still be read, but nothing can be appended"
    )]
    Damaged {
        /// The run.
        run: RunId,
        /// The first record that cannot be read.
        seq: Seq,
        /// What is wrong with it.
        what: String,
    },
    /// A newer program wrote the record.
    #[error(
        "record {seq} of run {run} has format version {found}, and this program reads up to {supported}; use the newer program that wrote it"
    )]
    SchemaTooNew {
        /// The run.
        run: RunId,
        /// The record.
        seq: Seq,
        /// Its version.
        found: u8,
        /// The newest version this program knows.
        supported: u8,
    },
    /// A record is not the next one.
    #[error(
        "record {found} cannot be appended to run {run}, whose next record is {expected}; nothing of the append was stored"
    )]
    Gap {
        /// The run.
        run: RunId,
        /// The `seq` that is next.
        expected: Seq,
        /// The `seq` that was given.
        found: Seq,
    },
    /// A record is larger than any may be.
    #[error(
        "record {seq} of run {run} has {bytes} bytes, and {bytes_max} is the most; nothing of the append was stored"
    )]
    RecordTooLarge {
        /// The run.
        run: RunId,
        /// The record.
        seq: Seq,
        /// Its size when encoded.
        bytes: usize,
        /// [`crate::RECORD_BYTES_MAX`].
        bytes_max: usize,
    },
    /// A record cannot be written as JSON.
    #[error(
        "record {seq} of run {run} cannot be encoded: {what}; nothing of the append was stored"
    )]
    Unencodable {
        /// The run.
        run: RunId,
        /// The record.
        seq: Seq,
        /// What is wrong with it.
        what: String,
    },
    /// A summary is larger than any may be.
    #[error("the status of run {run} has {bytes} bytes, and {bytes_max} is the most; shorten it")]
    StatusTooLarge {
        /// The run.
        run: RunId,
        /// Its size when encoded.
        bytes: usize,
        /// [`crate::STATUS_BYTES_MAX`].
        bytes_max: usize,
    },
    /// A snapshot tells of records that were not appended.
    #[error(
        "a snapshot of run {run} before record {found} cannot be kept, because the run's next record is {next_seq}; append first"
    )]
    SnapshotAhead {
        /// The run.
        run: RunId,
        /// The `seq` that is next.
        next_seq: Seq,
        /// The `seq` that the snapshot goes up to.
        found: Seq,
    },
    /// A snapshot is larger than any may be.
    #[error(
        "a snapshot of run {run} has {bytes} bytes, and {bytes_max} is the most, with {format_bytes_max} for the name of its format; without it the run is read from its first record"
    )]
    SnapshotTooLarge {
        /// The run.
        run: RunId,
        /// The size of its state.
        bytes: usize,
        /// [`crate::SNAPSHOT_BYTES_MAX`].
        bytes_max: usize,
        /// [`crate::SNAPSHOT_FORMAT_BYTES_MAX`].
        format_bytes_max: usize,
    },
    /// The disk does not keep up.
    #[error(
        "{queued_bytes} bytes of run {run} wait to be stored, and {bytes_max} is the most; wait for a ticket before appending more"
    )]
    Backlog {
        /// The run.
        run: RunId,
        /// What waits already.
        queued_bytes: usize,
        /// [`crate::QUEUED_BYTES_MAX`].
        bytes_max: usize,
    },
    /// An earlier append failed, so that nothing more can be appended.
    #[error("the journal of run {run} takes no more records since an append failed: {because}")]
    Stopped {
        /// The run.
        run: RunId,
        /// The first failure.
        because: Arc<JournalError>,
    },
    /// What must be a folder for something to be removed from it is none.
    #[error(
        "{} is a link or no folder, and nothing is removed through a link; put the folder itself in its place", path.display()
    )]
    NoFolder {
        /// Where it should be.
        path: PathBuf,
    },
    /// Payloads are being stored or swept all the time.
    #[error(
        "other processes have held {} for {waited_ms} ms, and payloads are swept when nobody stores one; try again", path.display()
    )]
    Sweeping {
        /// The lock.
        path: PathBuf,
        /// How long it was waited for, in milliseconds.
        waited_ms: u64,
    },
    /// Whoever was to answer a ticket is gone.
    #[error(
        "the journal's writer ended before it answered; whether the records were stored is unknown, read the run to see"
    )]
    WriterGone,
}

/// Says of an `io::Error` that a path could not be written.
pub(crate) fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    let path = path.to_owned();
    move |source| JournalError::Unwritable {
        path,
        source: Arc::new(source),
    }
}

/// Says of an `io::Error` that a path could not be read.
pub(crate) fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    let path = path.to_owned();
    move |source| JournalError::Unreadable {
        path,
        source: Arc::new(source),
    }
}

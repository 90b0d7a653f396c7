//! The append-only record of a run: one trait, sled on disk, and memory.
//!
//! A [`Journal`] keeps many runs; a [`Writer`] appends to one of them and is the only one
//! that does; a [`Ticket`] resolves when what was appended is durable. The layout on disk
//! is in `docs/journal.md`. What the records mean is `engine`'s to say.
//!
//! ```
//! use leadhand_journal::{Journal, MemoryJournal};
//! use leadhand_protocol::{Event, Record, RunId};
//!
//! let journal = MemoryJournal::new();
//! let run = RunId::new("20261123-k3f9")?;
//! let mut writer = journal.create(&run)?;
//! let record = Record { seq: writer.next_seq(), at_ms: 0, event: Event::RunResumed };
//! writer.append(&[record.clone()])?.wait()?;
//! writer.close()?;
//! assert_eq!(journal.read(&run)?.records, [record]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod blobs;
mod commit;
mod error;
mod folder;
mod format;
mod head;
mod journal;
mod lock;
mod memory;
mod run_store;
mod salvage;
mod sled_journal;
mod ticket;

pub use error::JournalError;
pub use format::{RECORD_BYTES_MAX, VALUE_BYTES_MAX};
pub use journal::{Damage, Durability, History, Journal, RunEntry, Writer};
pub use memory::MemoryJournal;
pub use sled_journal::{
    CACHE_BYTES, COMMIT_THREADS, DISK_SYNC_MS, LOCK_WAIT_MS, QUEUED_BYTES_MAX, STATUS_BYTES_MAX,
    SledJournal,
};
pub use ticket::{Promise, Ticket};

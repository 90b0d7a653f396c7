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
//! let record = Record { seq: writer.next_seq(), at_ms: 0, event: Event::RunResumed.into() };
//! writer.append(&[record.clone()])?.wait()?;
//! writer.close()?;
//! assert_eq!(journal.read(&run)?.records, [record]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod blobs;
mod chain;
mod commit;
mod disk_journal;
mod disk_use;
mod encode;
mod error;
mod folder;
mod format;
mod head;
mod journal;
mod lock;
mod memory;
mod open_run;
mod pack;
mod packed;
mod reading;
#[cfg(feature = "redb")]
mod redb_journal;
#[cfg(feature = "redb")]
mod redb_store;
mod run_end;
mod run_records;
mod salvage;
mod shared;
mod sled_journal;
mod sled_store;
mod snapshot;
mod store;
mod sweep;
mod tail;
mod ticket;

pub use chain::Chain;
pub use commit::{COMMIT_THREADS, DISK_SYNC_MS};
pub use disk_journal::{LOCK_WAIT_MS, STATUS_BYTES_MAX};
pub use disk_use::{DiskUse, RunUse};
pub use error::JournalError;
pub use format::{RECORD_BYTES_MAX, VALUE_BYTES_MAX};
pub use journal::{Damage, Durability, History, Journal, RunEntry, Verified, Visitor, Writer};
pub use memory::MemoryJournal;
pub use open_run::QUEUED_BYTES_MAX;
#[cfg(feature = "redb")]
pub use redb_journal::RedbJournal;
pub use sled_journal::SledJournal;
pub use sled_store::CACHE_BYTES;
pub use snapshot::{SNAPSHOT_BYTES_MAX, SNAPSHOT_FORMAT_BYTES_MAX, Snapshot};
pub use sweep::Swept;
pub use tail::TAIL_BYTES_MAX;
pub use ticket::{Promise, Ticket};

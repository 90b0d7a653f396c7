//! What keeps the packs of one run: a sorted map from `seq` to bytes, written by one thread.
//! It knows neither records nor checksums; those are `run_store`'s and `format`'s.

use crate::folder::RunFolder;
use crate::{JournalError, error};
use leadhand_protocol::{RunId, Seq};
use std::fmt::Debug;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Which store keeps the records of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sled,
    #[cfg(feature = "redb")]
    Redb,
}

/// The names of the stores' data files, by which a run's store is known.
const SLED_DATA: &str = "db";
const REDB_DATA: &str = "records.redb";

impl Engine {
    /// The name of its data file in a run's `journal` folder; sled 0.34 gives its own.
    pub(crate) fn data(self) -> &'static str {
        match self {
            Self::Sled => SLED_DATA,
            #[cfg(feature = "redb")]
            Self::Redb => REDB_DATA,
        }
    }

    /// Refuses a run that another store keeps: opening it here would begin an empty one.
    pub(crate) fn check_ownership(
        self,
        run: &RunId,
        folder: &RunFolder,
    ) -> Result<(), JournalError> {
        let others = [SLED_DATA, REDB_DATA].map(|name| folder.journal.join(name));
        let found = others
            .into_iter()
            .find(|path| *path != folder.data && path.exists());
        match found {
            Some(path) => Err(JournalError::OtherStore {
                run: run.clone(),
                path,
            }),
            None => Ok(()),
        }
    }
}

/// An open store. Only one may exist for a run, in all processes; the caller holds the lock.
pub(crate) trait Store: Debug + Send + Sync {
    /// The value with the highest key; a key that is no `seq` stands for the highest of all.
    fn last(&self) -> Result<Option<(Seq, Vec<u8>)>, Refusal>;

    /// Shows the values in order, from the one with the highest key that is not above `from` on,
    /// until the visitor breaks or a value cannot be read.
    fn scan(&self, from: Seq, visit: &mut Visitor<'_>) -> Result<(), Refusal>;

    /// Stores values under their keys, all or none of them after a crash, so that they survive this
    /// process.
    fn write(&self, values: Vec<(Seq, Vec<u8>)>) -> Result<(), Refusal>;

    /// Puts all that was written on disk.
    fn sync(&self) -> Result<(), JournalError>;
}

/// Sees a key and its value, and says whether the scan goes on.
pub(crate) type Visitor<'a> = dyn FnMut(Seq, &[u8]) -> ControlFlow<()> + 'a;

/// What a store said, without its types.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The system refused.
    System(std::io::Error),
    /// The store cannot be used, or not now.
    Store(String),
    /// It is not what was written.
    Damaged(String),
}

impl Refusal {
    pub(crate) fn of(self, run: &RunId, folder: &RunFolder) -> JournalError {
        match self {
            Self::System(source) => error::unwritable(&folder.journal)(source),
            Self::Store(what) | Self::Damaged(what) => JournalError::Store {
                run: run.clone(),
                path: folder.journal.clone(),
                what,
            },
        }
    }
}

/// Stores meet some damage with a panic, which must end this run and no other.
pub(crate) fn caught<T, E>(
    work: impl FnOnce() -> Result<T, E>,
    refusal: impl FnOnce(E) -> Refusal,
) -> Result<T, Refusal> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(refusal),
        Err(panic) => {
            let what = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(Refusal::Damaged(
                what.unwrap_or_else(|| "it gave up".to_owned()),
            ))
        }
    }
}

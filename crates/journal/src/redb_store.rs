//! One run's values in redb 4: the second store, which shows that nothing above knows sled.
//!
//! The only file that knows redb. Its one setting between "on disk" and "lost when the process
//! dies" is the first, so both levels commit with it and [`Store::sync`] has nothing to add.

use crate::folder::{self, RunFolder};
use crate::store::{Refusal, Store, Visitor, caught};
use crate::{CACHE_BYTES, JournalError};
use leadhand_protocol::{RunId, Seq};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

const RECORDS: TableDefinition<'static, Seq, &'static [u8]> = TableDefinition::new("records");

pub(crate) struct RedbStore(Database);

impl std::fmt::Debug for RedbStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("RedbStore")
    }
}

impl RedbStore {
    pub(crate) fn open(run: &RunId, folder: &RunFolder) -> Result<Self, JournalError> {
        folder::make(&folder.journal)?;
        let open = || -> Result<_, redb::Error> {
            let cache_bytes = usize::try_from(CACHE_BYTES).unwrap_or(usize::MAX);
            let mut settings = Database::builder();
            settings.set_cache_size(cache_bytes);
            let database = settings.create(&folder.data)?;
            // With the table there, no reader has to do without it.
            let begun = database.begin_read()?.open_table(RECORDS).is_ok();
            if !begun {
                let transaction = database.begin_write()?;
                transaction.open_table(RECORDS)?;
                transaction.commit()?;
            }
            Ok(database)
        };
        caught(open, refusal)
            .map(Self)
            .map_err(|refusal| refusal.of(run, folder))
    }
}

impl Store for RedbStore {
    fn last(&self) -> Result<Option<(Seq, Vec<u8>)>, Refusal> {
        let last = || -> Result<_, redb::Error> {
            let table = self.0.begin_read()?.open_table(RECORDS)?;
            let last = table.last()?;
            Ok(last.map(|(key, value)| (key.value(), value.value().to_vec())))
        };
        caught(last, refusal)
    }

    fn scan(&self, from: Seq, visit: &mut Visitor<'_>) -> Result<(), Refusal> {
        let scan = || -> Result<_, redb::Error> {
            let table = self.0.begin_read()?.open_table(RECORDS)?;
            let begin = match table.range(..=from)?.next_back() {
                Some(entry) => entry?.0.value(),
                None => 0,
            };
            for entry in table.range(begin..)? {
                let (key, value) = entry?;
                if visit(key.value(), value.value()).is_break() {
                    break;
                }
            }
            Ok(())
        };
        caught(scan, refusal)
    }

    fn write(&self, values: Vec<(Seq, Vec<u8>)>) -> Result<(), Refusal> {
        let write = || -> Result<_, redb::Error> {
            // `Durability::Immediate` is what a transaction begins with.
            let transaction = self.0.begin_write()?;
            {
                let mut table = transaction.open_table(RECORDS)?;
                for (seq, value) in &values {
                    table.insert(seq, value.as_slice())?;
                }
            }
            Ok(transaction.commit()?)
        };
        caught(write, refusal)
    }

    fn sync(&self) -> Result<(), JournalError> {
        Ok(())
    }
}

fn refusal(error: redb::Error) -> Refusal {
    match error {
        redb::Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Refusal::Damaged(error.to_string())
        }
        redb::Error::Io(error) => Refusal::System(error),
        redb::Error::Corrupted(what) => Refusal::Damaged(what),
        error => Refusal::Store(error.to_string()),
    }
}

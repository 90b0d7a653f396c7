//! What only redb can get wrong. All else about it is in the suite that every journal passes.

use super::{records, run, without_tails};
use leadhand_journal::{Durability, Journal, JournalError, RedbJournal};
use std::fs;
use std::path::Path;

fn redb(root: &Path) -> RedbJournal {
    let journal = RedbJournal::open_root(root, Durability::Process);
    journal.with_tail_bytes_max(0)
}

fn store_20_records(journal: &dyn Journal) {
    let mut writer = journal.create(&run()).unwrap();
    writer.append(&records(0..20)).unwrap().wait().unwrap();
    writer.close().unwrap();
}

#[test]
fn a_run_is_opened_by_the_store_it_was_made_with() {
    let root = tempfile::tempdir().unwrap();
    let (sled, redb) = (without_tails(root.path()), redb(root.path()));
    let journals: [(&dyn Journal, &dyn Journal, &str); 2] = [
        (&sled, &redb, "journal/db"),
        (&redb, &sled, "journal/records.redb"),
    ];
    for (maker, other, data) in journals {
        store_20_records(maker);
        for outcome in [other.open(&run()).map(drop), other.read(&run()).map(drop)] {
            match outcome {
                Err(JournalError::OtherStore { run: named, path }) => {
                    assert_eq!(named, run());
                    assert_eq!(path, root.path().join("runs/run-1").join(data));
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(maker.read(&run()).unwrap().records, records(0..20));
        fs::remove_dir_all(root.path().join("runs")).unwrap();
    }
}

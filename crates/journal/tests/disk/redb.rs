//! What only redb can get wrong. All else about it is in the suite that every journal passes.

use super::{journal, record, records, run};
use leadhand_journal::{Durability, Journal, JournalError, RedbJournal};
use leadhand_protocol::ContentHash;
use std::fs;
use std::path::Path;

fn redb(root: &Path) -> RedbJournal {
    RedbJournal::open_root(root, Durability::Process).unwrap()
}

fn store_20_records(journal: &dyn Journal) {
    let mut writer = journal.create(&run()).unwrap();
    writer.append(&records(0..20)).unwrap().wait().unwrap();
    writer.close().unwrap();
}

#[test]
fn a_damaged_end_is_cut_off_if_it_was_never_on_disk() {
    let root = tempfile::tempdir().unwrap();
    let journal = redb(root.path());
    store_20_records(&journal);
    fs::write(
        root.path().join("runs/run-1/head"),
        format!(
            "{:020} {:08x}\n",
            12,
            crc32fast::hash(b"00000000000000000012")
        ),
    )
    .unwrap();
    let json = serde_json::to_vec(&record(17).event).unwrap();
    let name = ContentHash::of(&json).to_string();
    let blob = root.path().join("blobs").join(&name[..1]).join(&name);
    fs::write(blob, "").unwrap();
    let mut writer = journal.open(&run()).unwrap();
    assert_eq!(writer.lost().map(|damage| damage.seq), Some(17));
    writer.append(&records(17..30)).unwrap().wait().unwrap();
    writer.close().unwrap();
    assert_eq!(journal.read(&run()).unwrap().records, records(0..30));
}

#[test]
fn a_run_is_opened_by_the_store_it_was_made_with() {
    let root = tempfile::tempdir().unwrap();
    let (sled, redb) = (journal(root.path()), redb(root.path()));
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

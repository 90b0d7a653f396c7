//! Snapshots that were changed, are of another history, or cannot be written: a run is read
//! without them, and none is ever taken for what it is not.

use super::{journal, records, run, set_snapshot, state};
use leadhand_journal::{Journal, JournalError};
use leadhand_protocol::{AgentId, Event, Record, Seq};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A root with one closed run of this many records, and a snapshot before the next one.
fn stored_run(end: Seq) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let mut writer = journal(root.path()).create(&run()).unwrap();
    drop(writer.append(&records(0..end)).unwrap());
    set_snapshot(writer.as_mut());
    writer.close().unwrap();
    root
}

fn snapshot_of(root: &Path) -> PathBuf {
    root.join("runs/run-1/snapshot")
}

/// Spoils a snapshot and sees that the run does without it.
fn check_unusable(what: &str, spoil: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let root = stored_run(20);
    let path = snapshot_of(root.path());
    fs::write(&path, spoil(fs::read(&path).unwrap())).unwrap();
    let journal = journal(root.path());
    assert_eq!(journal.snapshot(&run()).unwrap(), None, "{what}");
    assert_eq!(journal.read(&run()).unwrap().records, records(0..20));
    let mut writer = journal.open(&run()).unwrap();
    set_snapshot(writer.as_mut());
    writer.close().unwrap();
    assert_eq!(journal.snapshot(&run()).unwrap(), Some(state(20)), "{what}");
}

#[test]
fn a_changed_snapshot_is_none() {
    for at in [0, 1, 2, 5, 6, 20, 60, 200, 20_000, 40_000] {
        check_unusable(&format!("byte {at}"), |mut bytes| {
            bytes[at] ^= 16;
            bytes
        });
    }
    for length in [0, 1, 5, 6, 7, 30, 1_000, 40_100] {
        check_unusable(&format!("{length} bytes"), |bytes| bytes[..length].to_vec());
    }
    check_unusable("one byte more", |bytes| [bytes, vec![0]].concat());
    check_unusable("of a newer program", |bytes| {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&[3, 0]);
        hasher.update(&bytes[6..]);
        let checksum = hasher.finalize().to_le_bytes();
        [&[3, 0], checksum.as_slice(), &bytes[6..]].concat()
    });
}

#[test]
fn a_snapshot_of_records_that_are_gone_is_none_and_stays_none() {
    let longer = stored_run(20);
    let root = stored_run(15);
    fs::copy(snapshot_of(longer.path()), snapshot_of(root.path())).unwrap();
    let journal = journal(root.path());
    assert_eq!(journal.snapshot(&run()).unwrap(), None);
    // The run goes on with as many records as the snapshot tells of.
    let mut writer = journal.open(&run()).unwrap();
    assert!(!snapshot_of(root.path()).exists());
    writer.append(&records(15..20)).unwrap().wait().unwrap();
    assert_eq!(journal.snapshot(&run()).unwrap(), None);
    writer.close().unwrap();
    assert_eq!(journal.snapshot(&run()).unwrap(), None);
}

#[test]
fn a_snapshot_of_other_records_is_none() {
    let other = stored_run(20);
    let root = stored_run(15);
    let journal = journal(root.path());
    let mut writer = journal.open(&run()).unwrap();
    let told = |seq| Record {
        seq,
        at_ms: 0,
        event: Event::Told {
            agent: AgentId(1),
            fault: false,
            text: "after a power cut it went another way".to_owned(),
        }
        .into(),
    };
    let others: Vec<_> = (15..20).map(told).collect();
    writer.append(&others).unwrap().wait().unwrap();
    writer.close().unwrap();
    assert_eq!(journal.snapshot(&run()).unwrap(), Some(state(15)));
    fs::copy(snapshot_of(other.path()), snapshot_of(root.path())).unwrap();
    assert_eq!(journal.snapshot(&run()).unwrap(), None);
}

#[test]
fn half_a_snapshot_left_by_a_crash_does_no_harm() {
    let root = stored_run(20);
    let whole = fs::read(snapshot_of(root.path())).unwrap();
    let draft = root.path().join("runs/run-1/snapshot.new");
    for length in [0, 100, whole.len()] {
        fs::write(&draft, &whole[..length]).unwrap();
        let journal = journal(root.path());
        assert_eq!(journal.snapshot(&run()).unwrap(), Some(state(20)));
        let mut writer = journal.open(&run()).unwrap();
        set_snapshot(writer.as_mut());
        writer.close().unwrap();
        assert!(!draft.exists());
    }
}

/// The records matter, the snapshot does not; but whoever sets one hears that it fails.
#[test]
fn a_snapshot_that_cannot_be_written_is_told_and_hinders_no_append() {
    let root = tempfile::tempdir().unwrap();
    let journal = journal(root.path());
    let mut writer = journal.create(&run()).unwrap();
    let in_the_way = root.path().join("runs/run-1/snapshot.new");
    fs::create_dir(&in_the_way).unwrap();
    let mut told = None;
    // It is written in the background: some later one is told.
    for seq in 0..10_000 {
        writer
            .append(&records(seq..seq + 1))
            .unwrap()
            .wait()
            .unwrap();
        let next_seq = writer.next_seq();
        if let Err(error) = writer.set_snapshot(next_seq, "state 1", b"a state") {
            told = Some((error, next_seq));
            break;
        }
    }
    match told {
        Some((JournalError::Unwritable { path, .. }, _)) => assert_eq!(path, in_the_way),
        other => panic!("{other:?}"),
    }
    fs::remove_dir(&in_the_way).unwrap();
    let end = writer.next_seq();
    writer
        .append(&records(end..end + 1))
        .unwrap()
        .wait()
        .unwrap();
    set_snapshot(writer.as_mut());
    writer.close().unwrap();
    assert_eq!(journal.read(&run()).unwrap().records, records(0..end + 1));
    assert_eq!(journal.snapshot(&run()).unwrap(), Some(state(end + 1)));
}

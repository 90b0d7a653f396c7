//! Disks that are full or may only be read: small ones of memory, in a namespace of their own.
//! Where a user may not make one, these say so and pass.

use super::{itself, record, records, run, state};
use leadhand_journal::{Durability, Journal, JournalError, SledJournal, TAIL_BYTES_MAX, Ticket};
use leadhand_protocol::{AgentId, Event, Record, Seq};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

const NAMESPACE: [&str; 3] = ["unshare", "--map-root-user", "--mount"];

/// Runs the other half of a test with a disk of its own.
fn on_a_disk_of_4_mb(test: &str) {
    let place = tempfile::tempdir().unwrap();
    let mount = "mount -t tmpfs -o size=4m none \"$DISK\"";
    let may_mount = Command::new(NAMESPACE[0])
        .args(&NAMESPACE[1..])
        .args(["sh", "-c", mount])
        .env("DISK", place.path())
        .output();
    if !may_mount.is_ok_and(|output| output.status.success()) {
        println!("skipped: a small disk needs `unshare` and namespaces of users");
        return;
    }
    let and_run = format!("{mount} && exec \"$0\" \"$@\"");
    let under = [&NAMESPACE[..], &["sh", "-c", &and_run]].concat();
    let output = itself(&under, test)
        .env("DISK", place.path())
        .env("LEADHAND_SMALL_DISK", place.path())
        .output()
        .unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn disk_of_child() -> Option<PathBuf> {
    std::env::var_os("LEADHAND_SMALL_DISK").map(PathBuf::from)
}

#[test]
fn a_full_disk_is_told_and_nothing_acknowledged_is_lost() {
    on_a_disk_of_4_mb("bad_disk::full");
}

/// Not a test of its own, but what the one above runs on the small disk.
#[test]
fn full() {
    let Some(disk) = disk_of_child() else {
        return;
    };
    for durability in [Durability::Process, Durability::Disk] {
        for tail_bytes_max in [TAIL_BYTES_MAX, 100_000] {
            let journal = SledJournal::open_root(disk.join("root"), durability);
            let journal = journal.with_tail_bytes_max(tail_bytes_max);
            let name = format!("{durability:?}, {tail_bytes_max} bytes in the tail");
            check_full(&format!("small records, {name}"), &disk, &journal, record);
            check_full(&format!("blobs, {name}"), &disk, &journal, blob);
        }
    }
}

/// A record whose event lies in a blob that is hardly smaller.
fn blob(seq: Seq) -> Record {
    let letters = state(seq).bytes.into_iter().take(9_000);
    Record {
        seq,
        at_ms: 0,
        event: Event::OutputGiven {
            agent: AgentId(1),
            content: letters.map(|byte| char::from(b'0' + byte % 64)).collect(),
        }
        .into(),
    }
}

fn check_full(name: &str, disk: &Path, journal: &SledJournal, record: impl Fn(Seq) -> Record) {
    let root = disk.join("root");
    // Removed later to make room: sled writes when it opens.
    let ballast = disk.join("ballast");
    fs::write(&ballast, vec![1; 1_500_000]).unwrap();
    let mut writer = journal.create(&run()).unwrap();
    let mut acknowledged = 0;
    let error = loop {
        let seq = writer.next_seq();
        assert!(seq < 100_000, "the disk is never full");
        let stored = writer.append(&[record(seq)]).and_then(Ticket::wait);
        match stored {
            Ok(()) => acknowledged = seq + 1,
            // What went wrong in the background is told with the next append.
            Err(JournalError::Stopped { because, .. }) => break (*because).clone(),
            Err(error) => break error,
        }
    };
    println!("{name}: {acknowledged} acknowledged, then {error}");
    let JournalError::Unwritable { path, source } = &error else {
        panic!("{name}: {error:?}");
    };
    assert!(path.starts_with(&root));
    assert_eq!(source.kind(), ErrorKind::StorageFull, "{error}");
    match writer.append(&[record(writer.next_seq())]).map(drop) {
        Err(JournalError::Stopped { because, .. }) => {
            assert_eq!(because.to_string(), error.to_string());
        }
        other => panic!("{name}: {other:?}"),
    }
    assert!(writer.close().is_err());

    fs::remove_file(ballast).unwrap();
    let history = journal.read(&run()).unwrap();
    let whole = history.records.len() as Seq;
    assert_eq!(history.damage, None);
    assert!(whole >= acknowledged, "{whole} of {acknowledged}");
    assert!(history.records == (0..whole).map(&record).collect::<Vec<_>>());
    let mut writer = journal.open(&run()).unwrap();
    writer.append(&[record(whole)]).unwrap().wait().unwrap();
    writer.close().unwrap();
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn a_disk_that_may_only_be_read_is_told_by_name_and_left_as_it_is() {
    on_a_disk_of_4_mb("bad_disk::read_only");
}

/// Not a test of its own, but what the one above runs on the small disk.
#[test]
fn read_only() {
    let Some(disk) = disk_of_child() else {
        return;
    };
    let remount = |how: &str| {
        let options = format!("remount,{how}");
        let mount = || {
            Command::new("mount")
                .args(["-o", &options])
                .arg(&disk)
                .status()
        };
        // Refused as long as a file is open to be written, and sled's threads let go of a closed
        // store a little later.
        let tried = (0..2_000).any(|_| mount().is_ok_and(|status| status.success()));
        assert!(tried, "it cannot be mounted {how}");
    };
    let root = disk.join("root");
    let journal = SledJournal::open_root(&root, Durability::Process);
    let mut writer = journal.create(&run()).unwrap();
    writer.append(&records(0..20)).unwrap().wait().unwrap();
    writer.close().unwrap();
    drop(journal);
    remount("ro");
    let journal = SledJournal::open_root(&root, Durability::Process);
    assert_eq!(journal.runs().unwrap().len(), 1);
    let other = leadhand_protocol::RunId::new("run-2").unwrap();
    for (what, outcome) in [
        ("read", journal.read(&run()).map(drop)),
        ("open", journal.open(&run()).map(drop)),
        ("create", journal.create(&other).map(drop)),
    ] {
        match outcome {
            Err(JournalError::Unwritable { path, source }) => {
                assert!(path.starts_with(&root), "{what}: {}", path.display());
                assert_eq!(source.kind(), ErrorKind::ReadOnlyFilesystem, "{what}");
            }
            other => panic!("{what}: {other:?}"),
        }
    }
    assert_eq!(journal.snapshot(&run()).unwrap(), None);
    remount("rw");
    assert_eq!(journal.read(&run()).unwrap().records, records(0..20));
    let mut writer = journal.open(&run()).unwrap();
    writer.append(&records(20..21)).unwrap().wait().unwrap();
    writer.close().unwrap();
}

//! Journals that were made by the program in each format version, as they were stored then.
//!
//! `stored/version-N` is a root. A store's file is deflated in it (`db.gz`), and the locks are left
//! out. In each there are `in-tail` and `in-store`, of 20 records, and one run of the program itself.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use flate2::read::GzDecoder;
use leadhand_journal::{Durability, Journal, JournalError, SledJournal};
use leadhand_protocol::{AgentId, Event, Record, RunId, Seq};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The run that `leadhand run "Write notes"` made.
const OF_PROGRAM: [(u8, &str, usize); 2] = [(1, "1m8ey6rx6-s7m5", 19), (2, "1m8f1g8mw-x7ze", 19)];

fn root(version: u8) -> tempfile::TempDir {
    let stored = PathBuf::from(format!(
        "{}/tests/stored/version-{version}",
        env!("CARGO_MANIFEST_DIR")
    ));
    let root = tempfile::tempdir().unwrap();
    copy(&stored, root.path());
    root
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else if path.extension().is_some_and(|it| it == "gz") {
            let mut inflated = GzDecoder::new(File::open(&path).unwrap());
            let mut file = File::create(target.with_extension("")).unwrap();
            io::copy(&mut inflated, &mut file).unwrap();
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// As `disk.rs` makes them: of every seven one goes into a blob, and one is deflated.
fn record(seq: Seq) -> Record {
    let bytes = match seq % 7 {
        3 => 5_000,
        5 => 2_000,
        _ => seq as usize * 37 % 700,
    };
    Record {
        seq,
        at_ms: seq * 10,
        event: Event::OutputGiven {
            agent: AgentId(7),
            content: format!("{seq} {}", "z".repeat(bytes)),
        }
        .into(),
    }
}

fn records(range: std::ops::Range<Seq>) -> Vec<Record> {
    range.map(record).collect()
}

fn run(name: &str) -> RunId {
    RunId::new(name).unwrap()
}

/// Not a test of its own: with a root in the environment it stores there what belongs into
/// `stored/version-N` of the version that is written now. The run of the program comes by hand.
#[test]
fn store_this_version() {
    let Some(root) = std::env::var_os("LEADHAND_STORE_VERSION") else {
        return;
    };
    let journal = || SledJournal::open_root(&root, Durability::Process);
    for (name, journal) in [
        ("in-tail", journal()),
        ("in-store", journal().with_tail_bytes_max(0)),
    ] {
        let mut writer = journal.create(&run(name)).unwrap();
        for begin in (0..20).step_by(4) {
            let some = records(begin..begin + 4);
            writer.append(&some).unwrap().wait().unwrap();
        }
        let status = serde_json::json!({"goal": "a fixture"});
        writer.set_status(&status).unwrap();
        writer.set_snapshot(12, "state 1", b"the state").unwrap();
        writer.close().unwrap();
    }
}

#[test]
fn journals_of_every_version_are_read_and_gone_on_with() {
    for version in [1, 2] {
        let root = root(version);
        let journal = SledJournal::open_root(root.path(), Durability::Process);
        for name in ["in-tail", "in-store"] {
            let name = run(name);
            let history = journal.read(&name).unwrap();
            assert_eq!((history.records, history.damage), (records(0..20), None));
            let verified = journal.verify(&name, None).unwrap();
            assert_eq!((verified.records, &verified.damage), (20, &None));
            let unchained = if version == 1 { 20 } else { 0 };
            assert_eq!(verified.unchained, unchained);
            let snapshot = journal.snapshot(&name).unwrap().unwrap();
            assert_eq!(snapshot.bytes, b"the state");

            let mut writer = journal.open(&name).unwrap();
            writer.append(&records(20..25)).unwrap().wait().unwrap();
            writer.close().unwrap();
            let history = journal.read(&name).unwrap();
            assert_eq!((history.records, history.damage), (records(0..25), None));
            // The chain begins where this program took the run up, and holds what was last then.
            let gone_on = journal.verify(&name, Some(verified.head)).unwrap();
            assert_eq!((gone_on.records, gone_on.unchained), (25, unchained));
            assert_eq!((gone_on.noted, gone_on.damage), (Some(19), None));
        }
    }
}

#[test]
fn runs_of_the_program_of_every_version_are_read() {
    for (version, name, count) in OF_PROGRAM {
        let root = root(version);
        let journal = SledJournal::open_root(root.path(), Durability::Process);
        let verified = journal.verify(&run(name), None).unwrap();
        assert_eq!((verified.records as usize, verified.damage), (count, None));
        assert_eq!(journal.read(&run(name)).unwrap().records.len(), count);
    }
}

#[test]
fn a_damaged_journal_of_an_older_version_is_not_gone_on_with() {
    let root = root(1);
    let journal = SledJournal::open_root(root.path(), Durability::Process);
    let tail = root.path().join("runs/in-tail/tail-00000000000000000000");
    let bytes = fs::read(&tail).unwrap();
    fs::write(&tail, &bytes[..bytes.len() - 100]).unwrap();
    match journal.open(&run("in-tail")).map(drop) {
        Err(JournalError::Damaged { .. }) => {}
        other => panic!("{other:?}"),
    }
}

//! Removing runs and payloads: exactly what nobody needs goes, also beside runs that are written.

use super::damage::blob_of;
use super::{Appender, journal, record, records, run, stored_run, without_tails};
use leadhand_journal::{Journal, JournalError, SledJournal, Swept, TAIL_BYTES_MAX};
use leadhand_protocol::{RunId, Seq};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

fn named(name: &str) -> RunId {
    RunId::new(name).unwrap()
}

/// A closed run with these records.
fn store(journal: &SledJournal, name: &str, range: std::ops::Range<Seq>) {
    let mut writer = journal.create(&named(name)).unwrap();
    let all: Vec<_> = (0..)
        .zip(range)
        .map(|(seq, of)| super::Record { seq, ..record(of) })
        .collect();
    writer.append(&all).unwrap().wait().unwrap();
    writer.close().unwrap();
}

fn remove(journal: &SledJournal, name: &str) -> Option<u64> {
    journal.remove(&named(name), |_| true).unwrap()
}

fn sweep(journal: &SledJournal) -> Swept {
    journal.sweep(&BTreeSet::new(), false).unwrap()
}

/// All files and folders under a root but locks, which come and go.
fn all_under(root: &Path) -> BTreeSet<std::path::PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
            found.insert(entry.path());
        }
    }
    let is_lock = |path: &std::path::PathBuf| {
        ["lock", "reading", "blobs.lock"].contains(&path.file_name().unwrap().to_str().unwrap())
    };
    found.retain(|path| !is_lock(path));
    found
}

#[test]
fn a_payload_goes_with_the_last_run_that_refers_to_it() {
    for make in [journal, without_tails] {
        let root = tempfile::tempdir().unwrap();
        let journal = make(root.path());
        // Of every seven records one has a payload: 3, and 10.
        store(&journal, "a", 0..12);
        store(&journal, "b", 0..7);
        assert_eq!(sweep(&journal), Swept::default());
        assert!(remove(&journal, "a").unwrap() > 0);
        let swept = sweep(&journal);
        assert_eq!((swept.blobs, swept.leftovers), (1, 0));
        assert!(!blob_of(root.path(), 10).exists() && blob_of(root.path(), 3).exists());
        assert_eq!(journal.read(&named("b")).unwrap().damage, None);
        remove(&journal, "b");
        assert_eq!(sweep(&journal).blobs, 1);
        assert_eq!(journal.runs().unwrap(), []);
        let left: Vec<_> = all_under(root.path()).into_iter().collect();
        assert_eq!(left, [root.path().join("blobs"), root.path().join("runs")]);
    }
}

#[test]
fn what_would_be_removed_is_told_and_nothing_is() {
    let root = tempfile::tempdir().unwrap();
    let journal = journal(root.path());
    store(&journal, "a", 0..12);
    store(&journal, "b", 0..7);
    let before = all_under(root.path());
    let gone = BTreeSet::from([named("a")]);
    let told = journal.sweep(&gone, true).unwrap();
    assert_eq!(all_under(root.path()), before);
    remove(&journal, "a");
    assert_eq!(sweep(&journal), told);
}

#[test]
fn a_run_that_may_not_go_or_is_live_stays() {
    let root = tempfile::tempdir().unwrap();
    let journal = journal(root.path());
    let mut writer = journal.create(&run()).unwrap();
    writer.append(&records(0..12)).unwrap().wait().unwrap();
    match journal.remove(&run(), |_| true) {
        Err(JournalError::Locked { run: named, .. }) => assert_eq!(named, run()),
        other => panic!("{other:?}"),
    }
    // What it has in its tail can be seen beside it.
    assert_eq!(sweep(&journal), Swept::default());
    writer
        .set_status(&serde_json::json!({"goal": "a"}))
        .unwrap();
    writer.close().unwrap();
    let kept = journal.remove(&run(), |status| status.unwrap()["goal"] != "a");
    assert_eq!(kept.unwrap(), None);
    assert_eq!(journal.read(&run()).unwrap().records, records(0..12));
}

#[test]
fn while_what_a_run_refers_to_is_not_known_payloads_stay() {
    let root = stored_run(without_tails);
    let journal = journal(root.path());
    store(&journal, "other", 20..32);
    remove(&journal, "other");
    let writer = journal.open(&run()).unwrap();
    let swept = sweep(&journal);
    assert_eq!((swept.blobs, swept.unread), (0, vec![run()]));
    assert!(blob_of(root.path(), 24).exists());
    drop(writer);
    let swept = sweep(&journal);
    assert!(swept.blobs > 0 && swept.unread.is_empty());
    assert!(!blob_of(root.path(), 24).exists());
    assert_eq!(journal.read(&run()).unwrap().records, records(0..20));
}

#[test]
fn what_crashes_left_goes() {
    let root = stored_run(journal);
    let journal = journal(root.path());
    let draft = blob_of(root.path(), 10).with_extension("77-3.new");
    fs::write(&draft, "half").unwrap();
    let leaving = root.path().join("runs/.removed-run-7");
    fs::create_dir_all(leaving.join("journal")).unwrap();
    // Names that are nobody's here are left alone.
    for other in ["blobs/notes.txt", "blobs/notes.new", "runs/.keep"] {
        fs::write(root.path().join(other), "").unwrap();
    }
    let swept = sweep(&journal);
    assert_eq!((swept.blobs, swept.leftovers), (0, 2));
    assert!(!draft.exists() && !leaving.exists());
    for other in ["blobs/notes.txt", "blobs/notes.new", "runs/.keep"] {
        assert!(root.path().join(other).exists(), "{other}");
    }
}

#[test]
fn what_a_crash_left_of_a_summary_or_a_snapshot_goes_once_nobody_writes_the_run() {
    let root = stored_run(journal);
    let journal = journal(root.path());
    let folder = root.path().join("runs/run-1");
    let drafts = ["status.json.new", "snapshot.new"].map(|name| folder.join(name));
    for draft in &drafts {
        fs::write(draft, "half").unwrap();
    }
    let writer = journal.open(&run()).unwrap();
    assert_eq!(sweep(&journal).leftovers, 0);
    writer.close().unwrap();
    let whole = all_under(root.path());
    let would = journal.sweep(&BTreeSet::new(), true).unwrap();
    assert_eq!(all_under(root.path()), whole);
    assert_eq!(sweep(&journal), would);
    assert!(would.leftovers == 2 && would.bytes > 0);
    let kept = all_under(root.path());
    assert_eq!(whole.difference(&kept).count(), 2);
    assert!(drafts.iter().all(|path| !path.exists()));
    assert_eq!(journal.read(&run()).unwrap().records, records(0..20));
}

#[test]
fn a_link_leads_no_removal_elsewhere() {
    let elsewhere = stored_run(journal);
    let whole = all_under(elsewhere.path());
    let root = tempfile::tempdir().unwrap();
    let journal = journal(root.path());
    let no_folder = |outcome: Result<(), JournalError>, at: &str| match outcome {
        Err(JournalError::NoFolder { path }) => assert_eq!(path, root.path().join(at)),
        other => panic!("{at}: {other:?}"),
    };
    // A run's folder, then all runs, all payloads, and what lies in a run's folder.
    fs::create_dir(root.path().join("runs")).unwrap();
    let link = root.path().join("runs/run-1");
    symlink(elsewhere.path().join("runs/run-1"), &link).unwrap();
    no_folder(journal.remove(&run(), |_| true).map(drop), "runs/run-1");
    assert_eq!(sweep(&journal), Swept::default());
    fs::remove_file(&link).unwrap();
    fs::remove_dir(root.path().join("runs")).unwrap();
    for at in ["runs", "blobs"] {
        symlink(elsewhere.path().join(at), root.path().join(at)).unwrap();
        no_folder(journal.sweep(&BTreeSet::new(), false).map(drop), at);
        if at == "runs" {
            no_folder(journal.remove(&run(), |_| true).map(drop), at);
        }
        fs::remove_file(root.path().join(at)).unwrap();
    }
    store(&journal, "run-1", 0..5);
    let inside = root.path().join("runs/run-1");
    symlink(elsewhere.path(), inside.join("link")).unwrap();
    symlink(blob_of(elsewhere.path(), 10), blob_of(root.path(), 10)).unwrap();
    remove(&journal, "run-1");
    sweep(&journal);
    assert!(!inside.exists());
    assert_eq!(all_under(elsewhere.path()), whole);
    fs::remove_dir_all(root.path().join("runs")).unwrap();
    let to_root = tempfile::tempdir().unwrap();
    let link = to_root.path().join("root");
    symlink(elsewhere.path(), &link).unwrap();
    let through = super::journal(&link);
    assert!(matches!(
        through.remove(&run(), |_| true),
        Err(JournalError::NoFolder { .. })
    ));
    assert!(matches!(
        through.sweep(&BTreeSet::new(), false),
        Err(JournalError::NoFolder { .. })
    ));
    assert_eq!(all_under(elsewhere.path()), whole);
}

/// Another process stores payloads, killed now and then, while they are swept all the time.
#[test]
fn no_payload_goes_that_a_run_beside_refers_to() {
    const ROUNDS: usize = 6;
    const SWEEPS: usize = 15;
    let root = tempfile::tempdir().unwrap();
    let journal = journal(root.path());
    for round in 0..ROUNDS {
        let tail_bytes_max = [TAIL_BYTES_MAX, 30_000, 0][round % 3];
        let mut appender = Appender::start(root.path(), tail_bytes_max);
        appender.next("acknowledged ").unwrap();
        for _ in 0..SWEEPS {
            sweep(&journal);
            appender.next("acknowledged ").unwrap();
        }
        appender.kill();
        sweep(&journal);
        let history = journal.read(&run()).unwrap();
        assert_eq!(history.damage, None, "round {round}");
        assert!(history.records == records(0..history.records.len() as Seq));
    }
}

/// A run that begins with a payload that is there already, while the run that stored it goes.
#[test]
fn a_payload_that_is_stored_again_while_it_is_swept_stays() {
    const ROUNDS: usize = 60;
    let root = tempfile::tempdir().unwrap();
    let journal = journal(root.path());
    for round in 0..ROUNDS {
        let (old, new) = (format!("old-{round}"), format!("new-{round}"));
        store(&journal, &old, 3..4);
        remove(&journal, &old);
        std::thread::scope(|scope| {
            scope.spawn(|| store(&journal, &new, 3..4));
            scope.spawn(|| sweep(&super::journal(root.path())));
        });
        let history = journal.read(&named(&new)).unwrap();
        assert_eq!(
            (history.records.len(), history.damage),
            (1, None),
            "round {round}"
        );
        remove(&journal, &new);
    }
}

#[test]
fn what_runs_take_is_counted() {
    let root = tempfile::tempdir().unwrap();
    let journal = journal(root.path());
    assert_eq!(
        journal.disk_use().unwrap(),
        leadhand_journal::DiskUse::default()
    );
    store(&journal, "a", 0..12);
    let begun = journal.create(&named("b")).unwrap();
    let found = journal.disk_use().unwrap();
    assert_eq!(found.blobs.len(), 2);
    let of = |name: &str| {
        found
            .runs
            .iter()
            .find(|run| run.entry.run == named(name))
            .unwrap()
    };
    assert_eq!(of("a").blobs.as_ref().unwrap().len(), 2);
    assert!(!of("a").empty && of("b").empty);
    assert!(of("a").bytes > 0 && found.bytes() > of("a").bytes + of("b").bytes);
    drop(begun);
}

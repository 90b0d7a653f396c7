//! What the program asks of the system, seen by `strace`, and a kill at every step of it.
//! Where `strace` is missing or may not trace, these say so and pass.

use super::damage::blob_of;
use super::{itself, journal, records, run, set_snapshot, snapshot_fits, without_tails};
use leadhand_journal::{Journal, JournalError};
use leadhand_protocol::Seq;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

fn may_trace() -> bool {
    let tried = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "true"])
        .status();
    let may = tried.is_ok_and(|status| status.success());
    if !may {
        println!("skipped: there is no `strace`, or it may not trace");
    }
    may
}

fn root_of_child() -> Option<PathBuf> {
    std::env::var_os("LEADHAND_TRACED_ROOT").map(PathBuf::from)
}

/// Not a test of its own, but the process that the next one watches. It ends without closing,
/// which would sync as well.
#[test]
fn syncer() {
    let Some(root) = root_of_child() else {
        return;
    };
    let mut writer = journal(&root).create(&run()).unwrap();
    writer.append(&records(0..4)).unwrap().wait().unwrap();
    writer.sync().unwrap().wait().unwrap();
    let mut out = std::io::stdout();
    writeln!(out, "\nit is synced").unwrap();
    out.flush().unwrap();
    std::process::exit(0);
}

#[test]
fn what_a_sync_waits_for_is_on_disk() {
    if !may_trace() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let root = root.path().canonicalize().unwrap();
    let log = root.join("trace");
    let calls = "trace=fsync,fdatasync,write";
    let under = [
        "strace",
        "-f",
        "-y",
        "-e",
        calls,
        "-o",
        log.to_str().unwrap(),
    ];
    let status = itself(&under, "traced::syncer")
        .env("LEADHAND_TRACED_ROOT", &root)
        .status();
    assert!(status.unwrap().success());
    let log = std::fs::read_to_string(log).unwrap();
    let (before, _) = log.split_once("it is synced").expect("it said so");
    let synced = |path: &Path| {
        let path = format!("<{}>", path.display());
        let mut lines = before.lines();
        lines.any(|line| line.contains("sync(") && line.contains(&path))
    };
    // The fourth record's text lies in a blob.
    let (blob, blobs) = (blob_of(&root, 3), root.join("blobs"));
    let run = root.join("runs/run-1");
    let tail = run.join("tail-00000000000000000000");
    for path in [
        blob.as_path(),
        &blobs,
        &tail,
        &run,
        run.parent().unwrap(),
        &root,
    ] {
        assert!(synced(path), "{} was not synced:\n{before}", path.display());
    }
}

/// Not a test of its own, but the process that the next one kills: it appends ten records and
/// keeps a snapshot.
#[test]
fn snapshotter() {
    let Some(root) = root_of_child() else {
        return;
    };
    let journal = journal(&root);
    let mut writer = match journal.create(&run()) {
        Err(JournalError::RunExists { .. }) => journal.open(&run()),
        created => created,
    }
    .unwrap();
    let begin = writer.next_seq();
    let appended = writer.append(&records(begin..begin + 10));
    appended.unwrap().wait().unwrap();
    set_snapshot(writer.as_mut());
    writer.close().unwrap();
}

/// Kills the process when it is about to make a system call that has to do with the draft of a
/// snapshot; `before` is how many records there are, with a snapshot, if any.
fn check_kill_at(call: &str, before: Seq) {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().canonicalize().unwrap();
    if before > 0 {
        let kept = itself(&[], "traced::snapshotter")
            .env("LEADHAND_TRACED_ROOT", &root)
            .output();
        assert!(kept.unwrap().status.success());
    }
    let draft = root.join("runs/run-1/snapshot.new");
    let kill = format!("inject={call}:signal=KILL");
    let draft = draft.to_str().unwrap();
    let under = ["strace", "-f", "-P", draft, "-e", &kill, "-o", "/dev/null"];
    let output = itself(&under, "traced::snapshotter")
        .env("LEADHAND_TRACED_ROOT", &root)
        .output()
        .unwrap();
    assert!(!output.status.success(), "{call} was never made");

    let journal = journal(&root);
    let history = journal.read(&run()).unwrap();
    let expected = (records(0..before + 10), None);
    assert_eq!((history.records, history.damage), expected, "{call}");
    let kept = (before > 0).then_some(before);
    assert_eq!(snapshot_fits(&journal, before + 10), kept, "{call}");
    // The run goes on, and can keep another.
    let mut writer = journal.open(&run()).unwrap();
    set_snapshot(writer.as_mut());
    writer.close().unwrap();
    assert_eq!(snapshot_fits(&journal, before + 10), Some(before + 10));
}

#[test]
fn a_kill_at_any_step_of_writing_a_snapshot_leaves_the_old_one() {
    if !may_trace() {
        return;
    }
    for call in ["openat", "write", "fsync", "close", "rename"] {
        for before in [0, 10] {
            check_kill_at(call, before);
        }
    }
}

/// Not a test of its own, but the process that the next one kills: it appends twice, and the store
/// takes over each time.
#[test]
fn folder() {
    let Some(root) = root_of_child() else {
        return;
    };
    let journal = without_tails(&root);
    let mut writer = journal.create(&run()).unwrap();
    writer.append(&records(0..20)).unwrap().wait().unwrap();
    writer.close().unwrap();
    let mut writer = journal.open(&run()).unwrap();
    writer.append(&records(20..40)).unwrap().wait().unwrap();
    let mut out = std::io::stdout();
    writeln!(out, "\nit is acknowledged").unwrap();
    out.flush().unwrap();
    writer.close().unwrap();
}

/// Kills the process when one of its threads makes such a call on a file for the n-th time; says
/// whether it came to that.
fn check_kill_while_folding(call: &str, file: &str, when: usize) -> bool {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().canonicalize().unwrap();
    let path = root.join("runs/run-1").join(file);
    let kill = format!("inject={call}:signal=KILL:when={when}");
    let path = path.to_str().unwrap();
    let under = ["strace", "-f", "-P", path, "-e", &kill, "-o", "/dev/null"];
    let output = itself(&under, "traced::folder")
        .env("LEADHAND_TRACED_ROOT", &root)
        .output()
        .unwrap();
    let name = format!("{call} {when} of {file}");
    let killed = !output.status.success();
    let told = String::from_utf8_lossy(&output.stdout);
    let acknowledged = if told.contains("acknowledged") { 40 } else { 0 };
    let journal = journal(&root);
    let history = journal.read(&run()).unwrap();
    let whole = history.records.len() as Seq;
    assert_eq!(history.damage, None, "{name}");
    assert!(whole >= acknowledged, "{name}: {whole} of {acknowledged}");
    assert!(history.records == records(0..whole), "{name}");
    // The run goes on, and what was left over is no hindrance.
    let mut writer = without_tails(&root).open(&run()).unwrap();
    writer
        .append(&records(whole..whole + 9))
        .unwrap()
        .wait()
        .unwrap();
    writer.close().unwrap();
    let history = journal.read(&run()).unwrap();
    let expected = (records(0..whole + 9), None);
    assert_eq!((history.records, history.damage), expected, "{name}");
    killed
}

#[test]
fn a_kill_at_any_step_of_handing_over_loses_and_doubles_nothing() {
    if !may_trace() {
        return;
    }
    let (first, second) = ("tail-00000000000000000000", "tail-00000000000000000020");
    for (call, file) in [
        ("openat", first),
        ("write", first),
        ("fsync", first),
        ("unlink", first),
        ("openat", second),
        ("write", second),
        ("unlink", second),
        ("openat", "journal/db"),
        ("pwrite64", "journal/db"),
        ("fdatasync", "journal/db"),
    ] {
        let kills = (1..9).take_while(|when| check_kill_while_folding(call, file, *when));
        assert!(kills.count() > 0, "{call} of {file} was never made");
    }
}

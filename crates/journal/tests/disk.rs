//! What only the journal on disk can get wrong: damage, other processes, and being killed.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]
#![allow(clippy::print_stdout, reason = "what was skipped or found is told")]

#[path = "disk/bad_disk.rs"]
mod bad_disk;
#[path = "disk/chain.rs"]
mod chain;
#[path = "disk/damage.rs"]
mod damage;
#[cfg(feature = "redb")]
#[path = "disk/redb.rs"]
mod redb;
#[path = "disk/snapshots.rs"]
mod snapshots;
#[path = "disk/sweep.rs"]
mod sweep;
#[path = "disk/tail.rs"]
mod tail;
#[path = "disk/traced.rs"]
mod traced;

use leadhand_journal::{Durability, Journal, JournalError, SledJournal, Snapshot, TAIL_BYTES_MAX};
use leadhand_protocol::{AgentId, Event, Record, RunId, Seq};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use tempfile::TempDir;

fn run() -> RunId {
    RunId::new("run-1").unwrap()
}

fn journal(root: &Path) -> SledJournal {
    SledJournal::open_root(root, Durability::Process)
}

/// A journal whose store takes over everything at once.
fn without_tails(root: &Path) -> SledJournal {
    journal(root).with_tail_bytes_max(0)
}

/// A record that is known by its `seq`; of every seven one goes into a blob, and one is deflated
/// where it stands.
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

/// The state that a run's snapshot before `next_seq` holds here: no two have much in common,
/// and none gets much smaller.
fn state(next_seq: Seq) -> Snapshot {
    let mut random = next_seq;
    let byte = |_| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 40) as u8
    };
    Snapshot {
        next_seq,
        format: "state 1".to_owned(),
        bytes: (0..40_000).map(byte).collect(),
    }
}

fn set_snapshot(writer: &mut dyn leadhand_journal::Writer) {
    let Snapshot {
        next_seq,
        format,
        bytes,
    } = state(writer.next_seq());
    writer.set_snapshot(next_seq, &format, &bytes).unwrap();
}

/// A root with one closed run of 20 records.
fn stored_run(journal: impl Fn(&Path) -> SledJournal) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let mut writer = journal(root.path()).create(&run()).unwrap();
    for seq in (0..20).step_by(4) {
        let some = records(seq..seq + 4);
        writer.append(&some).unwrap().wait().unwrap();
    }
    writer.close().unwrap();
    root
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let root = tempfile::tempdir().unwrap();
    let in_the_way = root.path().join("file");
    fs::write(&in_the_way, "").unwrap();
    match journal(&in_the_way).create(&run()).map(drop) {
        Err(JournalError::Unwritable { path, .. }) => assert_eq!(path, in_the_way.join("runs")),
        other => panic!("{other:?}"),
    }
}

/// Not a test of its own: with a root in the environment this is the process that the tests
/// below start, watch and kill. It appends in groups and says what was acknowledged.
#[test]
fn appender() {
    let Some(root) = std::env::var_os("LEADHAND_APPENDER_ROOT") else {
        return;
    };
    let tail_bytes_max = std::env::var("LEADHAND_APPENDER_TAIL").unwrap();
    let journal = journal(Path::new(&root)).with_tail_bytes_max(tail_bytes_max.parse().unwrap());
    let mut writer = match journal.create(&run()) {
        Err(JournalError::RunExists { .. }) => journal.open(&run()),
        created => created,
    }
    .unwrap();
    let mut out = std::io::stdout();
    writeln!(out, "\nbegan {}", writer.next_seq()).unwrap();
    for group in 1.. {
        let begin = writer.next_seq();
        let end = begin + group * 5 % 17;
        writer.append(&records(begin..end)).unwrap().wait().unwrap();
        writeln!(out, "acknowledged {end}").unwrap();
        out.flush().unwrap();
        if group % 3 == 0 {
            set_snapshot(writer.as_mut());
        }
    }
}

/// This program once more, for one test, under another if one is given with its arguments.
fn itself(under: &[&str], test: &str) -> Command {
    let program = std::env::current_exe().unwrap();
    let mut words = under
        .iter()
        .map(std::ffi::OsStr::new)
        .chain([program.as_os_str()]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words);
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
    command
}

/// Says whether the snapshot is the state before a record that is there, and which.
fn snapshot_fits(journal: &SledJournal, records: Seq) -> Option<Seq> {
    let snapshot = journal.snapshot(&run()).unwrap()?;
    let next_seq = snapshot.next_seq;
    assert!(next_seq <= records, "{next_seq} of {records} records");
    assert!(
        snapshot == state(next_seq),
        "not the state before {next_seq}"
    );
    Some(next_seq)
}

struct Appender {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Appender {
    fn start(root: &Path, tail_bytes_max: u64) -> Self {
        let mut child = itself(&[], "appender")
            .env("LEADHAND_APPENDER_ROOT", root)
            .env("LEADHAND_APPENDER_TAIL", tail_bytes_max.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The number in the next line that says `what`.
    fn next(&mut self, what: &str) -> Option<Seq> {
        let line = self
            .lines
            .find_map(|line| line.unwrap().strip_prefix(what).map(str::to_owned));
        line?.trim().parse().ok()
    }

    /// Kills it; gives the last that it had still acknowledged.
    fn kill(mut self) -> Option<Seq> {
        self.child.kill().unwrap();
        let mut last = None;
        while let Some(end) = self.next("acknowledged ") {
            last = Some(end);
        }
        self.child.wait().unwrap();
        last
    }
}

#[test]
fn a_run_of_another_process_is_left_to_it() {
    let root = tempfile::tempdir().unwrap();
    let mut other = Appender::start(root.path(), TAIL_BYTES_MAX);
    other.next("acknowledged ").unwrap();
    let pid = other.child.id();
    let journal = journal(root.path());
    match journal.read(&run()) {
        Err(JournalError::Live {
            run: named,
            pid: found,
        }) => assert_eq!((named, found), (run(), pid)),
        other => panic!("{other:?}"),
    }
    match journal.open(&run()).map(drop) {
        Err(JournalError::Locked {
            run: named,
            pid: found,
        }) => {
            assert_eq!((named, found), (run(), pid));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(journal.runs().unwrap()[0].live, Some(pid));
    other.kill();
    assert_eq!(journal.runs().unwrap()[0].live, None);
    journal.open(&run()).unwrap().close().unwrap();
}

#[test]
fn no_acknowledged_record_is_lost_when_the_process_is_killed() {
    const SEED: u64 = 0x1EAD;
    let kills = std::env::var("LEADHAND_KILLS").map_or(20, |kills| kills.parse().unwrap());
    println!("seed {SEED:#x}, {kills} kills");
    let root = tempfile::tempdir().unwrap();
    let mut random = SEED;
    let mut kept = 0;
    let mut snapshot = None;
    for kill in 0..kills {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let acknowledgements = (random >> 33) % 40;
        // With a tail that only grows, one that is handed over now and then, and always.
        let tail_bytes_max = [TAIL_BYTES_MAX, 30_000, 0][kill % 3];
        let mut appender = Appender::start(root.path(), tail_bytes_max);
        let mut acknowledged = kept;
        if kill % 5 != 4 {
            // Otherwise it is killed at once, maybe while it opens the run.
            assert_eq!(appender.next("began "), Some(kept));
            for _ in 0..acknowledgements {
                acknowledged = appender.next("acknowledged ").unwrap();
            }
        }
        acknowledged = appender.kill().unwrap_or(acknowledged);
        let history = match journal(root.path()).read(&run()) {
            Err(JournalError::UnknownRun { .. }) if acknowledged == 0 => continue,
            history => history.unwrap(),
        };
        let whole = history.records.len() as Seq;
        assert_eq!(history.damage, None, "kill {kill}");
        assert!(
            whole >= acknowledged,
            "kill {kill}: {whole} of {acknowledged} records"
        );
        assert!(
            history.records == records(0..whole),
            "kill {kill}: records differ"
        );
        kept = whole;
        let latest = snapshot_fits(&journal(root.path()), whole);
        // What was written once is only ever replaced.
        assert!(
            latest >= snapshot,
            "kill {kill}: {latest:?} after {snapshot:?}"
        );
        snapshot = latest;
    }
    assert!(snapshot.is_some(), "no snapshot was written before a kill");
    assert!(
        kept > 500,
        "only {kept} records were written before the kills"
    );
}

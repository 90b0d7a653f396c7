//! What only the journal on disk can get wrong: damage, other processes, and being killed.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use leadhand_journal::{Damage, Durability, Journal, JournalError, SledJournal};
use leadhand_protocol::{AgentId, ContentHash, Event, Record, RunId, Seq};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use tempfile::TempDir;

fn run() -> RunId {
    RunId::new("run-1").unwrap()
}

fn journal(root: &Path) -> SledJournal {
    SledJournal::open_root(root, Durability::Process).unwrap()
}

/// A record that is known by its `seq`; every seventh goes into a blob.
fn record(seq: Seq) -> Record {
    let bytes = if seq % 7 == 3 {
        5_000
    } else {
        seq as usize * 37 % 700
    };
    Record {
        seq,
        at_ms: seq * 10,
        event: Event::OutputGiven {
            agent: AgentId(7),
            content: format!("{seq} {}", "z".repeat(bytes)),
        },
    }
}

fn records(range: std::ops::Range<Seq>) -> Vec<Record> {
    range.map(record).collect()
}

/// A root with one closed run of 20 records.
fn stored_run() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let mut writer = journal(root.path()).create(&run()).unwrap();
    writer.append(&records(0..20)).unwrap().wait().unwrap();
    writer.close().unwrap();
    root
}

fn store(root: &Path) -> sled::Db {
    sled::open(root.join("runs/run-1/journal")).unwrap()
}

fn blob_of(root: &Path, seq: Seq) -> PathBuf {
    let json = serde_json::to_vec(&record(seq).event).unwrap();
    let name = ContentHash::of(&json).to_string();
    root.join("blobs").join(&name[..1]).join(name)
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn change_byte(path: &Path, at: usize, byte: u8) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] = byte;
    fs::write(path, bytes).unwrap();
}

/// Changes the stored value of one record; `None` removes it.
fn change(root: &Path, seq: Seq, change: impl FnOnce(Vec<u8>) -> Option<Vec<u8>>) {
    let db = store(root);
    let key = seq.to_be_bytes();
    let value = db.get(key).unwrap().unwrap().to_vec();
    match change(value) {
        Some(value) => db.insert(key, value).unwrap(),
        None => db.remove(key).unwrap(),
    };
    db.flush().unwrap();
}

/// Spoils a stored run and says where its history must end and why.
fn check_damage(seq: Seq, what: &str, spoil: impl FnOnce(&Path)) {
    let root = stored_run();
    spoil(root.path());
    let history = journal(root.path()).read(&run()).unwrap();
    assert_eq!(history.records, records(0..seq));
    let found = history.damage.unwrap();
    let what = what.replace("ROOT", &root.path().display().to_string());
    assert_eq!(found, Damage { seq, what });
}

#[test]
fn damage_is_reported_and_what_comes_before_it_is_kept() {
    let header_and_crc = "its checksum does not fit";
    for at in [0, 1, 2, 5, 6, 40] {
        check_damage(11, header_and_crc, |root| {
            change(root, 11, |mut value| {
                value[at] ^= 4;
                Some(value)
            });
        });
    }
    check_damage(5, "it is missing", |root| change(root, 5, |_| None));
    check_damage(0, "it is missing", |root| change(root, 0, |_| None));
    check_damage(6, "it has only 3 bytes", |root| {
        change(root, 6, |value| Some(value[..3].to_vec()));
    });
    check_damage(8, "record 9 stands in its place", |root| {
        let other = store(root).get(9_u64.to_be_bytes()).unwrap().unwrap();
        change(root, 8, |_| Some(other.to_vec()));
    });
    let blob = blob_of(Path::new("ROOT"), 10).display().to_string();
    check_damage(10, &format!("its payload {blob} was changed"), |root| {
        flip(&blob_of(root, 10), 12);
    });
    check_damage(
        10,
        &format!("its payload {blob} has the unknown format 9"),
        |root| {
            change_byte(&blob_of(root, 10), 0, 9);
        },
    );
    check_damage(10, &format!("its payload {blob} is empty"), |root| {
        fs::write(blob_of(root, 10), "").unwrap();
    });
    let gone = "cannot be read: No such file or directory (os error 2)";
    check_damage(10, &format!("its payload {blob} {gone}"), |root| {
        fs::remove_file(blob_of(root, 10)).unwrap();
    });
}

/// sled drops what follows a changed byte of its file, or refuses to open; the reader must
/// hear of it either way.
#[test]
fn a_changed_store_file_is_never_taken_for_a_shorter_run() {
    let mut reported = 0;
    for part in 0..40 {
        let root = stored_run();
        let data = root.path().join("runs/run-1/journal/db");
        let at = fs::metadata(&data).unwrap().len() as usize * part / 40;
        flip(&data, at);
        let history = journal(root.path()).read(&run()).unwrap();
        let whole = history.records.len() as Seq;
        assert_eq!(history.records, records(0..whole), "byte {at}");
        let end = history.damage.map_or(20, |damage| damage.seq);
        assert_eq!(whole, end, "byte {at}");
        reported += usize::from(end < 20);
    }
    assert!(reported > 0);
}

#[test]
fn what_a_store_that_refuses_to_open_holds_is_saved() {
    for spoiled in ["conf", "snap"] {
        let root = stored_run();
        // sled writes its snapshot when it opens a store that has been written to.
        drop(store(root.path()));
        let files = fs::read_dir(root.path().join("runs/run-1/journal")).unwrap();
        let file = files.map(|file| file.unwrap().path()).find(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with(spoiled)
        });
        flip(&file.unwrap(), 20);
        let history = journal(root.path()).read(&run()).unwrap();
        assert_eq!(history.records, records(0..20), "{spoiled}");
        assert_eq!(history.damage.unwrap().seq, 20, "{spoiled}");
        match journal(root.path()).open(&run()).map(drop) {
            Err(JournalError::Store { run: named, .. }) => assert_eq!(named, run()),
            other => panic!("{spoiled}: {other:?}"),
        }
    }
}

#[test]
fn nothing_is_appended_after_a_damaged_end() {
    let root = stored_run();
    change(root.path(), 19, |_| Some(vec![0; 9]));
    match journal(root.path()).open(&run()).map(drop) {
        Err(JournalError::Damaged {
            run: named, seq, ..
        }) => assert_eq!((named, seq), (run(), 19)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_newer_format_is_refused_and_not_taken_for_damage() {
    let root = stored_run();
    let newer = |body: &[u8]| {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&[2, 0]);
        hasher.update(body);
        [&[2, 0], hasher.finalize().to_le_bytes().as_slice(), body].concat()
    };
    change(root.path(), 19, |_| Some(newer(b"what nobody knows yet")));
    let journal = journal(root.path());
    for outcome in [
        journal.read(&run()).map(drop),
        journal.open(&run()).map(drop),
    ] {
        match outcome {
            Err(JournalError::SchemaTooNew {
                seq,
                found,
                supported,
                ..
            }) => {
                assert_eq!((seq, found, supported), (19, 2, 1));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_spoiled_blob_is_replaced_when_its_content_is_stored_again() {
    let root = stored_run();
    flip(&blob_of(root.path(), 10), 9);
    let other = RunId::new("run-2").unwrap();
    let mut writer = journal(root.path()).create(&other).unwrap();
    writer.append(&records(0..20)).unwrap().wait().unwrap();
    writer.close().unwrap();
    assert_eq!(
        journal(root.path()).read(&run()).unwrap().records,
        records(0..20)
    );
}

/// As blobs were written at first: plain, and in 256 folders instead of 16.
#[test]
fn a_plain_blob_in_a_finer_folder_is_read_and_kept() {
    let root = stored_run();
    let path = blob_of(root.path(), 10);
    let json = serde_json::to_vec(&record(10).event).unwrap();
    let name = ContentHash::of(&json).to_string();
    let finer = root.path().join("blobs").join(&name[..2]).join(name);
    fs::create_dir(finer.parent().unwrap()).unwrap();
    fs::write(&finer, [&[0], json.as_slice()].concat()).unwrap();
    fs::remove_file(&path).unwrap();
    let journal = journal(root.path());
    assert_eq!(journal.read(&run()).unwrap().records, records(0..20));
    let mut writer = journal.create(&RunId::new("run-2").unwrap()).unwrap();
    writer.append(&records(0..20)).unwrap().wait().unwrap();
    writer.close().unwrap();
    assert!(finer.exists() && !path.exists(), "it is stored twice");
}

#[test]
fn a_snapshot_left_unfinished_by_a_crash_does_no_harm() {
    let root = stored_run();
    let left_over = root
        .path()
        .join("runs/run-1/journal/snap.0000000000000400.generating");
    for content in ["", "half of it"] {
        fs::write(&left_over, content).unwrap();
        assert_eq!(
            journal(root.path()).read(&run()).unwrap().records,
            records(0..20)
        );
        assert!(!left_over.exists());
    }
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
    let journal = journal(Path::new(&root));
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
    }
}

struct Appender {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Appender {
    fn start(root: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["appender", "--exact", "--nocapture", "--test-threads=1"])
            .env("LEADHAND_APPENDER_ROOT", root)
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
    let mut other = Appender::start(root.path());
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
    for kill in 0..kills {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let acknowledgements = (random >> 33) % 40;
        let mut appender = Appender::start(root.path());
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
    }
    assert!(
        kept > 500,
        "only {kept} records were written before the kills"
    );
}

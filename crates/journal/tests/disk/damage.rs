//! A stored run that was changed behind the program's back: what is wrong is told, and what
//! comes before it is kept.

use super::{journal, record, records, run, without_tails};
use leadhand_journal::{Damage, Journal, JournalError};
use leadhand_protocol::{ContentHash, RunId, Seq};
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a store may stay locked that nobody here has open.
const LOCKED_MAX: Duration = Duration::from_secs(10);

/// A process that another test is starting has a copy of every lock until it is on its own.
fn store(root: &Path) -> sled::Db {
    let began = Instant::now();
    loop {
        match sled::open(root.join("runs/run-1/journal")) {
            Err(sled::Error::Io(_)) if began.elapsed() < LOCKED_MAX => std::thread::yield_now(),
            opened => return opened.unwrap(),
        }
    }
}

/// A root with one closed run of 20 records, all of them in the store.
fn stored_run() -> tempfile::TempDir {
    super::stored_run(without_tails)
}

/// The long text of a record, which is a payload: what it says between two quotes.
fn payload(seq: Seq) -> Vec<u8> {
    let json = serde_json::to_value(&record(seq).event).unwrap();
    json["content"].as_str().unwrap().as_bytes().to_vec()
}

pub(super) fn blob_of(root: &Path, seq: Seq) -> PathBuf {
    let name = ContentHash::of(&payload(seq)).to_string();
    root.join("blobs").join(name)
}

pub(super) fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn change_byte(path: &Path, at: usize, byte: u8) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] = byte;
    fs::write(path, bytes).unwrap();
}

/// Takes the packs of a store apart: each record's value may stand under its own key as well.
fn spread(db: &sled::Db) {
    for entry in db.iter() {
        let (key, stored) = entry.unwrap();
        if stored[1] != 4 {
            continue;
        }
        db.remove(&key).unwrap();
        let (begin, mut rest) = stored[6..].split_first_chunk::<8>().unwrap();
        let mut seq = Seq::from_le_bytes(*begin);
        while let Some((bytes, after)) = rest.split_first_chunk::<4>() {
            let (value, after) = after.split_at(u32::from_le_bytes(*bytes) as usize);
            db.insert(seq.to_be_bytes(), value).unwrap();
            seq += 1;
            rest = after;
        }
    }
}

/// Changes the stored value of one record; `None` removes it.
pub(super) fn change(root: &Path, seq: Seq, change: impl FnOnce(Vec<u8>) -> Option<Vec<u8>>) {
    let db = store(root);
    spread(&db);
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
        change(root, 9, Some);
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

/// One byte of a pack spoils the records in it, and none before it.
#[test]
fn a_changed_pack_is_told() {
    let root = stored_run();
    let db = store(root.path());
    let (key, stored) = db.last().unwrap().unwrap();
    let begin = Seq::from_be_bytes((*key).try_into().unwrap());
    assert_eq!(stored[1], 4, "it is a pack");
    let mut stored = stored.to_vec();
    stored[30] ^= 1;
    db.insert(&key, stored).unwrap();
    db.flush().unwrap();
    drop(db);
    let history = journal(root.path()).read(&run()).unwrap();
    assert_eq!(history.records, records(0..begin));
    let what = "its checksum does not fit".to_owned();
    assert_eq!(history.damage, Some(Damage { seq: begin, what }));
    match journal(root.path()).open(&run()).map(drop) {
        Err(JournalError::Damaged { seq, .. }) => assert_eq!(seq, begin),
        other => panic!("{other:?}"),
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
        hasher.update(&[3, 0]);
        hasher.update(body);
        [&[3, 0], hasher.finalize().to_le_bytes().as_slice(), body].concat()
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
                assert_eq!((seq, found, supported), (19, 3, 2));
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

/// As small ones are that do not become smaller.
#[test]
fn a_plain_blob_is_read_and_kept() {
    let root = stored_run();
    let path = blob_of(root.path(), 10);
    let plain = [vec![0], payload(10)].concat();
    fs::write(&path, &plain).unwrap();
    let journal = journal(root.path());
    assert_eq!(journal.read(&run()).unwrap().records, records(0..20));
    let mut writer = journal.create(&RunId::new("run-2").unwrap()).unwrap();
    writer.append(&records(0..20)).unwrap().wait().unwrap();
    writer.close().unwrap();
    assert_eq!(fs::read(path).unwrap(), plain, "it was stored again");
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

/// A power cut may leave less of the file than was written; a half copy as well.
#[test]
fn a_store_file_that_was_cut_is_never_taken_for_a_shorter_run() {
    for part in 0..20 {
        let root = stored_run();
        let data = root.path().join("runs/run-1/journal/db");
        let bytes = fs::metadata(&data).unwrap().len();
        let file = fs::OpenOptions::new().write(true).open(&data).unwrap();
        file.set_len(bytes * part / 20).unwrap();
        let history = journal(root.path()).read(&run()).unwrap();
        let whole = history.records.len() as Seq;
        assert_eq!(history.records, records(0..whole), "part {part}");
        let end = history.damage.map_or(20, |damage| damage.seq);
        assert_eq!(whole, end, "part {part}");
    }
}

#[test]
fn a_changed_head_is_told_and_takes_no_record_with_it() {
    for at in 0..30 {
        let root = stored_run();
        let head = root.path().join("runs/run-1/head");
        flip(&head, at);
        let journal = journal(root.path());
        let what = format!(
            "{} was changed, so nobody can tell whether this is the end; remove that file to go on from here",
            head.display()
        );
        let damage = Damage { seq: 20, what };
        let history = journal.read(&run()).unwrap();
        assert_eq!(history.records, records(0..20), "byte {at}");
        assert_eq!(history.damage, Some(damage.clone()), "byte {at}");
        assert_eq!(
            journal.read_from(&run(), 15).unwrap().damage,
            Some(damage.clone())
        );
        assert_eq!(journal.read_from(&run(), 20).unwrap().damage, Some(damage));
        match journal.open(&run()).map(drop) {
            Err(JournalError::Damaged { seq, .. }) => assert_eq!(seq, 20),
            other => panic!("{other:?}"),
        }
        // What the message says helps.
        fs::remove_file(&head).unwrap();
        assert_eq!(journal.open(&run()).unwrap().next_seq(), 20);
    }
}

/// A power cut may leave these of a head that was never synced.
#[test]
fn a_head_that_never_reached_the_disk_claims_nothing() {
    for content in ["", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"] {
        let root = stored_run();
        fs::write(root.path().join("runs/run-1/head"), content).unwrap();
        let history = journal(root.path()).read(&run()).unwrap();
        assert_eq!((history.records, history.damage), (records(0..20), None));
    }
}

/// A blob that says it is small and inflates to 64 MB is damage, and costs no memory.
#[test]
fn a_blob_that_would_inflate_without_end_is_damage() {
    use std::io::Write;
    let mut bomb = flate2::write::DeflateEncoder::new(vec![1], flate2::Compression::best());
    for _ in 0..64 {
        bomb.write_all(&vec![b'z'; 1_000_000]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    // No longer than the file of a blob of 5,000 bytes may be at all.
    let bomb = &bomb[..4_000];
    let blob = blob_of(Path::new("ROOT"), 10).display().to_string();
    check_damage(10, &format!("its payload {blob} was changed"), |root| {
        fs::write(blob_of(root, 10), bomb).unwrap();
    });
}

#[test]
fn whoever_wants_no_more_hears_nothing_of_damage_behind() {
    let root = stored_run();
    change(root.path(), 5, |_| None);
    let journal = journal(root.path());
    for wanted in 1..=5 {
        let mut seen = 0;
        let damage = journal.scan(&run(), 0, &mut |_, _| {
            seen += 1;
            match seen < wanted {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        });
        assert_eq!((seen, damage.unwrap()), (wanted, None));
    }
}

#[test]
fn what_is_changed_before_the_first_record_asked_for_is_not_looked_at() {
    let root = stored_run();
    change(root.path(), 5, |_| None);
    let journal = journal(root.path());
    let history = journal.read_from(&run(), 6).unwrap();
    assert_eq!((history.records, history.damage), (records(6..20), None));
    let history = journal.read_from(&run(), 5).unwrap();
    let what = "it is missing".to_owned();
    assert_eq!(history.records, []);
    assert_eq!(history.damage, Some(Damage { seq: 5, what }));
}

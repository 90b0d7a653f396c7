//! Tails that a crash left half written, or that were changed behind the program's back.

use super::damage::{blob_of, flip};
use super::{journal, records, run, stored_run, without_tails};
use leadhand_journal::{Damage, Journal, JournalError};
use leadhand_protocol::Seq;
use std::fs;
use std::path::{Path, PathBuf};

fn tail_of(root: &Path) -> PathBuf {
    root.join("runs/run-1/tail-00000000000000000000")
}

/// Says how many records the head vouches for.
fn set_head(root: &Path, synced: Seq) {
    let number = format!("{synced:020}");
    let line = format!("{number} {:08x}\n", crc32fast::hash(number.as_bytes()));
    fs::write(root.join("runs/run-1/head"), line).unwrap();
}

/// Where each append ends in the tail, with the records that there are then: frames begin with
/// their length.
fn ends(root: &Path) -> Vec<(usize, Seq)> {
    let tail = fs::read(tail_of(root)).unwrap();
    let mut ends = vec![(0, 0)];
    let mut at = 0;
    while at < tail.len() {
        let bytes: [u8; 4] = tail[at..at + 4].try_into().unwrap();
        at += 4 + u32::from_le_bytes(bytes) as usize;
        ends.push((at, ends.len() as Seq * 4));
    }
    ends
}

/// A kill in the middle of an append leaves some bytes of it: nobody was told that it is there, and
/// it is gone without a word.
#[test]
fn half_an_append_is_none() {
    let root = stored_run(journal);
    let tail = fs::read(tail_of(root.path())).unwrap();
    let ends = ends(root.path());
    let cuts = (0..tail.len())
        .step_by(97)
        .chain(ends.iter().map(|it| it.0));
    for cut in cuts {
        let whole = ends.iter().rfind(|(end, _)| *end <= cut).unwrap().1;
        fs::write(tail_of(root.path()), &tail[..cut]).unwrap();
        set_head(root.path(), 0);
        let journal = journal(root.path());
        let history = journal.read(&run()).unwrap();
        let expected = (records(0..whole), None);
        assert_eq!((history.records, history.damage), expected, "{cut} bytes");
        let mut writer = journal.open(&run()).unwrap();
        assert_eq!((writer.next_seq(), writer.lost()), (whole, None));
        writer.append(&records(whole..30)).unwrap().wait().unwrap();
        writer.close().unwrap();
        let history = journal.read(&run()).unwrap();
        assert_eq!((history.records, history.damage), (records(0..30), None));
    }
}

/// The same cut through what was known to be on disk is told, and nothing is appended.
#[test]
fn a_tail_that_was_cut_is_never_taken_for_a_shorter_run() {
    for part in 0..20 {
        let root = stored_run(journal);
        let bytes = fs::metadata(tail_of(root.path())).unwrap().len();
        let file = fs::OpenOptions::new()
            .write(true)
            .open(tail_of(root.path()));
        file.unwrap().set_len(bytes * part / 20).unwrap();
        let history = journal(root.path()).read(&run()).unwrap();
        let whole = history.records.len() as Seq;
        assert_eq!(history.records, records(0..whole), "part {part}");
        assert_eq!(history.damage.unwrap().seq, whole, "part {part}");
        match journal(root.path()).open(&run()).map(drop) {
            Err(JournalError::Damaged { seq, .. }) => assert_eq!(seq, whole),
            other => panic!("part {part}: {other:?}"),
        }
    }
    let root = stored_run(journal);
    fs::remove_file(tail_of(root.path())).unwrap();
    let history = journal(root.path()).read(&run()).unwrap();
    assert_eq!((history.records, history.damage.unwrap().seq), (vec![], 0));
}

#[test]
fn a_changed_byte_of_a_tail_is_told_and_what_comes_before_it_is_kept() {
    let root = stored_run(journal);
    let ends = ends(root.path());
    let tail = fs::read(tail_of(root.path())).unwrap();
    for at in (0..tail.len()).step_by(41) {
        flip(&tail_of(root.path()), at);
        let whole = ends.iter().rfind(|(end, _)| *end <= at).unwrap().1;
        let journal = journal(root.path());
        let history = journal.read(&run()).unwrap();
        assert_eq!(history.records, records(0..whole), "byte {at}");
        assert_eq!(history.damage.unwrap().seq, whole, "byte {at}");
        match journal.open(&run()).map(drop) {
            Err(JournalError::Damaged { seq, .. }) => assert_eq!(seq, whole, "byte {at}"),
            other => panic!("byte {at}: {other:?}"),
        }
        assert_eq!(
            fs::metadata(tail_of(root.path())).unwrap().len(),
            tail.len() as u64
        );
        fs::write(tail_of(root.path()), &tail).unwrap();
    }
    assert_eq!(journal(root.path()).read(&run()).unwrap().damage, None);
}

/// A power cut may leave a record and not its blob. What was never on disk is cut off with all that
/// was appended with it, told, and written anew; what was on disk never is.
#[test]
fn a_damaged_end_is_cut_off_if_it_was_never_on_disk() {
    for (synced, lost) in [(12, true), (16, true), (20, false)] {
        let root = stored_run(journal);
        set_head(root.path(), synced);
        let blob = blob_of(root.path(), 17);
        fs::write(&blob, "").unwrap();
        let what = format!("its payload {} is empty", blob.display());
        let journal = journal(root.path());
        let before = journal.read(&run()).unwrap();
        assert_eq!(before.records, records(0..17));
        let seq = 17;
        assert_eq!(
            before.damage,
            Some(Damage {
                seq,
                what: what.clone()
            })
        );
        let mut writer = journal.open(&run()).unwrap();
        if !lost {
            assert_eq!((writer.next_seq(), writer.lost()), (20, None));
            continue;
        }
        let what = format!("of what was appended with it, record 17: {what}");
        let damage = Damage { seq: 16, what };
        assert_eq!((writer.next_seq(), writer.lost()), (16, Some(&damage)));
        writer.append(&records(16..30)).unwrap().wait().unwrap();
        writer.close().unwrap();
        let after = journal.read(&run()).unwrap();
        assert_eq!((after.records, after.damage), (records(0..30), None));
        assert_eq!(journal.open(&run()).unwrap().lost(), None);
    }
}

/// A crash after the store took a tail over and before it was removed leaves both.
#[test]
fn what_the_store_has_taken_over_counts_once() {
    let root = stored_run(journal);
    let tail = fs::read(tail_of(root.path())).unwrap();
    without_tails(root.path())
        .open(&run())
        .unwrap()
        .close()
        .unwrap();
    assert!(
        !tail_of(root.path()).exists(),
        "the store has taken it over"
    );
    fs::write(tail_of(root.path()), tail).unwrap();
    let journal = journal(root.path());
    assert_eq!(journal.read(&run()).unwrap().records, records(0..20));
    let mut writer = journal.open(&run()).unwrap();
    writer.append(&records(20..25)).unwrap().wait().unwrap();
    writer.close().unwrap();
    let history = journal.read(&run()).unwrap();
    assert_eq!((history.records, history.damage), (records(0..25), None));
}

#[test]
fn a_tail_of_a_newer_program_is_refused_and_left_alone() {
    let root = stored_run(journal);
    let mut tail = fs::read(tail_of(root.path())).unwrap();
    let bytes = u32::from_le_bytes(tail[..4].try_into().unwrap()) as usize;
    tail[4] = 3;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&tail[4..6]);
    hasher.update(&tail[10..4 + bytes]);
    tail[6..10].copy_from_slice(&hasher.finalize().to_le_bytes());
    fs::write(tail_of(root.path()), &tail).unwrap();
    let journal = journal(root.path());
    for outcome in [
        journal.read(&run()).map(drop),
        journal.open(&run()).map(drop),
    ] {
        match outcome {
            Err(JournalError::SchemaTooNew { seq, found, .. }) => assert_eq!((seq, found), (0, 3)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(fs::read(tail_of(root.path())).unwrap(), tail);
}

//! Whoever can write a run's files can make its checksums fit. Its chain does not fit then.

use super::damage::change;
use super::{journal, record, records, run, stored_run, without_tails};
use leadhand_journal::{Chain, Damage, Journal, JournalError, Verified};
use leadhand_protocol::{ContentHash, Seq};
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::{Config, TestCaseError};
use std::fs;
use std::path::{Path, PathBuf};

/// Where a value's body begins: behind version, flags, checksum and link.
const BODY: usize = 38;
/// Records of the run that is spoiled, and of each of its appends.
const RECORDS: usize = 20;
const TOGETHER: usize = 4;

fn tail_of(root: &Path) -> PathBuf {
    root.join("runs/run-1/tail-00000000000000000000")
}

fn reseal(value: &mut [u8]) {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&value[..2]);
    hasher.update(&value[6..]);
    value[2..6].copy_from_slice(&hasher.finalize().to_le_bytes());
}

/// The values of a tail, one after the other.
fn values(tail: &[u8]) -> Vec<Vec<u8>> {
    let mut values = Vec::new();
    let mut frames = tail;
    while let Some((bytes, rest)) = frames.split_first_chunk::<4>() {
        let (pack, after) = rest.split_at(u32::from_le_bytes(*bytes) as usize);
        let mut parts = &pack[14..];
        while let Some((bytes, rest)) = parts.split_first_chunk::<4>() {
            let (value, after) = rest.split_at(u32::from_le_bytes(*bytes) as usize);
            values.push(value.to_vec());
            parts = after;
        }
        frames = after;
    }
    values
}

/// A tail of values that are whole as far as a checksum tells.
fn tail(values: &[Vec<u8>]) -> Vec<u8> {
    let mut tail = Vec::new();
    for (number, some) in values.chunks(TOGETHER).enumerate() {
        let mut pack = vec![2, 4, 0, 0, 0, 0];
        pack.extend((number * TOGETHER).to_le_bytes());
        for value in some {
            pack.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
            pack.extend(value);
        }
        reseal(&mut pack);
        tail.extend(u32::try_from(pack.len()).unwrap().to_le_bytes());
        tail.extend(pack);
    }
    tail
}

#[derive(Debug, Clone)]
enum Spoil {
    /// Changes a byte of a value, so far in thousandths, and maybe mends its checksum.
    Change {
        at: usize,
        bit: u8,
        mended: bool,
    },
    Drop,
    Double,
    /// With another one.
    Swap(usize),
}

fn spoils() -> impl Strategy<Value = Spoil> {
    prop_oneof![
        6 => (0..1000_usize, 0..8_u8, any::<bool>())
            .prop_map(|(at, bit, mended)| Spoil::Change { at, bit, mended }),
        1 => Just(Spoil::Drop),
        1 => Just(Spoil::Double),
        2 => (0..RECORDS).prop_map(Spoil::Swap),
    ]
}

/// Spoils the record `seq`; gives the first that does not hold then, if any.
fn spoil(values: &mut Vec<Vec<u8>>, seq: usize, spoil: &Spoil) -> Option<usize> {
    match *spoil {
        Spoil::Change { at, bit, mended } => {
            let value = &mut values[seq];
            let at = at * value.len() / 1000;
            // A checksum that is mended is what it was.
            if mended && (2..6).contains(&at) {
                return None;
            }
            value[at] ^= 1 << bit;
            if mended {
                reseal(value);
            }
            Some(seq)
        }
        Spoil::Drop => {
            values.remove(seq);
            Some(seq)
        }
        Spoil::Double => {
            let value = values[seq].clone();
            values.insert(seq, value);
            Some(seq + 1)
        }
        Spoil::Swap(other) if other == seq => None,
        Spoil::Swap(other) => {
            values.swap(seq, other);
            Some(seq.min(other))
        }
    }
}

/// The first record that does not hold.
fn broken(root: &Path) -> Option<usize> {
    match journal(root).verify(&run(), None) {
        Ok(verified) => verified.damage.map(|damage| damage.seq as usize),
        Err(JournalError::SchemaTooNew { seq, .. }) => Some(seq as usize),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn whatever_is_done_to_a_record_the_first_that_does_not_hold_is_named() {
    let root = stored_run(journal);
    let whole = fs::read(tail_of(root.path())).unwrap();
    assert_eq!(tail(&values(&whole)), whole);
    let config = Config::with_cases(400);
    proptest!(config, |(seq in 0..RECORDS, how in spoils())| {
        let mut values = values(&whole);
        let expected = spoil(&mut values, seq, &how);
        fs::write(tail_of(root.path()), tail(&values)).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let found = broken(root.path());
        // A digit of a payload's hash as a capital, or a bit behind the end of what is deflated: the
        // record is what it was.
        let is_the_same = found.is_none() && matches!(how, Spoil::Change { mended: true, .. });
        if is_the_same {
            prop_assert_eq!(journal(root.path()).read(&run()).unwrap().records, records(0..20));
        } else {
            prop_assert_eq!(found, expected);
        }
    });
}

/// A value with another event in it, and the checksum that fits.
fn forged(seq: Seq) -> Vec<u8> {
    let root = tempfile::tempdir().unwrap();
    let mut writer = journal(root.path()).create(&run()).unwrap();
    let mut all = records(0..20);
    all[seq as usize].event = record(seq + 7).event;
    writer.append(&all).unwrap().wait().unwrap();
    writer.close().unwrap();
    values(&fs::read(tail_of(root.path())).unwrap())[seq as usize].clone()
}

fn link_does_not_fit(seq: Seq) -> Option<Damage> {
    let what = "its link is not the hash of it and the record before: one of the two was changed, \
                removed or put in its place";
    Some(Damage {
        seq,
        what: what.to_owned(),
    })
}

#[test]
fn a_record_that_was_forged_is_found_in_the_store_too() {
    let root = stored_run(without_tails);
    change(root.path(), 8, |mut value| {
        let at = value.len() - 4;
        assert_eq!(value[at], b'z');
        value[at] = b'y';
        reseal(&mut value);
        Some(value)
    });
    let history = journal(root.path()).read(&run()).unwrap();
    assert_eq!(history.records, records(0..8));
    assert_eq!(history.damage, link_does_not_fit(8));
    let verified = journal(root.path()).verify(&run(), None).unwrap();
    assert_eq!((verified.records, verified.damage), (8, history.damage));
}

/// Its own link fits, because all before it is as it was.
#[test]
fn the_record_after_one_that_was_written_anew_does_not_fit() {
    let root = stored_run(journal);
    let mut values = values(&fs::read(tail_of(root.path())).unwrap());
    values[8] = forged(8);
    fs::write(tail_of(root.path()), tail(&values)).unwrap();
    let verified = journal(root.path()).verify(&run(), None).unwrap();
    assert_eq!(
        (verified.records, verified.damage),
        (9, link_does_not_fit(9))
    );
}

#[test]
fn a_run_that_was_written_anew_does_not_fit_its_head_or_the_one_that_was_noted() {
    let root = stored_run(journal);
    let noted = journal(root.path()).verify(&run(), None).unwrap().head;
    let mut anew = values(&fs::read(tail_of(root.path())).unwrap());
    anew[19] = forged(19);
    fs::write(tail_of(root.path()), tail(&anew)).unwrap();
    let journal = journal(root.path());
    let damage = journal.verify(&run(), None).unwrap().damage.unwrap();
    assert_eq!(damage.seq, 19);
    assert!(damage.what.contains("by the run's head"), "{}", damage.what);
    match journal.open(&run()).map(drop) {
        Err(JournalError::Damaged { seq: 19, .. }) => {}
        other => panic!("{other:?}"),
    }
    // Who can write the tail can write the head as well. What somebody noted elsewhere stays.
    fs::remove_file(root.path().join("runs/run-1/head")).unwrap();
    let verified = journal.verify(&run(), Some(noted)).unwrap();
    assert_eq!((verified.records, verified.damage), (20, None));
    assert_eq!(verified.noted, None);
    assert_ne!(verified.head, noted);
}

#[test]
fn an_append_that_stands_twice_in_a_tail_is_named() {
    let root = stored_run(journal);
    let whole = fs::read(tail_of(root.path())).unwrap();
    let first = 4 + u32::from_le_bytes(whole[..4].try_into().unwrap()) as usize;
    fs::write(tail_of(root.path()), [&whole[..first], &whole].concat()).unwrap();
    let damage = journal(root.path()).verify(&run(), None).unwrap().damage;
    let what = "record 0 stands here a second time".to_owned();
    assert_eq!(damage, Some(Damage { seq: 4, what }));
}

#[test]
fn a_run_under_the_name_of_another_is_found() {
    let root = stored_run(journal);
    let runs = root.path().join("runs");
    fs::rename(runs.join("run-1"), runs.join("run-2")).unwrap();
    let other = leadhand_protocol::RunId::new("run-2").unwrap();
    let verified = journal(root.path()).verify(&other, None).unwrap();
    assert_eq!(
        (verified.records, verified.damage),
        (0, link_does_not_fit(0))
    );
}

/// A value as a program of version 1 wrote it.
fn older(value: &[u8]) -> Vec<u8> {
    let mut older = [&[1, value[1], 0, 0, 0, 0], &value[BODY..]].concat();
    reseal(&mut older);
    older
}

#[test]
fn a_record_of_an_older_version_behind_a_chained_one_is_found() {
    let root = stored_run(journal);
    let mut values = values(&fs::read(tail_of(root.path())).unwrap());
    values[12] = older(&values[12]);
    fs::write(tail_of(root.path()), tail(&values)).unwrap();
    let damage = journal(root.path()).verify(&run(), None).unwrap().damage;
    let what = "it carries no link, and the record before it does".to_owned();
    assert_eq!(damage, Some(Damage { seq: 12, what }));
}

#[test]
fn a_chain_that_begins_within_a_run_holds_the_record_before_it() {
    let root = stored_run(journal);
    let all = values(&fs::read(tail_of(root.path())).unwrap());
    let mut values: Vec<Vec<u8>> = all[..16].iter().map(|value| older(value)).collect();
    fs::write(tail_of(root.path()), tail(&values)).unwrap();
    fs::remove_file(root.path().join("runs/run-1/head")).unwrap();
    let journal = journal(root.path());
    let mut writer = journal.open(&run()).unwrap();
    writer.append(&records(16..20)).unwrap().wait().unwrap();
    writer.close().unwrap();
    let verified = journal.verify(&run(), None).unwrap();
    assert_eq!((verified.records, verified.unchained), (20, 16));
    assert_eq!(verified.damage, None);

    values.extend_from_slice(&super::chain::values(&fs::read(tail_of(root.path())).unwrap())[16..]);
    let at = values[15].len() - 4;
    values[15][at] ^= 1;
    reseal(&mut values[15]);
    fs::write(tail_of(root.path()), tail(&values)).unwrap();
    let damage = journal.verify(&run(), None).unwrap().damage;
    assert_eq!(damage, link_does_not_fit(16));
}

#[test]
fn an_end_that_was_cut_off_is_told_from_an_end() {
    let root = stored_run(journal);
    let all = values(&fs::read(tail_of(root.path())).unwrap());
    for end in (0..RECORDS).step_by(TOGETHER) {
        fs::write(tail_of(root.path()), tail(&all[..end])).unwrap();
        let verified = journal(root.path()).verify(&run(), None).unwrap();
        assert_eq!(verified.records as usize, end);
        let damage = verified.damage.unwrap();
        assert!(damage.seq as usize == end && damage.what.contains("are gone"));
    }
}

#[test]
fn what_a_reader_begins_with_within_a_run_is_believed_and_the_rest_checked() {
    let root = stored_run(journal);
    let mut values = values(&fs::read(tail_of(root.path())).unwrap());
    values[8] = forged(8);
    fs::write(tail_of(root.path()), tail(&values)).unwrap();
    let from = |seq| journal(root.path()).read_from(&run(), seq).unwrap();
    assert_eq!(from(8).damage, link_does_not_fit(9));
    assert_eq!(from(9).damage, None);
    assert_eq!(from(9).records, records(9..20));
}

#[test]
fn a_run_without_records_holds() {
    let root = tempfile::tempdir().unwrap();
    journal(root.path())
        .create(&run())
        .unwrap()
        .close()
        .unwrap();
    let verified = journal(root.path()).verify(&run(), None).unwrap();
    assert_eq!(verified, Verified::of(&Chain::of(&run())));
    assert_ne!(verified.head, ContentHash::of(b""));
}

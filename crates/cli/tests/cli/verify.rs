//! `trace verify`: whether a run or an export is what was recorded.

use crate::place::{Place, Seen, WRITES_NOTES};
use crate::stop::{goes_on, slow, started};
use proptest::prelude::{Just, Strategy, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::Config;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// A project with one run that is over.
fn place_with_run() -> Place {
    let place = Place::new(&[("script.jsonl", WRITES_NOTES)]);
    let seen = place.leadhand(&["run", "Write notes", "-m", "scripted:script.jsonl"]);
    assert_eq!(seen.code, 0, "{}", seen.err);
    place
}

fn json(place: &Place, arguments: &[&str]) -> (i32, Value) {
    let arguments = [&["trace", "verify", "--json"], arguments].concat();
    let seen = place.leadhand(&arguments);
    let told = serde_json::from_str(&seen.out);
    (seen.code, told.unwrap_or_else(|_| panic!("{}", seen.err)))
}

fn head(place: &Place, run: &str) -> String {
    let (code, told) = json(place, &[run]);
    assert_eq!((code, &told["holds"]), (0, &Value::Bool(true)), "{told}");
    told["head"].as_str().unwrap().to_owned()
}

fn export(place: &Place) -> Vec<String> {
    let output = place.command(&["trace", "export", "last"]).output();
    fs::write(place.path("run.jsonl"), output.unwrap().stdout).unwrap();
    let text = place.read("run.jsonl");
    text.lines().map(str::to_owned).collect()
}

/// The one tail of the one run.
fn tail(place: &Place) -> PathBuf {
    let runs = fs::read_dir(place.path(".leadhand/runs")).unwrap();
    let run = runs.map(|run| run.unwrap().path()).next().unwrap();
    run.join("tail-00000000000000000000")
}

#[test]
fn a_run_that_holds_has_a_head_and_so_has_its_export() {
    let place = place_with_run();
    let head = head(&place, "last");
    let seen = place.leadhand(&["trace", "verify", "last"]);
    let expected = format!("run RUN: 19 records hold\nhead {head}\n");
    assert_eq!(seen, Seen::new(0, &expected, ""));
    export(&place);
    assert_eq!(self::head(&place, "run.jsonl"), head);
    let seen = place.leadhand(&["trace", "verify", "run.jsonl", "--head", &head]);
    let noted = "the head that was given is that of the last record\n";
    assert_eq!(seen, Seen::new(0, &(expected + noted), ""));
    // An older program reads the export: to it a link is a field that it does not know.
    assert_eq!(place.leadhand(&["replay", "--check", "run.jsonl"]).code, 0);

    let other = "0".repeat(64);
    let seen = place.leadhand(&["trace", "verify", "last", "--head", &other]);
    assert_eq!(seen.code, 3);
    assert!(
        seen.out.contains("is that of none of these records"),
        "{}",
        seen.out
    );
    let seen = place.leadhand(&["trace", "verify", "last", "--head", "5f"]);
    assert_eq!(seen.code, 2);
    assert!(
        seen.err.contains("a head is 64 hexadecimal digits"),
        "{}",
        seen.err
    );
}

#[test]
fn a_changed_run_does_not_hold() {
    let place = place_with_run();
    let head = head(&place, "last");
    let tail = tail(&place);
    let mut bytes = fs::read(&tail).unwrap();
    let at = bytes.len() - 20;
    bytes[at] ^= 1;
    fs::write(&tail, bytes).unwrap();
    let seen = place.leadhand(&["trace", "verify", "last", "--head", &head]);
    assert_eq!(seen.code, 3);
    assert!(
        seen.out.starts_with("run RUN does not hold at record 1"),
        "{}",
        seen.out
    );
    assert!(
        seen.out.contains("its checksum does not fit\n"),
        "{}",
        seen.out
    );
    let (code, told) = json(&place, &["last"]);
    assert_eq!((code, &told["holds"]), (3, &Value::Bool(false)));
    assert_eq!(told["damage"]["seq"], told["records"]);
}

#[test]
fn a_live_run_is_checked_by_its_process_and_goes_on_with_its_chain() {
    let place = Place::new(&[("slow.jsonl", &slow()), ("script.jsonl", WRITES_NOTES)]);
    let (mut child, _err) = started(&place);
    let live = head(&place, "last");
    let seen = place.leadhand(&["pause", "last"]);
    assert_eq!(seen.code, 0, "{}", seen.err);
    child.wait().unwrap();
    goes_on(&place);
    let (code, told) = json(&place, &["last", "--head", &live]);
    assert_eq!(code, 0, "{told}");
    assert!(told["noted"].as_u64().unwrap() + 1 < told["records"].as_u64().unwrap());
    let seen = place.leadhand(&["trace", "verify", "last", "--head", &live]);
    assert!(seen.out.contains(" came after it\n"), "{}", seen.out);
}

#[test]
fn a_fork_has_a_chain_of_its_own() {
    let place = place_with_run();
    let head = head(&place, "last");
    let seen = place.leadhand(&["fork", "last", "--at", "5"]);
    assert_eq!(seen.code, 0, "{}", seen.err);
    let (code, told) = json(&place, &["last", "--head", &head]);
    assert_eq!(
        (code, &told["noted"], &told["damage"]),
        (3, &Value::Null, &Value::Null)
    );
}

#[derive(Debug, Clone)]
enum Spoil {
    /// Changes a byte of a line, so far in thousandths.
    Change(usize, u8),
    Drop,
    Double,
    Swap(usize),
}

fn spoils() -> impl Strategy<Value = Spoil> {
    prop_oneof![
        6 => (0..1000_usize, 0..8_u8).prop_map(|(at, bit)| Spoil::Change(at, bit)),
        1 => Just(Spoil::Drop),
        1 => Just(Spoil::Double),
        2 => (1..20_usize).prop_map(Spoil::Swap),
    ]
}

/// Spoils a line; gives the record that does not hold then. The first line is the head.
fn spoil(lines: &mut Vec<Vec<u8>>, line: usize, how: &Spoil) -> Option<usize> {
    match *how {
        Spoil::Change(at, bit) => {
            let at = at * lines[line].len() / 1000;
            let was = lines[line][at];
            lines[line][at] ^= 1 << bit;
            // A digit of the link as a capital says the same, and so does a space for nothing.
            let same = was.eq_ignore_ascii_case(&lines[line][at]);
            (!same).then_some(line - 1)
        }
        Spoil::Drop => {
            lines.remove(line);
            Some(line - 1)
        }
        Spoil::Double => {
            let twice = lines[line].clone();
            lines.insert(line, twice);
            Some(line)
        }
        Spoil::Swap(other) if other == line => None,
        Spoil::Swap(other) => {
            lines.swap(line, other);
            Some(line.min(other) - 1)
        }
    }
}

#[test]
fn whatever_is_done_to_an_export_the_first_record_that_does_not_hold_is_named() {
    let place = place_with_run();
    let lines: Vec<Vec<u8>> = export(&place).into_iter().map(String::into_bytes).collect();
    assert_eq!(lines.len(), 20);
    let config = Config {
        cases: 60,
        ..Config::default()
    };
    proptest!(config, |(line in 1..20_usize, how in spoils())| {
        let mut spoilt = lines.clone();
        let expected = spoil(&mut spoilt, line, &how);
        fs::write(place.path("spoilt.jsonl"), spoilt.join(&b'\n')).unwrap();
        let (code, told) = json(&place, &["spoilt.jsonl"]);
        let found = told["damage"]["seq"].as_u64().map(|seq| seq as usize);
        // A letter as a capital is another text in an event, and the same number in a link.
        if matches!(how, Spoil::Change(..)) && expected.is_none() {
            prop_assert_eq!(found.unwrap_or(line - 1), line - 1);
        } else {
            prop_assert_eq!((found, code), (expected, if expected.is_some() { 3 } else { 0 }));
        }
    });
}

#[test]
fn what_is_no_chain_is_told_apart_from_a_broken_one() {
    let place = place_with_run();
    let lines = export(&place);
    let check = |text: &str, code: i32, what: &str| {
        place.write("changed.jsonl", text);
        let seen = place.leadhand(&["trace", "verify", "changed.jsonl"]);
        assert_eq!(seen.code, code, "{}{}", seen.out, seen.err);
        assert!((seen.out + &seen.err).contains(what), "{what}");
    };
    let cut = lines[..15].join("\n");
    check(
        &cut,
        3,
        "at record 14: it and all after it are gone, of 19\n",
    );
    let old = include_str!("../stored/version-1.jsonl");
    check(old, 2, "it carries no chain to check\n");
    let linkless = lines[5].rsplit_once(",\"link\"").unwrap().0.to_owned() + "}";
    let mut stripped = lines.clone();
    stripped[5] = linkless;
    check(
        &stripped.join("\n"),
        3,
        "at record 4: it is no record: missing field `link`",
    );
    let mut added = lines.clone();
    added[5].insert_str(1, "\"note\":1,");
    check(
        &added.join("\n"),
        3,
        "at record 4: it is no record: unknown field `note`",
    );
    let mut headed = lines.clone();
    headed[0] = headed[0].replacen("\"head\":\"", "\"head\":\"00", 1);
    check(&headed.join("\n"), 2, "is not a SHA-256 of 64 hex digits");
}

/// The journal that this program made before there was a chain.
#[test]
fn a_run_of_an_older_version_is_verified_and_says_what_is_not_held() {
    let place = Place::new(&[]);
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("../journal/tests/stored/version-1");
    let name = "1m8ey6rx6-s7m5";
    let run = place.path(&format!(".leadhand/runs/{name}"));
    fs::create_dir_all(&run).unwrap();
    fs::create_dir_all(place.path(".leadhand/blobs")).unwrap();
    for (from, to) in [
        (stored.join("runs").join(name), run),
        (stored.join("blobs"), place.path(".leadhand/blobs")),
    ] {
        for file in fs::read_dir(from).unwrap() {
            let path = file.unwrap().path();
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
    let seen = place.leadhand(&["trace", "verify", "last"]);
    assert_eq!(seen.code, 0, "{}", seen.err);
    assert!(
        seen.out
            .contains("the first 19 were written before records carried links"),
        "{}",
        seen.out
    );
    assert_eq!(place.leadhand(&["trace", "show", "last"]).code, 0);
    assert_eq!(place.leadhand(&["replay", "last"]).code, 0);
}

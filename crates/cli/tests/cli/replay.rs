//! Deriving runs again, from the journal and from exported files that may hold anything.

use crate::place::{Place, Seen, WRITES_NOTES};
use serde_json::Value;

const SCRIPT: &str = "scripted:script.jsonl";

/// A place with one finished run in it.
fn finished() -> Place {
    let place = Place::new(&[("script.jsonl", WRITES_NOTES)]);
    let seen = place.leadhand(&["run", "Write notes", "-m", SCRIPT]);
    assert_eq!(seen.code, 0, "{}", seen.err);
    place
}

/// The exported run as it is on file, names of runs and all.
fn exported(place: &Place, more: &[&str]) -> String {
    let arguments = [&["trace", "export", "last"], more].concat();
    let output = place.command(&arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_run_follows_from_what_it_was_told() {
    let place = finished();
    let follows = "run RUN follows from what it was told: 5 inputs, 14 derived records, all as \
                   recorded\n";
    assert_eq!(
        place.leadhand(&["replay", "last"]),
        Seen::new(0, follows, "")
    );
    place.write("run.jsonl", &exported(&place, &[]));
    let checked = place.leadhand(&["replay", "--check", "run.jsonl", "run.jsonl"]);
    let line = format!("run.jsonl: {follows}");
    assert_eq!(checked, Seen::new(0, &line.repeat(2), ""));
    let json = place.leadhand(&["replay", "last", "--json"]);
    let expected = serde_json::json!({"run": "RUN", "equal": true, "inputs": 5, "derived": 14});
    assert_eq!(serde_json::from_str::<Value>(&json.out).unwrap(), expected);
}

#[test]
fn the_first_record_that_differs_is_named_with_both_sides() {
    let place = finished();
    let text = exported(&place, &[]);
    place.write("edited.jsonl", &text.replace("\"turn\":1}", "\"turn\":7}"));
    let seen = place.leadhand(&["replay", "--check", "edited.jsonl"]);
    let expected = "edited.jsonl: run RUN does not follow from what it was told: record 2 differs, \
                    after 1 input, 1 derived record\n  \
                      recorded  turn_started {\"agent\":0,\"turn\":7}\n  \
                      derived   turn_started {\"agent\":0,\"turn\":1}\n  \
                      they part at /turn\n    \
                        recorded  7\n    \
                        derived   1\n";
    assert_eq!(seen, Seen::new(3, expected, ""));
    let json = place.leadhand(&["replay", "--check", "edited.jsonl", "--json"]);
    let report: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(report["difference"]["seq"], 2);
    assert_eq!(report["difference"]["recorded"]["turn"], 7);
}

#[test]
fn files_of_any_kind_are_refused_in_words() {
    let place = finished();
    let text = exported(&place, &[]);
    let (head, records) = text.split_once('\n').unwrap();
    let check = |file: &str, expected: &str| {
        place.write("hostile.jsonl", file);
        let seen = place.leadhand(&["replay", "--check", "hostile.jsonl"]);
        let why = format!("error: hostile.jsonl:{expected}");
        assert!(seen.err.starts_with(&why), "{}", seen.err);
        assert_eq!((seen.code, seen.out.as_str()), (2, ""), "{}", seen.err);
    };
    check(
        "",
        "1: this is no exported run: its first line has no head\n",
    );
    check("[1, 2]\n", "1: this is no exported run");
    check(records, "1: this is no exported run");
    let newer = head.replace("\"version\":1", "\"version\":2");
    let newer = newer.replace("\"program\":\"0.1.0\"", "\"program\":\"9.9.9\"");
    check(
        &format!("{newer}\n{records}"),
        "1: it was exported by leadhand 9.9.9 in format 2 with events 1; this is leadhand 0.1.0",
    );
    let many = head.replace("\"records\":19", "\"records\":99999999999");
    check(&many, "1: it says that it holds 99999999999 records");
    let none = head.replace("\"records\":19", "\"records\":-1");
    check(&none, "1: invalid value");
    check(
        &format!("{head}\n"),
        " it is cut off: its head says 19 records, there are 0",
    );
    check(
        &format!("{text}{{}}\n"),
        "21: there are more records than the 19",
    );
    check(&format!("{head}\n{{\"run\":"), "2: EOF while parsing");
    let deep = format!("{head}\n{{\"event\":{}\n", "[".repeat(100_000));
    check(&deep, "2: recursion limit exceeded");
    let swapped: Vec<&str> = records.lines().rev().collect();
    check(
        &format!("{head}\n{}\n", swapped.join("\n")),
        "2: the record's number is 18, its place 0",
    );
    let foreign = records.replacen("\"run\":\"", "\"run\":\"x", 1);
    check(&format!("{head}\n{foreign}"), "2: the record is of run x");
    let folder = place.leadhand(&["replay", "--check", "."]);
    assert!(
        folder.err.starts_with("error: .: it is no file\n"),
        "{}",
        folder.err
    );
}

/// Records with single bytes, numbers and words changed: whatever comes of it is said in words,
/// and the program never breaks off.
#[test]
fn changed_records_never_break_the_program() {
    let place = finished();
    let text = exported(&place, &[]);
    let lines: Vec<&str> = text.lines().collect();
    let mut files = Vec::new();
    for (at, line) in lines.iter().enumerate().skip(1) {
        let event: Value = serde_json::from_str(line).unwrap();
        let fields = event["event"].as_object().unwrap();
        for (name, field) in fields {
            for wrong in [
                Value::Null,
                0.into(),
                u64::MAX.into(),
                "x".into(),
                serde_json::json!([]),
            ] {
                if *field == wrong || name == "event" {
                    continue;
                }
                let mut changed = event.clone();
                changed["event"][name] = wrong;
                let mut lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
                lines[at] = changed.to_string();
                let name = format!("changed-{}.jsonl", files.len());
                place.write(&name, &(lines.join("\n") + "\n"));
                files.push(name);
            }
        }
    }
    assert!(files.len() > 100, "{}", files.len());
    let names: Vec<&str> = files.iter().map(String::as_str).collect();
    let seen = place.leadhand(&[&["replay", "--check"], &names[..]].concat());
    assert_eq!(seen.code, 3, "{}", seen.err);
    let told = seen.out.matches(": run RUN ").count() + seen.err.matches("error: ").count();
    assert_eq!(told, files.len(), "{}", seen.err);
    assert!(!seen.err.contains("panicked"), "{}", seen.err);
}

#[test]
fn what_is_masked_is_nowhere_and_the_run_still_follows() {
    let script = WRITES_NOTES.replace("Hello.", "The word is sesame-open.");
    let place = Place::new(&[("script.jsonl", &script)]);
    let seen = place.leadhand(&["run", "Write notes for Ali Baba", "-m", SCRIPT]);
    assert_eq!(seen.code, 0, "{}", seen.err);
    let masks = ["--mask", "sesame-open", "--mask", "Ali Baba"];
    let text = exported(&place, &masks);
    assert!(exported(&place, &[]).contains("sesame-open"));
    assert!(
        !text.contains("sesame-open") && !text.contains("Ali Baba"),
        "{text}"
    );
    assert!(text.contains("Write notes for [masked]") && text.contains("The word is [masked]."));
    place.write("masked.jsonl", &text);
    let checked = place.leadhand(&["replay", "--check", "masked.jsonl"]);
    assert_eq!(checked.code, 0, "{checked:?}");
    let short = place.leadhand(&["trace", "export", "last", "--mask", "abc"]);
    assert_eq!(short.code, 2, "{short:?}");
    let word = place.leadhand(&["trace", "export", "last", "--mask", "model_replied"]);
    assert!(matches!(word.code, 0 | 2), "{word:?}");
}

#[test]
fn two_runs_are_told_apart_and_equal_ones_are_the_same() {
    let place = finished();
    place.write("other.jsonl", &WRITES_NOTES.replace("Hello.", "Good day."));
    place.write("first.jsonl", &exported(&place, &[]));
    let same = place.leadhand(&["trace", "diff", "last", "first.jsonl"]);
    let account = "RUN  done: 19 records, 2 model calls, 1 tool call, TOKENS, $0.000000\n";
    let expected = format!("A  {account}B  {account}both are the same, 19 records\n");
    assert_eq!(same, Seen::new(0, &expected, ""));
    place.leadhand(&["run", "Write notes", "-m", "scripted:other.jsonl"]);
    let apart = place.leadhand(&["trace", "diff", "first.jsonl", "last"]);
    assert_eq!(apart.code, 0, "{}", apart.err);
    let beginning = format!("A  {account}B  {account}the first 0 records are the same, then\n");
    assert!(apart.out.starts_with(&beginning), "{}", apart.out);
    // The file that the first run wrote is there for the second.
    assert!(
        apart.out.contains("  they part at /files/0\n"),
        "{}",
        apart.out
    );
    let end = "tasks that differ\n  t1     A done HASH, B done HASH\n\
               0 tool calls in both\n  \
               only in A: write_file {\"content\":\"Hello.\\n\",\"path\":\"notes.md\"}\n  \
               only in B: write_file {\"content\":\"Good day.\\n\",\"path\":\"notes.md\"}\n\
               the answer differs\n  \
               A  `notes.md` is written (7 bytes):\\n\\nHello.\n  \
               B  `notes.md` is written (10 bytes):\\n\\nGood day.\n";
    let out = regex::Regex::new("done [0-9a-f]{8}")
        .unwrap()
        .replace_all(&apart.out, "done HASH")
        .into_owned();
    assert!(out.ends_with(end), "{out}");
    let json = place.leadhand(&["trace", "diff", "first.jsonl", "last", "--json"]);
    let comparison: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(
        (&comparison["equal"], &comparison["same"]),
        (&false.into(), &0.into())
    );
}

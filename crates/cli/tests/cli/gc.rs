//! `gc` and `trace prune`: what goes is what was said, and nothing else.

use crate::place::{Place, Seen, WRITES_NOTES};
use crate::stop::{slow, started};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

fn run(place: &Place) -> String {
    let seen = place.leadhand(&["run", "Write notes", "-m", "scripted:script.jsonl"]);
    assert_eq!(seen.code, 0, "{}", seen.err);
    runs(place).remove(0)
}

/// The runs there are, the last one begun first.
fn runs(place: &Place) -> Vec<String> {
    let output = place.command(&["ps", "--json"]).output().unwrap();
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let listed = listed.as_array().unwrap().iter();
    listed
        .map(|run| run["run"].as_str().unwrap().to_owned())
        .collect()
}

fn gc(place: &Place, arguments: &[&str]) -> Value {
    let output = place
        .command(&[&["gc", "--json"], arguments].concat())
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{err}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn gone(told: &Value) -> Vec<&str> {
    let runs = told["runs"].as_array().unwrap().iter();
    runs.map(|run| run["run"].as_str().unwrap()).collect()
}

/// The files of a project but locks, which come and go.
fn files(place: &Place) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![place.path("")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(entry.path()),
                false => drop(found.insert(entry.path())),
            }
        }
    }
    let locks = ["lock", "reading", "blobs.lock"];
    found.retain(|path| !locks.contains(&path.file_name().unwrap().to_str().unwrap()));
    found
}

/// Says of a run that it was last written to so many hours ago.
fn make_old(place: &Place, run: &str, hours: u64) {
    let path = format!(".leadhand/runs/{run}/status.json");
    let mut status: Value = serde_json::from_str(&place.read(&path)).unwrap();
    status["updated_ms"] = (status["updated_ms"].as_u64().unwrap() - hours * 3_600_000).into();
    place.write(&path, &status.to_string());
}

#[test]
fn runs_go_by_age_and_with_them_what_only_they_refer_to() {
    let place = Place::new(&[("script.jsonl", WRITES_NOTES)]);
    let (old, new) = (run(&place), run(&place));
    make_old(&place, &old, 50);
    let told = gc(&place, &["--older-than", "3d"]);
    assert_eq!((gone(&told).len(), &told["blobs"]), (0, &Value::from(0)));

    let before = files(&place);
    let would = gc(&place, &["--older-than", "2d", "--dry-run"]);
    assert_eq!(gone(&would), [&old]);
    assert_eq!(files(&place), before);
    let did = gc(&place, &["--older-than", "2d"]);
    assert_eq!(
        (gone(&did), &did["blobs"], &did["bytes"]),
        (vec![old.as_str()], &would["blobs"], &would["bytes"])
    );
    assert!(did["blobs"].as_u64().unwrap() > 0 && did["bytes"].as_u64().unwrap() > 0);
    assert_eq!(runs(&place), [new]);
    assert_eq!(place.leadhand(&["replay", "last"]).code, 0);
    // What the runs made in the project is not the journal's.
    assert!(place.path("notes.md").exists());
}

#[test]
fn the_oldest_go_until_the_rest_fits() {
    let place = Place::new(&[("script.jsonl", WRITES_NOTES)]);
    let all: Vec<String> = (0..3).map(|_| run(&place)).collect();
    for (age, run) in all.iter().enumerate() {
        make_old(&place, run, 10 - age as u64);
    }
    let whole = gc(&place, &[])["bytes_left"].as_u64().unwrap();
    let bound = format!("{}B", whole - 1);
    let told = gc(&place, &["--max-size", &bound]);
    assert_eq!(gone(&told), [&all[0]]);
    assert_eq!(
        told["bytes"].as_u64().unwrap() + told["bytes_left"].as_u64().unwrap(),
        whole
    );
    let seen = place.leadhand(&["gc", "--max-size", "0B"]);
    assert_eq!(seen.code, 0);
    assert!(seen.out.contains("removed 2 runs, "), "{}", seen.out);
    assert!(runs(&place).is_empty());
}

#[test]
fn live_runs_stay_and_those_that_could_be_resumed_unless_it_is_said() {
    let place = Place::new(&[("slow.jsonl", &slow()), ("script.jsonl", WRITES_NOTES)]);
    let (mut child, _err) = started(&place);
    let id = runs(&place).remove(0);
    for arguments in [
        &["--max-size", "0B", "--resumable"][..],
        &["--older-than", "0s"],
    ] {
        assert!(gone(&gc(&place, arguments)).is_empty());
    }
    let seen = place.leadhand(&["trace", "prune", "last", "--yes"]);
    assert_eq!(seen.code, 2);
    assert!(seen.err.contains("is live in process"), "{}", seen.err);

    assert_eq!(place.leadhand(&["pause", "last"]).code, 0);
    child.wait().unwrap();
    let told = gc(&place, &["--max-size", "0B"]);
    assert_eq!(
        (gone(&told).len(), &told["resumable_left"]),
        (0, &Value::from(1))
    );
    let told = gc(&place, &["--max-size", "0B", "--resumable"]);
    assert_eq!(gone(&told), [&id]);
}

#[test]
fn one_run_is_removed_when_it_is_said() {
    let place = Place::new(&[("script.jsonl", WRITES_NOTES)]);
    let (old, new) = (run(&place), run(&place));
    let before = files(&place);
    let seen = place.leadhand(&["trace", "prune", &old]);
    assert_eq!(seen.code, 2);
    assert!(
        seen.err.contains("say --yes if it is to be removed"),
        "{}",
        seen.err
    );
    assert_eq!(files(&place), before);
    let seen = place.leadhand(&["trace", "prune", &old, "--yes"]);
    assert_eq!((seen.code, seen.err.as_str()), (0, ""));
    assert!(seen.out.starts_with("removed run RUN, "), "{}", seen.out);
    assert_eq!(runs(&place), [new]);
    assert_eq!(place.leadhand(&["trace", "prune", &old, "--yes"]).code, 2);
}

#[test]
fn a_link_leads_no_removal_elsewhere() {
    let there = Place::new(&[("script.jsonl", WRITES_NOTES)]);
    let id = run(&there);
    let whole = files(&there);
    let place = Place::new(&[]);
    fs::create_dir_all(place.path(".leadhand/runs")).unwrap();
    let link = place.path(&format!(".leadhand/runs/{id}"));
    symlink(there.path(&format!(".leadhand/runs/{id}")), &link).unwrap();
    assert_eq!(place.leadhand(&["trace", "prune", &id, "--yes"]).code, 2);
    assert!(gone(&gc(&place, &["--max-size", "0B"])).is_empty());
    fs::remove_dir_all(place.path(".leadhand")).unwrap();
    symlink(there.path(".leadhand"), place.path(".leadhand")).unwrap();
    for arguments in [
        &["gc", "--max-size", "0B"][..],
        &["trace", "prune", &id, "--yes"],
    ] {
        let seen = place.leadhand(arguments);
        assert_eq!(seen.code, 2, "{}", seen.out);
        assert!(
            seen.err.contains("nothing is removed through a link"),
            "{}",
            seen.err
        );
    }
    assert_eq!(files(&there), whole);
}

#[test]
fn wrong_bounds_are_refused() {
    let place = Place::new(&[]);
    for (arguments, what) in [
        (
            ["gc", "--older-than", "30"],
            "an age is a whole number with its unit",
        ),
        (
            ["gc", "--max-size", "5mb"],
            "a size is a whole number with its unit",
        ),
    ] {
        let seen = place.leadhand(&arguments);
        assert_eq!(seen.code, 2);
        assert!(seen.err.contains(what), "{}", seen.err);
    }
    let nothing = "removed 0 runs, 0 payloads that no run refers to and 0 leftovers of crashes: 0 bytes freed, 0 bytes left\n";
    assert_eq!(place.leadhand(&["gc"]), Seen::new(0, nothing, ""));
}

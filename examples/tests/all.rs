//! Every example runs as it stands, with no key and no network, and says what it said before.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where cargo puts the examples that it builds along with this test.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    profile
        .join("examples")
        .join(name)
        .with_extension(std::env::consts::EXE_EXTENSION)
}

fn names() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut names: Vec<String> = files
        .map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn every_example_says_what_it_said_before() {
    for name in names() {
        let output = Command::new(program(&name)).env_clear().output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {errors}");
        let said = String::from_utf8(output.stdout).unwrap();
        insta::assert_snapshot!(name.as_str(), said);
    }
}

#[test]
fn the_root_of_the_crate_is_enough_for_every_example() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let opens_rooms = |name: &String| {
        let file = folder.join(name).with_extension("rs");
        std::fs::read_to_string(file).unwrap().contains("rooms::")
    };
    let those: Vec<String> = names().into_iter().filter(opens_rooms).collect();
    assert_eq!(those, Vec::<String>::new());
}

#[test]
fn the_list_names_every_example() {
    let list = include_str!("../README.md");
    let listed = list
        .lines()
        .filter_map(|line| line.strip_prefix("| [`")?.split_once('`'));
    let mut listed: Vec<&str> = listed.map(|(name, _)| name).collect();
    listed.sort_unstable();
    assert_eq!(listed, names());
}

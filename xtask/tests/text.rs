//! What the text of the repository promises: pure rooms hold no word that waits or looks at the
//! world, only `cli` knows terminal and home folder, long files say why they are long, and every
//! link and test that the docs name is there. Which crates may depend on which is in `layers.rs`.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms marked pure; that they say so themselves is checked below.
const PURE: [&str; 10] = [
    "agents",
    "coordination",
    "detectors",
    "engine",
    "inspector",
    "policy",
    "protocol",
    "resource",
    "schema",
    "task-graph",
];
/// Words that a pure room does without.
const IMPURE: [&str; 12] = [
    "async ",
    ".await",
    "tokio",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "Instant",
    "RandomState",
    "SystemTime",
];
/// Words that only the program may use; a library is told folders and shows nothing.
const PROGRAMS_OWN: [&str; 6] = [
    "home_dir",
    "XDG_",
    "println!",
    "eprintln!",
    "stdin()",
    "current_dir()",
];
/// Lines above which a file gives its reason for being long; tests and examples need none.
const LONG_FILE_LINES: usize = 400;
/// One of these stands where a file gives it.
const REASON_WORDS: [&str; 3] = ["long because", "Longer than most", "one file"];

#[test]
fn pure_rooms_hold_no_impure_word() {
    check_words(|room| PURE.contains(&room), &IMPURE);
}

#[test]
fn only_cli_prints_asks_or_reads_the_home_folder() {
    check_words(|room| room != "cli", &PROGRAMS_OWN);
}

#[test]
fn pure_rooms_are_those_that_say_so() {
    let mut said: Vec<String> = Vec::new();
    for folder in folders(&root().join("crates")) {
        let manifest = read(&folder.join("Cargo.toml"));
        if manifest.contains("pure = true") {
            said.push(name(&folder));
        }
    }
    assert_eq!(said, PURE);
}

#[test]
fn long_files_begin_with_their_reason() {
    let is_beside = |file: &Path| {
        let mut parts = file.components().map(std::path::Component::as_os_str);
        parts.any(|part| part == "tests" || part == "examples" || part == "tests.rs")
    };
    let root = root();
    let long = sources(&root).into_iter().filter(|file| {
        let text = read(file);
        let head: Vec<&str> = text
            .lines()
            .take_while(|it| it.starts_with("//!"))
            .collect();
        let head = head.join(" ").replace(" //! ", " ");
        text.lines().count() > LONG_FILE_LINES
            && !REASON_WORDS.iter().any(|words| head.contains(words))
            && !is_beside(file.strip_prefix(&root).unwrap_or(file))
    });
    assert_eq!(long.collect::<Vec<_>>(), Vec::<PathBuf>::new());
}

#[test]
fn links_of_the_docs_lead_somewhere() {
    let mut faults = Vec::new();
    for file in documents() {
        let text = without_code(&read(&file));
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let path = target.split('#').next().unwrap_or_default();
            let elsewhere = path.is_empty() || path.contains("://");
            if !elsewhere && !file.parent().unwrap().join(path).exists() {
                faults.push(format!("{}: {target}", file.display()));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

/// `docs/architecture.md` names the test that enforces each invariant: `file::function`.
#[test]
fn invariants_are_held_by_tests_that_exist() {
    let text = read(&root().join("docs/architecture.md"));
    let mut named = 0;
    let mut faults = Vec::new();
    for word in text.split('`').skip(1).step_by(2) {
        let Some((file, function)) = word.split_once(".rs::") else {
            continue;
        };
        named += 1;
        let source = fs::read_to_string(root().join(format!("{file}.rs"))).unwrap_or_default();
        if !source.contains(&format!("fn {function}(")) {
            faults.push(word.to_owned());
        }
    }
    assert_eq!(faults, Vec::<String>::new());
    assert!(
        named >= 10,
        "the page names {named} tests: it is not what it was"
    );
}

fn check_words(concerned: impl Fn(&str) -> bool, words: &[&str]) {
    let mut faults = Vec::new();
    for folder in folders(&root().join("crates"))
        .iter()
        .filter(|it| concerned(&name(it)))
    {
        for file in sources(&folder.join("src"))
            .iter()
            .filter(|it| !is_test(it))
        {
            let text = read(file);
            for (number, line) in (1..).zip(shipped(&text)) {
                for word in words.iter().filter(|word| line.contains(**word)) {
                    faults.push(format!("{}:{number}: {word}", file.display()));
                }
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

/// The lines of a file that end up in the library; comments are emptied, the tests at the end
/// cut off, since they may do as they please.
fn shipped(text: &str) -> impl Iterator<Item = &str> {
    let code = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    code.lines().map(|line| {
        if line.trim_start().starts_with("//") {
            ""
        } else {
            line
        }
    })
}

/// `tests.rs` and what lies in `tests/` are compiled for tests only.
fn is_test(file: &Path) -> bool {
    file.iter()
        .any(|part| part == "tests.rs" || part == "tests")
}

/// Markdown without its fenced code and code spans, which may show links that are none.
fn without_code(text: &str) -> String {
    let prose = text.split("```").step_by(2).collect::<String>();
    prose.split('`').step_by(2).collect()
}

fn documents() -> Vec<PathBuf> {
    let mut found = files(&root().join("docs"), "md");
    found.extend(["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|it| root().join(it)));
    found.extend(files(&root().join("sandbox"), "md"));
    found
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    files(folder, "rs")
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in entries(folder) {
        let hidden = name(&path).starts_with('.') || name(&path) == "target";
        if path.is_dir() && !hidden {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|it| it == extension) {
            found.push(path);
        }
    }
    found
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let mut found = entries(folder);
    found.retain(|path| path.join("Cargo.toml").is_file());
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder).expect("a folder of the repository can be listed");
    let mut paths: Vec<PathBuf> = listed.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|why| panic!("{}: {why}", file.display()))
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the repository")
        .to_owned()
}

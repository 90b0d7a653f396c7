//! The public test suite of WASI (`WebAssembly/wasi-testsuite`), each program run twice: by plain
//! wasmtime, and by our host with the program's own folder and the clock granted. Where plain
//! wasmtime passes, ours must.
//!
//! The suite is not part of this repository. `LEADHAND_WASI_TESTSUITE` names its prebuilt branch
//! or one of its folders of programs; without it only the runner itself is tested.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on should stop, and says what it measured"
)]

mod ours;
mod plain;
mod suite;

use std::path::Path;
use suite::{Outcome, Program};

/// Characters of why a program fails.
const REASON_CHARS_MAX: usize = 300;

/// Runs a program, given as a component, in a folder.
type Run = fn(&Program, &[u8], &Path) -> Result<Outcome, String>;

/// How a program fared with both.
struct Compared {
    suite: String,
    name: String,
    plain: Result<(), String>,
    ours: Result<(), String>,
}

/// Runs one program with both, each time in a fresh copy of its folder.
fn compare(program: &Program) -> Compared {
    let component = suite::component(&program.module);
    let run = |run: Run| {
        let component = component.as_ref().map_err(Clone::clone)?;
        let folder = program.fresh_folder();
        let outcome = run(program, component, folder.path())?;
        program.judge(&outcome)
    };
    Compared {
        suite: program.suite.clone(),
        name: program.name.clone(),
        plain: run(plain::run),
        ours: run(ours::run),
    }
}

/// A table of all, and the names of those in which ours falls short.
fn report(all: &[Compared]) -> Vec<String> {
    let word = |verdict: &Result<(), String>| if verdict.is_ok() { "passes" } else { "fails" };
    let mut worse = Vec::new();
    println!("{:<44} {:<8} ours", "program", "plain");
    for it in all {
        let name = format!("{}/{}", it.suite, it.name);
        println!("{name:<44} {:<8} {}", word(&it.plain), word(&it.ours));
        for why in [&it.plain, &it.ours]
            .into_iter()
            .filter_map(|it| it.as_ref().err())
        {
            let why: String = why.chars().take(REASON_CHARS_MAX).collect();
            println!("    {why}");
        }
        if it.plain.is_ok() && it.ours.is_err() {
            worse.push(name);
        }
    }
    for suite in ["rust", "c", "assemblyscript"] {
        let those = || all.iter().filter(|it| it.suite == suite);
        let passed = |verdict: fn(&Compared) -> bool| those().filter(|it| verdict(it)).count();
        if those().next().is_some() {
            println!(
                "{suite}: of {} programs {} pass under plain wasmtime, {} under our host",
                those().count(),
                passed(|it| it.plain.is_ok()),
                passed(|it| it.ours.is_ok()),
            );
        }
    }
    worse
}

#[test]
fn programs_pass_under_our_host_as_under_plain_wasmtime() {
    let Some(folder) = std::env::var_os("LEADHAND_WASI_TESTSUITE") else {
        println!("skipped: LEADHAND_WASI_TESTSUITE does not name the prebuilt WASI test suite");
        return;
    };
    let programs = suite::programs(Path::new(&folder));
    assert!(
        !programs.is_empty(),
        "{folder:?} holds no programs of WASI 0.1"
    );
    let all: Vec<Compared> = programs.iter().map(compare).collect();
    assert_eq!(report(&all), Vec::<String>::new());
}

/// Prints what it is called with, and leaves with a code of its own.
const PRINTS_AND_LEAVES: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (data (i32.const 16) "hello\n")
    (func (export "_start")
        (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 6))
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
        (call $exit (i32.const 3))))"#;

/// Succeeds when a folder is there under the name that its specification says.
const FINDS_ITS_FOLDER: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_prestat_get" (func $stat (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open" (func $open
        (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 16) "made.cleanup")
    (func (export "_start")
        (if (call $stat (i32.const 3) (i32.const 64)) (then unreachable))
        (if (i32.ne (i32.load (i32.const 68)) (i32.const 3)) (then unreachable))
        (if (call $open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 12)
            (i32.const 5) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 80))
            (then unreachable))))"#;

#[test]
fn the_runner_tells_what_passes_from_what_fails() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("tests/rust/testsuite/wasm32-wasip1");
    std::fs::create_dir_all(folder.join("own.dir")).unwrap();
    let put = |name: &str, module: &str, specification: &str| {
        let bytes = wat::parse_str(module).unwrap();
        std::fs::write(folder.join(name).with_extension("wasm"), bytes).unwrap();
        std::fs::write(folder.join(name).with_extension("json"), specification).unwrap();
    };
    put(
        "a",
        PRINTS_AND_LEAVES,
        r#"{"exit_code": 3, "stdout": "hello\n"}"#,
    );
    put(
        "b",
        PRINTS_AND_LEAVES,
        r#"{"exit_code": 3, "stdout": "goodbye\n"}"#,
    );
    put("c", PRINTS_AND_LEAVES, "{}");
    put("d", FINDS_ITS_FOLDER, r#"{"dirs": ["own"]}"#);
    std::fs::create_dir_all(folder.join("own")).unwrap();
    put("e", FINDS_ITS_FOLDER, r#"{"dirs": ["own.dir"]}"#);
    let all: Vec<Compared> = suite::programs(root.path()).iter().map(compare).collect();
    assert_eq!(report(&all), Vec::<String>::new());
    let verdicts: Vec<(bool, bool)> = all
        .iter()
        .map(|it| (it.plain.is_ok(), it.ours.is_ok()))
        .collect();
    let (passes, fails) = ((true, true), (false, false));
    assert_eq!(verdicts, [passes, fails, fails, passes, fails]);
    let why = all[2].ours.as_ref().unwrap_err();
    assert_eq!(why, "its exit code is 1, not 0");
    assert!(!folder.join("own/made.cleanup").exists());
}

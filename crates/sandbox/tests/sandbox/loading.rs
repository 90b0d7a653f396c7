//! What a host takes in and what it refuses.

use crate::hostile_guests::component;
use crate::room::{Room, builder};
use leadhand_sandbox::{ToolHost, Workspace};
use serde_json::json;
use std::fs;

#[track_caller]
fn check(bytes: impl Into<Vec<u8>>, expected: &str) {
    let error = builder()
        .component("given", bytes)
        .build()
        .unwrap_err()
        .to_string();
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn what_is_no_tool_is_refused_by_name() {
    check(
        "not wasm",
        "`given` is not a usable WebAssembly component: ",
    );
    check(
        wat::parse_str("(module)").unwrap(),
        "`given` is not a usable WebAssembly component: ",
    );
    check(
        wat::parse_str("(component)").unwrap(),
        "`given` is not a usable WebAssembly component: ",
    );
    let network = r#"(component (import "wasi:http/outgoing-handler@0.2.0" (instance)))"#;
    check(
        wat::parse_str(network).unwrap(),
        "`given` imports `wasi:http/outgoing-handler@0.2.0`, which this host does not offer. It \
         offers: leadhand:tool/types@0.2.0, leadhand:tool/files@0.2.0, leadhand:tool/http@0.2.0, \
         leadhand:tool/clock@0.2.0, leadhand:tool/random@0.2.0, leadhand:tool/log@0.2.0, wasi:io, \
         wasi:clocks, wasi:random, wasi:filesystem, wasi:cli, wasi:sockets",
    );
}

#[test]
fn tools_that_describe_themselves_wrongly_are_refused() {
    let good = component("", "(i32.const 3072)");
    let replaced = |from: &[u8], to: &[u8]| {
        let at = good
            .windows(from.len())
            .position(|bytes| bytes == from)
            .unwrap();
        let mut bytes = good.clone();
        bytes[at..at + to.len()].copy_from_slice(to);
        bytes
    };
    check(
        replaced(b"hostile", b"Hostile"),
        "tool `Hostile` of `given` describes itself wrongly: its name",
    );
    check(
        replaced(b"\"object\"", b"\"string\""),
        "tool `hostile` of `given` describes itself wrongly: its schema",
    );
    check(
        replaced(b"{\"type", b"{}type\""),
        "tool `hostile` of `given` describes itself wrongly: its schema",
    );
    let twice = builder()
        .component("one", good.clone())
        .component("two", good)
        .build();
    let message = "both `one` and `two` hold a tool `hostile`: leave one of them out";
    assert_eq!(twice.unwrap_err().to_string(), message);
}

#[test]
fn compiled_components_are_cached_and_a_damaged_cache_does_no_harm() {
    let cache = tempfile::tempdir().unwrap();
    let folder = cache.path().join("compiled");
    let room = Room::with(&[]);
    let add = || {
        let host = ToolHost::builder()
            .cache_dir(Some(folder.clone()))
            .build()
            .unwrap();
        room.call_on(&host, "calculate", json!({ "expression": "1 + 1" }))
            .unwrap()
            .0
    };
    let files = || {
        let mut files: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        files.sort();
        files
    };
    assert_eq!(add(), "2");
    let first = files();
    // Code and card of each of the two components.
    assert_eq!(first.len(), 4);
    assert_eq!(add(), "2");
    assert_eq!(files(), first);
    for file in &first {
        fs::write(file, "damaged").unwrap();
    }
    assert_eq!(add(), "2");
    for file in &first {
        let replaced = fs::metadata(file).unwrap().len() > 100;
        assert!(replaced, "{}", file.display());
    }
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "a file in its place").unwrap();
    assert_eq!(add(), "2");
}

#[test]
fn a_workspace_is_an_existing_folder() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let error = Workspace::open(&missing).unwrap_err().to_string();
    assert!(error.contains("missing` cannot be opened: "), "{error}");
}

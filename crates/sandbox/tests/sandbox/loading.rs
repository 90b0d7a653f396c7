//! What a host takes in and what it refuses.

use crate::hostile_guests::{component, component_with};
use crate::room::{Room, builder};
use leadhand_protocol::ToolFaultKind;
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

/// A small component: what is held here holds for any, and compiling takes the time.
const CALCULATE: &[u8] = include_bytes!("../../../../sandbox/tools/calculate/calculate.wasm");

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
    let core =
        "`given` is not a usable WebAssembly component: it is a core module, not a component.";
    check(wat::parse_str("(module)").unwrap(), core);
    let good = component("", "(i32.const 3072)");
    check(
        &good[..good.len() / 2],
        "`given` is not a usable WebAssembly component: ",
    );
    let program = crate::probe::probe_component();
    check(
        program,
        "`given` is not a usable WebAssembly component: it does not export `specs`, so it is of \
         another world.",
    );
    check(
        vec![0; 100_000_000],
        "`given` is not a usable WebAssembly component: it is larger than 67108864 bytes.",
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
    // An object whose properties are no schemas.
    check(
        guest(r#"{"type":"object","properties":{"a":1}}"#, None, "x"),
        "tool `hostile` of `given` describes itself wrongly: its schema of arguments is none: ",
    );
    check(
        guest(NO_ARGUMENTS, Some(r#"{"type":"strin"}"#), "x"),
        "tool `hostile` of `given` describes itself wrongly: its schema of results is none: ",
    );
    check(
        twice(),
        "both `given` and `given` hold a tool `hostile`: leave one of them out",
    );
    let twice = builder()
        .component("one", good.clone())
        .component("two", good)
        .build();
    let message = "both `one` and `two` hold a tool `hostile`: leave one of them out";
    assert_eq!(twice.unwrap_err().to_string(), message);
}

fn data(at: u32, bytes: &[u8]) -> String {
    let bytes: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!("(data (i32.const {at}) \"{bytes}\")")
}

/// An address and a length, as they lie in a guest's memory.
fn text_at(at: u32, text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap();
    [at.to_le_bytes(), length.to_le_bytes()].concat()
}

/// The guest that answers `answer`, with other schemas of arguments and results.
pub(crate) fn guest(arguments: &str, results: Option<&str>, answer: &str) -> Vec<u8> {
    let mut over = vec![
        data(8_192, arguments.as_bytes()),
        data(1_040, &text_at(8_192, arguments)),
        data(12_288, answer.as_bytes()),
        data(3_076, &text_at(12_288, answer)),
    ];
    if let Some(results) = results {
        over.push(data(10_240, results.as_bytes()));
        over.push(data(
            1_048,
            &[&[1, 0, 0, 0], text_at(10_240, results).as_slice()].concat(),
        ));
    }
    component_with("", "(i32.const 3072)", &over.join("\n"))
}

pub(crate) const NO_ARGUMENTS: &str = r#"{"type":"object","properties":{}}"#;

/// A guest that lists its one tool twice.
fn twice() -> Vec<u8> {
    let spec = [
        text_at(2_048, "hostile"),
        text_at(2_048, "hostile"),
        text_at(2_100, NO_ARGUMENTS),
        vec![0; 24],
    ];
    let over = [data(1_072, &spec.concat()), data(3_004, &[2, 0, 0, 0])];
    component_with("", "(i32.const 3072)", &over.join("\n"))
}

#[test]
fn results_are_held_against_the_tools_own_schema() {
    let schema = r#"{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}"#;
    let room = Room::with(&[]);
    let call = |answer: &str| {
        let host = builder()
            .component("given", guest(NO_ARGUMENTS, Some(schema), answer))
            .build()
            .unwrap();
        room.call_on(&host, "hostile", json!({}))
    };
    assert_eq!(
        call(r#"{"n":1}"#),
        Ok((r#"{"n":1}"#.to_owned(), Vec::new()))
    );
    for (answer, reason) in [
        (r#"{"n":"1"}"#, "\"1\" is not of type \"integer\""),
        ("{}", "\"n\" is a required property"),
        (
            "{",
            "it is not JSON (EOF while parsing an object at line 1 column 1)",
        ),
    ] {
        let message = format!(
            "hostile gave a result that does not fit its own schema: {reason}. This is a fault of \
             the tool: do it another way."
        );
        assert_eq!(call(answer), Err((ToolFaultKind::Failed, message)));
    }
}

/// A pattern of which a backtracking matcher would make years.
#[test]
fn a_pattern_in_a_schema_cannot_hold_the_host_up() {
    let schema = r#"{"type":"string","pattern":"^(a+)+$"}"#;
    let answer = format!("\"{}!\"", "a".repeat(4_000));
    let host = builder()
        .component("given", guest(NO_ARGUMENTS, Some(schema), &answer))
        .build()
        .unwrap();
    let (kind, _) = Room::with(&[])
        .call_on(&host, "hostile", json!({}))
        .unwrap_err();
    assert_eq!(kind, ToolFaultKind::Failed);
}

#[test]
fn a_component_file_is_loaded_again_when_it_changed() {
    let room = Room::with(&[]);
    let cache = tempfile::tempdir().unwrap();
    let file = room.path().join("tool.wasm");
    let answer = || {
        let host = ToolHost::builder()
            .standard_tools(false)
            .cache_dir(Some(cache.path().to_owned()))
            .component_file(&file)
            .build()
            .unwrap();
        room.call_on(&host, "hostile", json!({})).unwrap().0
    };
    for text in ["first", "other"] {
        fs::write(&file, guest(NO_ARGUMENTS, None, text)).unwrap();
        assert_eq!([answer(), answer()], [text, text]);
    }
    fs::remove_file(&file).unwrap();
    let missing = ToolHost::builder()
        .cache_dir(Some(cache.path().to_owned()))
        .component_file(&file)
        .build();
    let message = missing.unwrap_err().to_string();
    assert!(message.contains("tool.wasm` cannot be read: "), "{message}");
}

/// A component that was known when the host was built and whose code is gone from the cache by the
/// first call is compiled again.
#[test]
fn code_that_vanishes_from_the_cache_is_made_again() {
    let cache = tempfile::tempdir().unwrap();
    let build = || {
        ToolHost::builder()
            .standard_tools(false)
            .cache_dir(Some(cache.path().to_owned()))
            .component("calculate", CALCULATE)
            .build()
            .unwrap()
    };
    drop(build());
    let host = build();
    for entry in fs::read_dir(cache.path()).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "cwasm")
        {
            fs::remove_file(path).unwrap();
        }
    }
    let given = Room::with(&[]).call_on(&host, "calculate", json!({ "expression": "1 + 1" }));
    assert_eq!(given.unwrap().0, "2");
}

#[test]
fn compiled_components_are_cached_and_a_damaged_cache_does_no_harm() {
    let cache = tempfile::tempdir().unwrap();
    let folder = cache.path().join("compiled");
    let room = Room::with(&[]);
    let add = || {
        let host = ToolHost::builder()
            .cache_dir(Some(folder.clone()))
            .standard_tools(false)
            .component("calculate", CALCULATE)
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
    // Code and card of the component.
    assert_eq!(first.len(), 2);
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

//! Components that are known by their cards, and compiled when they are first called.

use crate::loading::{NO_ARGUMENTS, guest};
use crate::room::{Room, builder};
use leadhand_protocol::ToolFaultKind;
use leadhand_sandbox::ToolHost;
use serde_json::json;
use std::fs;
use std::path::Path;

/// The cards are written by `cargo xtask tool-cards`.
#[test]
fn each_standard_component_is_what_its_card_says() {
    let host = builder().standard_tools(false).build().unwrap();
    for (name, bytes) in ToolHost::standard() {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sandbox/tools");
        let card = fs::read_to_string(tools.join(name).join(format!("{name}.card.json")));
        assert_eq!(host.card(name, bytes).unwrap(), card.unwrap(), "{name}");
    }
}

#[test]
fn a_component_is_compiled_when_it_is_first_called() {
    let folder = tempfile::tempdir().unwrap();
    let host = ToolHost::builder()
        .cache_dir(Some(folder.path().to_owned()))
        .build()
        .unwrap();
    let kept = || fs::read_dir(folder.path()).unwrap().count();
    assert_eq!((host.specs().len(), kept()), (17, 0));
    let room = Room::with(&[]);
    for expression in ["1 + 1", "3 - 1"] {
        let given = room.call_on(&host, "calculate", json!({ "expression": expression }));
        assert_eq!(given.unwrap().0, "2");
        // Code and card of this component.
        assert_eq!(kept(), 2);
    }
}

/// To compile this component takes longer than the call may.
#[test]
fn the_time_to_compile_is_not_the_time_of_the_call() {
    let mut room = Room::with(&[]);
    room.limits.wall_ms = 500;
    let host = ToolHost::builder().build().unwrap();
    let given = room.call_on(
        &host,
        "hash",
        json!({ "text": "abc", "algorithm": "sha256" }),
    );
    let given = given.map(|(text, _)| text);
    let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(given, Ok(hash.to_owned()));
}

#[test]
fn a_file_that_was_exchanged_since_the_host_was_built_is_not_run() {
    let room = Room::with(&[]);
    let cache = tempfile::tempdir().unwrap();
    let file = room.path().join("tool.wasm");
    let build = || {
        ToolHost::builder()
            .standard_tools(false)
            .cache_dir(Some(cache.path().to_owned()))
            .component_file(&file)
            .build()
            .unwrap()
    };
    fs::write(&file, guest(NO_ARGUMENTS, None, "first")).unwrap();
    drop(build());
    let host = build();
    let other = r#"{"type":"object","properties":{"n":{}}}"#;
    fs::write(&file, guest(other, None, "other")).unwrap();
    let message = "`tool.wasm` is not what it was known to be: its tool `hostile` is described \
                   otherwise. If it was changed, start again; if it is part of the program, write \
                   its card with `cargo xtask tool-cards`";
    let given = room.call_on(&host, "hostile", json!({}));
    assert_eq!(given, Err((ToolFaultKind::Failed, message.to_owned())));
    assert_eq!(
        room.call_on(&build(), "hostile", json!({})).unwrap().0,
        "other"
    );
}

//! What each autonomy level asks about.

use crate::case::{Case, fetch, native, pay, read_file, tool, write_file};
use leadhand_protocol::{Autonomy, Capability, Decision, Effect, ToolSpec};
use serde_json::json;

/// The decision at each level from L0 to L5, as letters.
fn check_levels(tool: &ToolSpec, expected: &str) {
    let levels = [
        Autonomy::L0,
        Autonomy::L1,
        Autonomy::L2,
        Autonomy::L3,
        Autonomy::L4,
        Autonomy::L5,
    ];
    let letters = levels.map(|autonomy| {
        let case = Case {
            autonomy,
            rules: "[[rules]]\ndecision = \"allow\"\ntool = \"download\"",
            ..Case::of(
                tool.clone(),
                json!({"path": "a", "url": "https://a.example"}),
            )
        };
        let case = case.granted(&[
            (Capability::FsRead, "**"),
            (Capability::FsWrite, "**"),
            (Capability::Net, "**"),
        ]);
        match case.verdict().decision {
            Decision::Allow => 'a',
            Decision::Ask => '?',
            Decision::Deny => 'd',
        }
    });
    assert_eq!(
        letters.iter().collect::<String>(),
        expected,
        "{}",
        tool.name
    );
}

#[test]
fn levels_ask_for_what_they_say() {
    check_levels(&read_file(), "d?aaaa");
    check_levels(&write_file(), "d??aaa");
    check_levels(&pay(), "d???aa");
    check_levels(&native(tool("note", Effect::Idempotent, &[])), "d???aa");
    check_levels(&native(tool("lookup", Effect::Pure, &[])), "d?aaaa");
    let once = tool("move", Effect::Once, &[(Capability::FsWrite, Some("path"))]);
    check_levels(&once, "d???aa");
    let download = tool("download", Effect::Pure, &[(Capability::Net, Some("url"))]);
    check_levels(&download, "d???aa");
    // The built-in rule asks before every fetch.
    check_levels(&fetch(), "d????a");
    check_levels(
        &tool("spawn", Effect::Pure, &[(Capability::Spawn, None)]),
        "dddddd",
    );
}

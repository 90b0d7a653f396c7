//! Paths that want out of the workspace, or into what is never accessible. Guests cannot make
//! links, but a workspace that somebody cloned can hold any.
#![cfg(unix)]

use crate::room::{Room, grant};
use leadhand_protocol::Capability;
use leadhand_protocol::ToolFaultKind::{self, Denied, Failed, InvalidArguments};
use serde_json::json;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::Command;

const SECRET: &str = "the secret outside";

/// A workspace full of traps, beside a folder that nobody may see.
fn room() -> (Room, tempfile::TempDir) {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), SECRET).unwrap();
    let room = Room::with(&[
        ("docs/a.md", "inside"),
        ("private/key", "not granted"),
        (".git/config", "repository"),
        ("sub/.git/config", "repository"),
        (".leadhand/journal", "events"),
    ]);
    let link = |target: &str, name: &str| symlink(target, room.path().join(name)).unwrap();
    link(outside.path().to_str().unwrap(), "out");
    link(outside.path().join("secret").to_str().unwrap(), "out-file");
    link("../../..", "docs/up");
    link("/proc/self/environ", "environ");
    link("/dev/zero", "zero");
    link(".git", "repository");
    link("loop-b", "loop-a");
    link("loop-a", "loop-b");
    link("a.md", "docs/alias.md");
    link("../docs", "docs/self");
    link("../private/key", "docs/peek");
    (room, outside)
}

#[test]
fn nothing_outside_and_nothing_reserved_is_read() {
    let (room, outside) = room();
    let absolute = outside.path().join("secret");
    let up = format!("docs/up{}", absolute.display());
    let cases: Vec<(&str, ToolFaultKind)> = vec![
        ("../secret", InvalidArguments),
        ("docs/../../secret", InvalidArguments),
        ("..", InvalidArguments),
        (absolute.to_str().unwrap(), InvalidArguments),
        ("/proc/self/environ", InvalidArguments),
        ("docs\\..\\..\\secret", InvalidArguments),
        ("docs/a.md\0.png", InvalidArguments),
        ("docs/\u{1b}[2J", InvalidArguments),
        ("out/secret", Denied),
        ("out-file", Denied),
        (&up, Denied),
        ("environ", Denied),
        ("zero", Denied),
        (".git/config", Denied),
        (".GIT/config", Denied),
        ("./.git/./config", Denied),
        (".g\u{200c}it/config", Denied),
        ("sub/.git/config", Denied),
        (".leadhand/journal", Denied),
        ("repository/config", Denied),
        ("loop-a", Failed),
    ];
    for (path, expected) in cases {
        for tool in ["read_file", "list_files"] {
            let (kind, message) = room.call(tool, json!({ "path": path })).unwrap_err();
            assert_eq!(kind, expected, "{tool} {path:?}: {message}");
            assert!(!message.contains(SECRET), "{message}");
        }
    }
    let (text, _) = room
        .call("search_files", json!({ "pattern": "." }))
        .unwrap();
    assert_eq!(text, "docs/a.md:1: inside\nprivate/key:1: not granted");
}

#[test]
fn nothing_outside_and_nothing_reserved_is_changed() {
    let (room, outside) = room();
    let moves = |from: &str, to: &str| ("move_file", json!({ "from": from, "to": to }));
    let writes = |path: &str| ("write_file", json!({ "path": path, "content": "changed" }));
    for (tool, arguments) in [
        writes("../new"),
        writes("out/new"),
        writes("out/secret"),
        writes("out-file"),
        writes("docs/up/new"),
        writes("repository/hooks/pre-commit"),
        writes(".git/hooks/pre-commit"),
        writes(".leadhand/runs/x"),
        writes(".leadhand-1-0.tmp"),
        writes("loop-a"),
        writes("zero"),
        moves("docs/a.md", "out/a.md"),
        moves("docs/a.md", "../a.md"),
        moves("docs/a.md", ".git/a.md"),
        moves("out/secret", "docs/secret"),
        moves(".git", "git"),
        moves(".git/config", "config"),
        (
            "edit_file",
            json!({ "path": "out-file", "old": "secret", "new": "changed" }),
        ),
    ] {
        let fault = room.call(tool, arguments.clone()).unwrap_err();
        assert!(
            matches!(fault.0, Denied | InvalidArguments | Failed),
            "{arguments}: {fault:?}"
        );
    }
    assert_eq!(
        fs::read_to_string(outside.path().join("secret")).unwrap(),
        SECRET
    );
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    assert_eq!(room.read(".git/config").as_deref(), Some("repository"));
    assert_eq!(room.read("docs/a.md").as_deref(), Some("inside"));
}

#[test]
fn links_within_the_workspace_work_and_widen_no_grant() {
    let (mut room, _outside) = room();
    room.grants = vec![
        grant(Capability::FsRead, "docs/**"),
        grant(Capability::FsWrite, "docs/**"),
    ];
    room.check("read_file", json!({ "path": "docs/alias.md" }), "inside");
    room.check(
        "read_file",
        json!({ "path": "docs/self/self/a.md" }),
        "inside",
    );
    room.check_fault(
        "read_file",
        json!({ "path": "docs/peek" }),
        Denied,
        "No grant of fs.read covers `private/key`; granted: docs/**. A link leads there: call again with that path itself.",
    );
    let (kind, _) = room
        .call("write_file", json!({ "path": "docs/peek", "content": "x" }))
        .unwrap_err();
    assert_eq!(
        (kind, room.read("private/key").as_deref()),
        (Denied, Some("not granted"))
    );
    // Writing through a link changes what it points at, and leaves the link a link.
    let (_, files) = room
        .call(
            "write_file",
            json!({ "path": "docs/alias.md", "content": "new" }),
        )
        .unwrap();
    assert_eq!(files[0].path, "docs/a.md");
    assert!(room.path().join("docs/alias.md").is_symlink());
}

#[test]
fn pipes_and_sockets_are_neither_read_nor_waited_for() {
    let room = Room::with(&[("a.md", "text")]);
    let made = Command::new("mkfifo")
        .arg(room.path().join("pipe"))
        .status()
        .unwrap();
    assert!(made.success());
    let _socket = UnixListener::bind(room.path().join("socket")).unwrap();
    for name in ["pipe", "socket"] {
        let message = format!("`{name}` is neither a regular file nor a folder.");
        room.check_fault(
            "read_file",
            json!({ "path": name }),
            InvalidArguments,
            &message,
        );
        let write = json!({ "path": name, "content": "x" });
        room.check_fault("write_file", write, InvalidArguments, &message);
    }
    room.check("list_files", json!({}), "a.md (4 bytes)");
}

/// A person was asked about the path that the call names: a link must not lead past the question.
#[test]
fn a_link_to_what_the_call_does_not_name_is_refused_and_told() {
    let mut room = Room::with(&[("b.md", "content")]);
    symlink("b.md", room.path().join("a.md")).unwrap();
    room.grants = vec![grant(Capability::FsRead, "a.md/**")];
    room.check_fault(
        "read_file",
        json!({"path": "a.md"}),
        Denied,
        "No grant of fs.read covers `b.md`; granted: a.md/**. A link leads there: call again with \
         that path itself.",
    );
}

//! The escapes of `hostile_paths`, tried by a program of WASI, and those that only WASI has words
//! for: links it makes itself, second names of files, changes in place.
#![cfg(unix)]

use crate::probe::{EXIST, LOOP, NOENT, NOT_PERMITTED, OK};
use crate::room::{Room, grant};
use leadhand_protocol::{Capability, Change};
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

const SECRET: &str = "the secret outside";

fn room() -> (Room, TempDir) {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), SECRET).unwrap();
    let room = Room::with(&[
        ("docs/a.md", "inside"),
        ("private/key", "not granted"),
        (".git/config", "repository"),
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
    link("../private/key", "docs/peek");
    (room, outside)
}

#[test]
fn paths_within_the_workspace_work_as_programs_expect() {
    let (room, _outside) = room();
    for path in [
        "docs/a.md",
        "./docs//./a.md",
        "docs/../docs/a.md",
        "docs/alias.md",
    ] {
        assert_eq!(
            room.probe("r", path, ""),
            (OK, b"inside".to_vec()),
            "{path}"
        );
    }
    room.check_probe("w", "docs/new.md", "fresh", OK);
    assert_eq!(room.read("docs/new.md").as_deref(), Some("fresh"));
    room.check_probe("d", "made/", "", OK);
    room.check_probe("d", "made", "", EXIST);
    room.check_probe("m", "docs/new.md", "made/new.md", OK);
    room.check_probe("h", "made/new.md", "made/second.md", OK);
    room.check_probe("s", "made/link", "second.md", OK);
    assert_eq!(
        room.probe("k", "made/link", ""),
        (OK, b"second.md".to_vec())
    );
    assert_eq!(room.probe("r", "made/link", ""), (OK, b"fresh".to_vec()));
    room.check_probe("m", "made", "moved", OK);
    room.check_probe("r", "made/link", "", NOENT);
    for name in ["link", "second.md", "new.md"] {
        room.check_probe("u", &format!("moved/{name}"), "", OK);
    }
    room.check_probe("D", "moved/", "", OK);
    room.check_probe("r", "moved", "", NOENT);
}

#[test]
fn nothing_outside_and_nothing_reserved_is_read() {
    let (room, outside) = room();
    let absolute = outside.path().join("secret");
    let up = format!("docs/up{}", absolute.display());
    let absolute = absolute.to_str().unwrap();
    for path in [
        "../secret",
        "docs/../../secret",
        "..",
        absolute,
        "/proc/self/environ",
        "out/secret",
        "out/",
        "out-file",
        &up,
        "environ",
        "zero",
        ".git/config",
        ".GIT/config",
        "docs/../.git/config",
        ".g\u{200c}it/config",
        ".leadhand/journal",
        "repository/config",
        "repository/",
    ] {
        for operation in ["r", "l", "t"] {
            room.check_probe(operation, path, "", NOT_PERMITTED);
        }
    }
    room.check_probe("r", "loop-a", "", LOOP);
    for path in ["docs/a.md\0.png", "docs\\a.md", "docs/\u{1b}[2J"] {
        let (error, read) = room.probe("r", path, "");
        assert!(error != OK && read.is_empty(), "{path:?}");
    }
    let (_, listed) = room.probe("l", ".", "");
    let listed = String::from_utf8_lossy(&listed).into_owned();
    assert!(
        listed.contains("docs") && !listed.contains(".git"),
        "{listed:?}"
    );
    assert!(!listed.contains(".leadhand"), "{listed:?}");
}

#[test]
fn nothing_outside_and_nothing_reserved_is_changed() {
    let (room, outside) = room();
    for (operation, path, second) in [
        ("w", "../new", "x"),
        ("w", "out/new", "x"),
        ("w", "out/secret", "x"),
        ("w", "out-file", "x"),
        ("T", "out-file", ""),
        ("w", "docs/up/new", "x"),
        ("w", "repository/hooks/pre-commit", "x"),
        ("w", ".git/hooks/pre-commit", "x"),
        ("w", ".leadhand/runs/x", "x"),
        ("w", ".leadhand-1-0.tmp", "x"),
        ("w", "zero", "x"),
        ("d", "out/made", ""),
        ("d", ".git/made", ""),
        ("u", "out/secret", ""),
        ("u", ".git/config", ""),
        ("D", ".git", ""),
        ("m", "docs/a.md", "out/a.md"),
        ("m", "docs/a.md", "../a.md"),
        ("m", "docs/a.md", ".git/a.md"),
        ("m", "out/secret", "docs/secret"),
        ("m", ".git", "git"),
        ("h", "out/secret", "docs/secret"),
        ("h", ".git/config", "docs/config"),
        ("h", "docs/a.md", "out/a.md"),
        ("s", "out/link", "a"),
        ("s", "link", "/etc/passwd"),
        ("s", "link", "../secret"),
        ("s", "docs/link", "../../secret"),
        // It would lead out when `docs` is moved.
        ("s", "docs/link", "../private/key"),
        ("s", "link", ".git/config"),
        ("s", "docs/link", "../.GIT"),
    ] {
        room.check_probe(operation, path, second, NOT_PERMITTED);
    }
    let secret = fs::read_to_string(outside.path().join("secret")).unwrap();
    assert_eq!(secret, SECRET);
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    assert_eq!(room.read(".git/config").as_deref(), Some("repository"));
    assert_eq!(room.read("docs/a.md").as_deref(), Some("inside"));
    // A link that is there may be taken away; what it points at stays.
    room.check_probe("u", "out-file", "", OK);
    assert!(outside.path().join("secret").exists());
}

#[test]
fn grants_hold_whatever_name_a_file_is_given() {
    let (mut room, _outside) = room();
    room.grants = vec![
        grant(Capability::FsRead, "docs/**"),
        grant(Capability::FsWrite, "docs/**"),
        grant(Capability::FsWrite, "private/**"),
        grant(Capability::FsRead, "shown/**"),
    ];
    fs::create_dir(room.path().join("shown")).unwrap();
    fs::write(room.path().join("shown/b.md"), "shown").unwrap();
    for (operation, path, second) in [
        ("r", "private/key", ""),
        ("r", "docs/peek", ""),
        ("r", "docs/../private/key", ""),
        ("l", "private", ""),
        ("k", "out", ""),
        // What may be written must not become readable, nor what may be read writable.
        ("m", "private/key", "docs/key"),
        ("h", "private/key", "docs/key"),
        ("h", "shown/b.md", "docs/b.md"),
        ("m", "shown/b.md", "docs/b.md"),
        ("m", "private", "docs/all"),
        ("w", "shown/b.md", "x"),
        ("a", "shown/b.md", ""),
        ("T", "shown/b.md", ""),
        ("u", "shown/b.md", ""),
        ("w", "elsewhere", "x"),
        ("t", "elsewhere", ""),
    ] {
        room.check_probe(operation, path, second, NOT_PERMITTED);
    }
    assert_eq!(room.probe("r", "shown/b.md", ""), (OK, b"shown".to_vec()));
    room.check_probe("w", "private/key", "new", OK);
    assert_eq!(room.read("private/key").as_deref(), Some("new"));
    room.grants.clear();
    let (error, _) = room.probe("r", "docs/a.md", "");
    assert_ne!(error, OK, "without a grant there is no folder at all");
}

/// A second name may lie outside of the workspace, so a file that has one is not changed in place.
#[test]
fn files_with_a_second_name_elsewhere_are_not_changed_in_place() {
    let (room, outside) = room();
    let secret = outside.path().join("secret");
    fs::hard_link(&secret, room.path().join("hard")).unwrap();
    for operation in ["w", "a", "T"] {
        room.check_probe(operation, "hard", "changed", NOT_PERMITTED);
    }
    assert_eq!(fs::read_to_string(&secret).unwrap(), SECRET);
    // Replacing it as a whole gives up the name and leaves the other file alone.
    room.check_probe("u", "hard", "", OK);
    room.check_probe("w", "hard", "changed", OK);
    assert_eq!(fs::read_to_string(&secret).unwrap(), SECRET);
}

#[test]
fn devices_pipes_and_sockets_are_not_opened() {
    let room = Room::with(&[]);
    let made = Command::new("mkfifo")
        .arg(room.path().join("pipe"))
        .status()
        .unwrap();
    assert!(made.success());
    let _socket = UnixListener::bind(room.path().join("socket")).unwrap();
    for name in ["pipe", "socket"] {
        for operation in ["r", "w", "a"] {
            room.check_probe(operation, name, "x", NOT_PERMITTED);
        }
    }
}

#[test]
fn changes_are_told_as_the_host_saw_them() {
    let room = Room::with(&[("old", "1"), ("gone", "2"), ("same", "3")]);
    let changed = |operation, path, second| {
        let arguments = [operation, path, second, ""];
        let ran = room
            .run(crate::probe::probe_component(), &arguments)
            .unwrap();
        let all = ran.files.into_iter();
        all.map(|file| (file.path, file.change, file.bytes))
            .collect::<Vec<_>>()
    };
    let told = |path: &str, change, bytes| (path.to_owned(), change, bytes);
    assert_eq!(
        changed("w", "new", "four"),
        [told("new", Change::Created, 4)]
    );
    assert_eq!(
        changed("w", "old", "fives"),
        [told("old", Change::Modified, 5)]
    );
    assert_eq!(changed("u", "gone", ""), [told("gone", Change::Removed, 0)]);
    assert_eq!(
        changed("m", "new", "newer"),
        [
            told("new", Change::Removed, 0),
            told("newer", Change::Created, 4)
        ]
    );
    assert_eq!(changed("r", "same", ""), []);
    assert_eq!(changed("a", "same", ""), []);
    assert_eq!(changed("w", ".git", "x"), []);
}

/// Somebody swaps a folder for a link that leads outside, again and again, while a program and a
/// tool read through it. Each look sees one or the other, and never through the link.
#[test]
fn a_link_that_is_swapped_in_while_a_guest_reads_leads_nowhere() {
    let (room, outside) = room();
    let (folder, spare) = (room.path().join("swap"), room.path().join("spare"));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("secret"), "inside").unwrap();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                fs::rename(&folder, &spare).unwrap();
                symlink(outside.path(), &folder).unwrap();
                fs::remove_file(&folder).unwrap();
                fs::rename(&spare, &folder).unwrap();
            }
        });
        let mut inside = 0;
        for round in 0..400 {
            let (error, read) = room.probe("r", "swap/secret", "");
            assert!(
                read.is_empty() || read == b"inside",
                "round {round}: {read:?}"
            );
            inside += usize::from(error == OK);
            let arguments = serde_json::json!({ "path": "swap/secret" });
            let given = room.call("read_file", arguments);
            assert!(
                !format!("{given:?}").contains(SECRET),
                "round {round}: {given:?}"
            );
            room.probe("w", "swap/secret", "inside");
        }
        ended.store(true, Ordering::Relaxed);
        assert!(inside > 0, "the folder was there some of the time");
    });
    let secret = fs::read_to_string(outside.path().join("secret")).unwrap();
    assert_eq!(secret, SECRET);
}

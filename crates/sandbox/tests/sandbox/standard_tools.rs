//! The file tools: what a model gives and what it gets.

use crate::room::{Room, grant, standard};
use leadhand_protocol::ToolFaultKind::{
    Denied, Failed, InvalidArguments, LimitExceeded, NotFound, UnknownTool,
};
use leadhand_protocol::{Capability, Change, ContentHash, Effect, FileChange};
use serde_json::json;

fn change(path: &str, change: Change, content: Option<&str>) -> FileChange {
    FileChange {
        path: path.to_owned(),
        change,
        hash: content.map(|content| ContentHash::of(content.as_bytes())),
        bytes: content.map_or(0, |content| content.len() as u64),
    }
}

fn docs() -> Room {
    Room::with(&[
        ("README.md", "# Readme\n"),
        ("docs/a.md", "one\ntwo\nthree\n"),
        ("docs/b.txt", "TWO hands\n"),
        ("docs/deep/c.md", "four\n"),
        ("target/debug/x.md", "two\n"),
        (".hidden", "two\n"),
        (".git/config", "two\n"),
        (".leadhand/runs/1", "two\n"),
    ])
}

#[test]
fn tools_describe_themselves() {
    let described: Vec<_> = standard()
        .specs()
        .iter()
        .map(|spec| {
            let properties = spec.arguments["properties"].as_object().unwrap();
            (
                spec.name.as_str(),
                spec.effect,
                properties.keys().map(String::as_str).collect(),
            )
        })
        .collect();
    let expected: Vec<(&str, Effect, Vec<&str>)> = vec![
        ("list_files", Effect::Pure, vec!["path", "recursive"]),
        ("find_files", Effect::Pure, vec!["glob"]),
        (
            "read_file",
            Effect::Pure,
            vec!["path", "start_line", "end_line"],
        ),
        (
            "search_files",
            Effect::Pure,
            vec!["pattern", "path", "glob"],
        ),
        ("write_file", Effect::Idempotent, vec!["path", "content"]),
        (
            "edit_file",
            Effect::Idempotent,
            vec!["path", "old", "new", "all"],
        ),
        ("patch_file", Effect::Idempotent, vec!["path", "patch"]),
        ("move_file", Effect::Idempotent, vec!["from", "to"]),
        ("query_json", Effect::Pure, vec!["query", "path", "json"]),
        (
            "read_csv",
            Effect::Pure,
            vec![
                "path",
                "text",
                "columns",
                "where",
                "start_row",
                "delimiter",
                "header",
            ],
        ),
        ("diff_text", Effect::Pure, vec!["old", "new", "context"]),
        ("hash", Effect::Pure, vec!["text", "algorithm"]),
        ("fill_template", Effect::Pure, vec!["template", "values"]),
        (
            "date",
            Effect::Pure,
            vec!["start", "add", "until", "offset", "format"],
        ),
        (
            "fetch",
            Effect::Pure,
            vec!["url", "as", "start", "max_chars", "headers"],
        ),
        (
            "send_request",
            Effect::Once,
            vec!["url", "method", "body", "headers"],
        ),
        ("calculate", Effect::Pure, vec!["expression"]),
    ];
    assert_eq!(described, expected);
}

#[test]
fn files_are_listed_and_found() {
    let room = docs();
    let all = "README.md (9 bytes)\ndocs/a.md (14 bytes)\ndocs/b.txt (10 bytes)\n\
               docs/deep/c.md (5 bytes)\nLeft out: target.";
    room.check("list_files", json!({}), all);
    room.check(
        "list_files",
        json!({ "path": "./" , "recursive": "true" }),
        all,
    );
    room.check(
        "list_files",
        json!({ "path": "docs", "recursive": false }),
        "docs/a.md (14 bytes)\ndocs/b.txt (10 bytes)\ndocs/deep/",
    );
    room.check(
        "list_files",
        json!({ "path": "docs/deep/" }),
        "docs/deep/c.md (5 bytes)",
    );
    room.check(
        "list_files",
        json!({ "path": "target" }),
        "target/debug/x.md (4 bytes)",
    );
    room.check_fault(
        "list_files",
        json!({ "path": "doc" }),
        NotFound,
        "`doc` does not exist. In `.` there are: docs/, README.md, target/.",
    );
    let markdown =
        "README.md (9 bytes)\ndocs/a.md (14 bytes)\ndocs/deep/c.md (5 bytes)\nLeft out: target.";
    room.check("find_files", json!({ "glob": "*.md" }), markdown);
    room.check("find_files", json!({ "glob": "**/*.md" }), markdown);
    room.check(
        "find_files",
        json!({ "glob": "docs/*.{md,txt}" }),
        "docs/a.md (14 bytes)\ndocs/b.txt (10 bytes)\nLeft out: target.",
    );
    room.check(
        "find_files",
        json!({ "glob": "[a-b].*" }),
        "docs/a.md (14 bytes)\ndocs/b.txt (10 bytes)\nLeft out: target.",
    );
    room.check(
        "find_files",
        json!({ "glob": "*.rs" }),
        "No file matches `*.rs`.\nLeft out: target.",
    );
    room.check_fault(
        "find_files",
        json!({ "glob": "{a" }),
        InvalidArguments,
        "the glob `{a` has a bracket without its partner; write one such as *.md or src/**/*.rs.",
    );
    Room::with(&[]).check("list_files", json!({}), "No files in `.`.");
}

#[test]
fn long_listings_say_what_they_left_out() {
    let paths: Vec<String> = (0..500)
        .map(|n| format!("folder/file-number-{n:03}.md"))
        .collect();
    let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "x")).collect();
    let mut room = Room::with(&files);
    let (text, _) = room.call("list_files", json!({})).unwrap();
    assert!(
        text.len() < 8_000 && text.ends_with("… and 289 more; list a subfolder to see them."),
        "{text}"
    );
    room.limits.folder_entries_max = 100;
    room.check(
        "list_files",
        json!({}),
        "No files in `.`.\nStopped early: `folder` holds more entries than this call may list.",
    );
}

#[test]
fn files_are_read_whole_or_by_lines() {
    let room = docs();
    std::fs::write(room.path().join("latin"), b"caf\xe9").unwrap();
    std::fs::write(room.path().join("empty"), "").unwrap();
    std::fs::write(room.path().join("wide"), "ä".repeat(6_000)).unwrap();
    std::fs::write(room.path().join("long"), "0123456789abcde\n".repeat(1_000)).unwrap();
    room.check(
        "read_file",
        json!({ "path": "docs/a.md" }),
        "one\ntwo\nthree\n",
    );
    room.check(
        "read_file",
        json!({ "path": "docs/a.md", "start_line": 2, "end_line": "2" }),
        "two\n",
    );
    room.check(
        "read_file",
        json!({ "path": "docs/a.md", "start_line": 3, "end_line": 99 }),
        "three\n",
    );
    room.check(
        "read_file",
        json!({ "path": "empty" }),
        "[`empty` is empty]",
    );
    room.check(
        "read_file",
        json!({ "path": "latin" }),
        "caf\u{fffd}\n[bytes that are not UTF-8 are shown as \u{fffd}]",
    );
    let wide = format!(
        "{}\n[line 1 is cut off: it has 12000 bytes]",
        "ä".repeat(3_800)
    );
    room.check("read_file", json!({ "path": "wide" }), &wide);
    let long =
        "0123456789abcde\n".repeat(475) + "\n[lines 1 to 475 of 1000; read on with start_line 476]";
    room.check("read_file", json!({ "path": "long" }), &long);
}

#[test]
fn what_cannot_be_read_is_told_with_a_way_on() {
    let room = docs();
    std::fs::write(room.path().join("x.bin"), b"\0\x01").unwrap();
    for (arguments, kind, message) in [
        (
            json!({ "path": "docs/x.md" }),
            NotFound,
            "`docs/x.md` does not exist. In `docs` there are: a.md, b.txt, deep/.",
        ),
        (
            json!({ "path": "no/such/file" }),
            NotFound,
            "`no` does not exist. In `.` there are: README.md, docs/, target/, x.bin.",
        ),
        (
            json!({ "path": "docs" }),
            InvalidArguments,
            "`docs` is a folder; list_files shows what is in it.",
        ),
        (
            json!({ "path": "x.bin" }),
            InvalidArguments,
            "`x.bin` is not text (2 bytes).",
        ),
        (
            json!({ "path": "docs/a.md", "start_line": 4 }),
            InvalidArguments,
            "`docs/a.md` has 3 lines; start_line 4 is behind its end.",
        ),
        (
            json!({ "path": "docs/a.md", "start_line": 3, "end_line": 1 }),
            InvalidArguments,
            "end_line 1 is before start_line 3.",
        ),
    ] {
        room.check_fault("read_file", arguments, kind, message);
    }
}

#[test]
fn arguments_are_checked_with_every_fault_named() {
    let room = docs();
    let takes = "It takes {path, start_line?, end_line?}.";
    for (arguments, why) in [
        (json!({}), "`path` is missing (the file)"),
        (json!([]), "the arguments are not a JSON object"),
        (json!({ "path": null }), "`path` is missing (the file)"),
        (
            json!({ "path": ["a"], "line": 2 }),
            "`path` must be a string, not [\"a\"]; there is no argument `line`",
        ),
        (
            json!({ "path": "a", "start_line": 0 }),
            "`start_line` must be a whole number from 1, not 0",
        ),
        (
            json!({ "path": "a", "start_line": 1.5 }),
            "`start_line` must be a whole number from 1, not 1.5",
        ),
    ] {
        let message = format!("read_file: {why}. {takes}");
        room.check_fault("read_file", arguments, InvalidArguments, &message);
    }
    let (kind, message) = room.call("delete_file", json!({})).unwrap_err();
    assert_eq!(kind, UnknownTool);
    assert!(
        message.starts_with("There is no tool `delete_file`. There are: list_files, "),
        "{message}"
    );
}

#[test]
fn lines_are_searched() {
    let room = docs();
    room.check(
        "search_files",
        json!({ "pattern": "two|four" }),
        "docs/a.md:2: two\ndocs/deep/c.md:1: four\nLeft out: target.",
    );
    room.check(
        "search_files",
        json!({ "pattern": "(?i)two", "path": "docs" }),
        "docs/a.md:2: two\ndocs/b.txt:1: TWO hands",
    );
    room.check(
        "search_files",
        json!({ "pattern": "^\\w+$", "path": "docs/deep/c.md" }),
        "docs/deep/c.md:1: four",
    );
    room.check(
        "search_files",
        json!({ "pattern": "(?i)two", "glob": "*.txt" }),
        "docs/b.txt:1: TWO hands\nLeft out: target.",
    );
    room.check(
        "search_files",
        json!({ "pattern": "seven", "path": "docs" }),
        "No line matches `seven` in 3 files.",
    );
    room.check_fault(
        "search_files",
        json!({ "pattern": "f(" }),
        InvalidArguments,
        "`f(` is not a regular expression; put \\ before ( ) [ ] { } . * + ? | to search for them as text.",
    );
    let line = format!("{}needle{}", "x".repeat(400), "y".repeat(400));
    let room = Room::with(&[("long", &line)]);
    let expected = format!("long:1: …{}needle{}…", "x".repeat(60), "y".repeat(174));
    room.check("search_files", json!({ "pattern": "needle" }), &expected);
    let room = Room::with(&[("many", &"needle in a haystack\n".repeat(1_000))]);
    let (text, _) = room
        .call("search_files", json!({ "pattern": "needle" }))
        .unwrap();
    assert!(text.ends_with("more lines; narrow the pattern or path.") && text.len() < 8_000);
}

#[test]
fn files_are_written() {
    let room = docs();
    let write = |path: &str, content: &str| {
        room.call("write_file", json!({ "path": path, "content": content }))
    };
    let created = vec![change("new/deep/n.md", Change::Created, Some("hällo"))];
    assert_eq!(
        write("new/deep/n.md", "hällo"),
        Ok(("Created `new/deep/n.md` (6 bytes).".into(), created))
    );
    let modified = vec![change("docs/a.md", Change::Modified, Some("1"))];
    assert_eq!(
        write("docs/a.md", "1"),
        Ok(("Replaced `docs/a.md` (1 bytes).".into(), modified))
    );
    // The same content again is no change, whatever the guest says.
    assert_eq!(
        write("docs/a.md", "1"),
        Ok(("Replaced `docs/a.md` (1 bytes).".into(), vec![]))
    );
    assert_eq!(room.read("docs/a.md").as_deref(), Some("1"));
    assert_eq!(
        write("docs", "1").unwrap_err(),
        (InvalidArguments, "`docs` is a folder, not a file.".into())
    );
    assert_eq!(
        write("docs/a.md/b", "1").unwrap_err(),
        (
            InvalidArguments,
            "`docs/a.md` is a file, not a folder.".into()
        )
    );
    assert_eq!(
        write("x/", "1").unwrap_err(),
        (
            InvalidArguments,
            "`x/` is the path of a folder; give that of a file.".into()
        )
    );
    let mut names: Vec<_> = std::fs::read_dir(room.path().join("docs"))
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["a.md", "b.txt", "deep"],
        "no temporary file is left"
    );
}

#[cfg(unix)]
#[test]
fn a_written_script_stays_executable() {
    use std::os::unix::fs::PermissionsExt;
    let room = Room::with(&[("run.sh", "#!/bin/sh\n")]);
    let path = room.path().join("run.sh");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o750)).unwrap();
    room.call(
        "edit_file",
        json!({ "path": "run.sh", "old": "/bin/sh", "new": "/bin/bash" }),
    )
    .unwrap();
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o750
    );
}

#[test]
fn files_are_edited() {
    let room = Room::with(&[
        ("f.rs", "fn one() {\n    two();\n}\nfn two() {}\n"),
        ("w.txt", "a\r\nb\r\n"),
    ]);
    let edit = |arguments| room.call("edit_file", arguments).map(|(text, _)| text);
    let refused = |message: &str| Err((InvalidArguments, message.to_owned()));
    let one = json!({ "path": "f.rs", "old": "    two();", "new": "    two();\n    three();" });
    assert_eq!(
        edit(one.clone()),
        Ok("Replaced 1 piece of `f.rs`, at line 2.".into())
    );
    assert_eq!(
        edit(one),
        Ok("`f.rs` already has the new text; nothing changed.".into())
    );
    assert_eq!(
        room.read("f.rs").unwrap(),
        "fn one() {\n    two();\n    three();\n}\nfn two() {}\n"
    );
    assert_eq!(
        edit(json!({ "path": "f.rs", "old": "two(", "new": "zwei(" })),
        refused(
            "`old` is in `f.rs` 2 times; copy more of the lines around it, or set all to true."
        )
    );
    assert_eq!(
        edit(json!({ "path": "f.rs", "old": "two(", "new": "zwei(", "all": true })),
        Ok("Replaced 2 pieces of `f.rs`, the first at line 2.".into())
    );
    assert_eq!(
        edit(json!({ "path": "f.rs", "old": "fn zwei(){}", "new": "x" })),
        Err((NotFound, "`old` is not in `f.rs` as written. The nearest is line 5: `fn zwei() {}`. Copy the text exactly, with its spaces.".into()))
    );
    assert_eq!(
        edit(json!({ "path": "f.rs", "old": "1234567890", "new": "x" })),
        Err((
            NotFound,
            "`old` is not in `f.rs`, and no line is like it; read_file shows the file.".into()
        ))
    );
    assert_eq!(
        edit(json!({ "path": "f.rs", "old": "", "new": "x" })),
        refused("`old` is empty; write_file writes a whole file.")
    );
    assert_eq!(
        edit(json!({ "path": "f.rs", "old": "a", "new": "a" })),
        refused("`old` and `new` are the same; nothing would change.")
    );
    assert_eq!(
        edit(json!({ "path": "w.txt", "old": "a\nb", "new": "c\nd" })),
        Ok("Replaced 1 piece of `w.txt`, at line 1.".into())
    );
    assert_eq!(room.read("w.txt").unwrap(), "c\r\nd\r\n");
}

#[test]
fn files_are_moved_and_nothing_is_overwritten() {
    let room = docs();
    let moved = |from: &str, to: &str| room.call("move_file", json!({ "from": from, "to": to }));
    let changes = vec![
        change("docs/a.md", Change::Removed, None),
        change("new/place.md", Change::Created, Some("one\ntwo\nthree\n")),
    ];
    assert_eq!(
        moved("docs/a.md", "new/place.md"),
        Ok(("Moved `docs/a.md` to `new/place.md`.".into(), changes))
    );
    assert_eq!(
        moved("docs/a.md", "new/place.md").unwrap_err(),
        (
            NotFound,
            "`docs/a.md` does not exist, and `new/place.md` does: it may be moved already.".into()
        )
    );
    assert_eq!(
        moved("docs/b.txt", "README.md").unwrap_err(),
        (
            Failed,
            "`README.md` is there already; choose another path.".into()
        )
    );
    assert_eq!(
        moved("docs/b.txt", "new/").unwrap_err(),
        (
            Failed,
            "`new` is a folder; give the whole new path, such as `new/b.txt`.".into()
        )
    );
    for same in ["docs/b.txt", "./docs/b.txt", "docs//b.txt"] {
        let text = "`docs/b.txt` has that path already; nothing changed.";
        assert_eq!(moved("docs/b.txt", same), Ok((text.into(), Vec::new())));
    }
    assert_eq!(moved("docs/no.txt", "docs/no.txt").unwrap_err().0, NotFound);
    moved("docs/deep", "shallow").unwrap();
    assert_eq!(room.read("shallow/c.md").as_deref(), Some("four\n"));
    let (kind, _) = moved("docs", "docs/inside").unwrap_err();
    assert_eq!(kind, Failed);
}

#[test]
fn grants_open_their_paths_and_no_others() {
    let mut room = docs();
    room.grants = vec![
        grant(Capability::FsRead, "docs/**"),
        grant(Capability::FsWrite, "out/*.md"),
    ];
    room.check(
        "list_files",
        json!({}),
        "docs/a.md (14 bytes)\ndocs/b.txt (10 bytes)\ndocs/deep/c.md (5 bytes)",
    );
    room.check(
        "search_files",
        json!({ "pattern": "e" }),
        "docs/a.md:1: one\ndocs/a.md:3: three",
    );
    room.check(
        "write_file",
        json!({ "path": "out/s.md", "content": "" }),
        "Created `out/s.md` (0 bytes).",
    );
    for (tool, arguments, message) in [
        (
            "read_file",
            json!({ "path": "README.md" }),
            "No grant of fs.read covers `README.md`; granted: docs/**.",
        ),
        (
            "write_file",
            json!({ "path": "docs/a.md", "content": "" }),
            "No grant of fs.write covers `docs/a.md`; granted: out/*.md.",
        ),
        (
            "write_file",
            json!({ "path": "out/deep/a.md", "content": "" }),
            "No grant of fs.write covers `out/deep`; granted: out/*.md.",
        ),
        (
            "edit_file",
            json!({ "path": "docs/a.md", "old": "one", "new": "1" }),
            "No grant of fs.write covers `docs/a.md`; granted: out/*.md.",
        ),
        (
            "move_file",
            json!({ "from": "docs/a.md", "to": "out/a.md" }),
            "No grant of fs.write covers `docs/a.md`; granted: out/*.md.",
        ),
    ] {
        room.check_fault(tool, arguments, Denied, message);
    }
    // What exists where nothing is granted is not told.
    for path in ["README.md", "missing.md", "missing/a.md", "README.md/a"] {
        let message = format!("No grant of fs.read covers `{path}`; granted: docs/**.");
        room.check_fault("read_file", json!({ "path": path }), Denied, &message);
    }
    room.grants = Vec::new();
    room.check_fault(
        "list_files",
        json!({}),
        Denied,
        "No grant of fs.read covers `.`; granted: nothing.",
    );
    room.check_fault(
        "read_file",
        json!({ "path": "docs/a.md" }),
        Denied,
        "No grant of fs.read covers `docs/a.md`; granted: nothing.",
    );
}

#[test]
fn bounds_of_a_call_are_told_to_the_model() {
    let mut room = docs();
    room.limits.file_bytes_read_max = 10;
    room.limits.file_bytes_written_max = 10;
    room.check_fault(
        "read_file",
        json!({ "path": "docs/a.md" }),
        LimitExceeded,
        "`docs/a.md` is more than this call may still read.",
    );
    room.check_fault(
        "write_file",
        json!({ "path": "x", "content": "01234567890" }),
        LimitExceeded,
        "`x`: 11 bytes are more than this call may still write.",
    );
    let (text, _) = room
        .call("search_files", json!({ "pattern": "#" }))
        .unwrap();
    assert!(
        text.contains("Stopped early: too much to read; give a subfolder as path."),
        "{text}"
    );
}

//! `patch_file`.

use crate::room::Room;
use leadhand_protocol::ToolFaultKind::{InvalidArguments, NotFound};
use serde_json::json;

const SONG: &str = "one\ntwo\nthree\nfour\nfive\nsix\n";

/// Applies a patch to `song`, twice: the second time changes nothing and says so.
#[track_caller]
fn check(before: &str, patch: &str, answer: &str, after: &str) {
    let room = Room::with(&[("song", before)]);
    let arguments = json!({ "path": "song", "patch": patch });
    room.check("patch_file", arguments.clone(), answer);
    assert_eq!(room.read("song").as_deref(), Some(after));
    room.check(
        "patch_file",
        arguments,
        "`song` has these changes already; nothing changed.",
    );
    assert_eq!(room.read("song").as_deref(), Some(after));
}

#[test]
fn patches_are_applied_once() {
    let after = "one\ntwo\nTHREE\nfour\nfive\nsix\n";
    let answer = "Patched `song`: 1 hunk, 1 line added, 1 line removed.";
    for patch in [
        "--- a/song\n+++ b/song\n@@ -2,3 +2,3 @@\n two\n-three\n+THREE\n four\n",
        "diff --git a/song b/song\nindex 1..2 100644\n--- a/song\n+++ b/song\n@@ -2,3 +2,3 @@ fn\n \
         two\n-three\n+THREE\n four\n",
        "@@ -40,9 +40,9 @@\n two\n-three\n+THREE\n",
        "```diff\n@@ @@\n-three\n+THREE\n```\n",
        "@@ -3 +3 @@\r\n-three\r\n+THREE\r\n",
    ] {
        check(SONG, patch, answer, after);
    }
    check(
        SONG,
        "@@ -1,2 +1,3 @@\n+zero\n one\n two\n@@ -5,2 +6 @@\n five\n-six\n",
        "Patched `song`: 2 hunks, 1 line added, 1 line removed.",
        "zero\none\ntwo\nthree\nfour\nfive\n",
    );
    check(
        "a\r\nb\r\n",
        "@@ -1,2 +1,2 @@\n a\n-b\n+c\n",
        answer,
        "a\r\nc\r\n",
    );
    check(
        "a\n\nb",
        "@@ -1,3 +1,3 @@\n a\n\n-b\n\\ No newline at end of file\n+c\n",
        answer,
        "a\n\nc\n",
    );
    check(
        "a\nb\n",
        "@@ -1,2 +1,2 @@\n a\n-b\n+c\n\\ No newline at end of file\n",
        answer,
        "a\nc",
    );
}

#[test]
fn files_are_created_by_patches() {
    let room = Room::with(&[("old", "x\n")]);
    let patch = "--- /dev/null\n+++ b/new/song\n@@ -0,0 +1,2 @@\n+one\n+two\n";
    let arguments = json!({ "path": "new/song", "patch": patch });
    room.check(
        "patch_file",
        arguments.clone(),
        "Created `new/song` (8 bytes).",
    );
    assert_eq!(room.read("new/song").as_deref(), Some("one\ntwo\n"));
    room.check(
        "patch_file",
        arguments,
        "`new/song` has these changes already; nothing changed.",
    );
    room.check_fault(
        "patch_file",
        json!({ "path": "old", "patch": "--- /dev/null\n+++ b/old\n@@ -0,0 +1 @@\n+one\n" }),
        InvalidArguments,
        "`patch` creates `old`, which is there already; make a patch of what is in it.",
    );
}

#[test]
fn patches_that_do_not_fit_change_nothing() {
    for (patch, message) in [
        (
            "@@ -2,3 +2,3 @@\n two\n-tree\n+THREE\n four\n",
            "in `song` hunk 1 does not fit: it has `tree` where line 3 is `three`. Nothing was \
             changed.",
        ),
        (
            "@@ -1 +1 @@\n-one\n+ONE\n@@ -6,2 +6,2 @@\n six\n-seven\n+SEVEN\n",
            "in `song` hunk 2 does not fit: it has `seven` behind the end, line 6. Nothing was \
             changed.",
        ),
        (
            "@@ -5 +5 @@\n-five\n+FIVE\n@@ -1 +1 @@\n-one\n+ONE\n",
            "in `song` hunk 2 does not fit: it has `one` where line 6 is `six`. Nothing was \
             changed.",
        ),
        (
            "@@ -3,0 +4 @@\n+new\n",
            "in `song` hunk 1 has no unchanged line to find its place by: give it some around \
             the change. Nothing was changed.",
        ),
        (
            "@@ -1,2 +1,3 @@\n one\n+one\n",
            "`patch` would fit again after it was applied: give it more unchanged lines around \
             its changes.",
        ),
        ("@@ -1 +1 @@\n one\n", "`patch` changes nothing."),
        (
            "three -> THREE",
            "`patch` has no hunk; it needs a line such as @@ -1,3 +1,4 @@ and changed lines below.",
        ),
        (
            "@@ -1 +1 @@\n-one\n+ONE\nand so on\n",
            "line 4 of `patch` begins with none of space, - and +: `and so on`.",
        ),
        (
            "--- a/poem\n+++ b/poem\n@@ -1 +1 @@\n-one\n+ONE\n",
            "`patch` is of `poem`, and `path` is `song`.",
        ),
        (
            "--- a/song\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n",
            "`patch` removes the file, which this tool does not do.",
        ),
        (
            "--- a/song\n+++ b/song\n@@ -1 +1 @@\n-one\n+ONE\n--- a/b\n+++ b/b\n@@ -1 +1 @@\n-x\n+y\n",
            "`patch` changes several files; make a call for each.",
        ),
    ] {
        let room = Room::with(&[("song", SONG)]);
        let arguments = json!({ "path": "song", "patch": patch });
        room.check_fault("patch_file", arguments, InvalidArguments, message);
        assert_eq!(room.read("song").as_deref(), Some(SONG));
    }
    let twice = Room::with(&[("song", "a\nb\na\nb\n")]);
    twice.check_fault(
        "patch_file",
        json!({ "path": "song", "patch": "@@ @@\n-a\n+c\n" }),
        InvalidArguments,
        "in `song` hunk 1 fits 2 places: give it more unchanged lines, or line numbers. Nothing \
         was changed.",
    );
    twice.check_fault(
        "patch_file",
        json!({ "path": "sonh", "patch": "@@ @@\n-a\n+c\n" }),
        NotFound,
        "`sonh` does not exist. In `.` there are: song.",
    );
}

#[test]
fn hunks_are_looked_for_near_their_place_and_no_further() {
    let lines: String = (0..1_000).map(|n| format!("{n}\n")).collect();
    let room = Room::with(&[("song", &lines)]);
    let patch = |line: usize| format!("@@ -{line},2 +{line},2 @@\n 500\n-501\n+x\n");
    room.check_fault(
        "patch_file",
        json!({ "path": "song", "patch": patch(100) }),
        InvalidArguments,
        "in `song` hunk 1 does not fit: it has `500` where line 100 is `99`. Nothing was changed.",
    );
    room.check(
        "patch_file",
        json!({ "path": "song", "patch": patch(400) }),
        "Patched `song`: 1 hunk, 1 line added, 1 line removed.",
    );
}

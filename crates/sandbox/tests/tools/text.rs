//! `diff_text`, `hash`, `fill_template`.

use crate::room::Room;
use leadhand_protocol::ToolFaultKind::{InvalidArguments, LimitExceeded};
use serde_json::json;

#[test]
fn texts_are_compared_by_lines() {
    let room = Room::with(&[]);
    let (old, new) = ("a\nb\nc\nd\ne\n", "a\nb\nC\nd\ne\nf\n");
    room.check(
        "diff_text",
        json!({ "old": old, "new": new, "context": 1 }),
        "--- old\n+++ new\n@@ -2,4 +2,5 @@\n b\n-c\n+C\n d\n e\n+f\n",
    );
    room.check(
        "diff_text",
        json!({ "old": "one", "new": "two" }),
        "--- old\n+++ new\n@@ -1 +1 @@\n-one\n\\ No newline at end of file\n+two\n\\ No newline \
         at end of file\n",
    );
    room.check(
        "diff_text",
        json!({ "old": old, "new": old }),
        "The texts are equal.",
    );
    room.check_fault(
        "diff_text",
        json!({ "old": old, "new": new, "context": 21 }),
        InvalidArguments,
        "diff_text: `context` must be a whole number from 0 to 20, not 21. It takes {old, new, \
         context?}.",
    );
}

#[test]
fn long_comparisons_end_within_their_bounds() {
    let room = Room::with(&[]);
    let lines = |sign: &str| -> String {
        let line = |n: usize| format!("{sign}{n}\n");
        (0..10_000).map(line).collect()
    };
    let (old, new) = (lines("a"), lines("b"));
    let text = room
        .call("diff_text", json!({ "old": old, "new": new }))
        .unwrap();
    assert!(text.len() < 8_000, "{}", text.len());
    let end = "more lines; compare smaller parts, or with context 0]";
    assert!(text.ends_with(end), "{text}");
    room.check_fault(
        "diff_text",
        json!({ "old": old + "x\n", "new": new }),
        LimitExceeded,
        "`old` has more than 10000 lines; compare parts of it.",
    );
}

#[test]
fn texts_are_hashed_as_others_hash_them() {
    let room = Room::with(&[]);
    // FIPS 180-4, RFC 1321, the test vectors of BLAKE3, and the check value of CRC-32.
    for (algorithm, text, digest) in [
        (
            "sha256",
            "abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            "sha512",
            "abc",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3\
             c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
        ("sha1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("md5", "abc", "900150983cd24fb0d6963f7d28e17f72"),
        (
            "blake3",
            "",
            "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
        ),
        ("crc32", "123456789", "cbf43926"),
    ] {
        room.check(
            "hash",
            json!({ "text": text, "algorithm": algorithm }),
            digest,
        );
    }
    room.check(
        "hash",
        json!({ "text": "" }),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
    room.check_fault(
        "hash",
        json!({ "text": "a", "algorithm": "sha3" }),
        InvalidArguments,
        "hash: `algorithm` must be one of sha256, sha512, sha1, md5, blake3, crc32, not \"sha3\". \
         It takes {text, algorithm?}.",
    );
}

#[test]
fn templates_are_filled() {
    let room = Room::with(&[]);
    let values =
        json!({ "name": "Ada", "items": [{ "n": 2, "t": "nut" }, { "n": 1, "t": "bolt" }] });
    for (template, filled) in [
        ("Dear {{ name }},\n", "Dear Ada,\n"),
        (
            "{% for item in items %}\n- {{ item.n }} {{ item.t | upper }}\n{% endfor %}\nEnd\n",
            "- 2 NUT\n- 1 BOLT\nEnd\n",
        ),
        (
            "{{ items | map(attribute='t') | join(', ') }}; {{ items | length }}",
            "nut, bolt; 2",
        ),
        ("{% if items %}some{% else %}none{% endif %}", "some"),
        ("{{ nobody | default('-') }} <&>", "- <&>"),
        ("{{ items[0] | tojson }}", "{\"n\": 2, \"t\": \"nut\"}"),
    ] {
        let arguments = json!({ "template": template, "values": values });
        room.check("fill_template", arguments, filled);
    }
    room.check(
        "fill_template",
        json!({ "template": "{{ a }}", "values": "{\"a\": 1.5}" }),
        "1.5",
    );
}

#[test]
fn templates_that_cannot_be_filled_say_where() {
    let room = Room::with(&[]);
    for (template, kind, message) in [
        (
            "Dear\n{{ nmae }}",
            InvalidArguments,
            "the template cannot be filled in line 2, `{{ nmae }}`: undefined value. `values` has \
             `name`.",
        ),
        (
            "{% for x in name %}",
            InvalidArguments,
            "the template cannot be filled in line 1, `{% for x in name %}`: syntax error: unexpected end of input, \
             expected end of block. `values` has `name`.",
        ),
        (
            "{{ name | shout }}",
            InvalidArguments,
            "the template cannot be filled in line 1, `{{ name | shout }}`: unknown filter: filter shout is unknown. \
             `values` has `name`.",
        ),
        (
            "{% include 'x' %}",
            InvalidArguments,
            "the template cannot be filled in line 1, `{% include 'x' %}`: syntax error: unknown statement include. \
             `values` has `name`.",
        ),
    ] {
        let arguments = json!({ "template": template, "values": { "name": "Ada" } });
        room.check_fault("fill_template", arguments, kind, message);
    }
    for hostile in [
        "(".repeat(900_000),
        "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}".into(),
        "{{ 'x' * 100000000 }}".to_owned(),
        "{% set x = [1] %}".repeat(20_000) + &"{{ ".repeat(50_000),
    ] {
        let given = room.call(
            "fill_template",
            json!({ "template": hostile, "values": {} }),
        );
        assert!(given.is_err(), "{}", &hostile[..20]);
    }
}

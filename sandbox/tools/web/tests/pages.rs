//! What is shown of an answer, by its type, encoding and length.
#![allow(missing_docs)]

use web::page::Page;

#[track_caller]
fn check(content_type: &str, body: &[u8], form: &str, expected: &str) {
    let page = Page {
        asked: "https://a.org/",
        url: "https://a.org/",
        content_type,
        body,
        truncated: false,
    };
    assert_eq!(page.show(form, 1, 7_000).as_deref(), Ok(expected));
}

#[test]
fn answers_are_shown_by_their_type() {
    let html = b"<title>T</title><p>a <b>b</b>";
    for (content_type, body, form, expected) in [
        ("text/html", &html[..], "markdown", "# T\n\na **b**"),
        (
            "application/xhtml+xml; charset=UTF-8",
            html,
            "text",
            "T\n\na b",
        ),
        ("text/html", html, "raw", "<title>T</title><p>a <b>b</b>"),
        (
            "text/plain",
            html,
            "markdown",
            "<title>T</title><p>a <b>b</b>",
        ),
        ("", b"<!DOCTYPE html><p>x", "markdown", "x"),
        (
            "application/json",
            b"{\"b\":1,\"a\":[]}",
            "markdown",
            "{\n  \"b\": 1,\n  \"a\": []\n}",
        ),
        (
            "application/json",
            b"{\"b\":1,\"a\":[]}",
            "raw",
            "{\"b\":1,\"a\":[]}",
        ),
        ("application/ld+json", b"{broken", "markdown", "{broken"),
        ("application/yaml", b"a: 1\n", "markdown", "a: 1\n"),
        (
            "image/png",
            b"\x89PNG\r\n\x1a\n\0\0",
            "markdown",
            "[not text: image/png, 10 bytes]",
        ),
        (
            "",
            b"\xff\xd8\xff\xe0",
            "raw",
            "[not text: unknown type, 4 bytes]",
        ),
        ("text/html", b"", "markdown", "[there is no text]"),
        (
            "text/html",
            b"<nav></nav>",
            "markdown",
            "[there is no text]",
        ),
    ] {
        check(content_type, body, form, expected);
    }
}

#[test]
fn bytes_become_text_by_what_the_page_says() {
    for (content_type, body, expected) in [
        ("text/plain; charset=UTF-8", "caf\u{e9}".as_bytes(), "café"),
        (
            "text/plain; charset=\"ISO-8859-1\"",
            b"caf\xe9 \x80",
            "café €",
        ),
        (
            "text/html",
            b"<meta charset='windows-1252'>\x93a\x94",
            "\u{201c}a\u{201d}",
        ),
        (
            "text/html",
            b"<meta http-equiv=content-type content='text/html; charset=latin1'>\xe9",
            "é",
        ),
        ("text/plain", b"caf\xe9", "café"),
        ("text/plain", b"\xc3\xa9caf\xc3", "écaf\u{fffd}"),
        ("text/plain", b"\xff\xfea\0\xe9\0", "aé"),
        ("text/plain", b"\xfe\xff\0a", "a"),
        ("text/plain", b"\xef\xbb\xbfa", "a"),
        (
            "text/plain; charset=Shift_JIS",
            b"a\x82",
            "a\u{fffd}\n[the encoding shift_jis is not known here; read as UTF-8]",
        ),
    ] {
        check(content_type, body, "markdown", expected);
    }
}

#[test]
fn long_answers_are_given_in_pages() {
    let text = "äbcdefghij".repeat(100);
    let show = |start, chars_max, truncated| {
        Page {
            asked: "https://a.org/",
            url: "https://b.org/x",
            content_type: "text/plain",
            body: text.as_bytes(),
            truncated,
        }
        .show("markdown", start, chars_max)
    };
    let expected = "äbcdefghijä\n[characters 1 to 11 of 1000; read on with start 12]\n\
                    [from https://b.org/x]";
    assert_eq!(show(1, 11, false).as_deref(), Ok(expected));
    let expected = "cdefghij\n[characters 993 to 1000 of 1000]\n[longer than can be read: this is \
                    from its first 1100 bytes]\n[from https://b.org/x]";
    assert_eq!(show(993, 100, true).as_deref(), Ok(expected));
    let expected = "there are 1000 characters; start 1001 is behind the end.";
    assert_eq!(show(1001, 100, false), Err(expected.to_owned()));
}

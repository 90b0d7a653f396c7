//! Which URLs a pattern covers and closes, how patterns are written, and what is refused.

use leadhand_resource::{UrlPattern, UrlResource};

/// Whether the pattern covers and closes a request: `covers`, `closes` or nothing.
fn check(pattern: &str, request: &str, expected: &str) {
    let patterns = UrlPattern::parse(pattern).unwrap_or_else(|why| panic!("{pattern}: {why}"));
    let (method, url) = match request.split_once(' ') {
        Some((method, url)) if !method.contains('/') => (method, url),
        _ => ("GET", request),
    };
    let url = UrlResource::parse(url).unwrap_or_else(|why| panic!("{url}: {why}"));
    let covers = patterns.iter().any(|it| it.covers(method, url.url()));
    let closes = patterns.iter().any(|it| it.closes(method, url.url()));
    let found = match (covers, closes) {
        (true, true) => "covers",
        (false, true) => "closes",
        (false, false) => "",
        (true, false) => "covers what it does not close",
    };
    assert_eq!(found, expected, "{pattern} on {request}");
}

#[test]
fn each_part_of_a_pattern_narrows_it() {
    for (pattern, request, expected) in [
        ("**", "POST http://a.example:81/x?y#z", "covers"),
        ("GET,HEAD **", "HEAD http://a.example/", "covers"),
        ("GET,HEAD **", "POST http://a.example/", ""),
        ("GET **", "get http://a.example/", "closes"),
        ("https://a.example", "https://a.example/x/y?q=/z", "covers"),
        ("https://a.example", "http://a.example/", ""),
        ("*://a.example", "http://a.example/", "covers"),
        ("*://a.example", "http://a.example:443/", ""),
        ("https://a.example", "https://a.example:8443/", ""),
        (
            "https://a.example:8443",
            "https://a.example:8443/",
            "covers",
        ),
        ("https://a.example:*", "https://a.example:8443/", "covers"),
        ("https://a.example:443", "https://A.EXAMPLE./", "covers"),
        ("https://a.example", "https://b.a.example/", ""),
        ("https://*.a.example", "https://b.c.a.example/", "covers"),
        ("https://*.a.example", "https://a.example/", ""),
        ("https://*.a.example", "https://ba.example/", ""),
        ("https://{a,b}.example", "https://b.example/", "covers"),
        (
            "https://bücher.example",
            "https://xn--bcher-kva.example/",
            "covers",
        ),
        ("http://127.0.0.1:8080/**", "http://0x7f.1:8080/", "covers"),
        ("http://127.0.0.1", "http://[::ffff:7f00:1]/", "covers"),
        ("http://[::1]:80", "http://[0:0::1]/", "covers"),
    ] {
        check(pattern, request, expected);
    }
}

#[test]
fn paths_are_decoded_and_closed_with_all_below() {
    for (pattern, request, expected) in [
        (
            "https://a.example/docs/**",
            "https://a.example/docs",
            "covers",
        ),
        (
            "https://a.example/docs/**",
            "https://a.example//docs/./b",
            "covers",
        ),
        (
            "https://a.example/docs/**",
            "https://a.example/docs/../b",
            "",
        ),
        (
            "https://a.example/docs/*.md",
            "https://a.example/docs/b.md",
            "covers",
        ),
        (
            "https://a.example/docs/*.md",
            "https://a.example/docs/c/b.md",
            "",
        ),
        (
            "https://a.example/docs",
            "https://a.example/DOCS/b",
            "closes",
        ),
        ("https://a.example/", "https://a.example", "covers"),
        ("https://a.example/a%20b", "https://a.example/a b", "covers"),
        ("https://a.example/a b", "https://a.example/a%20b", "covers"),
        ("https://a.example/%2a", "https://a.example/x", ""),
        (
            "https://a.example/caf%C3%A9",
            "https://a.example/café",
            "covers",
        ),
    ] {
        check(pattern, request, expected);
    }
}

#[test]
fn a_path_that_a_server_could_read_in_another_way_is_opened_by_no_path_and_closed_by_each() {
    for path in [
        "docs/..%2fadmin",
        "docs/%2e%2e%5cadmin",
        "docs/..%252fadmin",
        "docs/%252e%252e/admin",
        "docs/..;/admin",
        "docs/%c0%ae%c0%ae/admin",
        "docs/a%00b",
    ] {
        let url = format!("https://a.example/{path}");
        check("https://a.example/docs/**", &url, "closes");
        check("https://a.example/other/**", &url, "closes");
        check("https://a.example", &url, "covers");
        check("https://b.example/docs/**", &url, "");
    }
}

#[test]
fn urls_that_are_never_reached_are_refused() {
    let refused = |url: &str| UrlResource::parse(url).expect_err(url);
    for (url, expected) in [
        (
            "file:///etc/passwd",
            "the URL has the scheme `file`; only `http` and `https` are reached",
        ),
        (
            "https://a@b.example/",
            "the URL has a user name or password before its host; leave them out",
        ),
        (
            "https://:p@b.example/",
            "the URL has a user name or password before its host; leave them out",
        ),
        (
            "/docs/a.md",
            "`/docs/a.md` is no URL (relative URL without a base); write a whole one, such as `https://example.org/page`",
        ),
        (
            "https://",
            "`https://` is no URL (empty host); write a whole one, such as `https://example.org/page`",
        ),
        (
            "http://1.2.3.4.5/",
            "`http://1.2.3.4.5/` is no URL (invalid IPv4 address); write a whole one, such as `https://example.org/page`",
        ),
    ] {
        assert_eq!(refused(url), expected);
    }
    assert!(refused(&format!("https://a.example/{}", "x".repeat(9_000))).contains("8192 bytes"));
}

#[test]
fn hosts_that_mean_this_machine_or_its_network_are_internal_as_they_stand() {
    let is_internal = |url: &str| UrlResource::parse(url).expect(url).is_internal();
    for url in [
        "http://localhost/",
        "http://a.LOCALHOST.:3000/",
        "http://2130706433/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://①②⑦.0.0.1/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a00:1]/",
    ] {
        assert!(is_internal(url), "{url}");
    }
    for url in [
        "https://example.org/",
        "https://128.0.0.1/",
        "https://10.example/",
    ] {
        assert!(!is_internal(url), "{url}");
    }
}

#[test]
fn faulty_patterns_are_refused_with_a_reason() {
    let refused = |pattern: &str| UrlPattern::parse(pattern).expect_err(pattern);
    for (pattern, expected) in [
        (
            "a.example",
            "`a.example` is no URL pattern; write one such as `https://api.example.org/docs/**`, or `**` for all",
        ),
        (
            "ftp://a.example",
            "`ftp://a.example` has the scheme `ftp`; write `http`, `https` or `*` for either",
        ),
        (
            "get https://a.example",
            "`get` before the URL is no list of methods; write them in capitals, such as `GET,HEAD`",
        ),
        (
            "https://u@a.example",
            "`https://u@a.example` has a user before its host; leave it out, no URL with one is reached",
        ),
        (
            "https://a*.example",
            "`https://a*.example`: the host `a*.example` is neither a name nor an address; only `*` alone and `*.` before a name are globs",
        ),
        (
            "https://*.10.0.0.1",
            "`https://*.10.0.0.1`: nothing is below the address `10.0.0.1`",
        ),
        (
            "https://a.example:0",
            "`https://a.example:0`: the port `0` is no number from 1 to 65535; write `*` for any",
        ),
        (
            "https://a.example/x?q=1",
            "`https://a.example/x?q=1`: queries and fragments are not matched; end the pattern before `?` and `#`",
        ),
        (
            "https://a.example/x/",
            "`https://a.example/x/`: it has an empty name between its slashes",
        ),
        (
            "https://a.example/../x",
            "`https://a.example/../x`: its path has `.` or `..`; write it without",
        ),
        (
            "https://a.example/100%",
            "`https://a.example/100%`: in `100%` a `%` is no code such as `%20`; write `%25` for the character itself",
        ),
        (
            "https://a.example/a%2Fb",
            "`https://a.example/a%2Fb`: `a%2Fb` has a coded slash or control character, which no pattern covers",
        ),
    ] {
        assert_eq!(refused(pattern), expected);
    }
    assert!(refused("https://a.example/a\\\\b").contains("coded slash"));
    assert!(refused("https://").contains("empty host"));
    assert_eq!(
        refused("https://../x"),
        "`https://../x`: `..` is no host; write `*` for any"
    );
}

#[test]
fn patterns_are_written_as_they_are_read() {
    for (pattern, expected) in [
        ("*://*:*/**", "**"),
        ("HEAD,GET **", "GET,HEAD **"),
        ("https://A.example.:443/**", "https://a.example"),
        ("https://a.example/x%2Ay/%3F", "https://a.example/x%2Ay/%3F"),
        ("http://[::1]:8080/a/**/**", "http://[::1]:8080/a/**"),
        ("https://a.example/", "https://a.example/"),
    ] {
        let written: Vec<String> = UrlPattern::parse(pattern)
            .expect(pattern)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(written, [expected]);
    }
}

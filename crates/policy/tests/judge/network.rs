//! Rules and grants over the network.

use crate::case::{Case, check, fetch};
use leadhand_protocol::{Capability, ToolSpec};
use serde_json::json;

const RULES: &str = r#"
[[rules]]
decision = "allow"
capability = "net"
resource = "GET,HEAD https://*.example.org/docs/**"
[[rules]]
decision = "allow"
capability = "net.internal"
resource = "http://{localhost,127.0.0.1}:8080"
[[rules]]
decision = "deny"
resource = "DELETE *://*:*"
[[rules]]
decision = "deny"
capability = "net"
resource = "https://*.example.org/docs/private"
"#;

/// The verdict on a call of `get`, by these methods.
fn check_url(methods: &[&str], url: &str, expected: &str) {
    let mut get = ToolSpec {
        name: "get".to_owned(),
        ..fetch()
    };
    get.accesses[0].methods = methods.iter().map(|&it| it.to_owned()).collect();
    let case = Case {
        rules: RULES,
        ..Case::of(get, json!({ "url": url }))
    };
    check(
        &case.granted(&[
            (Capability::Net, "**"),
            (Capability::NetInternal, "http://*:8080"),
        ]),
        expected,
    );
}

#[test]
fn every_method_of_a_tool_must_be_allowed_and_none_denied() {
    let page = "https://a.example.org/docs/page?q=secret";
    check_url(
        &["GET", "HEAD"],
        page,
        "Allow: the rule `allow net GET,HEAD https://*.example.org/docs/**` (p.toml:2) covers net on `GET https://a.example.org/docs/page`",
    );
    check_url(
        &["GET", "POST"],
        page,
        "Deny: no rule allows net on `POST https://a.example.org/docs/page`",
    );
    check_url(
        &["GET", "DELETE"],
        page,
        "Deny: the rule `deny DELETE *://*:*` (p.toml:10) covers net on `DELETE https://a.example.org/docs/page`",
    );
    // A tool that may use any method may use the one that is denied.
    check_url(
        &[],
        page,
        "Deny: the rule `deny DELETE *://*:*` (p.toml:10) covers net on `https://a.example.org/docs/page`",
    );
}

#[test]
fn what_is_dialled_is_what_is_judged() {
    for (url, expected) in [
        (
            "https://A.example.org:443/x/../docs/",
            "Allow: the rule `allow net GET,HEAD https://*.example.org/docs/**` (p.toml:2) covers net on `GET https://a.example.org/x/../docs/`",
        ),
        (
            "https://a.example.org/docs/Private/x",
            "Deny: the rule `deny net https://*.example.org/docs/private` (p.toml:13) covers net on `GET https://a.example.org/docs/Private/x`",
        ),
        (
            "https://a.example.org/docs/..%2fprivate",
            "Deny: the rule `deny net https://*.example.org/docs/private` (p.toml:13) covers net on `GET https://a.example.org/docs/..%2fprivate`",
        ),
        (
            "https://a.example.org.evil.example/docs/",
            "Deny: no rule allows net on `GET https://a.example.org.evil.example/docs/`",
        ),
        (
            "https://a.example.org@evil.example/docs/",
            "Deny: the URL has a user name or password before its host; leave them out",
        ),
        (
            "https://a.example.org\\@evil.example/docs/",
            "Deny: no rule allows net on `GET https://a.example.org/@evil.example/docs/`",
        ),
        (
            "file:///etc/passwd",
            "Deny: the URL has the scheme `file`; only `http` and `https` are reached",
        ),
    ] {
        let expected = expected.replace("/x/../docs/", "/docs/");
        check_url(&["GET"], url, &expected);
    }
}

#[test]
fn internal_addresses_need_their_own_capability() {
    for (url, expected) in [
        (
            "http://0x7f000001:8080/",
            "Allow: the rule `allow net.internal http://{localhost,127.0.0.1}:8080` (p.toml:6) covers net.internal on `GET http://127.0.0.1:8080/`",
        ),
        (
            "http://localhost:8080/x",
            "Allow: the rule `allow net.internal http://{localhost,127.0.0.1}:8080` (p.toml:6) covers net.internal on `GET http://localhost:8080/x`",
        ),
        (
            "http://[::ffff:10.0.0.1]:8080/",
            "Deny: no rule allows net.internal on `GET http://[::ffff:a00:1]:8080/`",
        ),
        (
            "http://169.254.169.254/latest/meta-data",
            "Deny: no grant of this agent covers net.internal on `GET http://169.254.169.254/latest/meta-data`; it has net.internal on `http://*:8080`",
        ),
    ] {
        check_url(&["GET"], url, expected);
    }
}

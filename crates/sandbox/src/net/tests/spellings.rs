//! Nothing internal is dialled, however a URL is spelled and whatever a resolver answers.

use super::room::{Room, get};
use crate::contract::http::ErrorCode;
use flate2::read::GzDecoder;
use proptest::prelude::*;
use serde_json::Value;
use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::Path;

/// Requests a URL with all of the public network granted. Gives the code of the error, none
/// when the request would have gone out, and where to.
async fn attempt(url: &str) -> (Option<ErrorCode>, Vec<SocketAddr>) {
    let mut room = Room::public();
    let answer = room.access().send(get(url)).await;
    // In this room nobody answers: who got as far as that was allowed.
    let code = answer.unwrap_err().code;
    let refused = (!matches!(code, ErrorCode::Unreachable)).then_some(code);
    (refused, room.dialled())
}

async fn check_refused(url: &str) {
    let (code, dialled) = attempt(url).await;
    let refused = matches!(code, Some(ErrorCode::Denied | ErrorCode::InvalidRequest));
    assert!(
        refused && dialled.is_empty(),
        "{url:?}: {code:?}, {dialled:?}"
    );
}

async fn check_goes_to(url: &str, address: &str) {
    let (code, dialled) = attempt(url).await;
    let expected = vec![address.parse().unwrap()];
    assert_eq!((code.is_none(), dialled), (true, expected), "{url:?}");
}

/// What the standard library knows of addresses, for a second opinion.
fn plainly_internal(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_documentation()
                || v4.is_broadcast()
                || v4.octets()[0] == 0
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || v6.to_ipv4().is_some_and(|v4| plainly_internal(v4.into()))
        }
    }
}

#[tokio::test]
async fn every_url_of_the_shared_corpus_is_judged_right() {
    let Some(folder) = std::env::var_os("LEADHAND_SHARED") else {
        println!("skipped: LEADHAND_SHARED does not name a folder with data/ssrf.jsonl.gz");
        return;
    };
    let file = File::open(Path::new(&folder).join("data/ssrf.jsonl.gz")).unwrap();
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let url = case["url"].as_str().unwrap();
        let (code, dialled) = attempt(url).await;
        let to_internal = dialled.iter().any(|address| plainly_internal(address.ip()));
        assert!(!to_internal, "{line}: {dialled:?}");
        match case["label"]["must_block"].as_bool() {
            Some(true) => assert!(code.is_some() && dialled.is_empty(), "{line}: {dialled:?}"),
            Some(false) => assert!(code.is_none() && !dialled.is_empty(), "{line}: {code:?}"),
            None => {}
        }
    }
}

#[tokio::test]
async fn an_internal_address_is_refused_in_every_spelling() {
    for url in [
        "http://2130706433/",
        "http://017700000001/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://127.0.1/",
        "http://0177.0.0.1/",
        "http://0x7F.0x0.0x0.0x1/",
        "http://0177.0x0.0.1/",
        "http://0/",
        "http://00000000000/",
        "http://127.0.0.1./",
        "http://127\u{3002}0\u{3002}0\u{3002}1/",
        "http://127\u{ff0e}0\u{ff61}0.1/",
        "http://\u{ff11}\u{ff12}\u{ff17}.0.0.1/",
        "http://\u{2460}\u{2461}\u{2466}.\u{24ea}.\u{24ea}.\u{2460}/",
        "http://%31%32%37.0.0.1/",
        "http://127.0\t.0.\n1/",
        "  http://127.0.0.1  ",
        "http:127.0.0.1/",
        "http:///127.0.0.1/",
        "http:\\\\127.0.0.1\\",
        "https:/\\127.0.0.1:8443/",
        "HTTP://127.0.0.1:80/",
        "http://example.org@127.0.0.1/",
        "http://example.org:80@127.0.0.1/",
        "http://example.org%00@127.0.0.1/",
        "http://127.0.0.1#@example.org/",
        "http://127.0.0.1?@example.org/",
        "http://127.0.0.1\\@example.org/",
        "http://127.0.0.1:80\\@example.org:80/",
        "http://[::]/",
        "http://[::1]/",
        "http://[0:0:0:0:0:0:0:1]:8080/",
        "http://[::127.0.0.1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[64:ff9b::10.0.0.1]/",
        "http://[64:ff9b::1.1.1.1]/",
        "http://[2002:7f00:1::]/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://[fe80::1]/",
        "http://[fe80::1%25eth0]/",
        "http://[fe80::1%eth0]/",
        "http://[::1%25lo]/",
        "http://localhost/",
        "http://localhost./",
        "http://LOCALHOST/",
        "http://\u{ff4c}ocalhost/",
        "http://a.b.localhost:3000/",
        "http://metadata/",
        "http://printer.local/",
        "http://db.corp/",
        "http://metadata.google.internal/",
        "http://127-0-0-1.sslip.io/",
        "http://10.0.0.1.nip.io./",
        "http://100.100.100.200/",
        "http://168.63.129.16/",
        "http://192.0.0.192/",
        "http://198.18.0.1/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
    ] {
        check_refused(url).await;
    }
}

#[tokio::test]
async fn what_is_no_url_of_http_is_refused() {
    for url in [
        "",
        "/etc/passwd",
        "//example.org/",
        "example.org",
        "http://",
        "http:///",
        "http://?",
        "http://:80/",
        "http://example.org:0/",
        "http://example.org:65536/",
        "http://256.256.256.256/",
        "http://1.2.3.4.5/",
        "http://exa mple.org/",
        "http://exam%70le.org%2f@x/",
        "http://[::1/",
        "http://user@example.org/",
        "http://user:word@example.org/",
        "http://:word@example.org/",
        "file:///etc/passwd",
        "ftp://example.org/",
        "gopher://example.org:70/_x",
        "dict://example.org:11111/",
        "ldap://example.org/",
        "ws://example.org/",
        "jar:http://example.org!/",
        "data:text/plain,x",
        "javascript:alert(1)",
        "unix:/run/docker.sock",
        "http+unix://%2Frun%2Fdocker.sock/",
    ] {
        check_refused(url).await;
    }
    check_refused(&format!("https://example.org/{}", "a".repeat(9_000))).await;
    check_refused(&format!("https://{}.example.org/", "a.".repeat(200))).await;
}

#[tokio::test]
async fn what_is_public_goes_out_to_the_address_that_was_checked() {
    for (url, address) in [
        ("https://example.org/", "93.184.216.34:443"),
        ("http://example.org/a?b#c", "93.184.216.34:80"),
        ("https://example.org:8443/", "93.184.216.34:8443"),
        ("https://EXAMPLE.org./", "93.184.216.34:443"),
        ("https://b\u{fc}cher.example/", "93.184.216.34:443"),
        ("http://example.org\\@127.0.0.1/", "93.184.216.34:80"),
        ("http://example.org/@127.0.0.1", "93.184.216.34:80"),
        ("http://localhost.example.org/", "93.184.216.34:80"),
        ("http://notlocalhost.org/", "93.184.216.34:80"),
        ("http://16843009/", "1.1.1.1:80"),
        ("http://128.0.0.1/", "128.0.0.1:80"),
        (
            "http://[2606:4700:4700::1111]/",
            "[2606:4700:4700::1111]:80",
        ),
        ("http://[::ffff:1.1.1.1]/", "[::ffff:1.1.1.1]:80"),
    ] {
        check_goes_to(url, address).await;
    }
}

/// Pieces of URLs, put together in any way.
fn url() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("http:"),
        Just("https:"),
        Just("//"),
        Just("/"),
        Just("\\"),
        Just("@"),
        Just("#"),
        Just("?"),
        Just(":"),
        Just("."),
        Just("\t"),
        Just("%00"),
        Just("%2e"),
        Just("["),
        Just("]"),
        Just("127"),
        Just("0x7f"),
        Just("0177"),
        Just("1"),
        Just("0"),
        Just("::1"),
        Just("::ffff:"),
        Just("169.254.169.254"),
        Just("localhost"),
        Just("a.example"),
        Just("80"),
        Just("\u{3002}"),
        Just("\u{ff11}"),
        Just("2130706433"),
        Just("nip.io"),
    ];
    let start = prop_oneof![Just("http://"), Just("https://"), Just("")];
    (start, prop::collection::vec(piece, 0..8))
        .prop_map(|(start, pieces)| format!("{start}{}", pieces.concat()))
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(IpAddr::from),
        (0..8u16, any::<[u8; 4]>()).prop_map(|(kind, v4)| {
            let [a, b, c, d] = v4.map(u16::from);
            let (high, low) = (a << 8 | b, c << 8 | d);
            let prefix = [0, 0xffff, 0x64, 0x2002, 0xfe80, 0xfd00, 0x2001, 0xff02][kind as usize];
            IpAddr::V6(Ipv6Addr::new(prefix, high, low, 0, 0, 0xffff, high, low))
        }),
    ]
}

proptest! {
    // A case that fails is printed, and gets a line in a table above.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_url_and_no_answer_of_a_resolver_leads_to_an_internal_address(
        url in url(),
        first in prop::collection::vec(address(), 1..4),
        next in prop::collection::vec(address(), 1..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut room = Room::public();
        let texts = |list: &[IpAddr]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (first, next) = (texts(&first), texts(&next));
        let first: Vec<&str> = first.iter().map(String::as_str).collect();
        let next: Vec<&str> = next.iter().map(String::as_str).collect();
        room.names.answer("a.example", &[&first, &next]);
        let mut access = room.access();
        for _ in 0..2 {
            prop_assert!(runtime.block_on(access.send(get(&url))).is_err());
        }
        for address in room.dialled() {
            prop_assert!(!plainly_internal(address.ip()), "{url:?} led to {address}");
        }
    }
}

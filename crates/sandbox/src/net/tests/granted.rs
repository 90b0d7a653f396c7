//! What each grant opens: names that lead to internal addresses, names that change their
//! answer, ports, methods, and rules that close.

use super::room::{PUBLIC, Room, brief, check_error, get, grant, request};
use crate::contract::http::ErrorCode;
use leadhand_protocol::Capability;
use std::net::SocketAddr;

#[tokio::test]
async fn a_name_with_one_internal_address_is_refused_whole() {
    let mut room = Room::public();
    room.names
        .answer("two.example.org", &[&[PUBLIC, "10.0.0.1"]]);
    room.names
        .answer("six.example.org", &[&[PUBLIC, "::ffff:10.0.0.1"]]);
    let mut access = room.access();
    check_error(
        access.send(get("https://two.example.org/a?key=b")).await,
        ErrorCode::Denied,
        "GET https://two.example.org/a: it leads to an internal address (private, RFC 1918); \
         it takes a grant of `net.internal` on `GET https://two.example.org/**`.",
    );
    let again = access.send(get("https://six.example.org/")).await;
    assert!(again.is_err());
    let refused = [
        grant(Capability::NetInternal, "GET https://two.example.org/**"),
        grant(Capability::NetInternal, "GET https://six.example.org/**"),
    ];
    assert_eq!(
        (access.refused(), access.requests().len()),
        (&refused[..], 0)
    );
    assert_eq!(room.dialled(), []);
}

#[tokio::test]
async fn a_name_that_changes_its_answer_is_checked_at_every_request() {
    let mut room = Room::public();
    room.names
        .answer("rebinds.example.org", &[&[PUBLIC], &["127.0.0.1"]]);
    let mut access = room.access();
    for _ in 0..3 {
        assert!(
            access
                .send(get("http://rebinds.example.org/"))
                .await
                .is_err()
        );
    }
    // The first request resolved once and dialled what it saw; the others were refused.
    assert_eq!(room.dialled(), [format!("{PUBLIC}:80").parse().unwrap()]);
    assert_eq!(room.names.asked.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn addresses_that_do_not_answer_are_tried_in_order_and_not_for_ever() {
    let mut room = Room::public();
    let six = [
        "1.1.1.1",
        "1.1.1.2",
        "2606:4700::1",
        "1.1.1.3",
        "1.1.1.4",
        "1.1.1.5",
    ];
    room.names.answer("example.org", &[&six]);
    check_error(
        room.access().send(get("https://example.org/")).await,
        ErrorCode::Unreachable,
        "https://example.org/: nobody answers (connection refused).",
    );
    let tried = six[..4]
        .iter()
        .map(|ip| SocketAddr::new(ip.parse().unwrap(), 443));
    assert_eq!(room.dialled(), tried.collect::<Vec<_>>());
}

#[tokio::test]
async fn a_resolver_is_not_asked_without_a_grant() {
    let mut room = Room::public();
    room.grants = vec![grant(Capability::Net, "https://example.org/**")];
    let mut access = room.access();
    for url in [
        "https://c2VjcmV0.evil.example/",
        "http://example.org/",
        "https://sub.example.org/",
        "http://localhost/",
    ] {
        assert!(access.send(get(url)).await.is_err(), "{url}");
    }
    assert_eq!(room.names.asked.lock().unwrap().len(), 0);
    check_error(
        access.send(get("https://evil.example/a?b=c")).await,
        ErrorCode::Denied,
        "GET https://evil.example/a: no grant covers it; it takes a grant of `net` on \
         `GET https://evil.example/**`.",
    );
}

#[tokio::test]
async fn internal_addresses_need_a_grant_of_their_own_and_nothing_else_does() {
    let mut room = Room::public();
    room.grants = vec![grant(Capability::NetInternal, "http://*:8080/**")];
    room.names.answer("intern.example.org", &[&["10.0.0.1"]]);
    let mut access = room.access();
    for (url, refused) in [
        ("http://127.0.0.1:8080/", false),
        ("http://intern.example.org:8080/", false),
        ("http://localhost:8080/", false),
        ("http://127.0.0.1/", true),
        ("http://example.org:8080/", true),
    ] {
        let code = access.send(get(url)).await.unwrap_err().code;
        assert_eq!(matches!(code, ErrorCode::Denied), refused, "{url}");
    }
    let expected: Vec<SocketAddr> = ["127.0.0.1", "10.0.0.1", "127.0.0.1", "::1"]
        .into_iter()
        .map(|ip| SocketAddr::new(ip.parse().unwrap(), 8080))
        .collect();
    assert_eq!(room.dialled(), expected);
}

#[tokio::test]
async fn ports_of_other_protocols_open_only_to_a_grant_that_names_them() {
    let mut room = Room::public();
    room.grants = vec![
        grant(Capability::Net, "*://*:*/**"),
        grant(Capability::Net, "http://mail.example.org:25/**"),
    ];
    let mut access = room.access();
    check_error(
        access.send(get("http://example.org:25/")).await,
        ErrorCode::Denied,
        "GET http://example.org:25/: port 25 is of another protocol; only a grant of `net` on \
         `GET http://example.org:25/**` opens it.",
    );
    let named = access.send(get("http://mail.example.org:25/")).await;
    let odd = access.send(get("http://example.org:8081/")).await;
    assert_eq!(
        (brief(named).is_err(), brief(odd).is_err(), room.dialled()),
        (
            true,
            true,
            vec![
                format!("{PUBLIC}:25").parse().unwrap(),
                format!("{PUBLIC}:8081").parse().unwrap()
            ]
        )
    );
}

#[tokio::test]
async fn what_a_rule_closes_no_grant_opens() {
    let mut room = Room::public();
    room.closed = vec![
        grant(Capability::Net, "https://closed.example.org/**"),
        grant(Capability::Net, "POST *://*:*/**"),
    ];
    check_error(
        room.access().send(get("https://closed.example.org/")).await,
        ErrorCode::Denied,
        "GET https://closed.example.org/: a rule denies `net` there.",
    );
    let post = request("POST", "https://example.org/");
    let error = room.access().send(post).await.unwrap_err();
    assert!(matches!(error.code, ErrorCode::Denied));
    // A pattern that nobody can read closes everything.
    room.closed = vec![grant(Capability::Net, "https://")];
    let error = room.access().send(get("https://example.org/")).await;
    assert!(matches!(error.unwrap_err().code, ErrorCode::Denied));
    assert_eq!(room.dialled(), []);
}

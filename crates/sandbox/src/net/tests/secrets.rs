//! Secrets: put in by the host for one origin, and seen by no guest, whatever a server echoes.

use super::room::{Room, brief, check_error, get, grant};
use super::server::{Server, ok, to};
use crate::contract::http::{ErrorCode, Request};
use crate::net::secret::{Secret, Secrets};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use flate2::Compression;
use flate2::write::GzEncoder;
use leadhand_protocol::Capability;
use std::io::Write;

const VALUE: &str = "s3cr3t/Value+with=odd&\"chars";

fn secret() -> Secret {
    Secret {
        name: "api".to_owned(),
        origin: "http://127.0.0.1".to_owned(),
        header: "Authorization".to_owned(),
        prefix: "Bearer ".to_owned(),
        value: VALUE.into(),
    }
}

/// A room whose call may use the secret at `http://127.0.0.1`, where this server answers.
fn room(server: &Server) -> Room {
    let mut room = Room::served_by(server.address);
    room.secrets = vec![secret()];
    room.grants = vec![
        grant(Capability::Net, "**"),
        grant(Capability::NetInternal, "**"),
        grant(Capability::Secret, "api"),
    ];
    room
}

const URL: &str = "http://127.0.0.1/";

/// A server that gives back the whole request.
fn echo() -> Server {
    Server::plain(|request, stream| drop(stream.write_all(ok(request).as_bytes())))
}

#[tokio::test]
async fn a_secret_goes_to_its_origin_and_is_masked_in_what_comes_back() {
    let server = echo();
    let mut room = room(&server);
    let (_, body) = brief(room.access().send(get(URL)).await).unwrap();
    assert!(server.seen()[0].contains(&format!("authorization: Bearer {VALUE}\r\n")));
    assert!(
        body.contains("authorization: Bearer [secret api]\r\n"),
        "{body}"
    );
    assert!(!body.contains(VALUE), "{body}");
}

#[tokio::test]
async fn a_secret_goes_nowhere_else_and_to_nobody_without_its_grant() {
    let server = echo();
    for url in [
        "http://127.0.0.1:8080/",
        "http://127.0.0.2/",
        "http://localhost/",
        "http://[::ffff:127.0.0.1]/",
        "http://example.org/",
    ] {
        let mut room = room(&server);
        assert_eq!(
            room.access().send(get(url)).await.unwrap().status,
            200,
            "{url}"
        );
    }
    let mut without = room(&server);
    without.grants.pop();
    assert_eq!(without.access().send(get(URL)).await.unwrap().status, 200);
    let mut other = room(&server);
    other.grants.push(grant(Capability::Secret, "other"));
    other.closed = vec![grant(Capability::Secret, "a*")];
    assert_eq!(other.access().send(get(URL)).await.unwrap().status, 200);
    assert!(
        server
            .seen()
            .iter()
            .all(|request| !request.contains("authorization"))
    );
}

#[tokio::test]
async fn a_guest_cannot_set_the_header_of_a_secret_there() {
    let server = echo();
    let mut room = room(&server);
    for granted in [true, false] {
        if !granted {
            room.grants.pop();
        }
        let headers = vec![("AUTHORIZATION".to_owned(), "mine".to_owned())];
        check_error(
            room.access()
                .send(Request {
                    headers,
                    ..get(URL)
                })
                .await,
            ErrorCode::InvalidRequest,
            "http://127.0.0.1/: the header `authorization` is set by the host there, from the \
             secret `api`; leave it out.",
        );
    }
    assert_eq!(server.seen().len(), 0);
    let headers = vec![("authorization".to_owned(), "mine".to_owned())];
    let elsewhere = Request {
        headers,
        ..get("http://127.0.0.1:81/")
    };
    assert_eq!(room.access().send(elsewhere).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_secret_does_not_follow_a_redirect_and_none_is_added_behind_one() {
    let server = Server::plain(|request, stream| {
        let answer = match request.split(' ').nth(1) {
            Some("/away") => to(307, "http://example.org/"),
            Some("/back") => to(307, "http://127.0.0.1/"),
            Some("/same") => to(307, "/"),
            _ => ok("end"),
        };
        let _ = stream.write_all(answer.as_bytes());
    });
    let mut room = room(&server);
    for (url, carry) in [
        ("http://127.0.0.1/away", [true, false]),
        // Who leads here must not make us do things in our name.
        ("http://example.org/back", [false, false]),
        ("http://127.0.0.1/same", [true, true]),
    ] {
        let before = server.seen().len();
        assert_eq!(
            room.access().send(get(url)).await.unwrap().status,
            200,
            "{url}"
        );
        let found: Vec<bool> = server.seen()[before..]
            .iter()
            .map(|request| request.contains("authorization"))
            .collect();
        assert_eq!(found, carry, "{url}");
    }
}

#[tokio::test]
async fn a_secret_does_not_leave_in_the_target_of_a_redirect() {
    for target in [
        format!("http://example.org/?token={VALUE}"),
        format!("http://example.org/{}", URL_SAFE.encode(VALUE)),
    ] {
        let server = Server::saying(to(302, &target));
        let mut room = room(&server);
        check_error(
            room.access().send(get(URL)).await,
            ErrorCode::Denied,
            "http://127.0.0.1/: its redirect is not followed: its target holds a secret.",
        );
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_secret_is_found_over_chunks_in_headers_and_in_compressed_bodies() {
    let (first, last) = VALUE.split_at(9);
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunked = format!(
        "{head}{}{}0\r\n\r\n",
        chunk(&format!("a {first}")),
        chunk(&format!("{last} b"))
    );
    let server = Server::saying(chunked);
    let answer = brief(room(&server).access().send(get(URL)).await);
    assert_eq!(answer, Ok((200, "a [secret api] b".to_owned())));

    let server = Server::saying(format!(
        "HTTP/1.1 200 OK\r\nx-echo: <{VALUE}>\r\ncontent-length: 0\r\n\r\n"
    ));
    let answer = room(&server).access().send(get(URL)).await.unwrap();
    let echoed = ("x-echo".to_owned(), "<[secret api]>".to_owned());
    assert!(answer.headers.contains(&echoed), "{:?}", answer.headers);

    let mut body = GzEncoder::new(Vec::new(), Compression::best());
    body.write_all(VALUE.as_bytes()).unwrap();
    let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n";
    let server = Server::saying([head.as_bytes(), &body.finish().unwrap()].concat());
    let answer = brief(room(&server).access().send(get(URL)).await);
    assert_eq!(answer, Ok((200, "[secret api]".to_owned())));

    // What cannot be decoded cannot be looked through.
    let server = Server::saying("HTTP/1.1 200 OK\r\ncontent-encoding: br\r\n\r\nxyz");
    check_error(
        room(&server).access().send(get(URL)).await,
        ErrorCode::Failed,
        "http://127.0.0.1/: the answer has an encoding that was not asked for.",
    );
}

#[test]
fn a_secret_is_found_however_it_is_spelled() {
    let secrets = Secrets::new(&[secret()]).unwrap();
    let spelled = [
        VALUE.to_owned(),
        VALUE.to_uppercase(),
        url::form_urlencoded::byte_serialize(VALUE.as_bytes()).collect(),
        VALUE
            .bytes()
            .map(|byte| format!("%{byte:02x}"))
            .collect::<String>()
            .replace("%73", "s"),
        serde_json::Value::from(VALUE).to_string(),
        VALUE.replace('&', "&amp;").replace('"', "&quot;"),
        VALUE.bytes().map(|byte| format!("{byte:02X}")).collect(),
        STANDARD.encode(VALUE),
        URL_SAFE.encode(VALUE),
        STANDARD.encode(format!("Bearer {VALUE}")),
        STANDARD.encode(format!("user:{VALUE}:more")),
        STANDARD.encode(format!("xy{VALUE}")),
    ];
    // The fourth mixes plain and encoded letters in a way that no encoder does.
    for (index, text) in spelled.iter().enumerate() {
        assert_eq!(secrets.found_in(text.as_bytes()), index != 3, "{text}");
    }
}

#[test]
fn a_cut_body_shows_no_beginning_of_a_secret_and_tells_nothing_by_its_length() {
    let secrets = Secrets::new(&[secret()]).unwrap();
    let filler = "x".repeat(500);
    let mut lengths = Vec::new();
    for end in ["", "s", "s3cr3t/Val", "t", "zzzzzzzzzz"] {
        let body = &format!("{filler}{end}")[end.len()..];
        let masked = secrets.masked_beginning(body.as_bytes());
        assert!(masked.iter().all(|byte| *byte == b'x'), "{end}");
        lengths.push(masked.len());
    }
    assert_eq!(lengths, [lengths[0]; 5]);
    // A whole one at the end is not shown either, and one before it is marked.
    let body = format!("{VALUE} {filler}{VALUE}");
    let masked = secrets.masked_beginning(body.as_bytes());
    let masked = String::from_utf8_lossy(&masked);
    assert!(
        masked.starts_with("[secret api] x") && masked.ends_with('x'),
        "{masked}"
    );
}

fn check_refused(secrets: &[Secret], reason: &str) {
    let last = &secrets[secrets.len() - 1];
    let expected = format!("the secret `{}` cannot be used: {reason}", last.name);
    let error = Secrets::new(secrets).err().map(|error| error.to_string());
    assert_eq!(error, Some(expected));
    assert!(!format!("{last:?}").contains("Value"), "{last:?}");
}

#[test]
fn a_secret_that_cannot_be_kept_is_refused_when_the_host_is_built() {
    let check = |change: fn(&mut Secret), reason: &str| {
        let mut wrong = secret();
        change(&mut wrong);
        check_refused(&[wrong], reason);
    };
    let name = "its name must be letters, digits, `_`, `-` and `.`, at most 64";
    check(|secret| secret.name.clear(), name);
    check(|secret| secret.name = "a b".to_owned(), name);
    check(|secret| secret.name = "a".repeat(65), name);
    let length = "its value must have 8 to 8192 bytes";
    check(|secret| secret.value = "short".into(), length);
    check(|secret| secret.value = "          ".into(), length);
    check(|secret| secret.value = "x".repeat(9_000).into(), length);
    let ascii = "its value must be printable ASCII on one line";
    check(|secret| secret.value = "two\r\nlines".into(), ascii);
    check(|secret| secret.prefix = "\u{fc} ".to_owned(), ascii);
    let header = "its header is no name of a header that can be set";
    check(|secret| secret.header = "Host".to_owned(), header);
    check(|secret| secret.header = "a b".to_owned(), header);
    let origin = "its origin must be scheme, host and port, such as `https://api.example.org`";
    let check_origin = |text: &str, reason: &str| {
        let origin = text.to_owned();
        check_refused(&[Secret { origin, ..secret() }], reason);
    };
    check_origin("https://api.example.org/v1", origin);
    check_origin("https://api.example.org?a", origin);
    let base = format!("{origin}: relative URL without a base");
    check_origin("api.example.org", &base);
    let scheme = format!("{origin}: only http and https are spoken here.");
    check_origin("ftp://api.example.org", &scheme);
    let secure = "its origin must be https: over http anybody on the way reads it";
    check_origin("http://api.example.org", secure);
}

#[test]
fn two_secrets_do_not_take_one_place() {
    let other = |name: &str, origin: &str| Secret {
        name: name.to_owned(),
        origin: origin.to_owned(),
        ..secret()
    };
    let third = other("third", "http://[::1]");
    assert!(Secrets::new(&[secret(), third.clone()]).is_ok());
    let clash = "another secret has its name, or its origin and header";
    check_refused(
        &[secret(), third.clone(), other("api", "https://a.example")],
        clash,
    );
    check_refused(
        &[secret(), third, other("b", "http://127.0.0.1:80/")],
        clash,
    );
}

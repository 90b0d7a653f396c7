//! A call of which nobody knows whether it took effect: a person says so, and only then is it
//! made again, under the same key.

use crate::orders_live::Request;
use crate::place::Place;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\npaid";

fn ok(place: &Place, arguments: &[&str], out: &str) {
    let seen = place.leadhand(arguments);
    assert_eq!((seen.code, seen.out.as_str()), (0, out), "{}", seen.err);
}

/// The header of a request that names what it does.
fn key(stream: &mut TcpStream) -> String {
    let (mut text, mut piece) = (Vec::new(), [0; 1_024]);
    while !text.windows(4).any(|end| end == b"\r\n\r\n") {
        let bytes = stream.read(&mut piece).unwrap();
        assert!(bytes > 0, "the request has come");
        text.extend_from_slice(&piece[..bytes]);
    }
    let text = String::from_utf8(text).unwrap().to_lowercase();
    let key = text
        .lines()
        .find(|line| line.starts_with("idempotency-key: "));
    key.unwrap_or_else(|| panic!("{text}")).to_owned()
}

/// A run whose process is killed while its request is at work, and that then waits for a
/// person; with the key of the request.
fn in_doubt() -> (Request, String) {
    let request = Request::new();
    let (mut child, mut stream) = request.begun();
    let key = key(&mut stream);
    child.kill().unwrap();
    child.wait().unwrap();
    let seen = request
        .place
        .leadhand(&["resume", "last", "-m", "scripted:model.jsonl"]);
    assert_eq!(seen.code, 4, "{}", seen.err);
    let shown = request.place.leadhand(&["questions", "last"]).out;
    assert!(
        shown.contains("called send_request, and nobody knows"),
        "{shown}"
    );
    let yes = request.place.leadhand(&["approve", "last"]);
    assert_eq!(yes.code, 2);
    assert!(
        yes.err.starts_with(
            "error: question q0 is whether a call took effect, which a plain yes does not say\n"
        ),
        "{}",
        yes.err
    );
    (request, key)
}

#[test]
fn what_took_effect_is_not_done_again() {
    let (request, _) = in_doubt();
    ok(
        &request.place,
        &["approve", "last", "--took-effect", "receipt 7"],
        "run RUN: question q0 is settled: the call took effect\n",
    );
    let seen = request
        .place
        .leadhand(&["resume", "last", "-m", "scripted:model.jsonl"]);
    assert_eq!(seen.code, 0, "{}", seen.err);
    request.server.set_nonblocking(true).unwrap();
    assert_eq!(
        request.server.accept().unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    assert_eq!(request.place.read("marker.md"), "Written.\n");
}

#[test]
fn what_took_no_effect_is_done_once_more_under_the_same_key() {
    let (request, first) = in_doubt();
    ok(
        &request.place,
        &["approve", "last", "--again"],
        "run RUN: question q0 is settled: the call is made again\n",
    );
    let mut resume = request
        .place
        .command(&["resume", "last", "-m", "scripted:model.jsonl"])
        .spawn()
        .unwrap();
    let (mut stream, _) = request.server.accept().unwrap();
    assert_eq!(key(&mut stream), first);
    stream.write_all(ANSWER).unwrap();
    assert_eq!(resume.wait().unwrap().code(), Some(0));
}

//! Servers that give too much, too slowly, or never: each costs its request and no more.

use super::room::{Room, brief, check_error, get, request};
use super::server::{Server, ok, to};
use crate::contract::http::{ErrorCode, Request};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

const URL: &str = "http://example.org/";

/// The error of a GET of a server that writes this and closes.
async fn check_wrong(answer: impl Into<Vec<u8>>, why: &str) {
    let server = Server::saying(answer);
    let mut room = Room::served_by(server.address);
    let message = format!("{URL}: the answer cannot be used: {why}.");
    check_error(
        room.access().send(get(URL)).await,
        ErrorCode::Failed,
        &message,
    );
}

#[tokio::test]
async fn an_endless_body_is_cut_and_no_more_is_received() {
    let server = Server::plain(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    let mut room = Room::served_by(server.address);
    room.limits.net_bytes_received_max = 100_000;
    let mut access = room.access();
    let answer = access.send(get(URL)).await.unwrap();
    let head = "HTTP/1.1 200 OK\r\n\r\n".len();
    assert_eq!(
        (answer.body.len(), answer.truncated),
        (100_000 - head, true)
    );
    assert_eq!(access.requests()[0].bytes, (100_000 - head) as u64);
    check_error(
        access.send(get(URL)).await,
        ErrorCode::LimitExceeded,
        "http://example.org/: this call may receive 100000 bytes from the network and has \
         received them.",
    );
}

#[tokio::test]
async fn a_body_as_long_as_what_may_be_received_is_whole() {
    let answer = ok("0123456789");
    let server = Server::saying(answer.clone());
    let mut room = Room::served_by(server.address);
    for (received_max, expected) in [(answer.len(), (10, false)), (answer.len() - 1, (9, true))] {
        room.limits.net_bytes_received_max = received_max as u64;
        let answer = room.access().send(get(URL)).await.unwrap();
        assert_eq!((answer.body.len(), answer.truncated), expected);
    }
}

#[tokio::test]
async fn an_endless_head_is_no_answer() {
    let endless = |line: &'static str| {
        Server::plain(move |_, stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
            while stream.write_all(line.as_bytes()).is_ok() {}
        })
    };
    for line in [
        "x-header: 0123456789012345678901234567890123456789\r\n",
        "x",
    ] {
        let server = endless(line);
        let mut room = Room::served_by(server.address);
        let error = room.access().send(get(URL)).await.unwrap_err();
        assert!(matches!(error.code, ErrorCode::Failed), "{error:?}");
    }
    // One after the other, heads that are not the last are bounded by what may be received.
    let server = Server::plain(
        |_, stream| {
            while stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").is_ok() {}
        },
    );
    let mut room = Room::served_by(server.address);
    room.limits.net_bytes_received_max = 100_000;
    let error = room.access().send(get(URL)).await.unwrap_err();
    assert!(matches!(error.code, ErrorCode::LimitExceeded), "{error:?}");
}

#[tokio::test]
async fn a_small_body_that_stands_for_a_large_one_is_cut() {
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..256 {
        bomb.write_all(&[0; 64 * 1024]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n";
    let server = Server::saying([head.as_bytes(), &bomb].concat());
    let mut room = Room::served_by(server.address);
    room.limits.net_bytes_received_max = 100_000;
    let answer = room.access().send(get(URL)).await.unwrap();
    assert_eq!((answer.body.len(), answer.truncated), (100_000, true));
    assert!(bomb.len() < 20_000);
}

#[tokio::test]
async fn an_answer_that_is_wrong_or_ends_early_is_an_error() {
    let early = "connection closed before message completed";
    check_wrong("", early).await;
    check_wrong("HTTP/1.1 200 OK\r\n", early).await;
    check_wrong("SSH-2.0-OpenSSH_9.2\r\n\r\n", "invalid HTTP version parsed").await;
    let upgrade = "HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n";
    check_wrong(upgrade, "it changes the protocol").await;
    let body = "error reading a body from connection";
    check_wrong("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n123", body).await;
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    check_wrong(format!("{chunked}5\r\nhello\r\n"), body).await;
    check_wrong(format!("{chunked}5\r\nhel"), body).await;
    check_wrong(format!("{chunked}zz\r\nhello\r\n0\r\n\r\n"), body).await;
    let server = Server::saying("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\nnot gzip");
    let mut room = Room::served_by(server.address);
    check_error(
        room.access().send(get(URL)).await,
        ErrorCode::Failed,
        "http://example.org/: the body is not what its content-encoding says.",
    );
}

#[tokio::test]
async fn an_answer_that_does_not_come_ends_with_the_time_of_the_call() {
    for begun in [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n1234",
    ] {
        // The server keeps the stream until the client is gone.
        let server = Server::plain(move |_, stream| {
            let _ = stream.write_all(begun.as_bytes());
            let _ = stream.flush();
            std::thread::park();
        });
        let mut room = Room::served_by(server.address);
        room.limits.wall_ms = 100;
        let mut access = room.access();
        check_error(
            access.send(get(URL)).await,
            ErrorCode::TimedOut,
            "http://example.org/: no whole answer came in the time of the call.",
        );
        assert_eq!(
            (access.requests().len(), access.requests()[0].status),
            (1, 0)
        );
    }
}

#[tokio::test]
async fn a_change_that_was_sent_and_not_answered_is_in_doubt() {
    let server = Server::plain(|request, stream| {
        if request.starts_with("POST /answered ") {
            let _ = stream.write_all(ok("").as_bytes());
        }
    });
    let mut room = Room::served_by(server.address);
    let mut access = room.access();
    for (method, path, in_doubt) in [
        ("POST", "answered", false),
        ("GET", "dropped", false),
        ("POST", "dropped", true),
        ("POST", "answered", true),
    ] {
        let answer = access.send(request(method, &format!("{URL}{path}"))).await;
        assert_eq!(answer.is_ok(), path == "answered");
        assert_eq!(access.in_doubt(), in_doubt, "{method} {path}");
    }
    // One that never went out is not.
    room.server = None;
    let mut access = room.access();
    assert!(access.send(request("POST", URL)).await.is_err());
    assert!(!access.in_doubt());
}

#[tokio::test]
async fn requests_and_bytes_sent_are_bounded() {
    let server = Server::plain(|request, stream| {
        let again = request.starts_with("GET /again ");
        let answer = if again { to(302, "/") } else { ok("x") };
        let _ = stream.write_all(answer.as_bytes());
    });
    let mut room = Room::served_by(server.address);
    room.limits.net_requests_max = 3;
    let mut access = room.access();
    assert_eq!(
        brief(access.send(get(URL)).await),
        Ok((200, "x".to_owned()))
    );
    let twice = access.send(get("http://example.org/again")).await;
    assert_eq!(brief(twice), Ok((200, "x".to_owned())));
    check_error(
        access.send(get(URL)).await,
        ErrorCode::LimitExceeded,
        "http://example.org/: this call has made its 3 requests.",
    );
    assert_eq!(server.seen().len(), 3);

    // One that was refused counts too: it may have asked a resolver.
    room.names.answer("intern.example.org", &[&["10.0.0.1"]]);
    let mut access = room.access();
    for expected in [
        ErrorCode::Denied,
        ErrorCode::Denied,
        ErrorCode::Denied,
        ErrorCode::LimitExceeded,
    ] {
        let error = access
            .send(get("http://intern.example.org/"))
            .await
            .unwrap_err();
        assert_eq!(format!("{:?}", error.code), format!("{expected:?}"));
    }
    assert_eq!(
        room.names
            .asked
            .lock()
            .unwrap()
            .iter()
            .filter(|name| *name == "intern.example.org")
            .count(),
        3
    );

    room.limits.net_bytes_sent_max = 1_200;
    let mut access = room.access();
    let of = |bytes: usize| Request {
        body: vec![b'x'; bytes],
        ..request("PUT", URL)
    };
    assert!(access.send(of(800)).await.is_ok());
    let error = access.send(of(800)).await.unwrap_err();
    assert!(matches!(error.code, ErrorCode::LimitExceeded), "{error:?}");
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn what_is_counted_as_sent_is_what_the_server_read() {
    let server = Server::saying(ok(""));
    let mut room = Room::served_by(server.address);
    let whole = Request {
        headers: vec![("x-a".to_owned(), "b".to_owned())],
        body: b"body".to_vec(),
        ..request("PATCH", "http://example.org:8080/a?b=c")
    };
    assert!(room.access().send(whole.clone()).await.is_ok());
    let bytes = server.seen()[0].len() as u64;
    for (sent_max, fits) in [(bytes, true), (bytes - 1, false)] {
        room.limits.net_bytes_sent_max = sent_max;
        assert_eq!(room.access().send(whole.clone()).await.is_ok(), fits);
    }
}

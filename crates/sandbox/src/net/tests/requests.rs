//! What goes out and what comes back when nothing is wrong, and requests that no server should
//! be sent.

use super::room::{Room, brief, check_error, get, grant, request};
use super::server::{Server, ok};
use crate::contract::http::{ErrorCode, Request, Response};
use crate::net::{NetAccess, Network};
use flate2::Compression;
use flate2::read::{GzEncoder, ZlibEncoder};
use leadhand_protocol::{Capability, ContentHash, NetRequest, Permit, ToolLimits, TraceContext};
use std::io::Read;
use std::sync::Arc;

/// Over the real resolver and the real wires of this machine.
fn on_this_machine(resource: &str) -> NetAccess {
    let permit = Permit {
        grants: vec![grant(Capability::NetInternal, resource)],
        closed: Vec::new(),
        listed: Vec::new(),
    };
    let network = Arc::new(Network::new(&[]).unwrap());
    NetAccess::new(
        network,
        &permit,
        &ToolLimits::default(),
        ContentHash::of(b"call"),
    )
}

#[tokio::test]
async fn a_request_goes_out_whole_and_its_answer_comes_back_whole() {
    let server =
        Server::saying("HTTP/1.1 201 Created\r\nX-A: 1\r\nX-A: 2\r\ncontent-length: 4\r\n\r\ndone");
    let mut access = on_this_machine("POST http://127.0.0.1:*/a/**");
    let answer = access
        .send(Request {
            headers: vec![
                ("Content-Type".to_owned(), "text/plain".to_owned()),
                ("X-B".to_owned(), "one".to_owned()),
                ("x-b".to_owned(), "two".to_owned()),
            ],
            body: b"hello".to_vec(),
            ..request("POST", &server.url("/a/b%20c?d=e#f"))
        })
        .await
        .unwrap();
    let Response {
        status,
        url,
        mut headers,
        body,
        truncated,
    } = answer;
    headers.sort();
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        (status, url, headers, body, truncated),
        (
            201,
            server.url("/a/b%20c?d=e#f"),
            vec![
                header("content-length", "4"),
                header("x-a", "1"),
                header("x-a", "2")
            ],
            b"done".to_vec(),
            false
        )
    );
    let mut lines: Vec<String> = server.seen()[0].lines().map(str::to_owned).collect();
    lines[1..].sort();
    let expected = [
        "POST /a/b%20c?d=e HTTP/1.1".to_owned(),
        String::new(),
        "accept-encoding: gzip, deflate".to_owned(),
        "accept: */*".to_owned(),
        "connection: close".to_owned(),
        "content-length: 5".to_owned(),
        "content-type: text/plain".to_owned(),
        "hello".to_owned(),
        format!("host: {}", server.address),
        format!("idempotency-key: {}", ContentHash::of(b"call")),
        "user-agent: leadhand".to_owned(),
        "x-b: one".to_owned(),
        "x-b: two".to_owned(),
    ];
    assert_eq!(lines, expected);
    let record = NetRequest {
        method: "POST".to_owned(),
        url: server.url("/a/b%20c"),
        status: 201,
        bytes: 4,
    };
    assert_eq!(
        (access.requests(), access.refused()),
        (&[record][..], &[][..])
    );
}

#[tokio::test]
async fn a_request_that_may_change_something_carries_the_key_of_its_call() {
    let server = Server::saying(ok("done"));
    let mut access = on_this_machine("http://127.0.0.1:*/**");
    let own = vec![("Idempotency-Key".to_owned(), "mine".to_owned())];
    for (method, headers) in [
        ("GET", Vec::new()),
        ("POST", Vec::new()),
        ("DELETE", Vec::new()),
        ("PUT", own),
    ] {
        let request = Request {
            headers,
            ..request(method, &server.url("/"))
        };
        access.send(request).await.unwrap();
    }
    let keys: Vec<Option<String>> = server
        .seen()
        .iter()
        .map(|request| {
            let mut lines = request.lines();
            lines.find_map(|line| Some(line.strip_prefix("idempotency-key: ")?.to_owned()))
        })
        .collect();
    let key = ContentHash::of(b"call").to_string();
    let expected = [
        None,
        Some(key.clone()),
        Some(format!("{key}-2")),
        Some("mine".to_owned()),
    ];
    assert_eq!(keys, expected);
}

#[tokio::test]
async fn a_request_says_what_trace_it_is_a_part_of_whatever_its_guest_says() {
    let server = Server::saying(ok("done"));
    let told = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let trace: TraceContext = told.parse().unwrap();
    let trace = trace.with_state("vendor=1");
    for trace in [Some(trace), None] {
        let mut access = on_this_machine("http://127.0.0.1:*/**").traced(trace);
        let headers = vec![("Traceparent".to_owned(), "mine".to_owned())];
        let request = Request {
            headers,
            ..request("GET", &server.url("/"))
        };
        access.send(request).await.unwrap();
    }
    let told_of = |request: &String| {
        let lines = request.lines().filter(|line| line.starts_with("trace"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let told_of: Vec<Vec<String>> = server.seen().iter().map(told_of).collect();
    let (first, second) = (format!("traceparent: {told}"), "tracestate: vendor=1");
    assert_eq!(
        told_of,
        [
            vec![first, second.to_owned()],
            vec!["traceparent: mine".to_owned()]
        ]
    );
}

#[tokio::test]
async fn localhost_is_loopback_without_a_resolver() {
    let server = Server::saying(ok("here"));
    let mut access = on_this_machine("http://localhost:*/**");
    let url = format!("http://localhost:{}/", server.address.port());
    assert_eq!(
        brief(access.send(get(&url)).await),
        Ok((200, "here".to_owned()))
    );
}

#[tokio::test]
async fn a_head_request_has_no_body_to_wait_for() {
    let server =
        Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 999\r\ncontent-encoding: gzip\r\n\r\n");
    let mut room = Room::served_by(server.address);
    let answer = room
        .access()
        .send(request("HEAD", "http://example.org/"))
        .await;
    assert_eq!(brief(answer), Ok((200, String::new())));
}

#[tokio::test]
async fn compressed_answers_are_decoded() {
    for encoding in ["gzip", "deflate"] {
        let server = Server::plain(move |_, stream| {
            let mut body = Vec::new();
            let text = b"a text".as_slice();
            match encoding {
                "gzip" => GzEncoder::new(text, Compression::fast()).read_to_end(&mut body),
                _ => ZlibEncoder::new(text, Compression::fast()).read_to_end(&mut body),
            }
            .unwrap();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&body).unwrap();
        });
        let mut room = Room::served_by(server.address);
        let answer = room
            .access()
            .send(get("http://example.org/"))
            .await
            .unwrap();
        assert_eq!((answer.headers, answer.body), (vec![], b"a text".to_vec()));
    }
}

#[tokio::test]
async fn requests_that_no_server_should_see_are_refused() {
    let mut room = Room::public();
    let url = "http://example.org/a?b";
    for method in ["CONNECT", "TRACE", "get", "GET ", "", "G\r\nT", "PROPFIND"] {
        check_error(
            room.access().send(request(method, url)).await,
            ErrorCode::InvalidRequest,
            "http://example.org/a: the method must be one of \
             GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS.",
        );
    }
    let reserved = |name: &str| format!("the header `{name}` is set by the host; leave it out.");
    let value = |name: &str| format!("the value of the header `{name}` must be printable ASCII.");
    let many = "at most 64 headers of 16384 bytes together may be set.".to_owned();
    for (name, text, expected) in [
        ("Host", "internal", reserved("host")),
        ("content-length", "0", reserved("content-length")),
        (
            "Transfer-Encoding",
            "chunked",
            reserved("transfer-encoding"),
        ),
        ("connection", "keep-alive", reserved("connection")),
        ("upgrade", "h2c", reserved("upgrade")),
        ("te", "trailers", reserved("te")),
        ("trailer", "x", reserved("trailer")),
        ("expect", "100-continue", reserved("expect")),
        ("accept-encoding", "br", reserved("accept-encoding")),
        ("Proxy-Authorization", "x", reserved("proxy-authorization")),
        ("x-a", "b\r\nhost: c", value("x-a")),
        ("x-a", "b\nc", value("x-a")),
        ("x-a", "b\0c", value("x-a")),
        ("x-a", "\u{fc}", value("x-a")),
        ("x a", "b", "`x a` is no name of a header.".to_owned()),
        (
            "x:\r\na",
            "b",
            "`x:\\r\\na` is no name of a header.".to_owned(),
        ),
        ("", "b", "`` is no name of a header.".to_owned()),
        ("x-a", &"b".repeat(17_000), many),
    ] {
        let headers = vec![(name.to_owned(), text.to_owned())];
        let answer = room
            .access()
            .send(Request {
                headers,
                ..get(url)
            })
            .await;
        let message = format!("http://example.org/a: {expected}");
        check_error(answer, ErrorCode::InvalidRequest, &message);
    }
    assert_eq!(room.dialled(), []);
}

#[tokio::test]
async fn a_url_in_a_message_has_no_user_information_and_draws_on_no_terminal() {
    let mut room = Room::public();
    for (url, message) in [
        (
            "http://user:word@example.org/?key=1",
            "`example.org/`: a URL with a user name or a password is not fetched; leave them out.",
        ),
        (
            "\u{1b}[2Jx\u{202e}?key=1",
            "`\\u{1b}[2Jx\\u{202e}`: relative URL without a base; give a whole URL, with http or https.",
        ),
        (
            "ftp://a.example/x",
            "`ftp://a.example/x`: only http and https are spoken here.",
        ),
    ] {
        check_error(
            room.access().send(get(url)).await,
            ErrorCode::InvalidRequest,
            message,
        );
    }
}

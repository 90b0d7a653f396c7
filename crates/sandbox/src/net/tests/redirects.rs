//! Redirects: each target is checked as if the guest had asked for it, and gets nothing that
//! was meant for another.

use super::room::{PUBLIC, Room, brief, check_error, get, grant, request};
use super::server::{Server, ok, to};
use crate::contract::http::{ErrorCode, Request};
use leadhand_protocol::{Capability, NetRequest};

/// A server that leads on from `/start`, and answers everything else.
fn leading_on(status: u16, location: &str) -> Server {
    let location = location.to_owned();
    Server::plain(move |request, stream| {
        let starts = request
            .split(' ')
            .nth(1)
            .is_some_and(|path| path.starts_with("/start"));
        let answer = if starts {
            to(status, &location)
        } else {
            ok("end")
        };
        let _ = stream.write_all(answer.as_bytes());
    })
}

async fn check_refused(location: &str, message: &str) {
    let server = leading_on(302, location);
    let mut room = Room::served_by(server.address);
    let mut access = room.access();
    let answer = access.send(get("http://example.org/start?key=a")).await;
    check_error(answer, ErrorCode::Denied, message);
    let dialled = vec![format!("{PUBLIC}:80").parse().unwrap()];
    assert_eq!((server.seen().len(), room.dialled()), (1, dialled));
}

#[tokio::test]
async fn a_redirect_to_what_is_not_granted_is_refused_before_anything_is_dialled() {
    let internal = |url: &str, range: &str, origin: &str| {
        format!(
            "GET {url}: it leads to an internal address ({range}); it takes a grant of \
             `net.internal` on `GET {origin}/**`."
        )
    };
    let metadata = "link-local and metadata, RFC 3927";
    for location in [
        "http://169.254.169.254/latest",
        "//169.254.169.254/latest",
        "http:\\\\0xa9fea9fe/latest",
    ] {
        let message = internal(
            "http://169.254.169.254/latest",
            metadata,
            "http://169.254.169.254",
        );
        check_refused(location, &message).await;
    }
    let message = internal(
        "http://127.0.0.1:6379/",
        "loopback, RFC 1122",
        "http://127.0.0.1:6379",
    );
    check_refused("http://127.0.0.1:6379/", &message).await;
    let message = internal(
        "http://localhost/",
        "a name of a local network",
        "http://localhost",
    );
    check_refused("http://localhost/", &message).await;
    let not =
        |what: &str| format!("http://example.org/start: its redirect is not followed: {what}");
    let scheme = not("only http and https are spoken here.");
    check_refused("file:///etc/passwd", &scheme).await;
    check_refused("gopher://127.0.0.1:6379/_x", &scheme).await;
    let user = not("a URL with a user name or a password is not fetched; leave them out.");
    check_refused("http://user:word@example.org/", &user).await;
    check_refused("http://[/", &not("its target is no URL.")).await;
}

#[tokio::test]
async fn a_redirect_out_of_the_granted_path_host_or_method_is_refused() {
    for location in [
        "/other",
        "/a/%2e%2e/other",
        "http://other.example.org/a/x",
        "https://example.org/a/x",
    ] {
        let server = leading_on(307, location);
        let mut room = Room::served_by(server.address);
        room.grants = vec![
            grant(Capability::Net, "GET http://example.org/start"),
            grant(Capability::Net, "GET http://example.org/a/**"),
        ];
        let error = room
            .access()
            .send(get("http://example.org/start"))
            .await
            .unwrap_err();
        assert!(
            matches!(error.code, ErrorCode::Denied),
            "{location}: {error:?}"
        );
        assert_eq!(server.seen().len(), 1, "{location}");
    }
    // A POST may be granted where the GET that becomes of it is not.
    let server = leading_on(303, "/a");
    let mut room = Room::served_by(server.address);
    room.grants = vec![grant(Capability::Net, "POST http://example.org/**")];
    let answer = room
        .access()
        .send(request("POST", "http://example.org/start"))
        .await;
    check_error(
        answer,
        ErrorCode::Denied,
        "GET http://example.org/a: no grant covers it; it takes a grant of `net` on \
         `GET http://example.org/**`.",
    );
}

#[tokio::test]
async fn a_name_is_resolved_again_for_each_redirect() {
    let server = leading_on(302, "/next");
    let mut room = Room::served_by(server.address);
    room.names
        .answer("example.org", &[&[PUBLIC], &["192.168.0.1"]]);
    let error = room
        .access()
        .send(get("http://example.org/start"))
        .await
        .unwrap_err();
    assert!(matches!(error.code, ErrorCode::Denied), "{error:?}");
    assert_eq!(room.dialled(), [format!("{PUBLIC}:80").parse().unwrap()]);
}

#[tokio::test]
async fn redirects_are_followed_counted_and_ended() {
    let server = leading_on(302, "./next?c=d");
    let mut room = Room::served_by(server.address);
    let mut access = room.access();
    let answer = access.send(get("http://example.org/start")).await.unwrap();
    assert_eq!(
        (answer.status, answer.url),
        (200, "http://example.org/next?c=d".to_owned())
    );
    let record = |path: &str, status, bytes| NetRequest {
        method: "GET".to_owned(),
        url: format!("http://example.org{path}"),
        status,
        bytes,
    };
    assert_eq!(
        access.requests(),
        [record("/start", 302, 0), record("/next", 200, 3)]
    );

    let server = leading_on(302, "/start");
    let mut room = Room::served_by(server.address);
    check_error(
        room.access().send(get("http://example.org/start")).await,
        ErrorCode::LimitExceeded,
        "http://example.org/start: more than 5 redirects, one after the other.",
    );
    assert_eq!(server.seen().len(), 6);

    // Without a target it is an answer like any other.
    let server = Server::saying("HTTP/1.1 302 Found\r\ncontent-length: 4\r\n\r\nhere");
    let mut room = Room::served_by(server.address);
    let answer = room.access().send(get("http://example.org/start")).await;
    assert_eq!(brief(answer), Ok((302, "here".to_owned())));
}

#[tokio::test]
async fn method_and_body_change_as_the_standard_says() {
    for (status, method, expected, body) in [
        (301, "POST", "GET", ""),
        (302, "POST", "GET", ""),
        (303, "POST", "GET", ""),
        (303, "PUT", "GET", ""),
        (303, "HEAD", "HEAD", ""),
        (301, "PUT", "PUT", "body"),
        (302, "DELETE", "DELETE", "body"),
        (307, "POST", "POST", "body"),
        (308, "POST", "POST", "body"),
    ] {
        let server = leading_on(status, "/next");
        let mut room = Room::served_by(server.address);
        let sent = Request {
            headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
            body: if method == "HEAD" {
                Vec::new()
            } else {
                b"body".to_vec()
            },
            ..request(method, "http://example.org/start")
        };
        assert_eq!(room.access().send(sent).await.unwrap().status, 200);
        let second = server.seen()[1].clone();
        let sent = second.split("\r\n\r\n").nth(1).unwrap_or_default();
        let found = (
            second.split(' ').next(),
            sent,
            second.contains("content-type"),
        );
        let described = method == "HEAD" || !body.is_empty();
        assert_eq!(
            found,
            (Some(expected), body, described),
            "{status} {method}"
        );
    }
}

#[tokio::test]
async fn what_was_meant_for_one_origin_does_not_go_to_another() {
    for (location, goes_along) in [
        ("/next", true),
        ("http://example.org:80/next", true),
        ("http://example.org:8080/next", false),
        ("http://sub.example.org/next", false),
        ("http://other.example/next", false),
    ] {
        let server = leading_on(302, location);
        let mut room = Room::served_by(server.address);
        let headers = ["authorization", "cookie", "x-api-key"]
            .map(|name| (name.to_owned(), "mine".to_owned()));
        let mut headers = headers.to_vec();
        headers.push(("accept".to_owned(), "text/html".to_owned()));
        let sent = Request {
            headers,
            ..get("http://example.org/start")
        };
        assert_eq!(room.access().send(sent).await.unwrap().status, 200);
        let second = server.seen()[1].clone();
        let found = ["authorization: mine", "cookie: mine", "x-api-key: mine"]
            .map(|line| second.contains(line));
        assert_eq!(found, [goes_along; 3], "{location}");
        assert!(second.contains("accept: text/html"), "{location}");
    }
}

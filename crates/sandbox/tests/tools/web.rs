//! `fetch` and `send_request` without a grant. What they make of pages is tested beside their
//! source.

use crate::room::Room;
use leadhand_protocol::ToolFaultKind::{Denied, InvalidArguments};
use serde_json::json;

#[test]
fn nothing_is_reached_without_a_grant() {
    let room = Room::with(&[]);
    for (tool, arguments) in [
        ("fetch", json!({ "url": "https://example.org/a?b=c" })),
        (
            "send_request",
            json!({ "url": "http://127.0.0.1:9/", "method": "POST", "body": "x" }),
        ),
    ] {
        let (kind, message) = room.call(tool, arguments).unwrap_err();
        assert_eq!(kind, Denied, "{message}");
        assert!(!message.contains("b=c"), "{message}");
    }
    room.check_fault(
        "fetch",
        json!({ "url": "https://example.org/", "headers": { "x": ["y"] } }),
        InvalidArguments,
        "the header `x` must be a string, not [\"y\"].",
    );
    room.check_fault(
        "send_request",
        json!({ "url": "https://example.org/", "method": "GET" }),
        InvalidArguments,
        "send_request: `method` must be one of POST, PUT, PATCH, DELETE, not \"GET\". It takes \
         {url, method, body?, headers?}.",
    );
}

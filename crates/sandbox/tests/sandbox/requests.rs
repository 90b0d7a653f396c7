//! The network as a guest has it: a component that makes one request and answers with what it
//! was told, through the real host.

use crate::hostile_guests::component;
use crate::room::{Room, builder, grant};
use leadhand_protocol::{Capability, NetRequest, ToolCall, ToolOutput};
use leadhand_sandbox::{Secret, ToolHost};
use serde_json::json;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

/// Sends `GET` to this URL; gives the body of the answer, or the message of the error.
fn guest(url: &str) -> Vec<u8> {
    let imports = format!(
        r#"(import "leadhand:tool/http@0.2.0" "send"
            (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32)))
        (data (i32.const 5000) "GET")
        (data (i32.const 5100) "{url}")"#
    );
    let length = url.len();
    let body = format!(
        "(call $send (i32.const 5000) (i32.const 3) (i32.const 5100) (i32.const {length})
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 4000))
        (if (i32.load8_u (i32.const 4000))
            (then (i32.store (i32.const 3076) (i32.load (i32.const 4008)))
                (i32.store (i32.const 3080) (i32.load (i32.const 4012))))
            (else (i32.store (i32.const 3076) (i32.load (i32.const 4024)))
                (i32.store (i32.const 3080) (i32.load (i32.const 4028)))))
        (i32.const 3072)"
    );
    component(&imports, &body)
}

/// A server on loopback that gives back the heads it is sent, and keeps them.
fn echo() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(&stream).lines().map(|line| line.unwrap());
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let head = head.join("\n");
            let length = head.len();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{head}"
            )
            .unwrap();
            noted.lock().unwrap().push(head);
        }
    });
    (port, seen)
}

fn call(room: &Room, host: &ToolHost) -> ToolOutput {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let call = ToolCall {
        id: "1".to_owned(),
        name: "hostile".to_owned(),
        arguments: json!({}),
    };
    runtime.block_on(host.call(&call, &room.context())).unwrap()
}

#[test]
fn a_guest_reaches_what_is_granted_and_never_sees_the_secret() {
    let (port, seen) = echo();
    let origin = format!("http://127.0.0.1:{port}");
    let host = builder()
        .secret(Secret {
            name: "api".to_owned(),
            origin: origin.clone(),
            header: "authorization".to_owned(),
            prefix: "Bearer ".to_owned(),
            value: "a-value-of-some-length".into(),
        })
        .component("hostile", guest(&format!("{origin}/a?b=c")))
        .build()
        .unwrap();
    let mut room = Room::with(&[]);

    let lacking = grant(Capability::NetInternal, &format!("GET {origin}/**"));
    let refused = ToolOutput {
        refused: vec![lacking],
        ..ToolOutput::text(format!(
            "GET {origin}/a: it leads to an internal address (loopback, RFC 1122); it takes a \
             grant of `net.internal` on `GET {origin}/**`."
        ))
    };
    room.grants = vec![
        grant(Capability::Net, "**"),
        grant(Capability::Secret, "api"),
    ];
    assert_eq!(call(&room, &host), refused);
    assert_eq!(*seen.lock().unwrap(), Vec::<String>::new());

    room.grants
        .push(grant(Capability::NetInternal, &format!("{origin}/**")));
    let given = call(&room, &host);
    let head = seen.lock().unwrap().remove(0);
    assert!(
        head.contains("authorization: Bearer a-value-of-some-length"),
        "{head}"
    );
    let expected = ToolOutput {
        requests: vec![NetRequest {
            method: "GET".to_owned(),
            url: format!("{origin}/a"),
            status: 200,
            bytes: head.len() as u64,
        }],
        ..ToolOutput::text(head.replace("a-value-of-some-length", "[secret api]"))
    };
    assert_eq!(given, expected);
}

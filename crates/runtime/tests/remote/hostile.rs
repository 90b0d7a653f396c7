//! Clients that mean no good, each beside a run that must not notice.

use crate::house::{House, PATIENCE};
use leadhand_protocol::{Autonomy, OutcomeKind};
use leadhand_runtime::{CONNECTIONS_MAX, REQUEST_BYTES_MAX, RemoteError};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

async fn connect(house: &House) -> UnixStream {
    drop(house.reach().await);
    UnixStream::connect(house.socket()).await.unwrap()
}

/// Sends bytes and gives all lines that come until the connection is closed.
async fn said(house: &House, bytes: &[u8]) -> Vec<Value> {
    let mut stream = connect(house).await;
    // It may be closed before all of it is written.
    let _ = stream.write_all(bytes).await;
    let mut text = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut text)).await;
    // Reset, where something was left unread.
    let _ = read.expect("the connection is closed");
    let lines = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

/// The run comes to its end, whoever is connected.
async fn ends(house: &House, life: crate::house::Life) {
    house.gate.add_permits(2);
    let outcome = timeout(PATIENCE, life).await.unwrap().unwrap().unwrap();
    assert_eq!(outcome.kind, OutcomeKind::Done);
}

#[tokio::test]
async fn what_is_no_request_is_told_so_and_closed() {
    let house = House::new(Autonomy::L5);
    let life = house.begin();
    let check = async |bytes: &[u8], fault: &str, why: &str| {
        let said = said(&house, bytes).await;
        let [line] = &said[..] else {
            panic!("{}: {said:?}", String::from_utf8_lossy(bytes));
        };
        assert_eq!(
            (&line["reply"], &line["fault"]),
            (&json!("fault"), &json!(fault))
        );
        let told = line["why"].as_str().unwrap();
        assert!(told.contains(why), "{told}");
    };
    check(
        b"nonsense\n",
        "unreadable",
        "this is no request: expected ident",
    )
    .await;
    check(b"\xff\xfe\n", "unreadable", "this is no request").await;
    check(b"{}\n", "unreadable", "missing field `version`").await;
    check(
        br#"{"version":1}
"#,
        "unreadable",
        "missing field `request`",
    )
    .await;
    check(
        br#"{"version":1,"request":"order","order":{"order":"obey"}}
"#,
        "unreadable",
        "unknown variant `obey`",
    )
    .await;
    let deep = format!("{}1{}", "[".repeat(1_000), "]".repeat(1_000));
    let deep = format!("{{\"version\":1,\"request\":\"order\",\"order\":{deep}}}\n");
    check(deep.as_bytes(), "unreadable", "recursion limit exceeded").await;
    check(
        br#"{"version":2,"request":"status"}
"#,
        "version",
        "it speaks version 1 and was spoken to in version 2",
    )
    .await;
    let mode = std::fs::metadata(house.socket())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    ends(&house, life).await;
}

#[tokio::test]
async fn a_line_without_end_is_cut_off() {
    let house = House::new(Autonomy::L5);
    let life = house.begin();
    let mut stream = connect(&house).await;
    let sent = async {
        let piece = vec![b'x'; 64 * 1024];
        let mut bytes = 0;
        while stream.write_all(&piece).await.is_ok() {
            bytes += piece.len();
        }
        bytes
    };
    let sent = timeout(PATIENCE, sent).await.expect("it is closed");
    // What the system keeps on the way comes on top.
    assert!(
        (REQUEST_BYTES_MAX / 2..REQUEST_BYTES_MAX * 2).contains(&sent),
        "{sent}"
    );
    ends(&house, life).await;
}

#[tokio::test]
async fn half_a_line_a_flood_and_one_who_does_not_read_hold_nobody_up() {
    let mut house = House::new(Autonomy::L5);
    // More than the system keeps for one who does not read.
    house.answer_bytes = 2 * 1024 * 1024;
    let life = house.begin();
    let mut half = connect(&house).await;
    half.write_all(br#"{"version":1,"request":"st"#)
        .await
        .unwrap();
    let mut deaf = connect(&house).await;
    deaf.write_all(b"{\"version\":1,\"request\":\"follow\",\"from\":0}\n")
        .await
        .unwrap();
    let mut flood = connect(&house).await;
    let flooding = tokio::spawn(async move {
        let piece = b"{\"version\":1,\"request\":\"records\",\"from\":0}\n".repeat(1_000);
        while flood.write_all(&piece).await.is_ok() {}
    });
    // Others are answered meanwhile.
    let mut remote = house.reach().await;
    assert_eq!(remote.status().await.unwrap().tasks, 2);
    drop(remote);
    ends(&house, life).await;
    timeout(PATIENCE, flooding)
        .await
        .expect("it is closed")
        .unwrap();
    drop((half, deaf));
}

#[tokio::test]
async fn a_hundred_connections_are_not_all_taken_and_room_comes_back() {
    let house = House::new(Autonomy::L5);
    let life = house.begin();
    drop(house.reach().await);
    let mut streams = Vec::new();
    for _ in 0..100 {
        let mut stream = UnixStream::connect(house.socket()).await.unwrap();
        let asked = stream
            .write_all(b"{\"version\":1,\"request\":\"wait\"}\n")
            .await;
        streams.push((stream, asked.is_ok()));
    }
    let busy = loop {
        // Whoever is turned away is told so; that may take a moment.
        let mut remote = house.reach().await;
        match remote.status().await {
            Err(RemoteError::Declined { why, .. }) => break why,
            _ => tokio::task::yield_now().await,
        }
    };
    let expected = format!(
        "{CONNECTIONS_MAX} are connected already, which is all it takes: try again when one is gone"
    );
    assert_eq!(busy, expected);
    drop(streams);
    let answered = async { while house.reach().await.status().await.is_err() {} };
    timeout(PATIENCE, answered)
        .await
        .expect("there is room again");
    ends(&house, life).await;
}

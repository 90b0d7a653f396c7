//! The stream of events: what a page is told as it happens.

use crate::client::Page;
use crate::made_up::MadeUp;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};

/// Reads the stream of a run until this holds of a message; gives it.
pub(crate) async fn until(page: &Page, run: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let headers = page.headers();
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let path = format!("/api/events?runs={run}");
    let connection = page.asked("GET", &path, &headers, "").await;
    let mut lines = BufReader::new(connection).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        let message = line
            .strip_prefix("data: ")
            .and_then(|data| serde_json::from_str(data).ok());
        if let Some(message) = message.filter(|message| holds(message)) {
            return message;
        }
    }
    panic!("the stream ended before");
}

/// Waits until all records of a run are known.
pub(crate) async fn complete(page: &Page, run: &str) -> Value {
    until(page, run, |message| {
        message["kind"] == "run" && message["state"]["following"] == false
    })
    .await
}

#[tokio::test]
async fn a_page_is_told_of_the_runs_and_of_the_one_it_shows() {
    let page = Page::of(MadeUp::bad("")).await;
    let runs = until(&page, "", |message| message["kind"] == "runs").await;
    assert_eq!(runs["runs"][0]["run"], "bad");
    let whole = until(&page, "bad", |message| message["rows"] == 5).await;
    assert_eq!(whole["head"]["records"], 9);
    assert_eq!(whole["tasks"][0][1]["state"], "failed");
    assert_eq!(whole["tasks"][0][1]["refused"], 1);
    assert_eq!(whole["agents"][0][1]["task"], "t1");
    assert_eq!(whole["notes"][0]["kind"], "finding");
}

#[tokio::test]
async fn a_damaged_journal_shows_what_there_is_and_says_so() {
    let page = Page::of(MadeUp::bad("").damaged("record 9 is damaged")).await;
    let whole = complete(&page, "bad").await;
    assert_eq!(whole["state"]["trouble"], "record 9 is damaged");
    assert_eq!(whole["head"]["records"], 9);
}

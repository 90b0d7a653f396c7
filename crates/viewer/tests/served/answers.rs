//! What the page is told of a run.

use crate::client::Page;
use crate::made_up::MadeUp;
use crate::streams::complete;
use serde_json::{Value, json};

#[tokio::test]
async fn what_happened_is_told_row_by_row_and_in_full() {
    let page = Page::of(MadeUp::bad("Nothing new.")).await;
    complete(&page, "bad").await;
    let rows = page.get("/api/runs/bad/rows").await.json();
    let told: Vec<(&str, &str)> = rows["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["kind"].as_str().unwrap(), row["mark"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("turn", "running"),
            ("call", ""),
            ("call", "refused"),
            ("told", "sent_back"),
            ("note", "finding")
        ]
    );
    let refused = page.get("/api/runs/bad/detail?at=2").await.json();
    assert_eq!(refused["step"]["because"], "policy.toml:3 denies it");
    assert_eq!(refused["row"]["task"], "t1");
    let task = page.get("/api/runs/bad/task?id=t1").await.json();
    assert_eq!(
        (&task["state"], &task["why"], &task["instruction"]),
        (
            &json!("failed"),
            &json!("all turns are used up"),
            &json!("Collect all.")
        )
    );
    assert_eq!(task["findings"].as_array().unwrap().len(), 1);
    let opening = page
        .get("/api/runs/bad/text?agent=0&part=opening")
        .await
        .json();
    assert_eq!(opening["text"], "Begin.");
    let lanes = page
        .get("/api/runs/bad/lanes?agents=0&from_ms=1000000&to_ms=1001000&pixels=1000")
        .await
        .json();
    assert_eq!(lanes["lanes"][0]["bars"].as_array().unwrap().len(), 3);
    for missing in [
        "detail?at=99",
        "detail",
        "task?id=t9",
        "agent?id=x",
        "text?at=3&part=result",
    ] {
        assert_eq!(
            page.get(&format!("/api/runs/bad/{missing}")).await.status,
            404,
            "{missing}"
        );
    }
}

#[tokio::test]
async fn things_are_found_by_words_kind_and_trouble() {
    let page = Page::of(MadeUp::bad("The Answer is HERE.")).await;
    complete(&page, "bad").await;
    let check = async |query: &str, places: Value, tasks: Value| {
        let found = page
            .get(&format!("/api/runs/bad/find?{query}"))
            .await
            .json();
        assert_eq!(
            (&found["places"], &found["tasks"]),
            (&places, &tasks),
            "{query}"
        );
    };
    check("words=answer%20is%20here", json!([1]), json!([])).await;
    check("words=collect", json!([]), json!(["t1"])).await;
    check("kind=call", json!([1, 2]), json!([])).await;
    check("kind=call&trouble=true", json!([2]), json!([])).await;
    check("trouble=true", json!([2, 3, 4]), json!([])).await;
    check("agent=0&kind=told", json!([3]), json!([])).await;
    check("task=t9", json!([]), json!([])).await;
}

#[tokio::test]
async fn a_long_result_is_cut_and_had_in_pieces() {
    let result = "0123456789abcdeö".repeat(1_000_000);
    let page = Page::of(MadeUp::bad(&result)).await;
    complete(&page, "bad").await;
    let detail = page.get("/api/runs/bad/detail?at=1").await;
    assert!(detail.body.len() < 40_000, "{}", detail.body.len());
    let piece = async |from: usize| {
        page.get(&format!("/api/runs/bad/text?at=1&part=result&from={from}"))
            .await
            .json()
    };
    let first = piece(0).await;
    assert_eq!(first["of"], result.len());
    let to = usize::try_from(first["to"].as_u64().unwrap()).unwrap();
    assert_eq!(first["text"], result[..to]);
    assert!(to <= 64 * 1024);
    // A piece that would begin within a character begins before it.
    let second = piece(16).await;
    assert_eq!(
        (
            &second["from"],
            second["text"].as_str().unwrap().starts_with('ö')
        ),
        (&json!(15), true)
    );
    let end = piece(usize::MAX).await;
    assert_eq!(end["text"], "");
}

#[tokio::test]
async fn a_run_that_is_not_there_is_told_of_in_words() {
    let page = Page::of(MadeUp::bad("")).await;
    for (run, words) in [
        ("other", "there is no run other"),
        ("..%2fetc", "no name of a run"),
        ("last", "there is no run last"),
        ("ba", "there is no run ba"),
    ] {
        for path in [
            format!("/api/runs/{run}/rows"),
            format!("/api/events?runs={run}"),
        ] {
            let answer = page.get(&path).await;
            assert_eq!(answer.status, 404, "{path}");
            assert!(answer.body.contains(words), "{}", answer.body);
        }
    }
    assert_eq!(page.get("/api/events?runs=bad,bad,bad").await.status, 400);
}

//! What the page is told of a run, and what it orders.

use crate::client::Page;
use crate::made_up::MadeUp;
use crate::streams::complete;
use leadhand_protocol::{Answer, Ask, Forecast, PersonInput, Plan, RequestId};
use leadhand_viewer::OpenRunQuestion;
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

#[tokio::test]
async fn an_answer_counts_for_what_was_shown_and_nothing_else() {
    let ask = Ask::Plan {
        plan: Plan::default(),
        forecast: Forecast::default(),
    };
    let digest = ask.digest();
    let open = OpenRunQuestion {
        question: RequestId(3),
        digest,
        ask,
    };
    let runs = MadeUp::bad("").asking(open);
    let page = Page::of(runs.clone()).await;
    let shown = page.get("/api/runs/bad/questions").await.json();
    assert_eq!(shown["open"][0]["digest"], digest.to_string());
    let answer = async |question: u32, digest: &str, say: &str| {
        let body = json!({"order": "answer", "question": question, "digest": digest, "say": say});
        page.post("/api/runs/bad/orders", &body.to_string()).await
    };
    let digest = digest.to_string();
    let other = "0".repeat(64);
    assert_eq!(answer(3, &other, "allow").await.status, 409);
    assert_eq!(answer(4, &digest, "allow").await.status, 409);
    assert_eq!(answer(3, &digest, "took_effect").await.status, 409);
    assert_eq!(answer(3, &digest, "perhaps").await.status, 400);
    assert_eq!(answer(3, "0", "allow").await.status, 400);
    assert!(runs.ordered.lock().unwrap().is_empty());
    assert_eq!(answer(3, &digest, "allow").await.status, 200);
    let ordered = runs.ordered.lock().unwrap();
    let [
        PersonInput::Answers {
            request,
            answer: Answer::Allow,
            shown: Some(shown),
        },
    ] = &ordered[..]
    else {
        panic!("{ordered:?}");
    };
    assert_eq!((*request, shown.to_string()), (RequestId(3), digest));
}

#[tokio::test]
async fn what_is_no_order_is_refused() {
    let runs = MadeUp::bad("");
    let page = Page::of(runs.clone()).await;
    for body in [
        "",
        "[]",
        r#"{"order":"roll_back","why":""}"#,
        r#"{"order":"edit_plan","edits":[]}"#,
        r#"{"order":"pause","more":1}"#,
    ] {
        let answer = page.post("/api/runs/bad/orders", body).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.body.contains("this is no order"), "{}", answer.body);
    }
    assert_eq!(page.get("/api/runs/bad/orders").await.status, 405);
    assert!(runs.ordered.lock().unwrap().is_empty());
}

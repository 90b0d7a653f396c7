//! What a person does from the page: answers, orders, and having a run go on.

use crate::client::Page;
use crate::made_up::MadeUp;
use leadhand_protocol::{
    Answer, Ask, CallId, Forecast, PersonInput, Plan, PlanEdit, RequestId, ToolCall,
};
use leadhand_viewer::{OpenRunQuestion, Resume, Undoable};
use serde_json::{Value, json};

const ORDERS: &str = "/api/runs/bad/orders";
const RESUME: &str = "/api/runs/bad/resume";

fn call(index: u32) -> CallId {
    serde_json::from_value(json!({"agent": 0, "turn": 1, "index": index})).unwrap()
}

fn tool_call() -> ToolCall {
    ToolCall {
        id: "c".to_owned(),
        name: "book_room".to_owned(),
        arguments: json!({"nights": 3}),
    }
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
        r#"{"order":"edit_plan","edits":[{"edit":"drop"}]}"#,
        r#"{"order":"change","autonomy":"L5"}"#,
        r#"{"order":"pause","more":1}"#,
    ] {
        let answer = page.post("/api/runs/bad/orders", body).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.body.contains("this is no order"), "{}", answer.body);
    }
    assert_eq!(page.get("/api/runs/bad/orders").await.status, 405);
    assert!(runs.ordered.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_call_is_approved_with_other_arguments() {
    let ask = Ask::Tool {
        call: call(0),
        role: "analyst".to_owned(),
        tool_call: tool_call(),
        because: "the rule `ask book_room`".to_owned(),
    };
    let digest = ask.digest().to_string();
    let runs = MadeUp::bad("").asking(OpenRunQuestion {
        question: RequestId(1),
        digest: ask.digest(),
        ask,
    });
    let page = Page::of(runs.clone()).await;
    let answer = async |say: &str, arguments: Value| {
        let body = json!({"order": "answer", "question": 1, "digest": digest, "say": say, "arguments": arguments});
        page.post(ORDERS, &body.to_string()).await
    };
    for none in [json!(null), json!("nights"), json!([3])] {
        let refused = answer("allow_edited", none).await;
        assert_eq!(refused.status, 409);
        assert!(refused.body.contains("one JSON object"), "{}", refused.body);
    }
    assert!(runs.ordered.lock().unwrap().is_empty());
    assert_eq!(
        answer("allow_edited", json!({"nights": 1})).await.status,
        200
    );
    let ordered = runs.ordered.lock().unwrap();
    let [
        PersonInput::Answers {
            answer: Answer::AllowEdited { arguments },
            ..
        },
    ] = &ordered[..]
    else {
        panic!("{ordered:?}");
    };
    assert_eq!(*arguments, json!({"nights": 1}));
}

#[tokio::test]
async fn a_plan_is_changed_as_the_command_line_does_it() {
    let runs = MadeUp::bad("");
    let page = Page::of(runs.clone()).await;
    let edit = async |edits: Value| {
        let body = json!({"order": "edit_plan", "edits": edits});
        page.post(ORDERS, &body.to_string()).await
    };
    let none = edit(json!([])).await;
    assert_eq!(none.status, 409);
    assert!(none.body.contains("nothing to change"), "{}", none.body);
    let drop = json!({"edit": "drop", "task": "t1"});
    let many = edit(Value::from(vec![drop.clone(); 101])).await;
    assert_eq!(many.status, 409);
    assert!(runs.ordered.lock().unwrap().is_empty());
    let edits = json!([
        {"edit": "instruction", "task": "t1", "instruction": "Collect less."},
        {"edit": "add", "task": {"id": "t2", "title": "", "role": "analyst", "instruction": "Add up.", "depends_on": ["t1"]}},
        drop,
    ]);
    assert_eq!(edit(edits.clone()).await.status, 200);
    let ordered = runs.ordered.lock().unwrap();
    let wanted: Vec<PlanEdit> = serde_json::from_value(edits).unwrap();
    assert_eq!(ordered[..], [PersonInput::EditPlan { edits: wanted }]);
}

#[tokio::test]
async fn what_would_be_undone_is_shown_and_nothing_else_is_undone() {
    let steps = [1, 0].map(|index| Undoable {
        call: call(index),
        tool_call: tool_call(),
        undo: "cancel_room".to_owned(),
    });
    let runs = MadeUp::bad("").undoing(&steps[1..]);
    let page = Page::of(runs.clone()).await;
    let before = page.get("/api/runs/bad/undoable").await.json();
    assert_eq!(before["of"], 1);
    assert_eq!(
        before["calls"][0],
        json!({"call": call(0), "tool": "book_room", "arguments": "{\"nights\":3}", "undo": "cancel_room"})
    );
    // Another call is made meanwhile.
    *runs.undoable.lock().unwrap() = Ok(steps.to_vec());
    let roll_back = async |digest: &Value| {
        let body = json!({"order": "roll_back", "shown": digest, "why": "the fair is off"});
        page.post(ORDERS, &body.to_string()).await
    };
    let refused = roll_back(&before["digest"]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.body.contains("look again"), "{}", refused.body);
    assert!(runs.ordered.lock().unwrap().is_empty());
    let now = page.get("/api/runs/bad/undoable").await.json();
    assert_eq!(roll_back(&now["digest"]).await.status, 200);
    let why = "the fair is off".to_owned();
    assert_eq!(
        runs.ordered.lock().unwrap()[..],
        [PersonInput::RollBack { why }]
    );
    *runs.undoable.lock().unwrap() = Err("nothing can be undone".to_owned());
    let none = page.get("/api/runs/bad/undoable").await;
    assert_eq!(
        (none.status, none.body.contains("nothing can be undone")),
        (409, true)
    );
    assert_eq!(roll_back(&now["digest"]).await.status, 409);
}

#[tokio::test]
async fn a_run_is_resumed_and_what_came_of_it_is_said() {
    let runs = MadeUp::bad("");
    let page = Page::of(runs.clone()).await;
    let said = page
        .post(RESUME, r#"{"model":" scripted:a ","tokens_added":500}"#)
        .await;
    assert_eq!(
        (said.status, &said.json()["said"]),
        (200, &json!("It goes on."))
    );
    let how = Resume {
        model: Some("scripted:a".to_owned()),
        tokens_added: Some(500),
        micro_usd_added: None,
    };
    assert_eq!(runs.resumed.lock().unwrap()[..], [how]);
    let held = page.post(RESUME, "{}").await;
    assert_eq!(held.status, 409);
    assert!(
        held.body.contains("is being written by process 7"),
        "{}",
        held.body
    );
    for body in ["", "[]", r#"{"more":1}"#, r#"{"model":"a\nb"}"#] {
        assert_eq!(page.post(RESUME, body).await.status, 400, "{body}");
    }
    assert_eq!(page.get(RESUME).await.status, 405);
    assert_eq!(page.post("/api/runs/other/resume", "{}").await.status, 404);
}

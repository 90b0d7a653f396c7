//! What tools at work do with their run: through the handle of a call, and through the tools that
//! agents of models have for it.

use crate::office::{Nothing, builder_for, call, id, model, text};
use leadhand::{
    CallInfo, Delivered, Effect, Event, FunctionTool, Goal, Observation, Observer, OutcomeKind,
    Payload, Plan, Task, ToolLimits, ToolTemplate, tool_with_info,
};
use serde_json::json;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{sleep, timeout};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A task that is one call of this tool.
fn acts(tool: &str) -> Task {
    let mut task = Task::new(id(tool), "", "Do it.");
    task.call = Some(ToolTemplate {
        tool: tool.to_owned(),
        arguments: json!({}),
    });
    task
}

fn own<F, Output>(name: &str, function: F) -> FunctionTool
where
    F: Fn(CallInfo) -> Output + Send + Sync + 'static,
    Output: Future<Output = Result<String, String>> + Send + 'static,
{
    let tool = tool_with_info(name, "Works.", move |_: Nothing, info| function(info));
    tool.effect(Effect::Idempotent).trusted()
}

/// Two tasks side by side that are a call each; what the second one gives.
async fn side_by_side(folder: &Path, first: FunctionTool, second: FunctionTool) -> String {
    let silent = model(|_| async { text("nothing") });
    let plan = Plan {
        tasks: vec![acts(first.name()), acts(second.name())],
        answer: Some(id(second.name())),
    };
    let leadhand = builder_for("", folder, silent)
        .tool_limits(ToolLimits {
            wall_ms: 5_000,
            ..ToolLimits::default()
        })
        .tool(first)
        .tool(second)
        .build()
        .unwrap();
    let outcome = leadhand.start_plan(Goal::new("Go."), plan).unwrap();
    let outcome = outcome.await.unwrap();
    assert_eq!(outcome.kind, OutcomeKind::Done, "{}", outcome.why);
    outcome.answer
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_call_stands_still_while_it_waits() {
    let folder = tempfile::tempdir().unwrap();
    let holds = own("holds", |info| async move {
        let held = info.run.lock("db").await?;
        info.run.write("held", 0, true).await?;
        sleep(seconds(4)).await;
        info.run.release(held).await?;
        Ok("held".to_owned())
    });
    let waits = own("waits", |info| async move {
        info.run.watch("held", 0, None).await?;
        info.run.lock("db").await?;
        sleep(seconds(4)).await;
        Ok("had it in time".to_owned())
    });
    let answer = side_by_side(folder.path(), holds, waits).await;
    assert_eq!(answer, "had it in time");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_nobody_waits_for_any_more_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let holds = own("holds", |info| async move {
        info.run.lock("db").await?;
        info.run.write("held", 0, true).await?;
        info.run.watch("gave_up", 0, None).await?;
        Ok("held".to_owned())
    });
    let gives_up = own("gives_up", |info| async move {
        info.run.watch("held", 0, None).await?;
        let waited = timeout(seconds(1), info.run.lock("db")).await;
        assert!(waited.is_err());
        let other = info.run.lock("other").await?;
        info.run.write("gave_up", 0, true).await?;
        Ok(format!("has {} instead", other.lock))
    });
    let answer = side_by_side(folder.path(), holds, gives_up).await;
    assert_eq!(answer, "has other instead");
}

#[tokio::test(start_paused = true)]
async fn a_call_at_work_hears_what_a_person_says() {
    let folder = tempfile::tempdir().unwrap();
    let silent = model(|_| async { text("nothing") });
    let listens = own("listens", |info| async move {
        loop {
            let heard = info.run.steered();
            if !heard.is_empty() {
                return Ok(heard.join(" "));
            }
            sleep(seconds(1)).await;
        }
    });
    let leadhand = builder_for("", folder.path(), silent)
        .tool_limits(ToolLimits {
            wall_ms: 3_600_000,
            ..ToolLimits::default()
        })
        .tool(listens)
        .build()
        .unwrap();
    let plan = Plan {
        tasks: vec![acts("listens")],
        answer: Some(id("listens")),
    };
    let run = leadhand.start_plan(Goal::new("Go."), plan).unwrap();
    let control = run.control();
    let says = async {
        sleep(seconds(3)).await;
        let steer = leadhand::PersonInput::Steer {
            task: None,
            text: "hurry".to_owned(),
        };
        control.order(steer).await.unwrap();
    };
    let (outcome, ()) = tokio::join!(run.into_future(), says);
    assert_eq!(outcome.unwrap().answer, "hurry");
}

#[tokio::test(start_paused = true)]
async fn an_agent_of_a_model_has_locks_and_the_board_through_tools() {
    let folder = tempfile::tempdir().unwrap();
    let clerk = model(|prompt| async move {
        if prompt.contains("You hold `db` with number 1.") {
            call(
                "write_board",
                json!({"entry": "price", "version": 0, "value": 7}),
            )
        } else if prompt.contains("`price` is written.") {
            call("read_board", json!({"entry": "price"}))
        } else if prompt.contains(r#""value":7"#) {
            call(
                "release_locks",
                json!({"locks": [{"lock": "db", "number": 1}]}),
            )
        } else if prompt.contains("They are given back.") {
            text("It is done.")
        } else {
            call("acquire_locks", json!({"locks": ["db"]}))
        }
    });
    let tools = "acquire_locks, release_locks, read_board, write_board";
    let leadhand = builder_for(tools, folder.path(), clerk).build().unwrap();
    let plan = Plan {
        tasks: vec![Task::new(id("t"), "clerk", "Write the price.")],
        answer: None,
    };
    let outcome = leadhand.start_plan(Goal::new("Go."), plan).unwrap();
    let outcome = outcome.await.unwrap();
    assert_eq!(outcome.answer, "It is done.", "{}", outcome.why);
}

#[tokio::test(start_paused = true)]
async fn an_agent_of_a_model_is_told_what_is_published_and_answers_what_it_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let clerk = model(|prompt| async move {
        if prompt.contains("You are told what is published") {
            call("pause", json!({}))
        } else if prompt.contains("as question 1, and waits for your answer: How many?") {
            call("answer", json!({"question": 1, "text": "two"}))
        } else if prompt.contains("Question 1 is answered.") {
            text("I said two.")
        } else {
            call("subscribe", json!({"topic": "news"}))
        }
    });
    let pause = own("pause", |info| async move {
        info.run.write("clerk", 0, info.id.agent.0).await?;
        info.run.watch("asks", 0, None).await?;
        Ok("Go on.".to_owned())
    });
    let asks = own("asks", |info| async move {
        let (_, clerk) = info.run.watch("clerk", 0, None).await?;
        let clerk = clerk.and_then(|it| it.as_u64()).unwrap_or_default();
        let clerk = leadhand::AgentId(u32::try_from(clerk).unwrap());
        info.run.publish("news", Payload::text("hello")).await?;
        let put = info.run.ask(Some(clerk), Payload::text("How many?"), None);
        let told = async {
            sleep(seconds(1)).await;
            info.run.write("asks", 0, true).await
        };
        let (answer, told) = tokio::join!(put, told);
        told?;
        Ok(answer?.value.to_string())
    });
    let told = Arc::new(Mutex::new(Vec::new()));
    let listening = Arc::clone(&told);
    let observer: Observer = Arc::new(move |seen| {
        if let Observation::Recorded(_, record) = seen
            && let Event::Told { text, .. } = &*record.event
        {
            listening.lock().unwrap().push(text.clone());
        }
    });
    let leadhand = builder_for("subscribe, answer, pause", folder.path(), clerk)
        .observer(observer)
        .tool(pause)
        .tool(asks)
        .build()
        .unwrap();
    let plan = Plan {
        tasks: vec![Task::new(id("t"), "clerk", "Listen."), acts("asks")],
        answer: Some(id("asks")),
    };
    let outcome = leadhand.start_plan(Goal::new("Go."), plan).unwrap();
    let outcome = outcome.await.unwrap();
    assert_eq!(outcome.answer, "\"two\"", "{}", outcome.why);
    assert_eq!(
        *told.lock().unwrap(),
        [
            "a1 published in topic `news`: hello",
            "a1 asks you, as question 1, and waits for your answer: How many?",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_not_of_its_type_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let silent = own("silent", |_| async { Ok("silent".to_owned()) });
    let speaks = own("speaks", |info| async move {
        let payload = Payload {
            kind: leadhand::PrimitiveName::new("offer").map_err(|error| error.to_string())?,
            version: 1,
            value: Arc::new(json!({"cents": 7})),
        };
        let refused = info.run.publish("news", payload).await;
        info.run.subscribe("news").await?;
        info.run.publish("news", Payload::text("to myself")).await?;
        let received = info.run.receive(Some(seconds(1))).await;
        let heard = match received {
            Ok(Delivered::Published { payload, .. }) => payload.value.to_string(),
            Ok(other) => format!("{other:?}"),
            Err(error) => error.to_string(),
        };
        Ok(format!("{}; {heard}", refused.unwrap_err()))
    });
    let answer = side_by_side(folder.path(), silent, speaks).await;
    assert!(
        answer.starts_with("there is no message type `offer` in this run: it has text; "),
        "{answer}"
    );
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_go_on_waiting_after_the_run_was_paused() {
    let folder = tempfile::tempdir().unwrap();
    let silent = model(|_| async { text("nothing") });
    let holds = own("holds", |info| async move {
        let held = info.run.lock("db").await?;
        info.run.write("held", 0, held.fence).await?;
        info.run.watch("go", 0, None).await?;
        info.run.release(held).await?;
        Ok("held".to_owned())
    });
    let waits = own("waits", |info| async move {
        let (_, first) = info.run.watch("held", 0, None).await?;
        let held = info.run.lock("db").await?;
        let first = first.unwrap_or_default();
        Ok(format!("number {} after {first}", held.fence))
    });
    let opens = own("opens", |info| async move {
        let never = info.run.watch("never", 0, Some(seconds(60))).await;
        info.run.write("go", 0, true).await?;
        Ok(never.unwrap_err().to_string())
    });
    let leadhand = builder_for("", folder.path(), silent)
        .tool(holds)
        .tool(waits)
        .tool(opens)
        .build()
        .unwrap();
    let plan = Plan {
        tasks: vec![acts("holds"), acts("waits"), acts("opens")],
        answer: Some(id("waits")),
    };
    let run = leadhand.start_plan(Goal::new("Go."), plan).unwrap();
    let (id, control) = (run.id().clone(), run.control());
    let pauses = async {
        sleep(seconds(3)).await;
        control.order(leadhand::PersonInput::Pause).await.unwrap();
    };
    let (paused, ()) = tokio::join!(run.into_future(), pauses);
    assert!(paused.unwrap().kind.resumable());
    let outcome = leadhand.resume(&id).await.unwrap();
    assert_eq!(outcome.answer, "number 2 after 1", "{}", outcome.why);
}

#[tokio::test(start_paused = true)]
async fn the_manager_answers_a_tool_at_work() {
    let folder = tempfile::tempdir().unwrap();
    let manager = model(|prompt| async move {
        assert!(prompt.contains("asks you:\nWhich colour?"), "{prompt}");
        text("Blue.")
    });
    let paints = own("paints", |info| async move {
        let question = Payload::text("Which colour?");
        let answer = info.run.ask(None, question, Some(seconds(60))).await?;
        Ok(format!("painted it: {}", answer.value))
    });
    let plan = Plan {
        tasks: vec![acts("paints")],
        answer: Some(id("paints")),
    };
    let leadhand = builder_for("", folder.path(), manager)
        .tool(paints)
        .build()
        .unwrap();
    let outcome = leadhand.start_plan(Goal::new("Paint."), plan);
    let outcome = outcome.unwrap().await.unwrap();
    assert_eq!(outcome.answer, "painted it: \"Blue.\"", "{}", outcome.why);
}

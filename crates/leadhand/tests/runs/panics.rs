//! The code of a model, a tool or an approver panics: its task pays for it, not the process.

use crate::office::{Nothing, builder, builder_for, call, model, plan, tasks, text};
use leadhand::{
    Answer, Approver, Ask, Autonomy, BoxFuture, Effect, Goal, OutcomeKind, RequestId, RunId,
};
use serde_json::json;

#[tokio::test]
async fn a_model_that_panics_ends_its_task() {
    let folder = tempfile::tempdir().unwrap();
    let fragile = model(|prompt| async move {
        assert!(!prompt.contains("Break."), "broken");
        text("done")
    });
    let leadhand = builder(folder.path(), fragile).build().unwrap();
    let plan = plan(&[
        ("t1", "Break.", &[]),
        ("t2", "Do it.", &[]),
        ("t3", "Do it.", &["t1"]),
    ]);
    let outcome = leadhand.start_plan("", plan).unwrap().await.unwrap();
    let why = "the code of the model panicked; this is a defect of that code";
    assert_eq!(
        (outcome.kind, outcome.why.as_str(), tasks(&outcome)),
        (
            OutcomeKind::NotAchieved,
            format!("t1 failed: {why}").as_str(),
            vec![
                ("t1", "failed", why),
                ("t2", "done", ""),
                ("t3", "waiting", "")
            ],
        )
    );
}

#[tokio::test]
async fn a_tool_that_panics_is_told_to_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let telling = model(|prompt| async move {
        if prompt.starts_with("Error") {
            text(&prompt)
        } else {
            call("fragile", json!({}))
        }
    });
    let fragile = |_: Nothing| async { panic!("broken") };
    let leadhand = builder_for("fragile", folder.path(), telling)
        .tool(leadhand::tool("fragile", "Breaks.", fragile).effect(Effect::Idempotent))
        .build()
        .unwrap();
    let outcome = leadhand
        .start_plan("", plan(&[("t1", "Break.", &[])]))
        .unwrap()
        .await
        .unwrap();
    let told = "Error: the code of `fragile` panicked; try another tool";
    assert_eq!(
        (outcome.kind, outcome.answer.as_str()),
        (OutcomeKind::Done, told)
    );
}

struct Fragile;

impl Approver for Fragile {
    fn answer<'a>(
        &'a self,
        _: &'a RunId,
        _: RequestId,
        _: &'a Ask,
    ) -> BoxFuture<'a, Option<Answer>> {
        panic!("broken")
    }
}

#[tokio::test]
async fn an_approver_that_panics_is_one_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let leadhand = builder(folder.path(), model(|_| async { text("done") }))
        .approver(Fragile)
        .build()
        .unwrap();
    let goal = Goal {
        autonomy: Autonomy::L2,
        ..Goal::new("Do it.")
    };
    let run = leadhand
        .start_plan(goal, plan(&[("t1", "Do it.", &[])]))
        .unwrap();
    assert_eq!(run.await.unwrap().kind, OutcomeKind::WaitingForPerson);
}

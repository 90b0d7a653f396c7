//! Workers beside each other in a run, and runs beside each other in a process.

use crate::office::{Flights, Nothing, builder, builder_for, call, model, plan, text};
use leadhand::{Limits, MemoryJournal, ModelReply, OutcomeKind};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Barrier;
use tokio::time::sleep;

#[tokio::test(start_paused = true)]
async fn two_runs_at_once_do_not_mix() {
    let folder = tempfile::tempdir().unwrap();
    let both = Arc::new(Barrier::new(2));
    let colours = model(move |prompt| {
        let both = both.clone();
        async move {
            // Neither run gets an answer unless the other one is asking too.
            both.wait().await;
            text(if prompt.contains("crimson") {
                "a crimson thing"
            } else {
                "an azure thing"
            })
        }
    });
    let journal = MemoryJournal::new();
    let leadhand = builder(folder.path(), colours)
        .journal(journal)
        .build()
        .unwrap();
    let runs = ["crimson", "azure"].map(|colour| {
        let name = format!("Name something {colour}.");
        let again = format!("Name it again, something {colour}.");
        let plan = plan(&[("t2", &again, &["t1"]), ("t1", &name, &[])]);
        leadhand.start_plan(colour, plan).unwrap()
    });
    let ids = runs.each_ref().map(|run| run.id().clone());
    let [crimson, azure] = runs;
    let (crimson, azure) = tokio::join!(crimson, azure);
    let told = [crimson.unwrap(), azure.unwrap()].map(|outcome| (outcome.kind, outcome.answer));
    assert_eq!(
        told,
        ["a crimson thing", "an azure thing"].map(|answer| (OutcomeKind::Done, answer.to_owned()))
    );
    for (id, other) in ids.iter().zip(["azure", "crimson"]) {
        let records = leadhand.journal().read(id).unwrap().records;
        let places: Vec<u64> = records.iter().map(|record| record.seq).collect();
        assert_eq!(places, (0..records.len() as u64).collect::<Vec<_>>());
        let about_the_other = records.iter().filter(|record| {
            let event = serde_json::to_string(&record.event).unwrap();
            event.contains(other)
        });
        assert_eq!(about_the_other.count(), 0, "{id} knows of {other}");
    }
}

#[tokio::test(start_paused = true)]
async fn workers_run_at_once_but_never_more_than_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let (flights, three) = (Flights::new(), Arc::new(Barrier::new(3)));
    let counted = flights.clone();
    let busy = model(move |_| {
        let (flight, three) = (counted.begin(), three.clone());
        async move {
            three.wait().await;
            // Long enough for a fourth to begin, if it could.
            sleep(Duration::from_secs(1)).await;
            drop(flight);
            text("done")
        }
    });
    let limits = Limits {
        workers_max: 3,
        ..Limits::default()
    };
    let leadhand = builder(folder.path(), busy).limits(limits).build().unwrap();
    let names = ["t1", "t2", "t3", "t4", "t5", "t6"];
    let plan = plan(&names.map(|name| (name, "Do it.", &[] as &[&str])));
    let outcome = leadhand.start_plan("", plan).unwrap().await.unwrap();
    assert_eq!((outcome.kind, outcome.turns), (OutcomeKind::Done, 6));
    assert_eq!(flights.counts(), (6, 0, 3));
}

#[tokio::test(start_paused = true)]
async fn no_more_turns_call_a_model_than_it_has_permits() {
    let folder = tempfile::tempdir().unwrap();
    let flights = Flights::new();
    let counted = flights.clone();
    let busy = model(move |_| {
        let flight = counted.begin();
        async move {
            sleep(Duration::from_secs(1)).await;
            drop(flight);
            text("done")
        }
    });
    let limits = Limits {
        workers_max: 6,
        ..Limits::default()
    };
    let leadhand = builder(folder.path(), busy)
        .limits(limits)
        .permits("model/closure", 2)
        .build()
        .unwrap();
    let names = ["t1", "t2", "t3", "t4", "t5", "t6"];
    let plan = plan(&names.map(|name| (name, "Do it.", &[] as &[&str])));
    let outcome = leadhand.start_plan("", plan).unwrap().await.unwrap();
    assert_eq!((outcome.kind, outcome.turns), (OutcomeKind::Done, 6));
    assert_eq!(flights.counts(), (6, 0, 2));
}

#[tokio::test(start_paused = true)]
async fn the_smallest_inboxes_do_not_lock_a_run_up() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = |_: Nothing| async { Ok("ok".to_owned()) };
    let busy = model(|prompt| async move {
        if prompt == "ok" {
            return text("done");
        }
        let one = call("nothing", json!({}))?;
        let tool_calls = vec![one.tool_calls[0].clone(); 8];
        Ok(ModelReply { tool_calls, ..one })
    });
    let limits = Limits {
        inbox_messages_max: 1,
        ..Limits::default()
    };
    let leadhand = builder_for("nothing", folder.path(), busy)
        .tool(leadhand::tool("nothing", "Does nothing.", nothing))
        .limits(limits)
        .build()
        .unwrap();
    let names = ["t1", "t2", "t3", "t4"];
    let plan = plan(&names.map(|name| (name, "Do it.", &[] as &[&str])));
    let outcome = leadhand.start_plan("", plan).unwrap().await.unwrap();
    assert_eq!((outcome.kind, outcome.tool_calls), (OutcomeKind::Done, 32));
}

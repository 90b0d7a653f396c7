//! Runs that stop before their end: cancelled, paused, out of time, waiting for a person.

use crate::office::{Flights, Nothing, builder, builder_for, call, model, plan, text};
use leadhand::{
    Answer, Approver, Ask, Autonomy, BoxFuture, Budget, Error, Event, Goal, Limits, MemoryJournal,
    OutcomeKind, RequestId, RunId, RuntimeError,
};
use serde_json::json;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

#[tokio::test(start_paused = true)]
async fn cancelling_ends_everything() {
    let folder = tempfile::tempdir().unwrap();
    let flights = Flights::new();
    let counted = flights.clone();
    let silent = model(move |_| {
        let flight = counted.begin();
        async move {
            let _flight = flight;
            pending().await
        }
    });
    let leadhand = builder(folder.path(), silent).build().unwrap();
    let plan = plan(&[
        ("t1", "Do it.", &[]),
        ("t2", "Do it.", &[]),
        ("t3", "Do it.", &["t1"]),
    ]);
    let run = leadhand.start_plan("", plan).unwrap();
    let (id, control) = (run.id().clone(), run.control());
    let run = tokio::spawn(run);
    flights.have_begun(2).await;
    assert!(control.cancel("enough"));
    let outcome = run.await.unwrap().unwrap();
    assert_eq!(
        (outcome.kind, outcome.why.as_str()),
        (OutcomeKind::Cancelled, "enough")
    );
    sleep(Duration::from_secs(3_600)).await;
    assert_eq!(flights.counts(), (2, 0, 2));
    assert!(!control.cancel("once more"), "nobody listens any more");
    let over = leadhand.resume(&id).await.expect_err("it was cancelled");
    assert!(
        matches!(over, Error::Runtime(RuntimeError::Over { .. })),
        "{over}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_paused_run_goes_on_where_it_stood() {
    let folder = tempfile::tempdir().unwrap();
    let flights = Flights::new();
    let counted = flights.clone();
    let slow = model(move |prompt| {
        let flight = counted.begin();
        async move {
            // The second call of the first life hangs.
            if flight.number() == 2 {
                pending::<()>().await;
            }
            text(if prompt.contains("First") {
                "one"
            } else {
                "two"
            })
        }
    });
    let leadhand = builder(folder.path(), slow).build().unwrap();
    let plan = plan(&[("t2", "Second.", &["t1"]), ("t1", "First.", &[])]);
    let run = leadhand.start_plan("", plan).unwrap();
    let (id, control) = (run.id().clone(), run.control());
    let run = tokio::spawn(run);
    flights.have_begun(2).await;
    assert!(control.pause());
    let paused = run.await.unwrap().unwrap();
    assert_eq!(
        (paused.kind, paused.answer.as_str()),
        (OutcomeKind::Interrupted, "")
    );
    let outcome = leadhand.resume(&id).await.unwrap();
    assert_eq!(
        (outcome.kind, outcome.answer.as_str()),
        (OutcomeKind::Done, "two")
    );
    // The first task was not done again.
    assert_eq!(flights.counts(), (3, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_pause_waits_for_the_tool_at_work_and_does_not_repeat_it() {
    let folder = tempfile::tempdir().unwrap();
    let (flights, paid) = (Flights::new(), Arc::new(Notify::new()));
    let (counted, wait) = (flights.clone(), paid.clone());
    let pay = leadhand::tool("pay", "Pays.", move |_: Nothing| {
        let (flight, wait) = (counted.begin(), wait.clone());
        async move {
            wait.notified().await;
            drop(flight);
            Ok("It is paid.".to_owned())
        }
    });
    let payer = model(|prompt| async move {
        if prompt == "It is paid." {
            text(&prompt)
        } else {
            call("pay", json!({}))
        }
    });
    let leadhand = builder_for("pay", folder.path(), payer)
        .tool(pay)
        .build()
        .unwrap();
    let run = leadhand
        .start_plan("", plan(&[("t1", "Pay.", &[])]))
        .unwrap();
    let (id, control) = (run.id().clone(), run.control());
    let mut run = tokio::spawn(run);
    flights.have_begun(1).await;
    assert!(control.pause());
    let early = tokio::time::timeout(Duration::from_secs(10), &mut run).await;
    assert!(early.is_err(), "the run must wait for the payment");
    paid.notify_one();
    assert_eq!(run.await.unwrap().unwrap().kind, OutcomeKind::Interrupted);
    let outcome = leadhand.resume(&id).await.unwrap();
    assert_eq!(
        (outcome.kind, outcome.answer.as_str()),
        (OutcomeKind::Done, "It is paid.")
    );
    assert_eq!(flights.counts(), (1, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_when_its_time_is_up() {
    let folder = tempfile::tempdir().unwrap();
    let silent = || model(|_| pending());
    for (own, of_goal, expected) in [(60, None, 60), (0, Some(30), 30), (60, Some(30), 30)] {
        let limits = Limits {
            run_seconds_max: own,
            ..Limits::default()
        };
        let leadhand = builder(folder.path(), silent())
            .limits(limits)
            .build()
            .unwrap();
        let budget = Budget {
            seconds_max: of_goal,
            ..Budget::default()
        };
        let began = Instant::now();
        let outcome = leadhand
            .run(Goal {
                budget,
                ..Goal::new("Wait.")
            })
            .await
            .unwrap();
        let told = (
            outcome.kind,
            outcome.why.as_str(),
            began.elapsed().as_secs(),
        );
        assert_eq!(
            told,
            (
                OutcomeKind::BudgetSpent,
                "the time allowed is over",
                expected
            )
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_never_answers_stops_the_run_resumable() {
    let folder = tempfile::tempdir().unwrap();
    let leadhand = builder(folder.path(), model(|_| pending()))
        .build()
        .unwrap();
    let began = Instant::now();
    let outcome = leadhand.run("Wait.").await.unwrap();
    let seconds_max = Limits::default().model_call_seconds_max;
    assert_eq!(
        (outcome.kind, began.elapsed().as_secs()),
        (OutcomeKind::ModelUnreachable, seconds_max)
    );
    assert!(
        outcome.why.contains("model_call_seconds_max"),
        "{}",
        outcome.why
    );
}

/// Allows everything and keeps what it was asked.
#[derive(Clone, Default)]
struct Obliging(Arc<Mutex<Vec<(RequestId, Ask)>>>);

impl Approver for Obliging {
    fn answer<'a>(
        &'a self,
        _: &'a RunId,
        request: RequestId,
        ask: &'a Ask,
    ) -> BoxFuture<'a, Option<Answer>> {
        self.0.lock().unwrap().push((request, ask.clone()));
        Box::pin(async { Some(Answer::Allow) })
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_nobody_answers_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let journal = MemoryJournal::new();
    let answering = || model(|_| async { text("done") });
    let alone = builder(folder.path(), answering())
        .journal(journal.clone())
        .build()
        .unwrap();
    let goal = Goal {
        autonomy: Autonomy::L2,
        ..Goal::new("Do it.")
    };
    let run = alone
        .start_plan(goal, plan(&[("t1", "Do it.", &[])]))
        .unwrap();
    let id = run.id().clone();
    let waiting = run.await.unwrap();
    assert_eq!(
        (waiting.kind, waiting.why.as_str(), waiting.turns),
        (
            OutcomeKind::WaitingForPerson,
            "question q0 waits for a person and nobody is there to answer",
            0
        )
    );
    let records = alone.journal().read(&id).unwrap().records;
    let asked: Vec<_> = records
        .into_iter()
        .filter_map(|record| match Arc::unwrap_or_clone(record.event) {
            Event::PersonAsked { request, ask } => Some((request, ask)),
            _ => None,
        })
        .collect();
    let person = Obliging::default();
    let attended = builder(folder.path(), answering())
        .journal(journal)
        .approver(person.clone())
        .build()
        .unwrap();
    let outcome = attended.resume(&id).await.unwrap();
    assert_eq!(
        (outcome.kind, outcome.answer.as_str()),
        (OutcomeKind::Done, "done")
    );
    assert_eq!(*person.0.lock().unwrap(), asked);
}

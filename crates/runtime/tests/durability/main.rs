//! What is done waits for what is recorded: nothing is called before the event that orders it
//! is durable, and a run that dies at any append ends, once resumed, as if it had never died.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod mortal;
mod office;

use leadhand_journal::Journal;
use leadhand_protocol::{Event, OutcomeKind, Record};
use leadhand_runtime::RuntimeError;
use mortal::Death;
use office::{Calls, DONE, IN_DOUBT, Office};

/// The calls whose outcome is on record, which must never be made again.
fn recorded(records: &[Record]) -> Calls {
    let count = |is: fn(&Event) -> bool| records.iter().filter(|record| is(&record.event)).count();
    Calls {
        models: count(|event| matches!(event, Event::ModelReplied { .. })),
        tools: count(|event| matches!(event, Event::ToolFinished { .. })),
        questions: count(|event| matches!(event, Event::PersonAnswered { .. })),
    }
}

/// Whether the payment, which must never be made twice, was ordered and nobody knows more.
fn in_doubt(records: &[Record]) -> bool {
    let paying = records.iter().find_map(|record| match &*record.event {
        Event::CallStarted { call } => Some(*call),
        _ => None,
    });
    let known = |record: &Record| match &*record.event {
        Event::ToolFinished { call, .. } => Some(*call) == paying,
        _ => false,
    };
    paying.is_some() && !records.iter().any(known)
}

#[tokio::test(start_paused = true)]
async fn nothing_is_called_before_its_order_is_durable() {
    let office = Office::new();
    office.journal.be_late(1_000);
    let outcome = office
        .run()
        .await
        .expect("nobody dies")
        .expect("the journal works");
    assert_eq!(
        (outcome.kind, outcome.answer.as_str()),
        (OutcomeKind::Done, DONE)
    );
    assert_eq!(
        office.seen(),
        [
            "model after turn_started",
            "person after person_asked",
            "model after turn_started",
            "model after turn_started",
            "look_up after tool_called",
            "look_up after tool_called",
            "model after turn_started",
            "model after turn_started",
            "model after turn_started",
            "person after person_asked",
            "pay after call_started",
            "model after turn_started",
            "model after turn_started",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_never_durable_is_never_done() {
    let whole = Office::new();
    whole
        .run()
        .await
        .expect("nobody dies")
        .expect("the journal works");
    for append in 0..whole.journal.appends() {
        let office = Office::new();
        office.journal.die(Death {
            append,
            stored: true,
        });
        assert!(
            office.run().await.is_none(),
            "append {append} is never durable"
        );
        let durable = office.journal.durable(&office.id);
        let ordered = durable.iter().filter(|record| {
            matches!(
                *record.event,
                Event::TurnStarted { .. } | Event::PersonAsked { .. }
            )
        });
        let made = office.take_calls();
        assert!(
            made.models + made.questions <= ordered.count(),
            "append {append}"
        );
    }
}

/// Resumes after a death and holds what comes of it against a run that nobody disturbed.
async fn live_on(office: &Office, whole: &Office, deaths: &[Death]) {
    office.take_calls();
    let records = office.journal.durable(&office.id);
    let ended = records.iter().find_map(|record| match &*record.event {
        Event::RunEnded(outcome) => Some((**outcome).clone()),
        _ => None,
    });
    let resumed = office.resume().await.expect("this life has no death");
    let outcome = match (resumed, ended) {
        (Ok(outcome), None) => outcome,
        (Err(RuntimeError::Over { .. }), Some(outcome)) => outcome,
        (Err(RuntimeError::Over { .. }), None) if records.is_empty() => return,
        (resumed, _) => panic!("{deaths:?}: {resumed:?}"),
    };
    let doubt = in_doubt(&records);
    if doubt {
        assert_eq!(
            (outcome.kind, outcome.answer.as_str()),
            (OutcomeKind::Done, IN_DOUBT)
        );
    } else {
        assert_eq!(Some(&outcome), whole.outcome().as_ref(), "{deaths:?}");
    }
    let (all, known) = (whole.calls(), recorded(&records));
    let expected = Calls {
        models: all.models - known.models,
        // A payment in doubt is not made again: a person is asked what became of it.
        tools: all.tools - known.tools - usize::from(doubt),
        questions: all.questions + usize::from(doubt) - known.questions,
    };
    assert_eq!(office.take_calls(), expected, "{deaths:?}");
    assert!(office.paid() <= 1, "{deaths:?}: paid twice");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_dies_at_any_append_ends_as_if_it_had_not() {
    let whole = Office::new();
    whole
        .run()
        .await
        .expect("nobody dies")
        .expect("the journal works");
    for append in 0..whole.journal.appends() {
        for stored in [false, true] {
            let office = Office::new();
            let death = Death { append, stored };
            office.journal.die(death);
            assert!(office.run().await.is_none(), "{death:?}");
            office.journal.revive();
            live_on(&office, &whole, &[death]).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn so_does_one_that_dies_again_while_it_recovers() {
    let whole = Office::new();
    whole
        .run()
        .await
        .expect("nobody dies")
        .expect("the journal works");
    // An append apart, so that all of the run is passed through in bearable time.
    for append in (1..whole.journal.appends()).step_by(2) {
        for again in 0.. {
            let office = Office::new();
            let first = Death {
                append,
                stored: true,
            };
            office.journal.die(first);
            assert!(office.run().await.is_none(), "{first:?}");
            let second = Death {
                append: again,
                stored: again % 2 == 0,
            };
            office.journal.die(second);
            if office.resume().await.is_some() {
                break;
            }
            office.journal.revive();
            live_on(&office, &whole, &[first, second]).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_cancelled_does_not_go_on_after_a_crash() {
    let whole = Office::new();
    let orders = whole.run_and(|control| control.cancel("enough")).await;
    let outcome = orders.expect("nobody dies").expect("the journal works");
    assert_eq!(
        (outcome.kind, outcome.why.as_str()),
        (OutcomeKind::Cancelled, "enough")
    );
    let ordered = whole.journal.append_of("person_ordered");
    let office = Office::new();
    office.journal.die(Death {
        append: ordered,
        stored: true,
    });
    assert!(
        office
            .run_and(|control| control.cancel("enough"))
            .await
            .is_none()
    );
    office.journal.revive();
    office.take_calls();
    // The order and what it led to are in one append: with it the run is over.
    let resumed = office.resume().await.expect("no death");
    let over = resumed.expect_err("it is over");
    assert!(matches!(over, RuntimeError::Over { .. }), "{over}");
    let outcome = office.outcome().expect("its end is on record");
    assert_eq!(
        (outcome.kind, outcome.why.as_str()),
        (OutcomeKind::Cancelled, "enough")
    );
    assert_eq!(office.take_calls(), Calls::default());
}

#[tokio::test]
async fn a_run_goes_on_in_one_place_only() {
    let office = Office::new();
    let _writer = office.journal.create(&office.id).expect("it is new");
    let refused = office
        .resume()
        .await
        .expect("no death")
        .expect_err("it is being written");
    assert!(matches!(refused, RuntimeError::Journal(_)), "{refused}");
}

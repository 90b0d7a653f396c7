//! A run reckons with what its models cost when it goes on, not with what they did when it began.

use crate::office::{Flights, builder, model, plan, text};
use leadhand::{
    Budget, Goal, Leadhand, MemoryJournal, ModelReply, Outcome, OutcomeKind, PersonInput, Price,
    RunId, SettingChange, Usage,
};
use std::future::pending;
use std::path::Path;

/// A cent.
const BUDGET_MICRO_USD: u64 = 10_000;
/// A dollar.
const RAISED_MICRO_USD: u64 = 1_000_000;
/// A thousandth of a dollar for each token of a reply.
const DEAR: Price = Price {
    input_micro_usd: 0,
    cached_micro_usd: None,
    output_micro_usd: 1_000_000_000,
};
const REPLY_TOKENS: u64 = 700;

/// What the run is taken up with: its one model under its name and price, or another one beside
/// it that is the default from then on.
fn leadhand(
    folder: &Path,
    journal: &MemoryJournal,
    name: &str,
    price: Price,
) -> (Leadhand, Flights) {
    let flights = Flights::new();
    let counted = flights.clone();
    let answers = move |_| {
        let flight = counted.begin();
        async move {
            let reply = text("done");
            drop(flight);
            reply.map(|reply| ModelReply {
                usage: Usage {
                    output_tokens: REPLY_TOKENS,
                    ..Usage::default()
                },
                ..reply
            })
        }
    };
    let answering = model(answers).costing(price);
    let builder = if name == "closure" {
        builder(folder, answering)
    } else {
        builder(folder, model(|_| async { text("by the first model") }))
            .model(name, answering)
            .default_model(name)
    };
    let leadhand = builder.journal(journal.clone()).build().unwrap();
    (leadhand, flights)
}

/// A run on a model that costs nothing, whose process dies while its only worker thinks.
async fn died(folder: &Path, journal: &MemoryJournal) -> RunId {
    let flights = Flights::new();
    let counted = flights.clone();
    let hanging = model(move |_| {
        let flight = counted.begin();
        async move {
            pending::<()>().await;
            drop(flight);
            text("never")
        }
    });
    let leadhand = builder(folder, hanging)
        .journal(journal.clone())
        .build()
        .unwrap();
    let mut goal = Goal::new("");
    goal.budget.micro_usd_max = Some(BUDGET_MICRO_USD);
    let run = leadhand
        .start_plan(goal, plan(&[("t", "Do.", &[])]))
        .unwrap();
    let id = run.id().clone();
    let run = tokio::spawn(run);
    flights.have_begun(1).await;
    run.abort();
    assert!(run.await.is_err(), "the run was dropped");
    id
}

fn raise() -> PersonInput {
    PersonInput::Change(Box::new(SettingChange {
        budget: Budget {
            micro_usd_max: Some(RAISED_MICRO_USD),
            ..Budget::default()
        },
        ..SettingChange::default()
    }))
}

#[tokio::test]
async fn a_run_that_goes_on_with_a_dearer_model_stops_at_its_budget_by_the_new_price() {
    // The same model that has become dearer, and another one.
    for name in ["closure", "dear"] {
        let folder = tempfile::tempdir().unwrap();
        let journal = MemoryJournal::new();
        let id = died(folder.path(), &journal).await;
        let ended = |outcome: Outcome| (outcome.kind, outcome.micro_usd);

        let (dear, asked) = leadhand(folder.path(), &journal, name, DEAR);
        let outcome = dear.resume(&id).await.unwrap();
        assert_eq!(ended(outcome), (OutcomeKind::BudgetSpent, 0), "{name}");
        assert_eq!(
            asked.counts().0,
            0,
            "{name}: what cannot be paid for is not asked"
        );

        // With a dollar there is room for a reply of a thousand tokens.
        let forked = dear.fork(&id, None, Vec::new()).await.unwrap();
        let outcome = dear.resume_with(&id, vec![raise()]).await.unwrap();
        let cost = REPLY_TOKENS * DEAR.output_micro_usd / 1_000_000;
        assert_eq!(ended(outcome), (OutcomeKind::Done, cost), "{name}");

        // And where it costs nothing any more, there is no bound to it.
        let (free, _) = leadhand(folder.path(), &journal, name, Price::default());
        let outcome = free.resume(&forked.run).await.unwrap();
        assert_eq!(ended(outcome), (OutcomeKind::Done, 0), "{name}");
        for run in [&id, &forked.run] {
            let records = dear.journal().read(run).unwrap().records;
            leadhand::replay(&records).unwrap();
        }
    }
}

#[tokio::test]
async fn a_run_whose_models_cost_what_they_did_is_told_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let journal = MemoryJournal::new();
    let id = died(folder.path(), &journal).await;
    let (another, _) = leadhand(folder.path(), &journal, "another", Price::default());
    assert_eq!(another.resume(&id).await.unwrap().kind, OutcomeKind::Done);
    let records = another.journal().read(&id).unwrap().records;
    let is_order =
        |record: &&leadhand::Record| matches!(*record.event, leadhand::Event::PersonOrdered { .. });
    assert_eq!(records.iter().find(is_order), None);
}

//! A run with a long history is taken up from its last snapshot, and from the records where that
//! is gone.

use crate::office::{Flights, builder, model, plan, tasks, text};
use leadhand::{Durability, Leadhand, Limits, OutcomeKind, RunId, SledJournal};
use std::future::pending;
use std::path::Path;

/// Enough for more records than a snapshot is written after.
const TASKS: usize = 1_800;
/// The call at which the first life hangs.
const HANGS_AT: usize = 1_790;

fn leadhand(folder: &Path, root: &Path, flights: &Flights) -> Leadhand {
    let flights = flights.clone();
    let worker = model(move |_| {
        let flight = flights.begin();
        async move {
            if flight.number() == HANGS_AT {
                pending::<()>().await;
            }
            text("done")
        }
    });
    let limits = Limits {
        workers_max: 1,
        tasks_max: TASKS,
        ..Limits::default()
    };
    builder(folder, worker)
        .limits(limits)
        .journal(SledJournal::open_root(root, Durability::Process))
        .build()
        .unwrap()
}

async fn dies_late(leadhand: &Leadhand, flights: &Flights) -> RunId {
    let ids: Vec<String> = (0..TASKS).map(|number| format!("t{number}")).collect();
    let steps: Vec<(&str, &str, &[&str])> =
        ids.iter().map(|id| (id.as_str(), "Do.", &[][..])).collect();
    let mut plan = plan(&steps);
    plan.answer = plan.tasks.last().map(|task| task.id.clone());
    let run = leadhand.start_plan("", plan).unwrap();
    let id = run.id().clone();
    let run = tokio::spawn(run);
    flights.have_begun(HANGS_AT).await;
    run.abort();
    assert!(run.await.is_err(), "the run was dropped");
    id
}

#[tokio::test]
async fn a_long_run_goes_on_from_its_snapshot_or_without_it() {
    for keep in [true, false] {
        let (folder, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let flights = Flights::new();
        let id = {
            let leadhand = leadhand(folder.path(), root.path(), &flights);
            dies_late(&leadhand, &flights).await
        };
        let leadhand = leadhand(folder.path(), root.path(), &flights);
        let snapshot = leadhand.journal().snapshot(&id).unwrap();
        let covered = snapshot.expect("there is a snapshot").next_seq;
        assert!(covered >= 10_000, "it covers {covered} records");
        if !keep {
            std::fs::remove_file(root.path().join("runs").join(id.as_str()).join("snapshot"))
                .unwrap();
        }
        let outcome = leadhand.resume(&id).await.unwrap();
        assert_eq!(outcome.kind, OutcomeKind::Done);
        assert!(tasks(&outcome).iter().all(|(_, state, _)| *state == "done"));
        // What was done in the first life was not done again.
        assert_eq!(flights.counts().0, TASKS + 1);
        let records = leadhand.journal().read(&id).unwrap().records;
        assert!(leadhand::replay(&records).is_ok());
    }
}

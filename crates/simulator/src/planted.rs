//! Known defects that are put into what a run left behind, as a program would leave it that has
//! them: so that an invariant that finds nothing is known to look. Those that a part of the world
//! has are put in there.

use crate::mind::MODEL;
use crate::script::Planted;
use crate::trace::{Branch, Trace};
use leadhand_protocol::coordination::PrimitiveName;
use leadhand_protocol::{Event, Grade, OutcomeKind, Record};

/// More than any budget of turns allows.
const TURNS_TOO_MANY: usize = 50;

pub(crate) fn plant(trace: &mut Trace) {
    let Some(planted) = trace.script.planted else {
        return;
    };
    match planted {
        Planted::Overspent => overspend(&mut trace.records),
        Planted::CalledAfterCancel => call_after_cancel(&mut trace.records),
        Planted::PermitsIgnored => keep_permits_unseen(&mut trace.records),
        Planted::CheckForged => without_last(&mut trace.records, |event| {
            matches!(event, Event::ChecksFinished { .. })
        }),
        Planted::EndUnrecorded => without_last(&mut trace.records, |event| {
            matches!(event, Event::AgentEnded { .. })
        }),
        Planted::RecordChanged => {
            let told = trace
                .records
                .iter_mut()
                .find_map(|record| match &mut record.event {
                    Event::AgentStarted { attempt, .. } => Some(attempt),
                    _ => None,
                });
            told.into_iter().for_each(|attempt| *attempt += 1);
        }
        Planted::ServiceActsTwice
        | Planted::RecordLost
        | Planted::AcknowledgedUnstored
        | Planted::SyncIgnored
        | Planted::CancelIgnored
        | Planted::StatusStale
        | Planted::WrittenAfterEnd
        | Planted::AnswerLost
        | Planted::OnlookerPanics
        | Planted::BranchRepeats => {}
    }
}

/// The first thing that the other run did before the branch is done once more.
pub(crate) fn plant_in_branch(branch: &mut Branch, other: &Trace) {
    if other.script.planted == Some(Planted::BranchRepeats) {
        branch.trace.begun.extend(other.begun.first().cloned());
    }
}

/// Turns are begun, one after the other, where the run had stopped because its budget was spent.
fn overspend(records: &mut Vec<Record>) {
    let spent = |event: &Event| {
        let kind = OutcomeKind::BudgetSpent;
        matches!(event, Event::StopOrdered { kind: stopped, .. } if *stopped == kind)
    };
    let turn = records.iter().rev().find(|record| begins(&record.event));
    let stop = records.iter().position(|record| spent(&record.event));
    if let (Some(turn), Some(stop)) = (turn.cloned(), stop) {
        for _ in 0..TURNS_TOO_MANY {
            records.insert(stop, turn.clone());
        }
    }
}

/// What the run was started with says that one turn at a time calls the model.
fn keep_permits_unseen(records: &mut [Record]) {
    let first = records.first_mut().map(|record| &mut record.event);
    if let (Some(Event::RunStarted(start)), Ok(name)) =
        (first, PrimitiveName::new(format!("model/{MODEL}")))
    {
        std::sync::Arc::make_mut(start).permits.insert(name, 1);
    }
}

fn call_after_cancel(records: &mut Vec<Record>) {
    let cancels = |event: &Event| {
        let kind = OutcomeKind::Cancelled;
        matches!(event, Event::StopOrdered { kind: stopped, grade: Grade::Stop, .. } if *stopped == kind)
    };
    let turn = records.iter().find(|record| begins(&record.event)).cloned();
    let cancel = records.iter().position(|record| cancels(&record.event));
    if let (Some(turn), Some(cancel)) = (turn, cancel) {
        records.insert(cancel + 1, turn);
    }
}

fn begins(event: &Event) -> bool {
    matches!(event, Event::TurnStarted { .. })
}

fn without_last(records: &mut Vec<Record>, wanted: impl Fn(&Event) -> bool) {
    if let Some(place) = records.iter().rposition(|record| wanted(&record.event)) {
        records.remove(place);
    }
}

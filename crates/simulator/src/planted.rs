//! Known defects that are put into what a run left behind, as a program would leave it that has
//! them: so that an invariant that finds nothing is known to look. Those that a part of the world
//! has are put in there.

use crate::mind::MODEL;
use crate::script::Planted;
use crate::trace::{Branch, Saw, Seen, Trace};
use leadhand_protocol::coordination::{
    Asker, CycleStep, Delivered, Fact, LockMode, Obtained, PrimitiveKind, PrimitiveName,
    QuestionId, WaitId,
};
use leadhand_protocol::{AgentId, Event, Grade, OutcomeKind, Record};
use std::collections::BTreeSet;
use std::sync::Arc;

/// An agent that no run has.
const NOBODY: AgentId = AgentId(u32::MAX);
/// More than are given out at once.
const FENCES_MANY: u64 = 100;
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
            let told = trace.records.iter_mut().find_map(|record| {
                match Arc::make_mut(&mut record.event) {
                    Event::AgentStarted { attempt, .. } => Some(attempt),
                    _ => None,
                }
            });
            told.into_iter().for_each(|attempt| *attempt += 1);
        }
        Planted::LockDoubled => double_lock(&mut trace.records),
        Planted::GrantUnrecorded => unrecord_grant(trace),
        Planted::WakeUpLost => lose_wake_up(&mut trace.records),
        Planted::DeadlockInvented => invent_deadlock(&mut trace.records),
        Planted::DeadlockUnfound => without_last(&mut trace.records, |event| {
            matches!(fact_of(event), Some(Fact::DeadlockBroken { .. }))
        }),
        Planted::MessageDoubled => double_message(&mut trace.seen),
        Planted::AnsweredTwice => again(&mut trace.records, |fact| {
            matches!(fact, Fact::Answered { .. })
        }),
        Planted::ServiceActsTwice
        | Planted::RecordLost
        | Planted::AcknowledgedUnstored
        | Planted::SyncIgnored
        | Planted::CancelIgnored
        | Planted::StatusStale
        | Planted::WrittenAfterEnd
        | Planted::AnswerLost
        | Planted::OnlookerPanics
        | Planted::LockKept
        | Planted::BranchRepeats => {}
    }
}

/// A second party has a lock that the first one has alone.
fn double_lock(records: &mut Vec<Record>) {
    again(records, |fact| match fact {
        Fact::Granted {
            asker,
            obtained: Obtained::Locks(held),
            ..
        } if held.iter().any(|it| it.mode == LockMode::Exclusive) => {
            asker.party = NOBODY;
            let numbers = held.iter_mut().map(|it| &mut it.fence);
            numbers.for_each(|fence| *fence += FENCES_MANY);
            true
        }
        _ => false,
    });
}

/// What a tool was told first is not on record.
fn unrecord_grant(trace: &mut Trace) {
    let told = trace.seen.get(trace.seen_before_cut);
    let told = told.map(|seen| seen.asker);
    without_last(&mut trace.records, |event| match fact_of(event) {
        Some(Fact::Granted { asker, .. }) => Some(*asker) == told,
        _ => false,
    });
}

/// The first who waits is told that it waits for itself.
fn invent_deadlock(records: &mut Vec<Record>) {
    again(records, |fact| {
        let Fact::Waiting { asker, .. } = fact else {
            return false;
        };
        *fact = Fact::DeadlockBroken {
            victim: *asker,
            cycle: vec![CycleStep {
                party: asker.party,
                kind: PrimitiveKind::Lock,
                name: PrimitiveName::from(QuestionId(0)),
            }],
        };
        true
    });
}

/// A tool gets the last message once more, by another request.
fn double_message(seen: &mut Vec<Seen>) {
    let is_published = |seen: &&Seen| {
        let saw = &seen.saw;
        matches!(saw, Saw::Message(Delivered::Published { .. }))
    };
    let last = seen.iter().rfind(is_published).cloned();
    seen.extend(last.map(|mut seen| {
        seen.asker.wait = WaitId(u32::MAX);
        seen
    }));
}

fn fact_of(event: &Event) -> Option<&Fact> {
    match event {
        Event::Coordinated { fact } => Some(fact),
        _ => None,
    }
}

/// The first fact that is wanted stands there once more, as it is changed.
fn again(records: &mut Vec<Record>, change: impl Fn(&mut Fact) -> bool) {
    let changed = records.iter().enumerate().find_map(|(place, record)| {
        let mut fact = fact_of(&record.event)?.clone();
        let is_wanted = change(&mut fact);
        is_wanted.then_some((place, fact))
    });
    if let Some((place, fact)) = changed {
        let mut record = records[place].clone();
        let fact = Box::new(fact);
        record.event = Arc::new(Event::Coordinated { fact });
        records.insert(place + 1, record);
    }
}

/// The grant of a lock to one who waited for it is not there.
fn lose_wake_up(records: &mut Vec<Record>) {
    let mut waiting: BTreeSet<Asker> = BTreeSet::new();
    let grant = records
        .iter()
        .position(|record| match fact_of(&record.event) {
            Some(Fact::Waiting { asker, .. }) => {
                waiting.insert(*asker);
                false
            }
            Some(Fact::Granted {
                asker,
                obtained: Obtained::Locks(_),
                ..
            }) => waiting.contains(asker),
            _ => false,
        });
    grant
        .into_iter()
        .for_each(|place| drop(records.remove(place)));
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
    let first = records
        .first_mut()
        .map(|record| Arc::make_mut(&mut record.event));
    if let (Some(Event::RunStarted(start)), Ok(name)) =
        (first, PrimitiveName::new(format!("model/{MODEL}")))
    {
        Arc::make_mut(start).permits.insert(name, 1);
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

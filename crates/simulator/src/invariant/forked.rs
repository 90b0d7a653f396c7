//! What stands before a branch is the other run's to the byte, costs the branch nothing and is not
//! done by it again; and whatever the branch does, the other run is as it was. All that must hold
//! of a run is held of the branch as well, beside this.

use crate::trace::{Branch, Forking, Trace, What};
use leadhand_engine::{Agent, CallStatus, Spent};
use leadhand_protocol::{CallId, Event, Record};
use leadhand_runtime::rebuild;

pub(super) fn check(trace: &Trace) -> Result<(), String> {
    match &trace.branch {
        None | Some(Forking::Refused(_)) => Ok(()),
        Some(Forking::Broken(what)) => Err(format!("no branch could be made: {what}")),
        Some(Forking::Made(branch)) => made(branch),
    }
}

fn made(branch: &Branch) -> Result<(), String> {
    if branch.other != branch.other_after {
        return Err(format!(
            "the other run had {} records, and has other ones, {}, after its branch",
            branch.other.len(),
            branch.other_after.len()
        ));
    }
    let records = &branch.trace.records;
    // Stored as a whole: a power cut that may take it takes all of it.
    if records.is_empty() {
        return Ok(());
    }
    let before = &branch.other[..branch.at];
    for (place, record) in before.iter().enumerate() {
        if records.get(place).map(bytes) != Some(bytes(record)) {
            return Err(format!(
                "record {place} is {:?}, and in the branch {:?}",
                record.event,
                records.get(place).map(|record| &*record.event)
            ));
        }
    }
    let mark = records.get(branch.at).map(|record| &*record.event);
    if !matches!(mark, Some(Event::Forked { .. })) {
        return Err(format!("at {} it does not branch: {mark:?}", branch.at));
    }
    let spent = rebuild(&records[..=branch.at]).spent();
    if spent != Spent::default() {
        return Err(format!("it begins with {spent:?} that the other run spent"));
    }
    nothing_again(branch, before)
}

/// A record as it would be written.
fn bytes(record: &Record) -> Vec<u8> {
    serde_json::to_vec(record).unwrap_or_default()
}

fn nothing_again(branch: &Branch, before: &[Record]) -> Result<(), String> {
    let run = rebuild(before);
    // A call in doubt is not over, and may have got the answer of its probe.
    let is_over = |id: CallId| {
        let mut calls = run.agents().flat_map(Agent::calls);
        calls.all(|call| call.id != id || matches!(call.status, CallStatus::Finished(_)))
    };
    for begun in &branch.trace.begun {
        let is_done = |record: &&Record| match (&*record.event, &begun.what) {
            (
                Event::ModelReplied { agent, turn, .. },
                What::Model {
                    agent: asked,
                    turn: of,
                },
            ) => (agent, turn) == (asked, of),
            (Event::ToolFinished { call, .. }, What::Tool { call: made, .. }) => {
                call == made && is_over(*call)
            }
            _ => false,
        };
        if let Some(record) = before.iter().find(is_done) {
            return Err(format!(
                "{:?} began in the branch, and record {} before it says what it gave",
                begun.what, record.seq
            ));
        }
    }
    Ok(())
}

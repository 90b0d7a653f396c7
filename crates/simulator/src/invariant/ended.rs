//! How processes and agents end.

use crate::trace::{Ended, Trace};
use leadhand_protocol::{AgentId, Event, OutcomeKind};
use std::collections::BTreeSet;

/// A process ends with an outcome, or as the script has it end.
pub(super) fn not_broken(trace: &Trace) -> Result<(), String> {
    for (life, ended) in trace.lives.iter().enumerate() {
        if let Ended::Broken(what) = ended {
            return Err(format!("life {life} broke: {what}"));
        }
    }
    Ok(())
}

/// A run that stands still waits for somebody; and one that nothing hinders comes to its end.
pub(super) fn goes_on(trace: &Trace) -> Result<(), String> {
    for (life, ended) in trace.lives.iter().enumerate() {
        if *ended == (Ended::Stuck { owed: 0, open: 0 }) {
            return Err(format!(
                "in life {life} the run waits, and nothing can come"
            ));
        }
    }
    if trace.ended().is_none() && !trace.records.is_empty() {
        return Err(format!(
            "the run never ended: {:?}; its last record is {:?}",
            trace.lives,
            trace.records.last().map(|record| &record.event)
        ));
    }
    if let (Some(Ended::Stuck { owed, .. }), None) = (trace.lives.last(), trace.ended()) {
        return Err(format!("the run still waits, for {owed} things"));
    }
    Ok(())
}

/// An agent ends by a record of its own, or with its run; after that nothing is said of it, and
/// nothing is at work for it. Of a run that achieved its goal all have ended by themselves.
pub(super) fn descendants(trace: &Trace) -> Result<(), String> {
    let mut alive: BTreeSet<AgentId> = BTreeSet::new();
    let mut gone: BTreeSet<AgentId> = BTreeSet::new();
    for record in &trace.records {
        if let Some(agent) = concerned(&record.event).filter(|agent| gone.contains(agent)) {
            return Err(format!(
                "record {} is of {agent}, which had ended: {:?}",
                record.seq, record.event
            ));
        }
        match &*record.event {
            Event::AgentStarted { agent, .. } => {
                alive.insert(*agent);
            }
            Event::AgentEnded { agent, .. } => {
                if !alive.remove(agent) {
                    return Err(format!("{agent} ended and was not there"));
                }
                gone.insert(*agent);
            }
            Event::RunEnded(outcome) => {
                let kind = outcome.kind;
                if kind == OutcomeKind::Done && !alive.is_empty() {
                    return Err(format!("the run is done, and {alive:?} never ended"));
                }
            }
            _ => {}
        }
    }
    for (life, ended) in trace.lives.iter().enumerate() {
        if let Ended::Alive(tasks) = ended {
            return Err(format!(
                "{tasks} tasks were alive after life {life} had ended"
            ));
        }
    }
    Ok(())
}

/// The agent that an event says something of that only one at work does.
fn concerned(event: &Event) -> Option<AgentId> {
    match event {
        Event::TurnStarted { agent, .. }
        | Event::ModelReplied { agent, .. }
        | Event::ModelFailed { agent, .. }
        | Event::Told { agent, .. }
        | Event::OutputGiven { agent, .. } => Some(*agent),
        Event::ToolCalled { call, .. }
        | Event::CallEdited { call, .. }
        | Event::CallStarted { call }
        | Event::CallInDoubt { call, .. }
        | Event::ProbeOrdered { call, .. }
        | Event::ToolFinished { call, .. } => Some(call.agent),
        _ => None,
    }
}

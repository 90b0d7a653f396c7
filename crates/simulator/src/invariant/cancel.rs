//! Cancelled is cancelled: nothing more is ordered in the journal, and nothing more begins in the
//! world, in this process or a later one. To undo what was done is another order of a person.

use crate::script::Life;
use crate::trace::{Trace, What};
use leadhand_protocol::{AgentId, Event, Grade, OutcomeKind, PersonInput, Purpose};
use std::collections::BTreeSet;

pub(super) fn check(trace: &Trace) -> Result<(), String> {
    in_the_journal(trace)?;
    in_the_world(trace)
}

fn in_the_journal(trace: &Trace) -> Result<(), String> {
    let mut cancelled: Option<Grade> = None;
    let mut undoing: BTreeSet<AgentId> = BTreeSet::new();
    for record in &trace.records {
        let Some(grade) = cancelled else {
            if let Event::StopOrdered {
                kind: OutcomeKind::Cancelled,
                grade,
                ..
            } = &*record.event
            {
                cancelled = Some(*grade);
            }
            continue;
        };
        let more = match &*record.event {
            Event::AgentStarted { agent, purpose, .. } => match purpose {
                Purpose::RollBack => {
                    undoing.insert(*agent);
                    false
                }
                Purpose::Judge { .. } => grade != Grade::WrapUp,
                Purpose::Plan
                | Purpose::Revise
                | Purpose::Task(_)
                | Purpose::Drift { .. }
                | Purpose::Answer
                | Purpose::Reply { .. } => true,
            },
            Event::TurnStarted { .. } => grade != Grade::WrapUp,
            Event::ToolCalled { call, .. }
            | Event::CallStarted { call }
            | Event::ProbeOrdered { call, .. } => {
                grade != Grade::WrapUp && !undoing.contains(&call.agent)
            }
            Event::StopOrdered { grade: tighter, .. } => {
                cancelled = Some(grade.max(*tighter));
                false
            }
            Event::RunResumed => {
                // Who is taken up again wraps nothing up.
                cancelled = Some(grade.max(Grade::Stop));
                false
            }
            _ => false,
        };
        if more {
            return Err(format!(
                "record {} orders more after the run was cancelled: {:?}",
                record.seq, record.event
            ));
        }
    }
    Ok(())
}

fn in_the_world(trace: &Trace) -> Result<(), String> {
    let cancels = trace.given.iter().filter(|given| {
        let stops = matches!(
            &given.order,
            PersonInput::Cancel {
                grade: Grade::Stop | Grade::Abort,
                ..
            }
        );
        stops && given.answer.is_ok() && !may_be_lost(trace, given.life)
    });
    for cancel in cancels {
        // What was ordered before, and had not begun at that very moment, counts as in flight.
        let later = trace.begun.iter().find(|begun| {
            let undoes = match &begun.what {
                What::Tool { undoes, .. } => *undoes,
                What::Question { .. } => true,
                What::Model { .. } => false,
            };
            !undoes && begun.at_ms > cancel.at_ms && !of_roll_back(trace, &begun.what)
        });
        if let Some(later) = later {
            return Err(format!(
                "{:?} began at {} ms, and the run was cancelled at {} ms",
                later.what, later.at_ms, cancel.at_ms
            ));
        }
    }
    Ok(())
}

/// Whether a power cut in this life or a later one may take an order that was acknowledged.
fn may_be_lost(trace: &Trace, life: usize) -> bool {
    let mut lives = trace.script.lives.iter().skip(life);
    let cut = |life: &Life| life.death.is_some_and(|death| death.power_cut.is_some());
    !trace.script.terms.to_disk && lives.any(cut)
}

/// Whether something is done for the agent that undoes.
fn of_roll_back(trace: &Trace, what: &What) -> bool {
    let agent = match what {
        What::Model { agent, .. } => *agent,
        What::Tool { call, .. } => call.agent,
        What::Question { .. } => return false,
    };
    trace.records.iter().any(|record| {
        matches!(&*record.event,
            Event::AgentStarted { agent: started, purpose: Purpose::RollBack, .. } if *started == agent
        )
    })
}

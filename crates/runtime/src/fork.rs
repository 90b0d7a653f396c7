//! A branch of a run: the same records up to a place, then another way. What stands before the
//! branch costs nothing and is not done again.

use crate::error::RuntimeError;
use crate::runtime::{Runtime, rebuild, undamaged};
use leadhand_engine::{Agent, CallStatus, Run, decide, settle};
use leadhand_journal::History;
use leadhand_protocol::{
    CallId, Event, Input, PersonInput, Record, RunId, Seq, Timed, ToolCall, ToolOutput,
};
use std::sync::Arc;

/// Records that are looked back over for the input of which one was decided: more than there are
/// calls in flight, of which each may become one when a run is resumed.
const DECIDED_AT_ONCE_MAX: usize = 256;

/// A branch that was made, and what is to be known before it is resumed.
#[derive(Debug, Clone, PartialEq)]
pub struct Forked {
    /// The branch. It goes on with [`Runtime::resume`].
    pub run: RunId,
    /// How many records of the other run it has.
    pub at: Seq,
    /// Calls that must not be made twice and that the other run made after the branch: going
    /// another way, the branch may make them again.
    pub made_since: Vec<Arc<ToolCall>>,
}

impl Runtime {
    /// Makes a branch `to` of the run `from`: its records before `at` (all of them for none),
    /// then `changes`. Records that were decided as one are not taken apart: the branch begins
    /// before all of them. What was in flight there and has ended since in the other run is taken
    /// over. Nothing is carried out; the branch is resumed as any run that stopped.
    ///
    /// # Errors
    /// [`RuntimeError::ForkPastEnd`], [`RuntimeError::ForkAfterEnd`] where the run was over,
    /// [`RuntimeError::Refused`] when a change cannot be made there, [`RuntimeError::Damaged`],
    /// and whatever the journal says. Nothing was made then.
    pub async fn fork(
        &self,
        from: &RunId,
        at: Option<Seq>,
        to: &RunId,
        changes: Vec<PersonInput>,
    ) -> Result<Forked, RuntimeError> {
        let History { records, damage } = self.journal.read(from)?;
        undamaged(from, damage)?;
        let end = records.len() as Seq;
        let at = at.unwrap_or(end);
        if at == 0 || at > end {
            return Err(RuntimeError::ForkPastEnd {
                run: from.clone(),
                at,
                records: end,
            });
        }
        let since = usize::try_from(at).unwrap_or(usize::MAX);
        let since = beginning(&records, since.min(records.len()));
        let (before, after) = records.split_at(since);
        let run = rebuild(before);
        if run
            .outcome()
            .is_some_and(|outcome| !outcome.kind.resumable())
        {
            return Err(RuntimeError::ForkAfterEnd {
                run: from.clone(),
                at,
            });
        }
        let mut branch = Branch {
            run,
            records: before.to_vec(),
            at_ms: (self.clock)(),
        };
        branch.take(from, Input::Fork { from: from.clone() })?;
        for input in taken_over(&branch.run, after) {
            branch.take(from, input)?;
        }
        for change in changes {
            branch.take(from, Input::Person(change))?;
        }
        let made_since = made(&branch.run, after);
        let mut writer = self.journal.create(to)?;
        writer.append(&branch.records)?.await?;
        writer.close()?;
        Ok(Forked {
            run: to.clone(),
            at: since as Seq,
            made_since,
        })
    }
}

/// The nearest place at or before `at` where something was decided: between records that were
/// decided as one the state is none that anything can be decided in.
fn beginning(records: &[Record], at: usize) -> usize {
    let is_one = |at: &usize| {
        let Some(next) = records.get(*at) else {
            return true;
        };
        if is_within_one(records, *at) {
            return false;
        }
        match settle(&rebuild(&records[..*at])).first() {
            Some(first) => *first == *next.event,
            None => Input::of(&next.event).is_some(),
        }
    };
    (1..=at).rev().find(is_one).unwrap_or(1)
}

/// Whether the record at `at` is a later one of those that an input was decided into, or that
/// followed together. It may look like one that came by itself.
fn is_within_one(records: &[Record], at: usize) -> bool {
    let before = (at.saturating_sub(DECIDED_AT_ONCE_MAX)..at).rev();
    // What is decided as one has one time.
    let before = before.take_while(|from| records[*from].at_ms == records[at].at_ms);
    let Some(start) = before.last() else {
        return false;
    };
    let mut run = rebuild(&records[..start]);
    (start..at).any(|from| {
        let Record { event, at_ms, .. } = &records[from];
        let followed = settle(&run);
        let decided = Input::of(event).map(|input| {
            let at_ms = *at_ms;
            decide(&run, &Timed { at_ms, input }).unwrap_or_default()
        });
        run.apply(&records[from]);
        let reaches_over = |events: &[Event]| {
            let recorded = records[from..].iter().map(|record| &*record.event);
            events.len() > at - from && events.iter().zip(recorded).all(|(one, other)| one == other)
        };
        reaches_over(&followed) || reaches_over(&decided.unwrap_or_default())
    })
}

struct Branch {
    run: Run,
    records: Vec<Record>,
    at_ms: u64,
}

impl Branch {
    fn take(&mut self, from: &RunId, input: Input) -> Result<(), RuntimeError> {
        let at_ms = self.at_ms;
        let events = decide(&self.run, &Timed { at_ms, input });
        let events = events.map_err(|refusal| RuntimeError::Refused {
            run: from.clone(),
            why: refusal.to_string(),
        })?;
        for event in events {
            let seq = self.records.len() as Seq;
            let event = Arc::new(event);
            let record = Record { seq, at_ms, event };
            self.run.apply(&record);
            self.records.push(record);
        }
        Ok(())
    }
}

/// What became, in the other run, of the tool calls that were in flight at the branch. Of one that
/// was in doubt by then, or came in doubt before it ended, what is on record may be the answer of
/// its probe: the branch finds out by itself.
fn taken_over(run: &Run, after: &[Record]) -> Vec<Input> {
    let calls = run.agents().flat_map(Agent::calls);
    let at_work = calls.filter(|call| matches!(call.status, CallStatus::Running));
    let ended = at_work.filter_map(|call| {
        let mut later = after.iter().filter_map(|record| match &*record.event {
            Event::ToolFinished { call, outcome } => Some((*call, Some(outcome))),
            Event::CallInDoubt { call, .. } => Some((*call, None)),
            _ => None,
        });
        let (id, outcome) = later.find(|(id, _)| *id == call.id)?;
        Some(Input::ToolFinished {
            call: id,
            outcome: outcome?.clone(),
        })
    });
    ended.collect()
}

/// Calls that must not be made twice and were made with success after the branch.
fn made(run: &Run, after: &[Record]) -> Vec<Arc<ToolCall>> {
    let Some(setting) = run.setting() else {
        return Vec::new();
    };
    let succeeded = |id: CallId| {
        after.iter().any(|record| {
            let ok = |outcome: &Result<ToolOutput, _>| outcome.is_ok();
            matches!(&*record.event, Event::ToolFinished { call, outcome } if *call == id && ok(outcome))
        })
    };
    let pending = |id: CallId| {
        let mut calls = run.agents().flat_map(Agent::calls);
        calls.find(|call| call.id == id).map(|call| &call.call)
    };
    let calls = after.iter().filter_map(|record| match &*record.event {
        Event::ToolCalled {
            call, tool_call, ..
        } if succeeded(*call) => Some(tool_call),
        // Ordered before the branch, and begun after it.
        Event::CallStarted { call } if succeeded(*call) => pending(*call),
        _ => None,
    });
    let harmful = |call: &&Arc<ToolCall>| !setting.is_repeatable(&call.name);
    calls.filter(harmful).cloned().collect()
}

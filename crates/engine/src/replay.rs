//! A run is derived again from its records: every input is given again, and every fact that
//! followed from it must follow again, to the byte.

use crate::decide::decide;
use crate::run::Run;
use crate::settle::settle;
use leadhand_protocol::{Event, Input, PersonInput, Record, Seq, Timed};
use std::sync::Arc;

/// A run that was derived again.
#[derive(Debug)]
pub struct Replayed {
    /// Its state at the end.
    pub run: Run,
    /// Records that are inputs: what the world and people said.
    pub inputs: usize,
    /// Records that were derived, and are what was recorded.
    pub derived: usize,
}

/// The first record that does not follow from those before it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("record {seq} does not follow: recorded is {}, derived is {}{}", shown(recorded.as_deref()), shown(derived.as_deref()), because(why.as_deref()))]
pub struct Difference {
    /// Where.
    pub seq: Seq,
    /// What was recorded; none where the records end before.
    pub recorded: Option<Arc<Event>>,
    /// What follows; none where nothing does.
    pub derived: Option<Box<Event>>,
    /// Why nothing does, where that has a reason.
    pub why: Option<String>,
}

/// Derives a run again from all its records.
///
/// Records end where a process did: what would have followed from the last of them is not
/// missed. What a run was told while nobody carried it out stands before what then followed.
///
/// # Errors
/// The first [`Difference`].
pub fn replay(records: &[Record]) -> Result<Replayed, Box<Difference>> {
    let mut replayed = Replayed {
        run: Run::new(),
        inputs: 0,
        derived: 0,
    };
    let mut left = records;
    // A branch begins with what the other run had in flight, and goes on when it is resumed.
    let mut branching = false;
    while let Some(next) = left.first() {
        let follows = settle(&replayed.run);
        let same = follows
            .iter()
            .zip(left)
            .take_while(|(event, record)| **event == *record.event)
            .count();
        if same > 0 && (same == follows.len() || same == left.len()) {
            replayed.derived += same;
            left = take(&mut replayed.run, left, same);
            continue;
        }
        branching = match *next.event {
            Event::Forked { .. } => true,
            Event::RunResumed => false,
            _ => branching,
        };
        if !follows.is_empty() && !comes_at_any_time(&next.event, branching) {
            return Err(difference(left, &follows, same));
        }
        let Some(input) = Input::of(&next.event) else {
            return Err(difference(left, &follows, 0));
        };
        let at_ms = next.at_ms;
        let events = decide(&replayed.run, &Timed { at_ms, input }).map_err(|refusal| {
            Box::new(Difference {
                why: Some(refusal.to_string()),
                ..*difference(left, &[], 0)
            })
        })?;
        let same = events
            .iter()
            .zip(left)
            .take_while(|(event, record)| **event == *record.event)
            .count();
        if same == 0 || same < events.len().min(left.len()) {
            return Err(difference(left, &events, same));
        }
        replayed.inputs += 1;
        replayed.derived += same - 1;
        left = take(&mut replayed.run, left, same);
    }
    Ok(replayed)
}

fn take<'a>(run: &mut Run, records: &'a [Record], count: usize) -> &'a [Record] {
    let (taken, left) = records.split_at(count);
    for record in taken {
        run.apply(record);
    }
    left
}

/// Whether an event may stand where something else would have followed: the process that would
/// have recorded it had ended.
fn comes_at_any_time(event: &Event, branching: bool) -> bool {
    match Input::of(event) {
        Some(Input::Resume | Input::Fork { .. }) => true,
        Some(Input::Person(order)) => !matches!(order, PersonInput::Absent { .. }),
        Some(Input::ToolFinished { .. }) => branching,
        _ => false,
    }
}

fn difference(records: &[Record], derived: &[Event], at: usize) -> Box<Difference> {
    let record = records.get(at);
    let seq = record.or(records.last()).map_or(0, |record| record.seq);
    Box::new(Difference {
        seq,
        recorded: record.map(|record| Arc::clone(&record.event)),
        derived: derived.get(at).map(|event| Box::new(event.clone())),
        why: None,
    })
}

/// Longest that an event is shown in a message, in characters.
const SHOWN_CHARS_MAX: usize = 400;

fn shown(event: Option<&Event>) -> String {
    let Some(event) = event else {
        return "nothing".to_owned();
    };
    let json = serde_json::to_string(event).unwrap_or_default();
    crate::brief::cut(&json, SHOWN_CHARS_MAX)
}

fn because(why: Option<&str>) -> String {
    why.map_or_else(String::new, |why| format!(" ({why})"))
}

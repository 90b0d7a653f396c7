//! How agents deal with each other, judged by books that are kept once more, from the facts on
//! record and by other means than the program's, and by what tools at work were told.

mod book;
mod mail;
mod stuck;

pub(super) use mail::{answered, delivered};
pub(super) use stuck::{awake, deadlocks};

use crate::trace::{Saw, Trace};
use book::{Book, excludes};
use leadhand_protocol::coordination::{Asker, Fact, Obtained, PrimitiveName};
use leadhand_protocol::{Event, Record};
use std::collections::BTreeMap;

/// A moment at which the books are looked at.
enum Moment<'a> {
    /// Before this fact is in them.
    Before(&'a Fact),
    /// A decision is in them as a whole.
    Whole,
}

/// Goes through all facts, with the books as they are then.
fn walk<'a>(
    records: &'a [Record],
    mut judge: impl FnMut(&Book, Moment<'a>) -> Result<(), String>,
) -> Result<(), String> {
    let mut book = Book::default();
    let mut is_open = false;
    for record in records {
        let judged = match &*record.event {
            Event::Coordinated { fact } => {
                is_open = true;
                let judged = judge(&book, Moment::Before(fact));
                book.take(fact);
                judged
            }
            Event::Found(_) => Ok(()),
            _ if is_open => {
                is_open = false;
                judge(&book, Moment::Whole)
            }
            _ => Ok(()),
        };
        judged.map_err(|why| format!("record {}: {why}", record.seq))?;
    }
    Ok(())
}

/// No two parties have what excludes the other, by the facts and by what tools know; and the
/// numbers of grants grow.
pub(super) fn exclusion(trace: &Trace) -> Result<(), String> {
    walk(&trace.records, |book, moment| match moment {
        Moment::Before(Fact::Granted {
            asker, obtained, ..
        }) => book.may_have(asker.party, obtained),
        Moment::Before(_) | Moment::Whole => Ok(()),
    })?;
    for seen in &trace.seen {
        let Saw::Lock { held, beside } = &seen.saw else {
            continue;
        };
        let other = beside.iter().find(|(_, it)| excludes(held.mode, it.mode));
        if let Some((other, it)) = other {
            let party = seen.asker.party;
            return Err(format!(
                "a tool of {party} has {held:?} while one of {other} has {it:?}"
            ));
        }
    }
    Ok(())
}

/// What a tool is told is on record, and a call that is made again has the same lock by the same
/// grant. A power cut may have taken the record.
pub(super) fn told(trace: &Trace) -> Result<(), String> {
    if trace.seen.is_empty() {
        return Ok(());
    }
    let mut granted: BTreeMap<Asker, Vec<&Obtained>> = BTreeMap::new();
    walk(&trace.records, |_, moment| {
        if let Moment::Before(Fact::Granted {
            asker, obtained, ..
        }) = moment
        {
            granted.entry(*asker).or_default().push(obtained);
        }
        Ok(())
    })?;
    let mut fences: BTreeMap<(Asker, &PrimitiveName), u64> = BTreeMap::new();
    for seen in trace.seen.iter().skip(trace.seen_before_cut) {
        let on_record = granted.get(&seen.asker).into_iter().flatten();
        let mut on_record = on_record.map(|obtained| is_of(&seen.saw, obtained));
        if !on_record.any(|is_it| is_it) {
            return Err(format!("a tool was told what is not on record: {seen:?}"));
        }
        // A person may want another one made anew when it is over.
        if let Saw::Lock { held, .. } = &seen.saw
            && mail::was_made(trace, seen.asker)
        {
            let first = fences.entry((seen.asker, &held.lock)).or_insert(held.fence);
            if *first != held.fence {
                return Err(format!("{seen:?} was told before by number {first}"));
            }
        }
    }
    Ok(())
}

fn is_of(saw: &Saw, obtained: &Obtained) -> bool {
    match (saw, obtained) {
        (Saw::Lock { held, .. }, Obtained::Locks(locks)) => locks.contains(held),
        (Saw::Message(message), Obtained::Message(it)) => message == it,
        (Saw::Answer(question), Obtained::Answered { question: it, .. }) => question == it,
        _ => false,
    }
}

//! Checking an exported run against its chain: as text, so that nothing has to be understood of what
//! an event says, and one of a newer program is checked as well.

use super::{HOW_TO_EXPORT, Head, Lines, open, read_head};
use crate::failure::Failure;
use leadhand::RunId;
use leadhand::rooms::journal::{Chain, Damage, Verified};
use leadhand::rooms::protocol::{ContentHash, Seq};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::path::Path;

/// A line, and nothing in it that its link does not cover.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    run: RunId,
    seq: Seq,
    at_ms: u64,
    #[serde(borrow)]
    event: &'a RawValue,
    link: ContentHash,
}

/// Checks an exported run, and looks in it for a head that was noted.
///
/// # Errors
/// [`Failure::Usage`] when it is no export, or one without a chain. What does not hold is no error.
pub(crate) fn verify(
    path: &Path,
    noted: Option<ContentHash>,
) -> Result<(RunId, Verified), Failure> {
    let place = path.display();
    let mut lines = Lines::of(open(path)?);
    let head = lines
        .next()
        .and_then(|line| read_head(&line.unwrap_or_default()))
        .map_err(|what| Failure::usage(format!("{place}:1: {what}"), HOW_TO_EXPORT))?;
    let Some(last) = head.head else {
        return Err(Failure::usage(
            format!("{place}: its head line names no last link, so it carries no chain to check"),
            "leadhand 0.1 wrote exports without one at first; export the run again, or check the \
             run itself",
        ));
    };
    let mut chain = Chain::of(&head.run);
    let mut verified = Verified::of(&chain);
    verified.damage = loop {
        let seq = verified.records;
        let link = match lines.next() {
            Ok(Some(line)) => check(&line, seq, &head, &mut chain),
            Ok(None) => break cut_off(&head, last, &verified),
            Err(what) => Err(what),
        };
        match link {
            Ok(link) => verified.take(seq, link, noted),
            Err(what) => break Some(Damage { seq, what }),
        }
    };
    Ok((head.run, verified))
}

fn check(line: &str, seq: Seq, head: &Head, chain: &mut Chain) -> Result<ContentHash, String> {
    if seq >= head.records as Seq {
        let records = head.records;
        return Err(format!(
            "it is one more than the {records} of the head line"
        ));
    }
    let line: Line<'_> =
        serde_json::from_str(line).map_err(|error| format!("it is no record: {error}"))?;
    if line.run != head.run {
        return Err(format!("it is of run {}", line.run));
    }
    if line.seq < seq {
        return Err(format!(
            "record {} stands in its place, a second time or too late",
            line.seq
        ));
    }
    if line.seq > seq {
        return Err(format!("record {} stands in its place", line.seq));
    }
    let event = ContentHash::of(line.event.get().as_bytes());
    chain.check(seq, line.at_ms, event, Some(line.link))
}

/// What is missing at the end.
fn cut_off(head: &Head, last: ContentHash, verified: &Verified) -> Option<Damage> {
    if verified.records < head.records as Seq {
        let what = format!("it and all after it are gone, of {}", head.records);
        let seq = verified.records;
        return Some(Damage { seq, what });
    }
    (verified.head != last).then(|| Damage {
        seq: verified.records.saturating_sub(1),
        what: format!(
            "its link is {}, and the head line names {last} as that of the last record",
            verified.head
        ),
    })
}

//! Going through the records of a run: each must be the next one, whole, and follow on the one
//! before by its link. Where they come from is `run_records`' business.

use crate::format::{self, Fault};
use crate::{Chain, Damage, Verified};
use leadhand_protocol::{ContentHash, Record, RunId, Seq};
use std::ops::ControlFlow;

/// Records as they come, each the next one, until the end or the first fault.
pub(crate) struct Reading {
    pub(crate) next_seq: Seq,
    pub(crate) end: Seq,
    /// The `seq` after the last value that was seen, wanted or not.
    pub(crate) seen: Seq,
    /// The first record that may come next; none where anything may.
    pub(crate) follows: Option<Seq>,
    chain: Chain,
    /// How many records the head holds fast, and the link of the last of them.
    anchor: Option<(Seq, ContentHash)>,
    pub(crate) records: Vec<Record>,
    /// What is made of the records if they are not kept, and the head that was noted.
    verified: Option<(Verified, Option<ContentHash>)>,
    pub(crate) fault: Option<Fault>,
}

impl Reading {
    /// From one record on, to before another; `anchor` is what the head says.
    pub(crate) fn new(
        run: &RunId,
        from: Seq,
        end: Seq,
        anchor: Option<(Seq, ContentHash)>,
    ) -> Self {
        Self {
            next_seq: from,
            end,
            seen: 0,
            follows: None,
            chain: match from {
                0 => Chain::of(run),
                1.. => Chain::within(run),
            },
            anchor,
            records: Vec::new(),
            verified: None,
            fault: None,
        }
    }

    /// Has it keep no record, but what comes of checking them.
    pub(crate) fn keep_none(&mut self, noted: Option<ContentHash>) {
        self.verified = Some((Verified::of(&self.chain), noted));
    }

    /// What came of it.
    pub(crate) fn verified(self) -> Verified {
        let verified = self.verified.map(|(verified, _)| verified);
        Verified {
            unchained: self.chain.unchained(),
            ..verified.unwrap_or(Verified::of(&self.chain))
        }
    }

    pub(crate) fn goes_on(&self) -> bool {
        self.fault.is_none() && self.next_seq < self.end
    }

    pub(crate) fn stop(&mut self, fault: Fault) -> ControlFlow<()> {
        self.fault = Some(fault);
        ControlFlow::Break(())
    }

    /// Takes the values of the records from `begin` on; those before the next one are passed over.
    pub(crate) fn take(
        &mut self,
        begin: Seq,
        values: &[&[u8]],
        stored: impl Fn(Seq, &[u8]) -> Result<format::Stored, Fault>,
    ) -> ControlFlow<()> {
        if self.follows.is_some_and(|follows| begin < follows) {
            let what = format!("record {begin} stands here a second time");
            return self.stop(Fault::Damaged(what));
        }
        self.follows = Some(begin + values.len() as Seq);
        for (seq, value) in (begin..).zip(values) {
            if self.next_seq >= self.end {
                return ControlFlow::Break(());
            }
            self.seen = seq + 1;
            if seq < self.next_seq {
                continue;
            }
            if seq > self.next_seq {
                return self.stop(Fault::Damaged("it is missing".to_owned()));
            }
            if let Err(fault) = stored(seq, value).and_then(|stored| self.take_one(stored)) {
                return self.stop(fault);
            }
        }
        ControlFlow::Continue(())
    }

    /// Takes the next record, if it follows on the one before.
    fn take_one(&mut self, stored: format::Stored) -> Result<(), Fault> {
        let link = stored.follows(&mut self.chain)?;
        let seq = self.next_seq;
        if let Some((end, anchor)) = self.anchor
            && end == seq + 1
            && let Some(damage) = not_anchored(end, link, Some(anchor))
        {
            return Err(Fault::Damaged(damage.what));
        }
        self.next_seq += 1;
        match &mut self.verified {
            Some((verified, noted)) => verified.take(seq, link, *noted),
            None => self.records.push(stored.record),
        }
        Ok(())
    }
}

/// That the last of `end` records is not the one that the head holds fast.
pub(crate) fn not_anchored(
    end: Seq,
    link: ContentHash,
    anchor: Option<ContentHash>,
) -> Option<Damage> {
    anchor.filter(|anchor| *anchor != link).map(|anchor| Damage {
        seq: end.saturating_sub(1),
        what: format!(
            "its link is {link}, and that of the record which was on disk here is {anchor} by the \
             run's head: it or records before it were put in the place of others"
        ),
    })
}

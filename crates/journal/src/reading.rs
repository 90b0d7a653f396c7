//! Going through the records of a run: each must be the next one, whole, and follow on the one
//! before by its link. Where they come from is `run_records`' business.

use crate::format::{self, Fault};
use crate::{Chain, Damage};
use leadhand_protocol::{ContentHash, RunId, Seq};
use std::ops::ControlFlow;

/// Is given each record that holds, with its link, and says whether it wants the next one.
pub(crate) type Taker<'a> = dyn FnMut(format::Stored, ContentHash) -> ControlFlow<()> + 'a;

/// Records as they come, each the next one, until the end or the first fault.
pub(crate) struct Reading<'a> {
    pub(crate) next_seq: Seq,
    /// Before this one it ends; where whoever takes the records wants no more, before the next one.
    pub(crate) end: Seq,
    /// The `seq` after the last value that was seen, wanted or not.
    pub(crate) seen: Seq,
    /// The first record that may come next; none where anything may.
    pub(crate) follows: Option<Seq>,
    pub(crate) chain: Chain,
    /// How many records the head holds fast, and the link of the last of them.
    anchor: Option<(Seq, ContentHash)>,
    taker: &'a mut Taker<'a>,
    pub(crate) fault: Option<Fault>,
}

impl<'a> Reading<'a> {
    /// From one record on, to before another; `anchor` is what the head says.
    pub(crate) fn new(
        run: &RunId,
        from: Seq,
        end: Seq,
        anchor: Option<(Seq, ContentHash)>,
        taker: &'a mut Taker<'a>,
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
            taker,
            fault: None,
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
        if (self.taker)(stored, link).is_break() {
            self.end = self.next_seq;
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

//! How good a detector is on a set of traces. The definitions are those of the data, and hold for
//! our rules and the peers' alike; the data's own scorer, in Python, gives the same figures.

use crate::data::{Tier, Trace, Truth};
use std::collections::BTreeMap;

/// The first time that a detector calls a loop in a trace.
#[derive(Debug, Clone)]
pub(crate) struct Fire {
    /// The step.
    pub(crate) at: usize,
    /// Whose loop it is said to be, where the detector says so.
    pub(crate) agent: Option<String>,
}

/// How many out of how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Share {
    /// How many.
    pub(crate) part: usize,
    /// Out of how many.
    pub(crate) whole: usize,
}

impl Share {
    /// As a number from 0 to 1; 0 of nothing.
    pub(crate) fn ratio(self) -> f64 {
        if self.whole == 0 {
            return 0.0;
        }
        number(self.part) / number(self.whole)
    }

    fn count(&mut self, counts: bool) {
        self.whole += 1;
        self.part += usize::from(counts);
    }
}

/// What became of the traces of one source.
#[derive(Debug, Clone, Copy, Default)]
struct Source {
    right: usize,
    missed: usize,
    false_stops: usize,
}

/// How good a detector is on a set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Score {
    /// Loops that were called, and not too early.
    pub(crate) found: Share,
    /// The same, by the sort of case.
    pub(crate) by_tier: BTreeMap<Tier, Share>,
    /// The same, finer.
    pub(crate) by_kind: BTreeMap<String, Share>,
    /// Honest work that was stopped, among what looks like a loop.
    pub(crate) false_hard: Share,
    /// Honest work that was stopped, among the rest.
    pub(crate) false_clean: Share,
    /// Loops that were called before their first round was over: as good as not found, and the
    /// call was wrong as well.
    pub(crate) premature: usize,
    /// Of loops that were found, and whose agent is known: how often it was named.
    pub(crate) named: Share,
    /// Steps from when an onlooker could be sure to the call, of each loop that was found.
    delays: Vec<i64>,
    /// Steps after an onlooker could be sure that were still taken.
    pub(crate) wasted: usize,
    by_source: BTreeMap<String, Source>,
}

impl Score {
    /// The score of a detector that called loops at `fires`, one for each trace.
    pub(crate) fn of(traces: &[Trace], fires: &[Option<Fire>]) -> Self {
        assert_eq!(traces.len(), fires.len(), "there is one answer to a trace");
        let mut score = Self::default();
        for (trace, fire) in traces.iter().zip(fires) {
            score.add(trace, fire.as_ref());
        }
        score
    }

    fn add(&mut self, trace: &Trace, fire: Option<&Fire>) {
        let source = self.by_source.entry(trace.source.clone()).or_default();
        match trace.truth() {
            None => {}
            Some(Truth::HardWork) => {
                self.false_hard.count(fire.is_some());
                source.false_stops += usize::from(fire.is_some());
            }
            Some(Truth::CleanWork) => {
                self.false_clean.count(fire.is_some());
                source.false_stops += usize::from(fire.is_some());
            }
            Some(Truth::Loop {
                right_from,
                evident,
            }) => {
                let right = fire.filter(|fire| fire.at >= right_from);
                source.right += usize::from(right.is_some());
                source.missed += usize::from(right.is_none());
                self.premature += usize::from(fire.is_some() && right.is_none());
                self.add_loop(trace, right, evident);
            }
        }
    }

    fn add_loop(&mut self, trace: &Trace, right: Option<&Fire>, evident: usize) {
        self.found.count(right.is_some());
        if let Some(tier) = trace.label.tier {
            self.by_tier.entry(tier).or_default().count(right.is_some());
        }
        let kind = self.by_kind.entry(trace.label.kind.clone()).or_default();
        kind.count(right.is_some());
        let Some(fire) = right else {
            self.wasted += (trace.steps.len() - 1).saturating_sub(evident);
            return;
        };
        self.wasted += fire.at.saturating_sub(evident);
        self.delays.push(signed(fire.at) - signed(evident));
        if let Some(who) = trace.loop_agent() {
            self.named.count(fire.agent.as_deref() == Some(who));
        }
    }

    /// Of all calls, how many were right.
    pub(crate) fn precision(&self) -> f64 {
        let wrong = self.false_hard.part + self.false_clean.part + self.premature;
        let right = self.found.part;
        Share {
            part: right,
            whole: right + wrong,
        }
        .ratio()
    }

    /// Of all loops, how many were called.
    pub(crate) fn recall(&self) -> f64 {
        self.found.ratio()
    }

    /// The harmonic mean of precision and recall.
    pub(crate) fn f1(&self) -> f64 {
        let (precision, recall) = (self.precision(), self.recall());
        if precision + recall == 0.0 {
            return 0.0;
        }
        2.0 * precision * recall / (precision + recall)
    }

    /// The mean of F1 over the sources that hold a loop. Here a loop that was called too early
    /// counts as missed, and not as a false stop besides.
    pub(crate) fn macro_f1(&self) -> f64 {
        let with_loops = self
            .by_source
            .values()
            .filter(|it| it.right + it.missed > 0);
        let each: Vec<f64> = with_loops
            .map(|it| {
                let part = 2 * it.right;
                let whole = part + it.missed + it.false_stops;
                Share { part, whole }.ratio()
            })
            .collect();
        mean(&each).unwrap_or(0.0)
    }

    /// The middle of the delays; negative where a loop was called before an onlooker could be
    /// sure; none where none was found.
    pub(crate) fn delay_median(&self) -> Option<f64> {
        let mut delays: Vec<f64> = self.delays.iter().map(|it| steps(*it)).collect();
        delays.sort_by(f64::total_cmp);
        let half = delays.len() / 2;
        match delays.len() {
            0 => None,
            count if count % 2 == 1 => Some(delays[half]),
            _ => mean(&delays[half - 1..=half]),
        }
    }

    /// The mean of the delays.
    pub(crate) fn delay_mean(&self) -> Option<f64> {
        let delays: Vec<f64> = self.delays.iter().map(|it| steps(*it)).collect();
        mean(&delays)
    }
}

fn mean(of: &[f64]) -> Option<f64> {
    (!of.is_empty()).then(|| of.iter().sum::<f64>() / number(of.len()))
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).expect("a trace has fewer than 2^63 steps")
}

/// Exact: there are fewer than 2^32 of anything here.
fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("a set has fewer than 2^32 steps"))
}

fn steps(delay: i64) -> f64 {
    f64::from(i32::try_from(delay).expect("a trace has fewer than 2^31 steps"))
}

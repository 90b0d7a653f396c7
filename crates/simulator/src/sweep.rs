//! Many seeds, one after the other on each of the machine's cores.

use crate::expand::expand;
use crate::invariant::{Broken, check};
use crate::play::{PlayError, play};
use crate::trace::{Ended, Forking, Trace};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Failures after which no further seed is taken: the first ones say enough.
pub const FAILURES_MAX: usize = 20;

/// What came of many seeds.
#[derive(Debug, Default)]
pub struct Swept {
    /// Seeds that were played.
    pub seeds: u64,
    /// Those that broke something, the lowest first.
    pub failures: Vec<(u64, Broken)>,
    /// How long it took.
    pub took: Duration,
    /// How often what happened: lives by their end, and what of the product was seen at work.
    pub seen: BTreeMap<String, u64>,
}

/// Plays the seeds on this many threads.
///
/// # Errors
/// The first [`PlayError`].
pub fn sweep(seeds: Range<u64>, threads: usize) -> Result<Swept, PlayError> {
    let began = Instant::now();
    let next = AtomicU64::new(seeds.start);
    let swept = Mutex::new((Swept::default(), None));
    let lock = || swept.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let enough = lock().0.failures.len() >= FAILURES_MAX || lock().1.is_some();
                    if seed >= seeds.end || enough {
                        return;
                    }
                    match play(&expand(seed)) {
                        Ok(trace) => lock().0.add(seed, &trace),
                        Err(error) => lock().1 = Some(error),
                    }
                }
            });
        }
    });
    let (mut swept, error) = swept.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = error {
        return Err(error);
    }
    swept.failures.sort_by_key(|(seed, _)| *seed);
    swept.took = began.elapsed();
    Ok(swept)
}

impl Swept {
    fn add(&mut self, seed: u64, trace: &Trace) {
        self.seeds += 1;
        let broken = check(trace);
        self.failures
            .extend(broken.into_iter().map(|broken| (seed, broken)));
        self.see(trace, 0);
        let mut see = |what: &str| *self.seen.entry(what.to_owned()).or_default() += 1;
        match &trace.branch {
            None => {}
            Some(Forking::Refused(_)) => see("fork refused"),
            Some(Forking::Broken(_)) => see("fork broken"),
            Some(Forking::Made(branch)) => self.see(&branch.trace, branch.at),
        }
    }

    /// Counts what was seen of a run from one of its records on.
    fn see(&mut self, trace: &Trace, from: usize) {
        let mut see = |what: String| *self.seen.entry(what).or_default() += 1;
        for ended in &trace.lives {
            see(match ended {
                Ended::Outcome(kind) => format!("life ended {kind:?}"),
                Ended::Died => "life died".to_owned(),
                Ended::DiskFull => "life out of disk".to_owned(),
                Ended::Refused(_) => "life refused".to_owned(),
                Ended::Stuck { .. } => "life stuck".to_owned(),
                Ended::Broken(_) => "life broken".to_owned(),
                Ended::Over => "life over".to_owned(),
                Ended::Alive(_) => "life alive".to_owned(),
            });
        }
        if trace.deeds.iter().any(|deed| deed.undone) {
            see("undone".to_owned());
        }
        for record in trace.records.iter().skip(from) {
            let event = serde_json::to_value(&record.event).unwrap_or_default();
            let name = event["event"].as_str().unwrap_or_default();
            see(format!("record {name}"));
            if let Some(fact) = event["fact"].as_object().and_then(|it| it.keys().next()) {
                see(format!("fact {fact}"));
            }
        }
    }
}

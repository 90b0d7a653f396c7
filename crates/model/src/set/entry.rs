//! One model of the set and how it is asked: in turn with the other runs, not while it wants to
//! be left alone, and again after a fault that may pass.

use super::ModelTerms;
use crate::gate::{Gate, Permit};
use crate::model::fault;
use crate::pause::Pause;
use crate::retry::Jitter;
use crate::{Model, Pieces, Price};
use leadhand_protocol::{Attempt, ModelFault, ModelFaultKind, ModelReply, ModelRequest};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// One model of the set and the terms on which it is asked.
pub(super) struct Entry {
    pub(super) model: Arc<dyn Model>,
    pub(super) price: Price,
    terms: ModelTerms,
    gate: Gate,
    pause: Pause,
}

/// What one model of the set is asked, by which run, and until when.
pub(super) struct Asked<'a> {
    pub(super) name: &'a str,
    pub(super) request: &'a ModelRequest,
    pub(super) pieces: Pieces<'a>,
    pub(super) run: u64,
    pub(super) end: Instant,
    pub(super) jitter: &'a Jitter,
}

/// The overall time of a call is used up.
pub(super) struct OutOfTime {
    /// Whether it went by waiting until a model may be asked, see [`Pause`].
    pub(super) in_pause: bool,
}

impl Entry {
    pub(super) fn new(model: Arc<dyn Model>, terms: ModelTerms) -> Self {
        Self {
            price: terms.price.unwrap_or_else(|| model.describe().price),
            gate: Gate::new(terms.concurrency_max),
            pause: Pause::default(),
            model,
            terms,
        }
    }

    /// Asks until there is an answer or another attempt makes no sense.
    pub(super) async fn ask(
        &self,
        asked: &Asked<'_>,
        attempts: &mut Vec<Attempt>,
    ) -> Result<Option<ModelReply>, OutOfTime> {
        let retry = self.terms.retry;
        let name = asked.name;
        let mut failed = 0;
        loop {
            match self.attempt(asked).await? {
                Ok(reply) => return Ok(Some(reply)),
                Err(fault) => {
                    failed += 1;
                    tracing::debug!(model = name, failed, kind = ?fault.kind, "attempt failed");
                    self.pause.heed(&fault, &retry);
                    let wait = retry.wait(failed, &fault, asked.jitter.next());
                    attempts.push(Attempt {
                        model: name.to_owned(),
                        fault,
                    });
                    let Some(wait) = wait else { return Ok(None) };
                    // The permit is not held while waiting: others may be luckier.
                    let asked_again = sleep_until(Instant::now() + wait, asked.end).await;
                    asked_again.map_err(|_| OutOfTime { in_pause: false })?;
                }
            }
        }
    }

    async fn attempt(
        &self,
        asked: &Asked<'_>,
    ) -> Result<Result<ModelReply, ModelFault>, OutOfTime> {
        let name = asked.name;
        let _permit = self.turn(asked).await?;
        let within_ms = self.terms.retry.attempt_ms_max;
        let attempt_end = after_ms(within_ms);
        let calling = self.model.call(asked.request, asked.pieces);
        let answered = timeout_at(attempt_end.min(asked.end), calling).await;
        match answered {
            Ok(Ok(mut reply)) => {
                name.clone_into(&mut reply.model);
                reply.micro_usd = self.price.of(reply.usage);
                Ok(Ok(reply))
            }
            Ok(failed) => Ok(failed),
            Err(_) if asked.end <= attempt_end => Err(OutOfTime { in_pause: false }),
            Err(_) => {
                let seconds = Duration::from_millis(within_ms).as_secs_f32();
                let what = format!("model `{name}` gave no whole answer within {seconds} s");
                Ok(Err(fault(ModelFaultKind::TimedOut, what)))
            }
        }
    }

    /// Waits until the model may be asked, and it is the turn of this call. Nobody holds a permit
    /// while the model wants to be left alone.
    async fn turn(&self, asked: &Asked<'_>) -> Result<Permit, OutOfTime> {
        loop {
            while let Some(until) = self.pause.until() {
                // Spread, so that not all who waited come back in the same moment.
                let spread_ms_max = self.terms.retry.first_wait_ms / 4;
                let spread = asked.jitter.next() % spread_ms_max.saturating_add(1).max(1);
                let waited = sleep_until(until + Duration::from_millis(spread), asked.end).await;
                waited.map_err(|_| OutOfTime { in_pause: true })?;
            }
            let entered = timeout_at(asked.end, self.gate.enter(asked.run)).await;
            let permit = entered.map_err(|_| OutOfTime { in_pause: false })?;
            // The pause may have come while this call waited for its turn.
            if self.pause.until().is_none() {
                return Ok(permit);
            }
        }
    }
}

/// So many milliseconds from now; a number that no clock can hold is as good as 30 years.
pub(super) fn after_ms(ms: u64) -> Instant {
    let now = Instant::now();
    let far = || now + Duration::from_secs(30 * 365 * 86_400);
    now.checked_add(Duration::from_millis(ms))
        .unwrap_or_else(far)
}

/// The end of the call came first.
struct Ended;

/// Waits until then, but not beyond the end of the call.
async fn sleep_until(then: Instant, end: Instant) -> Result<(), Ended> {
    tokio::time::sleep_until(then.min(end)).await;
    if then < end { Ok(()) } else { Err(Ended) }
}

//! The models of a run by name, and the one way to ask them: retries, then the next model
//! of the request's list, within one overall time-out; concurrency and money per model.
//! How a single model is asked is the business of the [`Model`] behind the name.

use crate::model::fault;
use crate::retry::Jitter;
use crate::{ModelInfo, Pieces, Price, RetryPolicy};
use leadhand_protocol::{Attempt, ModelFault, ModelFaultKind, ModelReply, ModelRequest};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

mod builder;
mod entry;

pub use builder::ModelSetBuilder;
use entry::{Asked, Entry, OutOfTime, after_ms};

/// The models of a run by name. Cheap to clone; the clones share the concurrency bounds, and
/// count as one run, see [`Self::for_run`].
#[derive(Clone)]
pub struct ModelSet {
    inner: Arc<Inner>,
    run: u64,
}

struct Inner {
    models: BTreeMap<String, Entry>,
    default: String,
    call_ms_max: u64,
    jitter: Jitter,
    /// How many runs were given a set of their own.
    runs: AtomicU64,
}

/// The terms on which a [`ModelSet`] asks one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelTerms {
    /// Retries and the time-out of one attempt.
    pub retry: RetryPolicy,
    /// What it costs; none takes the model's own word.
    pub price: Option<Price>,
    /// Calls that may run at the same time; the others wait.
    pub concurrency_max: usize,
}

impl Default for ModelTerms {
    fn default() -> Self {
        Self {
            retry: RetryPolicy::default(),
            price: None,
            concurrency_max: 16,
        }
    }
}

impl ModelSet {
    /// An empty builder.
    #[must_use]
    pub fn builder() -> ModelSetBuilder {
        ModelSetBuilder::default()
    }

    /// The same models for another run. Where calls wait for a model, the runs take turns, so
    /// that one with many calls waiting does not hold up the others.
    #[must_use]
    pub fn for_run(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            run: self.inner.runs.fetch_add(1, Ordering::Relaxed) + 1,
        }
    }

    /// The names of all models, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.inner.models.keys().map(String::as_str)
    }

    /// The model that is asked when a request names none.
    #[must_use]
    pub fn default_name(&self) -> &str {
        &self.inner.default
    }

    /// What a model says about itself, with the price that was set for it.
    #[must_use]
    pub fn describe(&self, name: &str) -> Option<ModelInfo> {
        let entry = self.inner.models.get(name)?;
        let mut info = entry.model.describe();
        info.price = entry.price;
        Some(info)
    }

    /// What each model costs, by name.
    #[must_use]
    pub fn prices(&self) -> BTreeMap<String, Price> {
        let models = self.inner.models.iter();
        let priced = models.map(|(name, entry)| (name.clone(), entry.price));
        priced.collect()
    }

    /// Asks the request's models in turn until one answers. Dropping the future cancels.
    ///
    /// # Errors
    /// The last fault of the first model, its message extended by what the fallbacks said;
    /// [`ModelFaultKind::TimedOut`] once the overall time is used up.
    pub async fn call(
        &self,
        request: &ModelRequest,
        pieces: Pieces<'_>,
    ) -> Result<ModelReply, ModelFault> {
        let mut attempts = Vec::new();
        // Each wait ends at this moment at the latest: one timer a wait, and none where there is
        // nothing to wait for.
        let end = after_ms(self.inner.call_ms_max);
        let answered = self.ask_in_turn(request, pieces, end, &mut attempts).await;
        match answered {
            Ok(Some(mut reply)) => {
                reply.attempts = attempts;
                Ok(reply)
            }
            Ok(None) => Err(summary(&attempts)),
            Err(OutOfTime { in_pause }) => Err(fault(
                ModelFaultKind::TimedOut,
                out_of_time(self.inner.call_ms_max, in_pause, &attempts),
            )),
        }
    }

    async fn ask_in_turn(
        &self,
        request: &ModelRequest,
        pieces: Pieces<'_>,
        end: Instant,
        attempts: &mut Vec<Attempt>,
    ) -> Result<Option<ModelReply>, OutOfTime> {
        let names = if request.models.is_empty() {
            std::slice::from_ref(&self.inner.default)
        } else {
            &request.models[..]
        };
        for name in names {
            let Some(entry) = self.inner.models.get(name) else {
                attempts.push(Attempt {
                    model: name.clone(),
                    fault: self.unknown(name),
                });
                continue;
            };
            let asked = Asked {
                name,
                request,
                pieces,
                run: self.run,
                end,
                jitter: &self.inner.jitter,
            };
            let reply = entry.ask(&asked, attempts).await?;
            let was_cancelled = attempts
                .last()
                .is_some_and(|last| last.fault.kind == ModelFaultKind::Cancelled);
            if reply.is_some() || was_cancelled {
                return Ok(reply);
            }
        }
        Ok(None)
    }

    fn unknown(&self, name: &str) -> ModelFault {
        let known = self.names().collect::<Vec<_>>().join(", ");
        fault(
            ModelFaultKind::NotFound,
            format!("there is no model `{name}`; there is: {known}"),
        )
    }
}

/// One fault for a call all of whose attempts failed: the kind is that of the first model,
/// which is the one the role wanted; the fallbacks are named after it.
fn summary(attempts: &[Attempt]) -> ModelFault {
    let Some(first) = attempts.first() else {
        return fault(ModelFaultKind::NotFound, "the request names no model");
    };
    let mut told = first.fault.clone();
    for (at, attempt) in attempts.iter().enumerate() {
        let is_last = attempts[at + 1..]
            .iter()
            .all(|later| later.model != attempt.model);
        if attempt.model == first.model {
            told.clone_from(&attempt.fault);
        } else if is_last {
            told.message = format!(
                "{}; then `{}`: {}",
                told.message, attempt.model, attempt.fault.message
            );
        }
    }
    told
}

fn out_of_time(call_ms_max: u64, in_pause: bool, attempts: &[Attempt]) -> String {
    let seconds = Duration::from_millis(call_ms_max).as_secs_f32();
    match attempts.last() {
        None if in_pause => format!(
            "no model answered within {seconds} s (model_call_seconds_max): the server had asked \
             other calls to wait for longer (Retry-After)"
        ),
        None => format!("no model answered within {seconds} s (model_call_seconds_max)"),
        Some(last) => format!(
            "no model answered within {seconds} s (model_call_seconds_max); the last fault, \
             of `{}`: {}",
            last.model, last.fault.message
        ),
    }
}

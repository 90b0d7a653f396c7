//! The models of a run by name, and the one way to ask them: retries, then the next model
//! of the request's list, within one overall time-out; concurrency and money per model.
//! How a single model is asked is the business of the [`Model`] behind the name.

use crate::model::fault;
use crate::retry::Jitter;
use crate::{Model, ModelError, ModelInfo, Pieces, Price, RetryPolicy};
use leadhand_protocol::{Attempt, Limits, ModelFault, ModelFaultKind, ModelReply, ModelRequest};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

/// The models of a run by name. Cheap to clone; the clones share the concurrency bounds.
#[derive(Clone)]
pub struct ModelSet {
    inner: Arc<Inner>,
}

struct Inner {
    models: BTreeMap<String, Entry>,
    default: String,
    call_ms_max: u64,
    jitter: Jitter,
}

/// One model of the set and the terms on which it is asked.
struct Entry {
    model: Arc<dyn Model>,
    terms: ModelTerms,
    price: Price,
    permits: Semaphore,
}

/// What one model of the set is asked, and until when.
struct Asked<'a> {
    name: &'a str,
    request: &'a ModelRequest,
    pieces: Pieces<'a>,
    end: Instant,
}

/// The overall time of a call is used up.
struct OutOfTime;

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

/// Collects models for a [`ModelSet`].
pub struct ModelSetBuilder {
    pub(crate) models: BTreeMap<String, (Arc<dyn Model>, ModelTerms)>,
    pub(crate) default: Option<String>,
    pub(crate) first: Option<String>,
    pub(crate) settings: SetSettings,
}

/// What all models of a set have in common.
#[derive(Debug, Clone)]
pub(crate) struct SetSettings {
    pub(crate) call_ms_max: u64,
    pub(crate) reply_bytes_max: usize,
    pub(crate) model_folder: Option<std::path::PathBuf>,
    pub(crate) jitter_seed: Option<u64>,
}

impl Default for ModelSetBuilder {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            models: BTreeMap::new(),
            default: None,
            first: None,
            settings: SetSettings {
                call_ms_max: limits.model_call_seconds_max.saturating_mul(1000),
                reply_bytes_max: limits.reply_bytes_max,
                model_folder: None,
                jitter_seed: None,
            },
        }
    }
}

impl ModelSetBuilder {
    /// Takes `model_call_seconds_max` and `reply_bytes_max` from these limits. Call it
    /// before [`Self::add_config`], which builds models that keep the latter.
    #[must_use]
    pub fn limits(mut self, limits: &Limits) -> Self {
        self.settings.call_ms_max = limits.model_call_seconds_max.saturating_mul(1000);
        self.settings.reply_bytes_max = limits.reply_bytes_max;
        self
    }

    /// The folder in which the files of the embedded models lie, named as in the catalog.
    /// Call it before [`Self::add_config`].
    #[must_use]
    pub fn model_folder(mut self, folder: impl Into<std::path::PathBuf>) -> Self {
        self.settings.model_folder = Some(folder.into());
        self
    }

    /// Makes the jitter of retries repeatable; without it every set draws its own.
    #[must_use]
    pub fn jitter_seed(mut self, seed: u64) -> Self {
        self.settings.jitter_seed = Some(seed);
        self
    }

    /// Adds a model under a name, on the usual terms.
    ///
    /// # Errors
    /// [`ModelError::NameTaken`].
    pub fn add(self, name: &str, model: impl Model) -> Result<Self, ModelError> {
        self.add_on_terms(name, Arc::new(model), ModelTerms::default())
    }

    /// Adds a model under a name.
    ///
    /// # Errors
    /// [`ModelError::NameTaken`].
    pub fn add_on_terms(
        mut self,
        name: &str,
        model: Arc<dyn Model>,
        terms: ModelTerms,
    ) -> Result<Self, ModelError> {
        if self.models.contains_key(name) {
            return Err(ModelError::NameTaken {
                name: name.to_owned(),
            });
        }
        self.models.insert(name.to_owned(), (model, terms));
        self.first.get_or_insert_with(|| name.to_owned());
        Ok(self)
    }

    /// The model that is asked when a request names none; without this the first one added.
    #[must_use]
    pub fn default_model(mut self, name: &str) -> Self {
        self.default = Some(name.to_owned());
        self
    }

    /// The finished set.
    ///
    /// # Errors
    /// [`ModelError::NoModels`], or [`ModelError::UnknownModel`] for the default.
    pub fn build(self) -> Result<ModelSet, ModelError> {
        let default = self.default.or(self.first).ok_or(ModelError::NoModels)?;
        let known = self.models.keys().cloned().collect::<Vec<_>>().join(", ");
        if !self.models.contains_key(&default) {
            return Err(ModelError::UnknownModel {
                name: default,
                known,
            });
        }
        let models = self.models.into_iter().map(|(name, (model, terms))| {
            let entry = Entry {
                price: terms.price.unwrap_or_else(|| model.describe().price),
                permits: Semaphore::new(terms.concurrency_max.clamp(1, Semaphore::MAX_PERMITS)),
                model,
                terms,
            };
            (name, entry)
        });
        Ok(ModelSet {
            inner: Arc::new(Inner {
                models: models.collect(),
                default,
                call_ms_max: self.settings.call_ms_max,
                jitter: Jitter::new(self.settings.jitter_seed),
            }),
        })
    }
}

impl ModelSet {
    /// An empty builder.
    #[must_use]
    pub fn builder() -> ModelSetBuilder {
        ModelSetBuilder::default()
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
            Err(OutOfTime) => Err(fault(
                ModelFaultKind::TimedOut,
                out_of_time(self.inner.call_ms_max, &attempts),
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
                end,
            };
            let reply = self.ask(entry, &asked, attempts).await?;
            let was_cancelled = attempts
                .last()
                .is_some_and(|last| last.fault.kind == ModelFaultKind::Cancelled);
            if reply.is_some() || was_cancelled {
                return Ok(reply);
            }
        }
        Ok(None)
    }

    /// Asks one model until it answers or another attempt makes no sense.
    async fn ask(
        &self,
        entry: &Entry,
        asked: &Asked<'_>,
        attempts: &mut Vec<Attempt>,
    ) -> Result<Option<ModelReply>, OutOfTime> {
        let retry = entry.terms.retry;
        let name = asked.name;
        let mut failed = 0;
        loop {
            match entry.attempt(asked).await? {
                Ok(reply) => return Ok(Some(reply)),
                Err(fault) => {
                    failed += 1;
                    tracing::debug!(model = name, failed, kind = ?fault.kind, "attempt failed");
                    let wait = retry.wait(failed, &fault, self.inner.jitter.next());
                    attempts.push(Attempt {
                        model: name.to_owned(),
                        fault,
                    });
                    let Some(wait) = wait else { return Ok(None) };
                    // The permit is not held while waiting: others may be luckier.
                    sleep_until(Instant::now() + wait, asked.end).await?;
                }
            }
        }
    }

    fn unknown(&self, name: &str) -> ModelFault {
        let known = self.names().collect::<Vec<_>>().join(", ");
        fault(
            ModelFaultKind::NotFound,
            format!("there is no model `{name}`; there is: {known}"),
        )
    }
}

impl Entry {
    async fn attempt(
        &self,
        asked: &Asked<'_>,
    ) -> Result<Result<ModelReply, ModelFault>, OutOfTime> {
        let name = asked.name;
        let permit = timeout_at(asked.end, self.permits.acquire()).await;
        let Ok(_permit) = permit.map_err(|_| OutOfTime)? else {
            let what = format!("model `{name}` is shut down");
            return Ok(Err(fault(ModelFaultKind::Cancelled, what)));
        };
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
            Err(_) if asked.end <= attempt_end => Err(OutOfTime),
            Err(_) => {
                let seconds = Duration::from_millis(within_ms).as_secs_f32();
                let what = format!("model `{name}` gave no whole answer within {seconds} s");
                Ok(Err(fault(ModelFaultKind::TimedOut, what)))
            }
        }
    }
}

/// So many milliseconds from now; a number that no clock can hold is as good as 30 years.
fn after_ms(ms: u64) -> Instant {
    let now = Instant::now();
    let far = || now + Duration::from_secs(30 * 365 * 86_400);
    now.checked_add(Duration::from_millis(ms))
        .unwrap_or_else(far)
}

/// Waits until then, but not beyond the end of the call.
async fn sleep_until(then: Instant, end: Instant) -> Result<(), OutOfTime> {
    tokio::time::sleep_until(then.min(end)).await;
    if then < end { Ok(()) } else { Err(OutOfTime) }
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

fn out_of_time(call_ms_max: u64, attempts: &[Attempt]) -> String {
    let seconds = Duration::from_millis(call_ms_max).as_secs_f32();
    match attempts.last() {
        None => format!("no model answered within {seconds} s (model_call_seconds_max)"),
        Some(last) => format!(
            "no model answered within {seconds} s (model_call_seconds_max); the last fault, \
             of `{}`: {}",
            last.model, last.fault.message
        ),
    }
}

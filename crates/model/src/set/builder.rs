//! Puts a [`ModelSet`] together: models by name, on which terms, and what all have in common.

use super::entry::Entry;
use super::{Inner, ModelSet, ModelTerms};
use crate::retry::Jitter;
use crate::{Model, ModelError};
use leadhand_protocol::Limits;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

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
        let models = self.models.into_iter();
        let models = models.map(|(name, (model, terms))| (name, Entry::new(model, terms)));
        Ok(ModelSet {
            inner: Arc::new(Inner {
                models: models.collect(),
                default,
                call_ms_max: self.settings.call_ms_max,
                jitter: Jitter::new(self.settings.jitter_seed),
                runs: AtomicU64::new(0),
            }),
            run: 0,
        })
    }
}

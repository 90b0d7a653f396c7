//! Models as a configuration file describes them, `[models.NAME]` in `leadhand.toml`, and
//! as the command line names them, `scripted:FILE`. The environment is not read here: keys
//! come from a function that is handed in.

use crate::set::ModelSetBuilder;
use crate::{
    CassettePlayer, CassetteRecorder, Model, ModelError, ModelTerms, Price, RetryPolicy,
    ScriptedModel, ToolStyle,
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// An OpenAI-compatible endpoint.
    #[default]
    OpenAi,
    /// A model in this process.
    Embedded,
    /// A script, see [`ScriptedModel`].
    Scripted,
    /// Recorded answers.
    Cassette,
}

/// One `[models.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// Who answers; `openai` unless given.
    pub provider: Provider,
    /// The provider's name for the model; for `embedded` a name of the catalog.
    pub model: Option<String>,
    /// Where the endpoint is, up to and with `/v1`; OpenAI's own unless given.
    pub base_url: Option<String>,
    /// The environment variable that holds the key. Without it `OPENAI_API_KEY` is used, for
    /// OpenAI's own endpoint only: a key is never sent to a host it was not meant for.
    pub api_key_env: Option<String>,
    /// The script, the cassette or the GGUF file.
    pub file: Option<PathBuf>,
    /// For `cassette`: the model whose answers are recorded; without it they are played.
    pub record: Option<String>,
    /// How tools are called; chosen by the endpoint unless given.
    pub tool_style: Option<ToolStyle>,
    /// Whether answers are streamed; they are unless this says no.
    pub stream: Option<bool>,
    /// Tokens that prompt and reply may have together.
    pub context_tokens: Option<u32>,
    /// What it costs.
    pub price: Option<Price>,
    /// Calls at the same time; 16 unless given, 1 for an embedded model.
    pub concurrency_max: Option<usize>,
    /// Retries.
    pub retry: Option<RetryPolicy>,
}

impl ModelConfig {
    /// Reads a model as the command line names it: `scripted:FILE`, `cassette:FILE`,
    /// `embedded:NAME` (also `embedded` alone) and `openai:NAME`. None for anything else,
    /// which is then the name of a configured model.
    ///
    /// ```
    /// use leadhand_model::{ModelConfig, Provider};
    /// let config = ModelConfig::from_short("scripted:answers.jsonl").unwrap();
    /// assert_eq!(config.provider, Provider::Scripted);
    /// assert_eq!(ModelConfig::from_short("small"), None);
    /// ```
    #[must_use]
    pub fn from_short(text: &str) -> Option<Self> {
        let (provider, rest) = text.split_once(':').unwrap_or((text, ""));
        let file = Some(PathBuf::from(rest)).filter(|_| !rest.is_empty());
        let model = Some(rest.to_owned()).filter(|_| !rest.is_empty());
        let config = match provider {
            "scripted" => Self {
                provider: Provider::Scripted,
                file,
                ..Self::default()
            },
            "cassette" => Self {
                provider: Provider::Cassette,
                file,
                ..Self::default()
            },
            "embedded" => Self {
                provider: Provider::Embedded,
                model,
                ..Self::default()
            },
            "openai" if model.is_some() => Self {
                model,
                ..Self::default()
            },
            _ => return None,
        };
        Some(config)
    }

    fn terms(&self) -> ModelTerms {
        let usual = ModelTerms::default();
        let (retry, concurrency) = match self.provider {
            Provider::OpenAi => (usual.retry, usual.concurrency_max),
            // It cannot be unreachable, and it may be slow: only the whole call is bounded.
            Provider::Embedded => (
                RetryPolicy {
                    attempt_ms_max: u64::MAX / 2,
                    ..RetryPolicy::never()
                },
                1,
            ),
            // Scripts may want to see retries.
            Provider::Scripted => (usual.retry, usual.concurrency_max),
            Provider::Cassette => (RetryPolicy::never(), usual.concurrency_max),
        };
        ModelTerms {
            retry: self.retry.unwrap_or(retry),
            price: self.price,
            concurrency_max: self.concurrency_max.unwrap_or(concurrency),
        }
    }
}

impl ModelSetBuilder {
    /// Adds a model as a configuration describes it. `secrets` gives the value of an
    /// environment variable; it is asked for nothing but the key. A recording cassette wants
    /// the model it records to have been added before.
    ///
    /// # Errors
    /// What is missing or cannot be read, see [`ModelError`].
    pub fn add_config(
        self,
        name: &str,
        config: &ModelConfig,
        secrets: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ModelError> {
        let model = self.model_of(name, config, &secrets)?;
        self.add_on_terms(name, model, config.terms())
    }

    fn model_of(
        &self,
        name: &str,
        config: &ModelConfig,
        secrets: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Arc<dyn Model>, ModelError> {
        match config.provider {
            Provider::OpenAi => self.endpoint(name, config, secrets),
            Provider::Embedded => self.embedded(name, config),
            Provider::Scripted => Ok(Arc::new(ScriptedModel::open(file_of(name, config)?)?)),
            Provider::Cassette => match &config.record {
                None => Ok(Arc::new(CassettePlayer::open(file_of(name, config)?)?)),
                Some(inner) => {
                    let (model, _) = self.models.get(inner).ok_or_else(|| {
                        let known = self.models.keys().cloned().collect::<Vec<_>>().join(", ");
                        ModelError::UnknownModel {
                            name: inner.clone(),
                            known,
                        }
                    })?;
                    let recorder = CassetteRecorder::create(file_of(name, config)?, model.clone())?;
                    Ok(Arc::new(recorder))
                }
            },
        }
    }

    #[cfg(feature = "openai")]
    fn endpoint(
        &self,
        name: &str,
        config: &ModelConfig,
        secrets: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Arc<dyn Model>, ModelError> {
        use crate::{OPENAI_BASE_URL, OpenAiModel, OpenAiOptions};
        let wrong = |what: String| ModelError::Config {
            name: name.to_owned(),
            what,
        };
        let base_url = config.base_url.as_deref().unwrap_or(OPENAI_BASE_URL);
        let model = config.model.as_deref().ok_or_else(|| {
            wrong("wants `model`, the name of the model at the endpoint".to_owned())
        })?;
        let is_openai = base_url.trim_end_matches('/') == OPENAI_BASE_URL;
        let variable = config
            .api_key_env
            .as_deref()
            .or(is_openai.then_some("OPENAI_API_KEY"));
        let key = match variable {
            None => None,
            Some(variable) => Some(secrets(variable).ok_or_else(|| ModelError::KeyMissing {
                name: name.to_owned(),
                variable: variable.to_owned(),
            })?),
        };
        let options = OpenAiOptions {
            tool_style: config.tool_style,
            streams: config.stream.unwrap_or(true),
            context_tokens: config.context_tokens,
            price: config.price.unwrap_or_default(),
            reply_bytes_max: self.settings.reply_bytes_max,
            ..OpenAiOptions::new(base_url, key.as_deref(), model)
        };
        Ok(Arc::new(OpenAiModel::new(options).map_err(wrong)?))
    }

    #[cfg(not(feature = "openai"))]
    fn endpoint(
        &self,
        name: &str,
        _: &ModelConfig,
        _: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Arc<dyn Model>, ModelError> {
        Err(ModelError::NotBuilt {
            name: name.to_owned(),
            feature: "openai",
        })
    }

    #[cfg(feature = "embedded")]
    fn embedded(&self, name: &str, config: &ModelConfig) -> Result<Arc<dyn Model>, ModelError> {
        use crate::{EmbeddedModel, EmbeddedOptions};
        use leadhand_inference::Engine;
        let wanted = config.model.as_deref();
        let (called, file, remedy) = match &config.file {
            Some(file) => (wanted.unwrap_or(name), file.clone(), String::new()),
            None => {
                let (called, file) = self.catalog_file(name, wanted)?;
                (
                    called,
                    file,
                    format!(": `leadhand model pull {called}` does both"),
                )
            }
        };
        // Seen here it is a fault of the set-up; seen by the first call it would be the model
        // that cannot be reached.
        Engine::check(&file).map_err(|error| ModelError::Config {
            name: name.to_owned(),
            what: format!("{error}{remedy}"),
        })?;
        let options = EmbeddedOptions {
            tool_style: config.tool_style,
            context_tokens: config
                .context_tokens
                .and_then(|tokens| usize::try_from(tokens).ok()),
            ..EmbeddedOptions::new(called, &file)
        };
        Ok(Arc::new(EmbeddedModel::new(options)))
    }

    #[cfg(not(feature = "embedded"))]
    fn embedded(&self, name: &str, _: &ModelConfig) -> Result<Arc<dyn Model>, ModelError> {
        Err(ModelError::NotBuilt {
            name: name.to_owned(),
            feature: "embedded",
        })
    }

    /// The file of a model of the catalog in the model folder, which must be there.
    #[cfg(feature = "embedded")]
    fn catalog_file(
        &self,
        name: &str,
        wanted: Option<&str>,
    ) -> Result<(&'static str, PathBuf), ModelError> {
        let wrong = |what: String| ModelError::Config {
            name: name.to_owned(),
            what,
        };
        let wanted = wanted.unwrap_or(crate::catalog::DEFAULT_MODEL);
        let entry = crate::catalog::find(wanted).ok_or_else(|| {
            let known = crate::catalog::CATALOG.iter().map(|entry| entry.name);
            wrong(format!(
                "the catalog has no model `{wanted}`; it has {}; another GGUF file goes into \
                 `file`",
                known.collect::<Vec<_>>().join(", ")
            ))
        })?;
        let folder = self.settings.model_folder.as_deref().ok_or_else(|| {
            wrong("no folder for model files is set; name the GGUF file in `file`".to_owned())
        })?;
        let file = folder.join(entry.file_name);
        if !file.is_file() {
            return Err(wrong(format!(
                "{} is not there; fetch it with `leadhand model pull {}`, name another GGUF file \
                 with --model-file, or set OPENAI_BASE_URL",
                file.display(),
                entry.name
            )));
        }
        Ok((entry.name, file))
    }
}

fn file_of<'a>(name: &str, config: &'a ModelConfig) -> Result<&'a Path, ModelError> {
    config.file.as_deref().ok_or_else(|| ModelError::Config {
        name: name.to_owned(),
        what: "wants `file`, the path of the script or cassette".to_owned(),
    })
}

//! Which model a run uses: what the command line says, else LEADHAND_MODEL, else the
//! configuration, else OPENAI_BASE_URL or OPENAI_API_KEY, else a server on this machine, else
//! the embedded model. Asking the model is the library's business, fetching its file that of
//! [`crate::model_file`].

use crate::config::Config;
use crate::failure::{Failure, WAYS_TO_A_MODEL};
use crate::model_file;
use crate::project::Project;
use clap::Args;
use leadhand::rooms::inspector::escape;
use leadhand::rooms::model::catalog;
use leadhand::{ModelConfig, Provider, RecordedTools};
use std::path::{Path, PathBuf};

#[cfg(feature = "openai")]
mod server;

/// How the command line names a model.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ModelOptions {
    /// The model: a name of leadhand.toml, openai:NAME, embedded:NAME, small,
    /// scripted:FILE or cassette:FILE [default: LEADHAND_MODEL, default_model of
    /// leadhand.toml, the endpoint of OPENAI_BASE_URL or OPENAI_API_KEY, a server on this
    /// machine, or the embedded model]
    #[arg(short = 'm', long = "model", value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// A GGUF file that the embedded model is read from
    #[arg(long, value_name = "GGUF", conflicts_with = "model")]
    pub(crate) model_file: Option<PathBuf>,
    /// recorded:FILE calls no tool: what comes of tool calls and checks is read from a cassette
    /// of a run, as `trace export --format cassette` makes it
    #[arg(long, value_name = "recorded:FILE")]
    pub(crate) tools: Option<String>,
}

impl ModelOptions {
    /// The tools of a cassette, if such are wanted.
    ///
    /// # Errors
    /// [`Failure::Usage`] for what is no `recorded:FILE`, and what is wrong with the file.
    pub(crate) fn recorded_tools(&self) -> Result<Option<RecordedTools>, Failure> {
        let Some(text) = &self.tools else {
            return Ok(None);
        };
        let Some(file) = text.strip_prefix("recorded:").filter(|it| !it.is_empty()) else {
            return Err(Failure::usage(
                format!(
                    "--tools {}: this is no recorded:FILE",
                    escape::line(text, 80)
                ),
                "without --tools the tools themselves are called",
            ));
        };
        Ok(Some(RecordedTools::open(Path::new(file))?))
    }
}

/// A model and all others that roles may name.
#[derive(Debug)]
pub(crate) struct Choice {
    /// The default model.
    pub(crate) name: String,
    /// What is known of it, for people.
    pub(crate) described: String,
    /// All models to be set up, those that others record last.
    pub(crate) models: Vec<(String, ModelConfig)>,
}

/// Chooses, and fetches the model's file if it is an embedded one that is not there.
///
/// # Errors
/// [`Failure::NoModel`], [`Failure::Usage`] for a name that means nothing.
pub(crate) async fn choose(project: &Project, options: &ModelOptions) -> Result<Choice, Failure> {
    let (name, config) = wanted(&project.config, options).await?;
    model_file::make_ready(&name, &config, &project.folders).await?;
    let described = described(&name, &config);
    let others = project
        .config
        .models
        .iter()
        .filter(|(other, config)| **other != name && is_ready(config, project));
    let mut models: Vec<(String, ModelConfig)> = others
        .map(|(name, config)| (name.clone(), config.clone()))
        .collect();
    models.push((name.clone(), config));
    // A recording wants the model it records to be there already.
    models.sort_by_key(|(_, config)| config.record.is_some());
    Ok(Choice {
        name,
        described,
        models,
    })
}

/// What a run would use that names no model, for people.
///
/// # Errors
/// As [`choose`].
pub(crate) async fn usual(config: &Config) -> Result<String, Failure> {
    let (name, config) = wanted(config, &ModelOptions::default()).await?;
    Ok(described(&name, &config))
}

/// The default model as it is named and configured.
async fn wanted(config: &Config, options: &ModelOptions) -> Result<(String, ModelConfig), Failure> {
    if let Some(file) = &options.model_file {
        if !file.is_file() {
            return Err(Failure::usage(
                format!("--model-file {}: there is no such file", file.display()),
                "name a GGUF file",
            ));
        }
        let name = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let config = ModelConfig {
            provider: Provider::Embedded,
            model: Some(name.clone()),
            file: Some(file.clone()),
            ..ModelConfig::default()
        };
        return Ok((name, config));
    }
    let named = options.model.clone().or_else(|| variable("LEADHAND_MODEL"));
    if let Some(name) = named.or_else(|| config.default_model.clone()) {
        return Ok((name.clone(), of_name(config, &name)?));
    }
    #[cfg(feature = "openai")]
    if let Some(found) = server::find().await? {
        return Ok(found);
    }
    if cfg!(feature = "embedded") {
        return Ok((
            catalog::DEFAULT_MODEL.to_owned(),
            embedded(catalog::DEFAULT_MODEL),
        ));
    }
    Err(Failure::NoModel {
        what: "no model is named, no key is set, no server runs on this machine, and this build \
               has no embedded model"
            .to_owned(),
        hint: WAYS_TO_A_MODEL,
    })
}

/// What a name means.
fn of_name(config: &Config, name: &str) -> Result<ModelConfig, Failure> {
    if let Some(config) = config.models.get(name) {
        return Ok(config.clone());
    }
    if let Some(entry) = catalog::find(name) {
        return Ok(embedded(entry.name));
    }
    let mut short = ModelConfig::from_short(name).ok_or_else(|| {
        let known: Vec<&str> = config
            .models
            .keys()
            .map(String::as_str)
            .chain(catalog::CATALOG.iter().map(|entry| entry.name))
            .collect();
        Failure::usage(
            format!(
                "there is no model `{}`; there is: {}",
                leadhand::rooms::inspector::escape::line(name, 80),
                known.join(", ")
            ),
            "write one of these, or openai:NAME, embedded:NAME, scripted:FILE or cassette:FILE",
        )
    })?;
    if short.provider == Provider::OpenAi {
        short.base_url = variable("OPENAI_BASE_URL");
        short.api_key_env = variable("OPENAI_API_KEY").map(|_| "OPENAI_API_KEY".to_owned());
    }
    Ok(short)
}

fn embedded(name: &str) -> ModelConfig {
    ModelConfig {
        provider: Provider::Embedded,
        model: Some(name.to_owned()),
        ..ModelConfig::default()
    }
}

/// Whether a model that is not the default could be asked: a role that names one that cannot
/// is told so, and the run goes on.
fn is_ready(config: &ModelConfig, project: &Project) -> bool {
    match config.provider {
        Provider::OpenAi => {
            let key = match (&config.api_key_env, &config.base_url) {
                (Some(key), _) => Some(key.as_str()),
                (None, None) => Some("OPENAI_API_KEY"),
                (None, Some(_)) => None,
            };
            cfg!(feature = "openai") && key.is_none_or(|key| variable(key).is_some())
        }
        Provider::Embedded => {
            cfg!(feature = "embedded") && model_file::is_there(config, &project.folders)
        }
        Provider::Scripted | Provider::Cassette => {
            config.record.is_some() || config.file.as_ref().is_some_and(|file| file.is_file())
        }
    }
}

fn described(name: &str, config: &ModelConfig) -> String {
    let name = leadhand::rooms::inspector::escape::line(name, 80);
    match (config.provider, &config.model, &config.base_url) {
        (Provider::OpenAi, Some(model), Some(url)) => {
            format!(
                "{name} ({} at {})",
                leadhand::rooms::inspector::escape::line(model, 80),
                leadhand::rooms::inspector::escape::line(url, 80)
            )
        }
        (Provider::Embedded, Some(model), _) if *model != name => {
            format!("{name} ({model}, embedded)")
        }
        (Provider::Embedded, _, _) => format!("{name} (embedded)"),
        _ => name,
    }
}

/// A variable of the environment that has a value.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name)
        .ok()
        .filter(|value| !value.trim().is_empty())
}

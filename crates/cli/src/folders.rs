//! The folders of the user, by the XDG base directory rules on every system.

use crate::failure::Failure;
use etcetera::base_strategy::{BaseStrategy, Xdg};
use std::path::PathBuf;

/// Where the user's own files of this program lie.
#[derive(Debug, Clone)]
pub(crate) struct Folders {
    /// `leadhand.toml` and `policy.toml` of the user.
    pub(crate) config: PathBuf,
    /// Model files.
    pub(crate) models: PathBuf,
    /// Compiled tools.
    pub(crate) tools: PathBuf,
    /// Code runners that were built.
    pub(crate) runners: PathBuf,
    /// What tools are built with, as far as it had to be fetched.
    pub(crate) compilers: PathBuf,
    /// Cargo's own.
    pub(crate) cargo: PathBuf,
}

impl Folders {
    /// # Errors
    /// [`Failure::Usage`] when the user has no home folder.
    pub(crate) fn of_user() -> Result<Self, Failure> {
        let xdg = Xdg::new().map_err(|error| {
            Failure::usage(format!("there is no home folder: {error}"), "set HOME")
        })?;
        let cache = xdg.cache_dir().join("leadhand");
        Ok(Self {
            config: xdg.config_dir().join("leadhand"),
            models: cache.join("models"),
            tools: cache.join("tools"),
            runners: cache.join("runners"),
            compilers: cache.join("compilers"),
            cargo: std::env::var_os("CARGO_HOME")
                .map_or_else(|| xdg.home_dir().join(".cargo"), PathBuf::from),
        })
    }
}

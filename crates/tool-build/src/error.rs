//! What keeps a component from being built.

use std::path::PathBuf;

/// Why there is no component, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The folder holds nothing that can be built.
    #[error(
        "{}: there is no Cargo.toml, tool.js or tool.py to make a tool of", folder.display()
    )]
    NoSource {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder holds source in more than one language.
    #[error("{}: there is {found}, and a tool is made of one of them: move the others", folder.display())]
    SeveralSources {
        /// The folder.
        folder: PathBuf,
        /// The files, in words.
        found: String,
    },
    /// A program that builds is not here.
    #[error("{what}. Install it: {install}")]
    Missing {
        /// What is missing, and for what.
        what: String,
        /// The command that installs it.
        install: String,
    },
    /// A program that builds failed.
    #[error("{step} failed:\n{said}")]
    Step {
        /// What was done.
        step: String,
        /// The end of what it said.
        said: String,
    },
    /// What was built is no component.
    #[error("{}: this is no WebAssembly component: {why}", path.display())]
    NoComponent {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The folder is more than a tool can be made of.
    #[error("{}: {why}", folder.display())]
    TooMuch {
        /// The folder.
        folder: PathBuf,
        /// The bound that was reached.
        why: String,
    },
    /// A file or folder cannot be used.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl BuildError {
    /// Names the path that an operation failed on.
    pub(crate) fn at(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

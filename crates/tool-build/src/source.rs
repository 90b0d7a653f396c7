//! What a folder holds to make a tool of.

use crate::BuildError;
use std::path::Path;

/// The language that a tool is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// A crate whose library is a `cdylib`.
    Rust,
    /// A module `tool.js`.
    JavaScript,
    /// A module `tool.py`.
    Python,
}

const FILES: [(&str, Language); 3] = [
    ("Cargo.toml", Language::Rust),
    ("tool.js", Language::JavaScript),
    ("tool.py", Language::Python),
];

/// The language of the tool in a folder.
///
/// # Errors
/// When there is none, or more than one.
pub fn language(folder: &Path) -> Result<Language, BuildError> {
    let found: Vec<(&str, Language)> = FILES
        .into_iter()
        .filter(|(file, _)| folder.join(file).is_file())
        .collect();
    match found.as_slice() {
        [] => Err(BuildError::NoSource {
            folder: folder.to_owned(),
        }),
        [(_, language)] => Ok(*language),
        several => {
            let files: Vec<&str> = several.iter().map(|(file, _)| *file).collect();
            Err(BuildError::SeveralSources {
                folder: folder.to_owned(),
                found: files.join(" and "),
            })
        }
    }
}

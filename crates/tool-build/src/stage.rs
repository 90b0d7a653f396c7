//! The folder in which a JavaScript or Python tool is put together with our part of it: a copy
//! of the source, so that nothing is written into anybody's folder.

use crate::error::BuildError;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Most files a tool may be made of, its libraries included.
const FILES_MAX: usize = 5_000;
/// Most bytes a tool may be made of, its libraries included.
const BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How deep folders may lie in each other.
const DEPTH_MAX: usize = 32;
/// Names that are no part of any tool.
const LEFT_OUT: [&str; 6] = [
    ".git",
    ".leadhand",
    "target",
    "__pycache__",
    ".venv",
    "README.md",
];

/// A folder of its own that is gone when this is dropped.
pub(crate) struct Stage {
    folder: TempDir,
    /// Text of every source file in the language, for the contract.
    pub(crate) sources: Vec<String>,
    files: usize,
    bytes: u64,
}

impl Stage {
    /// Copies the regular files of a folder; links and components are left out.
    pub(crate) fn of(folder: &Path, extension: &str) -> Result<Self, BuildError> {
        let mut stage = Self::empty()?;
        let to = stage.path().to_owned();
        stage.copy(folder, folder, &to, extension, 0)?;
        Ok(stage)
    }

    pub(crate) fn empty() -> Result<Self, BuildError> {
        let folder = tempfile::tempdir().map_err(BuildError::at(std::env::temp_dir()))?;
        Ok(Self {
            folder,
            sources: Vec::new(),
            files: 0,
            bytes: 0,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file below the stage, with the folders above it.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), BuildError> {
        let path = self.path().join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(BuildError::at(parent))?;
        }
        fs::write(&path, text).map_err(BuildError::at(path))
    }

    fn copy(
        &mut self,
        root: &Path,
        from: &Path,
        to: &Path,
        extension: &str,
        depth: usize,
    ) -> Result<(), BuildError> {
        let too_much = |why: String| BuildError::TooMuch {
            folder: root.to_owned(),
            why,
        };
        if depth > DEPTH_MAX {
            return Err(too_much(format!("folders are deeper than {DEPTH_MAX}")));
        }
        fs::create_dir_all(to).map_err(BuildError::at(to))?;
        for entry in fs::read_dir(from).map_err(BuildError::at(from))? {
            let entry = entry.map_err(BuildError::at(from))?;
            let (path, name) = (entry.path(), entry.file_name());
            let kind = entry.file_type().map_err(BuildError::at(&path))?;
            let is = |ending: &str| path.extension().is_some_and(|found| found == ending);
            if LEFT_OUT.iter().any(|left_out| name == *left_out) || is("wasm") {
                continue;
            }
            if kind.is_dir() {
                self.copy(root, &path, &to.join(&name), extension, depth + 1)?;
            } else if kind.is_file() {
                let content = fs::read(&path).map_err(BuildError::at(&path))?;
                self.files += 1;
                self.bytes += content.len() as u64;
                if self.files > FILES_MAX || self.bytes > BYTES_MAX {
                    let why = format!("a tool has at most {FILES_MAX} files of {BYTES_MAX} bytes");
                    return Err(too_much(why));
                }
                let copy = to.join(&name);
                fs::write(&copy, &content).map_err(BuildError::at(copy))?;
                if is(extension) {
                    self.sources
                        .push(String::from_utf8_lossy(&content).into_owned());
                }
            }
        }
        Ok(())
    }
}

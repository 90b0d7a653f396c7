//! Where components are built, and what a built one is.

use crate::error::BuildError;
use crate::source::{Language, language};
use crate::{javascript, python, rust};
use leadhand_protocol::ContentHash;
use std::fs;
use std::path::{Path, PathBuf};

/// How the bytes of a component begin: the magic word, and the version of the binary format
/// with the layer that says "component" (Component Model, Binary.md).
const COMPONENT_MAGIC: &[u8] = b"\0asm\x0d\0\x01\0";

/// What building needs beside the source.
pub struct Workshop<'a> {
    /// Where compilers that had to be fetched are kept; nobody else may write there.
    pub cache: PathBuf,
    /// The folder of cargo's own files, which must not show in what is built.
    pub cargo_home: PathBuf,
    /// Is told what goes on, line by line.
    pub say: &'a dyn Fn(&str),
}

/// A component that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The file.
    pub component: PathBuf,
    /// What it was built from.
    pub language: Language,
    /// The hash of its bytes.
    pub sha256: ContentHash,
    /// Its size.
    pub bytes: u64,
}

impl Workshop<'_> {
    /// Builds the tool in a folder. Without an output the component lies in the folder, under
    /// the folder's name. It is put in place only when it is whole.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn build(&self, folder: &Path, output: Option<&Path>) -> Result<Built, BuildError> {
        let folder = fs::canonicalize(folder).map_err(BuildError::at(folder))?;
        let language = language(&folder)?;
        let default = || {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            folder.join(format!("{}.wasm", name.replace('-', "_")))
        };
        let output = output.map_or_else(default, Path::to_owned);
        let bytes = match language {
            Language::Rust => rust::build(self, &folder)?,
            Language::JavaScript => javascript::build(self, &folder)?,
            Language::Python => python::build(self, &folder)?,
        };
        self.keep(&bytes, language, output)
    }

    /// Writes a component under its final name once all of it is on the disk.
    pub(crate) fn keep(
        &self,
        bytes: &[u8],
        language: Language,
        component: PathBuf,
    ) -> Result<Built, BuildError> {
        if !bytes.starts_with(COMPONENT_MAGIC) {
            let why = "it is a core module, or no WebAssembly at all".to_owned();
            return Err(BuildError::NoComponent {
                path: component,
                why,
            });
        }
        let parent = component.parent().filter(|it| !it.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(BuildError::at(parent))?;
        let mut file = tempfile::NamedTempFile::new_in(parent).map_err(BuildError::at(parent))?;
        std::io::Write::write_all(&mut file, bytes)
            .and_then(|()| file.as_file().sync_all())
            .map_err(BuildError::at(&component))?;
        file.persist(&component)
            .map_err(|error| BuildError::at(&component)(error.error))?;
        Ok(Built {
            language,
            sha256: ContentHash::of(bytes),
            bytes: bytes.len() as u64,
            component,
        })
    }

    /// A folder of the cache that is made whole or not at all: `make` fills a folder beside it,
    /// which is then renamed.
    pub(crate) fn prepared(
        &self,
        name: &str,
        make: impl FnOnce(&Path) -> Result<(), BuildError>,
    ) -> Result<PathBuf, BuildError> {
        let folder = self.cache.join(name);
        if folder.is_dir() {
            return Ok(folder);
        }
        fs::create_dir_all(&self.cache).map_err(BuildError::at(&self.cache))?;
        let beside = tempfile::Builder::new()
            .prefix(&format!("{name}-"))
            .tempdir_in(&self.cache)
            .map_err(BuildError::at(&self.cache))?;
        make(beside.path())?;
        match fs::rename(beside.path(), &folder) {
            Ok(()) => drop(beside.keep()),
            // Somebody else was quicker, and theirs is as good.
            Err(_) if folder.is_dir() => {}
            Err(error) => return Err(BuildError::at(&folder)(error)),
        }
        Ok(folder)
    }
}

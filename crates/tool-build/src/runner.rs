//! The code runners: tools that carry out a program which a model wrote. Their source is part
//! of the library and lies in `sandbox/tools`; they are built when somebody asks for them.

use crate::error::BuildError;
use crate::javascript;
use crate::python;
use crate::source::Language;
use crate::stage::Stage;
use crate::workshop::{Built, Workshop};
use leadhand_protocol::ContentHash;
use std::path::{Path, PathBuf};

/// A code runner, and what it is built from.
#[derive(Debug, Clone, Copy)]
pub struct Runner {
    /// The name of its one tool.
    pub tool: &'static str,
    /// The language that it is written in and that it runs.
    pub language: Language,
    sources: &'static [(&'static str, &'static str)],
}

/// The code runners there are.
pub const RUNNERS: [Runner; 2] = [
    Runner {
        tool: "run_javascript",
        language: Language::JavaScript,
        sources: &[(
            "tool.js",
            include_str!("../../../sandbox/tools/javascript/tool.js"),
        )],
    },
    Runner {
        tool: "run_python",
        language: Language::Python,
        sources: &[
            (
                "tool.py",
                include_str!("../../../sandbox/tools/python/tool.py"),
            ),
            (
                "libraries.py",
                include_str!("../../../sandbox/tools/python/libraries.py"),
            ),
        ],
    },
];

impl Runner {
    /// The runner with this tool.
    #[must_use]
    pub fn named(tool: &str) -> Option<Self> {
        RUNNERS.into_iter().find(|runner| runner.tool == tool)
    }

    /// Where the component of this very source lies in a folder, once it was built: another
    /// version of the source has another name.
    #[must_use]
    pub fn component(&self, folder: &Path) -> PathBuf {
        let contract = [("tool.wit", crate::contract::CONTRACT)];
        let glue = match self.language {
            Language::JavaScript => javascript::glue(),
            Language::Python => python::glue(),
            Language::Rust => Vec::new(),
        };
        let all: String = contract
            .iter()
            .chain(self.sources)
            .chain(&glue)
            .map(|(name, text)| format!("{name}\n{}\n{text}", text.len()))
            .collect();
        let digest = ContentHash::of(all.as_bytes());
        folder.join(format!("{}-{}.wasm", self.tool, digest.short()))
    }

    /// Builds it into a folder, or gives what was built there before.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn build(&self, workshop: &Workshop<'_>, folder: &Path) -> Result<Built, BuildError> {
        let component = self.component(folder);
        if let Ok(bytes) = std::fs::read(&component) {
            (workshop.say)("it was built before");
            return Ok(Built {
                component,
                language: self.language,
                sha256: ContentHash::of(&bytes),
                bytes: bytes.len() as u64,
            });
        }
        let mut stage = Stage::empty()?;
        for (name, text) in self.sources {
            stage.write(name, text)?;
            stage.sources.push((*text).to_owned());
        }
        let bytes = match self.language {
            Language::Python => python::componentize(workshop, &stage)?,
            Language::JavaScript | Language::Rust => javascript::componentize(workshop, &stage)?,
        };
        workshop.keep(&bytes, self.language, component)
    }
}

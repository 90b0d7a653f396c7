//! The components that a project adds to the standard tools: those its configuration names, and
//! the code runners that were built for this user.

use crate::failure::Failure;
use crate::folders::Folders;
use leadhand::rooms::sandbox::{ToolHost, ToolHostBuilder};
use leadhand_tool_build::{RUNNERS, Runner};
use std::path::{Path, PathBuf};

/// Files of components, in the order in which they are loaded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Components {
    files: Vec<PathBuf>,
    to_build: Vec<&'static str>,
}

impl Components {
    /// The runners that are there, then what the configuration names.
    pub(crate) fn of(named: &[PathBuf], folders: &Folders) -> Self {
        let mut components = Self::default();
        for runner in RUNNERS {
            let file = runner.component(&folders.runners);
            if file.is_file() {
                components.files.push(file);
            } else {
                components.to_build.push(runner.tool);
            }
        }
        components.files.extend(named.iter().cloned());
        components
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }

    /// Names of the runners that are not built.
    pub(crate) fn runners_to_build(&self) -> impl Iterator<Item = &'static str> {
        self.to_build.iter().copied()
    }

    /// A host of the standard tools and these.
    ///
    /// # Errors
    /// Which component cannot be used, and why.
    pub(crate) fn host(&self, builder: ToolHostBuilder) -> Result<ToolHost, Failure> {
        let builder = self.files().fold(builder, ToolHostBuilder::component_file);
        Ok(builder.build()?)
    }
}

/// A host that keeps compiled code where the user's lies.
pub(crate) fn host_builder(folders: &Folders) -> ToolHostBuilder {
    ToolHost::builder().cache_dir(Some(folders.tools.clone()))
}

/// What to add to a notice that speaks of a runner which is not built.
pub(crate) fn how_to_build(notice: &str) -> String {
    let meant = RUNNERS
        .iter()
        .map(|Runner { tool, .. }| tool)
        .find(|tool| notice.contains(&format!("no tool `{tool}`")));
    meant.map_or_else(String::new, |tool| {
        format!("; `leadhand tool build {tool}` builds it")
    })
}

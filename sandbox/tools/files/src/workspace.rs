//! Paths and folders: going through the workspace, and writing into it.

use guest::files::{self, EntryKind, Error, ErrorCode};
use guest::workspace::{explain, parent};
use guest::{ErrorKind, ToolError, fault};

/// The names of a path as the host reads it, so that two spellings of one path are alike.
pub(crate) fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|name| !matches!(*name, "" | "."))
}

/// Writes a file and the folders it needs.
pub(crate) fn write(path: &str, content: &str) -> Result<(), ToolError> {
    if path.ends_with('/') {
        let message = format!("`{path}` is the path of a folder; give that of a file.");
        return Err(fault(ErrorKind::InvalidArguments, message));
    }
    files::create_folder(parent(path).0).map_err(|error| explain(path, &error))?;
    files::write(path, content.as_bytes()).map_err(|error| explain(path, &error))
}

/// Goes through the files below `path` in the order of their paths, which is also that of
/// folders before what is in them. Hidden entries and build output are left out.
pub(crate) struct Walk {
    /// Folders and files still to visit, the next one last.
    pending: Vec<(String, EntryKind, u64)>,
    recursive: bool,
    /// Names of folders that were left out, each once.
    pub(crate) skipped: Vec<String>,
    /// Why the walk ended early, if it did.
    pub(crate) cut_short: Option<String>,
}

/// Folders that hold what tools made and no person wrote.
const SKIPPED: [&str; 2] = ["node_modules", "target"];

impl Walk {
    /// Starts at a folder, or at one file.
    pub(crate) fn start(path: &str, recursive: bool) -> Result<Self, ToolError> {
        let metadata = files::stat(path).map_err(|error| explain(path, &error))?;
        let path = path.trim_start_matches("./").trim_end_matches('/');
        let mut walk = Self {
            pending: Vec::new(),
            recursive,
            skipped: Vec::new(),
            cut_short: None,
        };
        match metadata.kind {
            EntryKind::File => walk
                .pending
                .push((path.into(), EntryKind::File, metadata.bytes)),
            EntryKind::Folder => {
                let path = if path == "." { "" } else { path };
                walk.open(path).map_err(|error| explain(path, &error))?;
            }
        }
        Ok(walk)
    }

    fn open(&mut self, folder: &str) -> Result<(), Error> {
        let entries = files::list_folder(if folder.is_empty() { "." } else { folder })?;
        for entry in entries.into_iter().rev() {
            if entry.name.starts_with('.') {
                continue;
            }
            if entry.kind == EntryKind::Folder && SKIPPED.contains(&entry.name.as_str()) {
                if !self.skipped.contains(&entry.name) {
                    self.skipped.push(entry.name);
                }
                continue;
            }
            let path = if folder.is_empty() {
                entry.name
            } else {
                format!("{folder}/{}", entry.name)
            };
            self.pending.push((path, entry.kind, entry.bytes));
        }
        Ok(())
    }

    /// A sentence about what was not gone through; empty when everything was.
    pub(crate) fn note(&self) -> String {
        let mut notes = Vec::new();
        if !self.skipped.is_empty() {
            notes.push(format!("Left out: {}.", self.skipped.join(", ")));
        }
        if let Some(why) = &self.cut_short {
            notes.push(format!("Stopped early: {why}"));
        }
        notes.join("\n")
    }
}

impl Iterator for Walk {
    /// Path, kind and size. Folders are given only by a walk that is not recursive.
    type Item = (String, EntryKind, u64);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (path, kind, bytes) = self.pending.pop()?;
            if kind == EntryKind::File || !self.recursive {
                return Some((path, kind, bytes));
            }
            match self.open(&path) {
                Err(error) if error.code == ErrorCode::LimitExceeded => {
                    self.cut_short = Some(error.message);
                    self.pending.clear();
                }
                // Gone, or not to be listed: as if it were not there.
                _ => {}
            }
        }
    }
}

//! Reaching the workspace through the host, and telling a model what to do when that fails.

use alloc::{format, string::String, vec::Vec};
use guest::files::{self, EntryKind, Error, ErrorCode};
use guest::{ErrorKind, ToolError, fault};

/// Largest file a tool takes in, in bytes.
pub(crate) const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Bytes asked of the host at once.
const CHUNK_BYTES: u32 = 256 * 1024;
/// Names offered in place of one that does not exist.
const OFFERED_NAMES_MAX: usize = 12;

/// A file's bytes, all of them.
pub(crate) fn read(path: &str) -> Result<Vec<u8>, ToolError> {
    let metadata = files::stat(path).map_err(|error| explain(path, &error))?;
    if metadata.kind == EntryKind::Folder {
        let message = format!("`{path}` is a folder; list_files shows what is in it.");
        return Err(fault(ErrorKind::InvalidArguments, message));
    }
    if metadata.bytes > FILE_BYTES_MAX {
        let message = format!(
            "`{path}` has {} bytes, more than the {FILE_BYTES_MAX} that can be read.",
            metadata.bytes
        );
        return Err(fault(ErrorKind::LimitExceeded, message));
    }
    let mut content = Vec::new();
    loop {
        let part = files::read_range(path, content.len() as u64, CHUNK_BYTES)
            .map_err(|error| explain(path, &error))?;
        content.extend_from_slice(&part);
        if part.len() < CHUNK_BYTES as usize || content.len() as u64 > FILE_BYTES_MAX {
            return Ok(content);
        }
    }
}

/// Whether bytes are something other than text. A NUL near the beginning says so.
pub(crate) fn is_binary(content: &[u8]) -> bool {
    content.iter().take(8 * 1024).any(|byte| *byte == 0)
}

/// What the host said about `path`, with a way on where there is one.
pub(crate) fn explain(path: &str, error: &Error) -> ToolError {
    let kind = match error.code {
        ErrorCode::NotFound => {
            return fault(
                ErrorKind::NotFound,
                format!("{} {}", error.message, neighbours(path)),
            );
        }
        ErrorCode::Denied => ErrorKind::Denied,
        ErrorCode::InvalidPath | ErrorCode::WrongKind => ErrorKind::InvalidArguments,
        ErrorCode::LimitExceeded => ErrorKind::LimitExceeded,
        ErrorCode::AlreadyExists | ErrorCode::NotEmpty | ErrorCode::Failed => ErrorKind::Failed,
    };
    fault(kind, error.message.as_str())
}

/// The folder of a path and the name in it.
pub(crate) fn parent(path: &str) -> (&str, &str) {
    let path = path.trim_end_matches('/');
    path.rsplit_once('/').unwrap_or((".", path))
}

/// The names of a path as the host reads it, so that two spellings of one path are alike.
pub(crate) fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|name| !matches!(*name, "" | "."))
}

/// What is there instead: the entries of the nearest folder that exists, those most like the
/// missing name first.
fn neighbours(path: &str) -> String {
    let (mut folder, mut name) = parent(path);
    let entries = loop {
        match files::list_folder(folder) {
            Ok(entries) => break entries,
            Err(_) if folder == "." => return String::new(),
            Err(_) => (folder, name) = parent(folder),
        }
    };
    let mut names: Vec<String> = entries
        .into_iter()
        .filter(|entry| !entry.name.starts_with('.'))
        .map(|entry| match entry.kind {
            EntryKind::Folder => entry.name + "/",
            EntryKind::File => entry.name,
        })
        .collect();
    if names.is_empty() {
        return format!("`{folder}` is empty.");
    }
    names.sort_by_key(|other| core::cmp::Reverse(likeness(name, other)));
    let more = names.len().saturating_sub(OFFERED_NAMES_MAX);
    names.truncate(OFFERED_NAMES_MAX);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("In `{folder}` there are: {}{more}.", names.join(", "))
}

/// How alike two lines or names are: the pairs of neighbouring bytes they share, from 0 to
/// 1000 (Dice's coefficient in thousandths), case ignored.
pub(crate) fn likeness(one: &str, other: &str) -> usize {
    let pairs = |text: &str| -> Vec<[u8; 2]> {
        let mut pairs: Vec<[u8; 2]> = text
            .as_bytes()
            .windows(2)
            .map(|pair| [pair[0].to_ascii_lowercase(), pair[1].to_ascii_lowercase()])
            .collect();
        pairs.sort_unstable();
        pairs
    };
    let (one, other) = (pairs(one), pairs(other));
    let (mut at, mut against, mut shared) = (0, 0, 0);
    while let (Some(pair), Some(opposite)) = (one.get(at), other.get(against)) {
        match pair.cmp(opposite) {
            core::cmp::Ordering::Less => at += 1,
            core::cmp::Ordering::Greater => against += 1,
            core::cmp::Ordering::Equal => (at, against, shared) = (at + 1, against + 1, shared + 1),
        }
    }
    2000 * shared / (one.len() + other.len()).max(1)
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

//! Looks that the program itself takes at the workspace: which files there are, and what one
//! holds. They change nothing, follow no link outside, and are not calls of any tool.

use crate::Workspace;
use crate::contract::files::{Error, ErrorCode};
use crate::path::is_reserved;
use crate::regular_file::open_file;
use crate::workspace::LastLink;
use cap_std::fs::{Dir, DirEntry};
use std::collections::{BTreeSet, VecDeque};
use std::io::{self, Read};

/// Files and folders that one look at the whole tree goes through.
const ENTRIES_SEEN_MAX: usize = 200_000;
/// Folders deeper than this are not looked into.
const FOLDER_DEPTH_MAX: usize = 24;
/// Folders that hold what programs made, not what people wrote.
const SKIPPED_FOLDERS: [&str; 4] = ["target", "node_modules", "__pycache__", "venv"];

impl Workspace {
    /// The content of a file, or `None` when it does not exist.
    ///
    /// # Errors
    /// In words, when the path leads outside, is no regular file, cannot be read, or holds
    /// more than `bytes_max` bytes.
    pub fn read(&self, path: &str, bytes_max: u64) -> Result<Option<Vec<u8>>, String> {
        let place = match self.locate(path, LastLink::Follow).map_err(Error::from) {
            Ok(place) => place,
            Err(error) if error.code == ErrorCode::NotFound => {
                return Ok(None);
            }
            Err(error) => return Err(error.message),
        };
        let (file, length) = match open_file(&place) {
            Ok(opened) => opened,
            Err(error) if error.code == ErrorCode::NotFound => {
                return Ok(None);
            }
            Err(error) => return Err(error.message),
        };
        if length > bytes_max {
            return Err(format!(
                "`{path}` has {length} bytes and {bytes_max} are looked at"
            ));
        }
        let mut bytes = Vec::new();
        file.take(bytes_max)
            .read_to_end(&mut bytes)
            .map_err(|error| format!("`{path}` cannot be read: {error}"))?;
        Ok(Some(bytes))
    }

    /// The files of the workspace, sorted, at most `files_max`, and how many more there are:
    /// at least so many where there are more entries than one look goes through. Hidden ones,
    /// links and what programs made (`target`, `node_modules` …) are left out.
    ///
    /// # Errors
    /// When the root cannot be listed; folders below it that cannot are left out.
    pub fn files(&self, files_max: usize) -> io::Result<(Vec<String>, usize)> {
        self.walk(files_max, ENTRIES_SEEN_MAX)
    }

    /// Goes through the folders nearest to the root first, so that a large one deep down hides
    /// nothing beside it. The rest of the tree counts as one file a folder.
    fn walk(&self, files_max: usize, entries_max: usize) -> io::Result<(Vec<String>, usize)> {
        let (mut files, mut left_out, mut seen) = (BTreeSet::new(), 0, 0);
        let mut pending = VecDeque::from([(String::new(), 0)]);
        'tree: while let Some((above, depth)) = pending.pop_front() {
            let entries = match self.open_folder(&above).and_then(|dir| dir.entries()) {
                Ok(entries) => entries,
                Err(error) if depth == 0 => return Err(error),
                Err(_) => continue,
            };
            for entry in entries {
                if seen == entries_max {
                    left_out += 1 + pending.len();
                    break 'tree;
                }
                seen += 1;
                match entry.ok().and_then(|entry| look_at(&entry)) {
                    Some(Found::File(name)) => {
                        files.insert(format!("{above}{name}"));
                    }
                    Some(Found::Folder(name)) if depth < FOLDER_DEPTH_MAX => {
                        pending.push_back((format!("{above}{name}/"), depth + 1));
                    }
                    _ => {}
                }
                if files.len() > files_max {
                    files.pop_last();
                    left_out += 1;
                }
            }
        }
        Ok((files.into_iter().collect(), left_out))
    }

    fn open_folder(&self, path: &str) -> io::Result<Dir> {
        let place = self.locate(path, LastLink::Keep).map_err(Error::from);
        place
            .map_err(|error| io::Error::other(error.message))?
            .open_folder()
    }
}

/// What a walk goes on with.
enum Found {
    File(String),
    Folder(String),
}

fn look_at(entry: &DirEntry) -> Option<Found> {
    let name = entry.file_name().into_string().ok()?;
    let kind = entry.file_type().ok()?;
    if name.starts_with('.') || is_reserved(&name) {
        None
    } else if kind.is_file() {
        Some(Found::File(name))
    } else if kind.is_dir() && !SKIPPED_FOLDERS.contains(&name.as_str()) {
        Some(Found::Folder(name))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use crate::Workspace;
    use std::fs;

    fn check(files_max: usize, entries_max: usize, expected: &[&str], left_out: usize) {
        let folder = tempfile::tempdir().unwrap();
        for path in [
            "b/c/deep",
            "b/two",
            "b/three",
            "a",
            ".hidden",
            "target/made",
        ] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let workspace = Workspace::open(folder.path()).unwrap();
        let found = workspace.walk(files_max, entries_max).unwrap();
        let found = (
            found.0.iter().map(String::as_str).collect::<Vec<_>>(),
            found.1,
        );
        assert_eq!(
            found,
            (expected.to_vec(), left_out),
            "{files_max} {entries_max}"
        );
    }

    #[test]
    fn a_look_at_the_files_keeps_to_its_bounds() {
        let all = ["a", "b/c/deep", "b/three", "b/two"];
        check(9, 100, &all, 0);
        check(4, 8, &all, 0);
        check(2, 100, &all[..2], 2);
        check(0, 100, &[], 4);
        // The four entries of the root are seen and `b` is not gone through any more.
        check(9, 4, &["a"], 1);
        check(9, 0, &[], 1);
    }
}

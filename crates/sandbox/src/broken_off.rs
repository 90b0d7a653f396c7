//! What a write leaves in the workspace when its process is killed before it has replaced the
//! file: a reserved name, which no tool sees, but which is in the way of people.

use crate::path::TEMPORARY_PREFIX;
use crate::workspace::{LastLink, Workspace};
use std::path::Path;

/// Most entries of a folder that are looked at.
const ENTRIES_MAX: usize = 100_000;

impl Workspace {
    /// Removes, from the folder of a file, what writes left there whose processes are gone. What
    /// cannot be removed stays.
    pub fn clear_broken_off(&self, path: &str) {
        let Ok(place) = self.locate(path, LastLink::Follow) else {
            return;
        };
        let Ok(entries) = place.folder.entries() else {
            return;
        };
        for entry in entries.take(ENTRIES_MAX).flatten() {
            let name = entry.file_name();
            let writer = name.to_str().and_then(writer_of);
            if writer.is_some_and(is_gone) {
                drop(place.folder.remove_file(&name));
            }
        }
    }
}

/// The process that made a file of this name, if a write makes such names.
fn writer_of(name: &str) -> Option<u32> {
    let middle = name.strip_prefix(TEMPORARY_PREFIX)?.strip_suffix(".tmp")?;
    let (process, count) = middle.split_once('-')?;
    count.parse::<u64>().ok()?;
    process.parse().ok()
}

/// Where the system does not show its processes nobody is known to be gone.
fn is_gone(process: u32) -> bool {
    let shown = |name: &str| Path::new("/proc").join(name).exists();
    shown("self") && !shown(&process.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

    use super::*;

    #[test]
    fn only_what_processes_left_that_are_gone_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let own = format!(".leadhand-{}-0.tmp", std::process::id());
        // No process has this number: it is above the largest there can be (2^22).
        let gone = ".leadhand-4294967295-3.tmp";
        let others = [".leadhand-x-0.tmp", ".leadhand-4294967295-3", "a.md", &own];
        for name in others.iter().chain([&gone]) {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        Workspace::open(folder.path())
            .unwrap()
            .clear_broken_off("a.md");
        let left = std::fs::read_dir(folder.path()).unwrap();
        let mut left: Vec<String> = left
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let mut others = others.map(str::to_owned);
        others.sort();
        assert_eq!(left, others);
    }
}

//! What a call changed in the workspace, as the host saw it. Kept outside the guest's store,
//! so that a call that is stopped still leaves a true account.

use leadhand_protocol::{Change, ContentHash, FileChange};
use std::collections::{BTreeMap, BTreeSet};

/// Changes of one call, by path: at most one for each.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    by_path: BTreeMap<String, FileChange>,
    /// Writes handed to the file system that have not come back. After a call was stopped,
    /// more than 0 means that nobody knows what became of them.
    pub(crate) writes_pending: usize,
    /// Files written piece by piece: hash and size are known when the call has ended.
    pub(crate) unsettled: BTreeSet<String>,
    /// Files, by device and number, that this call itself gave another name.
    pub(crate) linked: BTreeSet<(u64, u64)>,
}

impl Changes {
    /// A file has new content; `existed` says whether it was there when the write began.
    pub(crate) fn wrote(
        &mut self,
        path: String,
        existed: bool,
        content: Option<ContentHash>,
        bytes: u64,
    ) {
        let known = self.by_path.get(&path).map(|change| change.change);
        let change = match known {
            Some(Change::Created) => Change::Created,
            Some(Change::Modified | Change::Removed) => Change::Modified,
            None if existed => Change::Modified,
            None => Change::Created,
        };
        self.by_path.insert(
            path.clone(),
            FileChange {
                path,
                change,
                hash: content,
                bytes,
            },
        );
    }

    /// A file is being written piece by piece.
    pub(crate) fn touched(&mut self, path: &str, existed: bool) {
        if self.unsettled.insert(path.to_owned()) {
            self.wrote(path.to_owned(), existed, None, 0);
        }
    }

    /// What a file that was written piece by piece holds in the end.
    pub(crate) fn settle(&mut self, path: &str, hash: Option<ContentHash>, bytes: u64) {
        if let Some(change) = self.by_path.get_mut(path) {
            change.hash = hash;
            change.bytes = bytes;
        }
    }

    /// A file or a folder has another path, and so has what is known of the files below it.
    pub(crate) fn moved(&mut self, from: &str, to: &str) {
        let below = format!("{from}/");
        let within: Vec<FileChange> = self
            .by_path
            .values()
            .filter(|change| change.path.starts_with(&below) && change.change != Change::Removed)
            .cloned()
            .collect();
        for change in within {
            let path = format!("{to}/{}", &change.path[below.len()..]);
            if self.unsettled.remove(&change.path) {
                self.unsettled.insert(path.clone());
            }
            self.removed(change.path);
            self.wrote(path, false, change.hash, change.bytes);
        }
        self.removed(from.to_owned());
    }

    /// A file is gone. One that this very call created leaves no trace.
    pub(crate) fn removed(&mut self, path: String) {
        self.unsettled.remove(&path);
        if self
            .by_path
            .get(&path)
            .is_some_and(|change| change.change == Change::Created)
        {
            self.by_path.remove(&path);
        } else {
            let gone = FileChange {
                path: path.clone(),
                change: Change::Removed,
                hash: None,
                bytes: 0,
            };
            self.by_path.insert(path, gone);
        }
    }

    /// All changes, sorted by path.
    pub(crate) fn take(&mut self) -> Vec<FileChange> {
        std::mem::take(&mut self.by_path).into_values().collect()
    }

    /// The changed paths, for a message; empty when there are none.
    pub(crate) fn paths(&self) -> Vec<&str> {
        self.by_path.keys().map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_changes_of_one_file_become_one() {
        let mut changes = Changes::default();
        let (one, two) = (ContentHash::of(b"1"), ContentHash::of(b"22"));
        changes.wrote("new".into(), false, Some(one), 1);
        changes.wrote("new".into(), true, Some(two), 2);
        changes.wrote("old".into(), true, Some(one), 1);
        changes.removed("old".into());
        changes.wrote("brief".into(), false, Some(one), 1);
        changes.removed("brief".into());
        changes.removed("back".into());
        changes.wrote("back".into(), false, Some(one), 1);
        let change = |path: &str, change, hash, bytes| FileChange {
            path: path.into(),
            change,
            hash,
            bytes,
        };
        let expected = [
            change("back", Change::Modified, Some(one), 1),
            change("new", Change::Created, Some(two), 2),
            change("old", Change::Removed, None, 0),
        ];
        assert_eq!(changes.take(), expected);
    }

    #[test]
    fn what_was_written_follows_its_folder() {
        let mut changes = Changes::default();
        let one = ContentHash::of(b"1");
        changes.touched("a/new", false);
        changes.touched("a/old", true);
        changes.moved("a", "b");
        changes.wrote("b".into(), false, None, 0);
        assert!(changes.unsettled.contains("b/new"));
        changes.settle("b/new", Some(one), 1);
        let change = |path: &str, change, hash, bytes| FileChange {
            path: path.into(),
            change,
            hash,
            bytes,
        };
        let expected = [
            change("a", Change::Removed, None, 0),
            change("a/old", Change::Removed, None, 0),
            change("b", Change::Created, None, 0),
            change("b/new", Change::Created, Some(one), 1),
            change("b/old", Change::Created, None, 0),
        ];
        assert_eq!(changes.take(), expected);
    }
}

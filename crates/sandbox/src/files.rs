//! The file operations of the contract, over one workspace and the grants of one call. They
//! block, so they run outside of the async threads; how much a call may do in all is counted
//! in `meter`, not here. Only regular files and folders are ever opened.

use crate::Workspace;
use crate::changes::Changes;
use crate::contract::files::{Entry, EntryKind, Error, ErrorCode, Metadata};
use crate::grants::PathGrants;
use crate::path::{fault, is_reserved, split};
use crate::regular_file::{Found, hash_of, holds, kind_of, open_file, rename_new, replace};
use crate::workspace::{LastLink, Place, Why, refused};
use leadhand_protocol::{Capability, ContentHash, FileChange, Grant, ToolOutput};
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whoever may read or write a file may know that it is there.
const EITHER: [Capability; 2] = [Capability::FsRead, Capability::FsWrite];

/// What one call can do to files.
#[derive(Debug)]
pub(crate) struct FileAccess {
    pub(crate) workspace: Arc<Workspace>,
    pub(crate) grants: PathGrants,
    changes: Mutex<Changes>,
    refused: Mutex<Vec<Grant>>,
}

impl FileAccess {
    pub(crate) fn new(workspace: Arc<Workspace>, grants: PathGrants) -> Self {
        Self {
            workspace,
            grants,
            changes: Mutex::default(),
            refused: Mutex::default(),
        }
    }

    /// Notes what the call lacked a grant for; at most so many as are told of it.
    pub(crate) fn refuse(&self, capability: Capability, path: &str) {
        let refused = Grant {
            capability,
            resource: path.to_owned(),
        };
        let mut all = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < ToolOutput::REFUSED_MAX && !all.contains(&refused) {
            all.push(refused);
        }
    }

    pub(crate) fn take_refused(&self) -> Vec<Grant> {
        std::mem::take(&mut *self.refused.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the call changed, with the hashes of what was written piece by piece.
    pub(crate) async fn take_changes(self: &Arc<Self>) -> Vec<FileChange> {
        if self.changes().unsettled.is_empty() {
            return self.changes().take();
        }
        let files = Arc::clone(self);
        let settled = tokio::task::spawn_blocking(move || {
            let unsettled = std::mem::take(&mut files.changes().unsettled);
            for path in unsettled {
                // What is gone again or is no file any more has neither size nor hash.
                if let Ok(place) = files.workspace.locate(&path, LastLink::Keep)
                    && let Ok(Found::File { bytes, .. }) = kind_of(&place)
                {
                    let hash = hash_of(&place, bytes);
                    files.changes().settle(&path, hash, bytes);
                }
            }
        });
        // It does not panic, and changes without hashes are changes still.
        drop(settled.await);
        self.changes().take()
    }

    /// What was changed so far. A panic while it was held leaves it whole.
    pub(crate) fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lists the covered entries; fails when the folder holds more than `entries_max`. Gives
    /// the number of entries looked at, too.
    pub(crate) fn list_folder(
        &self,
        path: &str,
        entries_max: usize,
    ) -> Result<(Vec<Entry>, usize), Error> {
        let place = self.locate(path, LastLink::Follow, &[Capability::FsRead])?;
        self.require(
            self.grants.may_list(&place.path),
            Capability::FsRead,
            &place,
        )?;
        let say = |error: io::Error| refused(&place.path, &error);
        let folder = place.open_folder().map_err(say)?;
        let mut entries = Vec::new();
        let mut seen = 0;
        for found in folder.entries().map_err(say)? {
            let found = found.map_err(say)?;
            seen += 1;
            if seen > entries_max {
                let message = format!(
                    "`{}` holds more entries than this call may list.",
                    place.path
                );
                return Err(fault(ErrorCode::LimitExceeded, message));
            }
            let Ok(name) = found.file_name().into_string() else {
                continue;
            };
            if is_reserved(&name) || split(&name).is_err() {
                continue;
            }
            let below = if place.path == "." {
                name.clone()
            } else {
                format!("{}/{name}", place.path)
            };
            // Gone since it was listed, or not to be looked at: left out.
            let Ok(metadata) = found.metadata() else {
                continue;
            };
            if metadata.is_dir() && self.grants.may_list(&below) {
                entries.push(Entry {
                    name,
                    kind: EntryKind::Folder,
                    bytes: 0,
                });
            } else if metadata.is_file() && self.grants.may_show(&below) {
                entries.push(Entry {
                    name,
                    kind: EntryKind::File,
                    bytes: metadata.len(),
                });
            }
        }
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok((entries, seen))
    }

    /// Kind and size of what is there; a grant to read or to write suffices.
    pub(crate) fn stat(&self, path: &str) -> Result<Metadata, Error> {
        let place = self.locate(path, LastLink::Follow, &EITHER)?;
        let covered = EITHER
            .into_iter()
            .any(|capability| self.grants.lead_through(capability, &place.path));
        self.require(covered, Capability::FsRead, &place)?;
        match kind_of(&place)? {
            Found::Folder => Ok(Metadata {
                kind: EntryKind::Folder,
                bytes: 0,
            }),
            Found::File { bytes, .. } => Ok(Metadata {
                kind: EntryKind::File,
                bytes,
            }),
        }
    }

    /// Reads a part of a file; fails when that part is longer than `bytes_max`.
    pub(crate) fn read_range(
        &self,
        path: &str,
        offset: u64,
        length: u32,
        bytes_max: u64,
    ) -> Result<Vec<u8>, Error> {
        let place = self.locate(path, LastLink::Follow, &[Capability::FsRead])?;
        self.require(
            self.grants.allow(Capability::FsRead, &place.path),
            Capability::FsRead,
            &place,
        )?;
        let (mut file, bytes) = open_file(&place)?;
        let length = u64::from(length).min(bytes.saturating_sub(offset));
        if length > bytes_max {
            let message = format!("`{}` is more than this call may still read.", place.path);
            return Err(fault(ErrorCode::LimitExceeded, message));
        }
        let say = |error: io::Error| refused(&place.path, &error);
        let mut content = Vec::new();
        file.seek(SeekFrom::Start(offset)).map_err(say)?;
        file.take(length).read_to_end(&mut content).map_err(say)?;
        Ok(content)
    }

    /// Replaces or creates a file. Writing what is there already changes nothing.
    pub(crate) fn write(&self, path: &str, content: &[u8]) -> Result<(), Error> {
        let place = self.locate(path, LastLink::Follow, &[Capability::FsWrite])?;
        self.require(
            self.grants.allow(Capability::FsWrite, &place.path),
            Capability::FsWrite,
            &place,
        )?;
        let bytes = content.len() as u64;
        let existed = match kind_of(&place) {
            Ok(Found::Folder) => {
                let message = format!("`{}` is a folder, not a file.", place.path);
                return Err(fault(ErrorCode::WrongKind, message));
            }
            Ok(Found::File { bytes: old, .. }) if old == bytes && holds(&place, content) => {
                return Ok(());
            }
            Ok(Found::File { permissions, .. }) if permissions.readonly() => {
                let message = format!("`{}` is write-protected.", place.path);
                return Err(fault(ErrorCode::Denied, message));
            }
            Ok(Found::File { permissions, .. }) => Some(permissions),
            Err(Error {
                code: ErrorCode::NotFound,
                ..
            }) => None,
            Err(error) => return Err(error),
        };
        let is_new = existed.is_none();
        replace(&place, content, existed).map_err(|error| refused(&place.path, &error))?;
        let hash = ContentHash::of(content);
        self.changes().wrote(place.path, !is_new, Some(hash), bytes);
        Ok(())
    }

    /// Creates a folder and those above it.
    pub(crate) fn create_folder(&self, path: &str) -> Result<(), Error> {
        let mut above = String::new();
        for name in split(path)? {
            above.push_str(name);
            let place = self.locate(&above, LastLink::Follow, &[Capability::FsWrite])?;
            match kind_of(&place) {
                Ok(Found::Folder) => {}
                Ok(Found::File { .. }) => {
                    let message = format!("`{}` is a file, not a folder.", place.path);
                    return Err(fault(ErrorCode::WrongKind, message));
                }
                Err(Error {
                    code: ErrorCode::NotFound,
                    ..
                }) => {
                    let covered = self.grants.lead_through(Capability::FsWrite, &place.path);
                    self.require(covered, Capability::FsWrite, &place)?;
                    match place.folder.create_dir(&place.name) {
                        // A call beside this one was faster.
                        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                        created => created.map_err(|error| refused(&place.path, &error))?,
                    }
                }
                Err(error) => return Err(error),
            }
            above.push('/');
        }
        Ok(())
    }

    /// Moves a file, or a folder when all below both places is covered.
    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<(), Error> {
        let from = self.locate(from, LastLink::Keep, &[Capability::FsWrite])?;
        let to = self.locate(to, LastLink::Keep, &[Capability::FsWrite])?;
        for place in [&from, &to] {
            self.require(
                self.grants.allow(Capability::FsWrite, &place.path),
                Capability::FsWrite,
                place,
            )?;
        }
        // A file must not become readable by being moved.
        let covered = !self.grants.allow(Capability::FsRead, &to.path)
            || self.grants.allow(Capability::FsRead, &from.path);
        self.require(covered, Capability::FsRead, &from)?;
        let found = kind_of(&from)?;
        if matches!(found, Found::Folder) {
            for place in [&from, &to] {
                let covered =
                    place.name != "." && self.grants.allow_tree(Capability::FsWrite, &place.path);
                self.require(covered, Capability::FsWrite, place)?;
            }
            let covered = !self.grants.lead_through(Capability::FsRead, &to.path)
                || self.grants.allow_tree(Capability::FsRead, &from.path);
            self.require(covered, Capability::FsRead, &from)?;
        }
        rename_new(&from, &to).map_err(|error| refused(&to.path, &error))?;
        let (hash, bytes) = match found {
            Found::File { bytes, .. } => (hash_of(&to, bytes), bytes),
            Found::Folder => (None, 0),
        };
        let mut changes = self.changes();
        changes.moved(&from.path, &to.path);
        changes.wrote(to.path, false, hash, bytes);
        Ok(())
    }

    /// Removes a file, a link (not what it points at) or an empty folder.
    pub(crate) fn remove(&self, path: &str) -> Result<(), Error> {
        let place = self.locate(path, LastLink::Keep, &[Capability::FsWrite])?;
        let covered = place.name != "." && self.grants.allow(Capability::FsWrite, &place.path);
        self.require(covered, Capability::FsWrite, &place)?;
        let say = |error: io::Error| refused(&place.path, &error);
        let metadata = place.folder.symlink_metadata(&place.name).map_err(say)?;
        if metadata.is_dir() {
            return place.folder.remove_dir(&place.name).map_err(say);
        }
        place.folder.remove_file(&place.name).map_err(say)?;
        self.changes().removed(place.path);
        Ok(())
    }

    /// Finds a place. When that fails and no grant covers the path, the call only learns that:
    /// what does or does not exist there is not for it to know.
    fn locate(
        &self,
        path: &str,
        last: LastLink,
        capabilities: &[Capability],
    ) -> Result<Place, Error> {
        let written = split(path)?.join("/");
        let written = if written.is_empty() { "." } else { &written };
        let found = self.workspace.locate(path, last).map_err(|unfound| {
            if matches!(unfound.why, Why::Outside | Why::Reserved) {
                self.refuse(capabilities[0], written);
            }
            let mut wanted = capabilities.iter();
            let leads = wanted.any(|capability| self.grants.lead_through(*capability, written));
            match leads || self.grants.may_list(written) {
                true => unfound.into(),
                false => self.denied(capabilities[0], written),
            }
        })?;
        let linked = found.path != written;
        Ok(Place { linked, ..found })
    }

    fn require(&self, covered: bool, capability: Capability, place: &Place) -> Result<(), Error> {
        if covered {
            Ok(())
        } else {
            let mut error = self.denied(capability, &place.path);
            if place.linked {
                error
                    .message
                    .push_str(" A link leads there: call again with that path itself.");
            }
            Err(error)
        }
    }

    fn denied(&self, capability: Capability, path: &str) -> Error {
        self.refuse(capability, path);
        let granted = self.grants.describe(capability);
        let message = format!("No grant of {capability} covers `{path}`; granted: {granted}.");
        fault(ErrorCode::Denied, message)
    }
}

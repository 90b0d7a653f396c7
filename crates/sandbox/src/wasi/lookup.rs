//! From a path that a program names to a place that the call may use: what WASI allows in a path
//! and `files` does not (`..` within a folder, links named as such), under the same checks of
//! links, reserved names and grants. Opens files; all of it blocks.

use crate::files::FileAccess;
use crate::path::{NAME_BYTES_MAX, PATH_BYTES_MAX, is_reserved};
use crate::workspace::{LastLink, Place, Unfound, Why};
use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::fs::{MetadataExt, OpenOptions};
use leadhand_protocol::Capability;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use wasmtime_wasi::OpenMode;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorFlags, DescriptorType, DirectoryEntry, ErrorCode, OpenFlags,
};

/// A path, split; nothing of it has been looked at.
pub(super) struct Written<'a> {
    names: Vec<&'a str>,
    /// It ends in `/`, so it means a folder.
    pub(super) names_folder: bool,
}

pub(super) fn parse(path: &str) -> Result<Written<'_>, ErrorCode> {
    if path.is_empty() {
        return Err(ErrorCode::NoEntry);
    }
    if path.len() > PATH_BYTES_MAX {
        return Err(ErrorCode::NameTooLong);
    }
    if path.starts_with('/') {
        return Err(ErrorCode::NotPermitted);
    }
    if path.contains('\\') || path.chars().any(char::is_control) {
        return Err(ErrorCode::Invalid);
    }
    let names: Vec<&str> = path
        .split('/')
        .filter(|name| !matches!(*name, "" | "."))
        .collect();
    if names.iter().any(|name| name.len() > NAME_BYTES_MAX) {
        return Err(ErrorCode::NameTooLong);
    }
    let names_folder = matches!(path.rsplit('/').next(), Some("" | "." | ".."));
    Ok(Written {
        names,
        names_folder,
    })
}

/// What a place is needed for, and so which grants suffice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// To know that it is there.
    Look,
    /// To read what a link says.
    Read,
    List,
    Change,
    CreateFolder,
    /// To give a file a second name: whoever holds that one may do all that this one allows.
    Link,
}

impl Need {
    fn capability(self) -> Capability {
        match self {
            Self::Look | Self::Read | Self::List => Capability::FsRead,
            Self::Change | Self::CreateFolder | Self::Link => Capability::FsWrite,
        }
    }
}

/// What a program wants to open a path for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    pub(super) last: LastLink,
    pub(super) how: OpenFlags,
    pub(super) rights: DescriptorFlags,
}

/// What was opened.
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) path: String,
    pub(super) is_folder: bool,
    pub(super) readable: bool,
    pub(super) writable: bool,
    pub(super) mode: OpenMode,
}

impl FileAccess {
    fn fulfils(&self, need: Need, path: &str) -> bool {
        let (read, write) = (Capability::FsRead, Capability::FsWrite);
        let grants = &self.grants;
        match need {
            Need::Look => grants.lead_through(read, path) || grants.lead_through(write, path),
            Need::Read => grants.allow(read, path),
            Need::List => grants.lead_through(read, path),
            Need::Change => path != "." && grants.allow(write, path),
            Need::CreateFolder => grants.lead_through(write, path),
            Need::Link => grants.allow(read, path) && grants.allow(write, path),
        }
    }

    /// Finds the place that a path within `folder` means, for a need that grants cover there.
    pub(super) fn place(
        &self,
        folder: &str,
        path: &Written<'_>,
        last: LastLink,
        need: Need,
    ) -> Result<Place, ErrorCode> {
        match self.workspace.locate_below(folder, &path.names, last) {
            Ok(place) => self.require_need(need, &place.path).map(|()| place),
            Err(unfound) => {
                let written = normal(folder, &path.names);
                // What does or does not exist where no grant leads is not for the call to know.
                if matches!(unfound.why, Why::Outside | Why::Reserved) {
                    self.refuse(need.capability(), &written);
                } else {
                    self.require_need(Need::Look, &written)?;
                }
                Err(code(unfound))
            }
        }
    }

    fn require_need(&self, need: Need, path: &str) -> Result<(), ErrorCode> {
        if self.fulfils(need, path) {
            return Ok(());
        }
        self.refuse(need.capability(), path);
        Err(ErrorCode::NotPermitted)
    }

    /// Opens a regular file or a folder, with no more rights than the grants give.
    pub(super) fn open(
        &self,
        folder: &str,
        path: &Written<'_>,
        wish: Wish,
    ) -> Result<Opened, ErrorCode> {
        let has = |flag| wish.how.contains(flag);
        let (create, exclusive) = (has(OpenFlags::CREATE), has(OpenFlags::EXCLUSIVE));
        let truncate = has(OpenFlags::TRUNCATE);
        let folder_wanted = has(OpenFlags::DIRECTORY) || path.names_folder;
        if wish.rights.intersects(
            DescriptorFlags::FILE_INTEGRITY_SYNC
                | DescriptorFlags::DATA_INTEGRITY_SYNC
                | DescriptorFlags::REQUESTED_WRITE_SYNC,
        ) {
            return Err(ErrorCode::Unsupported);
        }
        if has(OpenFlags::DIRECTORY) && (create || exclusive || truncate) {
            return Err(ErrorCode::Invalid);
        }
        let last = match (create && exclusive, path.names_folder) {
            (true, _) => LastLink::Keep,
            (false, true) => LastLink::Follow,
            (false, false) => wish.last,
        };
        let place = self.place(folder, path, last, Need::Look)?;
        let changes = create || truncate || wish.rights.contains(DescriptorFlags::WRITE);
        let found = match place.folder.symlink_metadata(&place.name) {
            Ok(found) => Some(found),
            Err(error) if error.kind() == io::ErrorKind::NotFound && create => None,
            Err(error) => return Err(error.into()),
        };
        match &found {
            Some(_) if create && exclusive => return Err(ErrorCode::Exist),
            Some(found) if found.is_symlink() => return Err(ErrorCode::Loop),
            Some(found) if found.is_dir() && changes => return Err(ErrorCode::IsDirectory),
            Some(found) if found.is_dir() => return self.opened_folder(&place, wish),
            _ if folder_wanted && found.is_none() => return Err(ErrorCode::IsDirectory),
            _ if folder_wanted => return Err(ErrorCode::NotDirectory),
            // Opening a device can do something, and a pipe makes one wait.
            Some(found) if !found.is_file() => return Err(ErrorCode::NotPermitted),
            Some(_) | None => {}
        }
        self.opened_file(place, wish, changes, found.is_some())
    }

    fn opened_folder(&self, place: &Place, wish: Wish) -> Result<Opened, ErrorCode> {
        let (read, write) = (Capability::FsRead, Capability::FsWrite);
        let mut mode = OpenMode::READ;
        if wish.rights.contains(DescriptorFlags::MUTATE_DIRECTORY) {
            mode |= OpenMode::WRITE;
        }
        Ok(Opened {
            file: place.open_folder()?.into_std_file(),
            path: place.path.clone(),
            is_folder: true,
            readable: self.grants.lead_through(read, &place.path),
            writable: self.grants.lead_through(write, &place.path),
            mode,
        })
    }

    fn opened_file(
        &self,
        place: Place,
        wish: Wish,
        changes: bool,
        existed: bool,
    ) -> Result<Opened, ErrorCode> {
        let create = wish.how.contains(OpenFlags::CREATE);
        let readable = self.grants.allow(Capability::FsRead, &place.path);
        let writable = self.grants.allow(Capability::FsWrite, &place.path);
        if changes {
            self.require_need(Need::Change, &place.path)?;
        }
        if wish.rights.contains(DescriptorFlags::READ) {
            self.require_need(Need::Read, &place.path)?;
        }
        // A handle without rights is for asking about the file, and is opened for reading.
        let read = wish.rights.contains(DescriptorFlags::READ)
            || !wish.rights.contains(DescriptorFlags::WRITE);
        let mut options = OpenOptions::new();
        options
            .read(read)
            .write(changes)
            .follow(FollowSymlinks::No)
            .nonblock(true);
        match create && wish.how.contains(OpenFlags::EXCLUSIVE) {
            true => options.create_new(true),
            false => options.create(create),
        };
        let file = place.folder.open_with(&place.name, &options)?;
        let metadata = file.metadata()?;
        // Looked at again, since it may be another by now.
        if !metadata.is_file() {
            return Err(ErrorCode::NotPermitted);
        }
        // A second name of the file may lie outside of the workspace, or where no grant leads.
        let identity = (metadata.dev(), metadata.ino());
        if changes && metadata.nlink() > 1 && !self.changes().linked.contains(&identity) {
            self.refuse(Capability::FsWrite, &place.path);
            return Err(ErrorCode::NotPermitted);
        }
        let file = file.into_std();
        if wish.how.contains(OpenFlags::TRUNCATE) {
            file.set_len(0)?;
        }
        if !existed || wish.how.contains(OpenFlags::TRUNCATE) {
            self.changes().touched(&place.path, existed);
        }
        let mut mode = OpenMode::empty();
        mode.set(OpenMode::READ, read);
        mode.set(OpenMode::WRITE, changes);
        Ok(Opened {
            file,
            path: place.path,
            is_folder: false,
            readable,
            writable,
            mode,
        })
    }

    /// The entries of a folder that grants cover, and how many there are in all; fails when that
    /// is more than `entries_max`.
    pub(super) fn entries(
        &self,
        folder: &str,
        entries_max: usize,
    ) -> Result<(VecDeque<DirectoryEntry>, usize), ErrorCode> {
        let place = self.place(folder, &parse(".")?, LastLink::Keep, Need::List)?;
        let mut entries = VecDeque::new();
        let mut seen = 0;
        for found in place.open_folder()?.entries()? {
            let found = found?;
            seen += 1;
            if seen > entries_max {
                return Err(ErrorCode::Quota);
            }
            let Ok(name) = found.file_name().into_string() else {
                continue;
            };
            let Ok(kind) = found.file_type() else {
                continue;
            };
            let below = normal(folder, &[&name]);
            let covered = match kind.is_dir() {
                true => self.fulfils(Need::Look, &below),
                false => self.fulfils(Need::Read, &below),
            };
            if is_reserved(&name) || parse(&name).is_err() || !covered {
                continue;
            }
            let type_ = match kind {
                kind if kind.is_dir() => DescriptorType::Directory,
                kind if kind.is_file() => DescriptorType::RegularFile,
                kind if kind.is_symlink() => DescriptorType::SymbolicLink,
                _ => DescriptorType::Unknown,
            };
            entries.push_back(DirectoryEntry { type_, name });
        }
        Ok((entries, seen))
    }

    /// Whether a link may say `target`: relative, nothing reserved, and nothing above its own
    /// folder, so that it stays within the workspace wherever that folder is moved. The sandbox
    /// itself follows no link out, but other programs would.
    pub(super) fn may_point(target: &str) -> Result<(), ErrorCode> {
        let written = parse(target)?;
        let leads_out = |name: &&str| *name == ".." || is_reserved(name);
        match written.names.iter().any(leads_out) {
            true => Err(ErrorCode::NotPermitted),
            false => Ok(()),
        }
    }

    /// Whether a file or folder may be moved: see [`FileAccess::rename`].
    pub(super) fn may_move(&self, from: &Place, to: &Place) -> Result<bool, ErrorCode> {
        let (read, write) = (Capability::FsRead, Capability::FsWrite);
        let grants = &self.grants;
        let is_folder = from.folder.symlink_metadata(&from.name)?.is_dir();
        let covered = if is_folder {
            grants.allow_tree(write, &from.path)
                && grants.allow_tree(write, &to.path)
                && (!grants.lead_through(read, &to.path) || grants.allow_tree(read, &from.path))
        } else {
            !grants.allow(read, &to.path) || grants.allow(read, &from.path)
        };
        if covered {
            Ok(is_folder)
        } else {
            self.refuse(write, &from.path);
            Err(ErrorCode::NotPermitted)
        }
    }
}

/// A path from the root, of names as they were written.
fn normal(folder: &str, names: &[&str]) -> String {
    let mut all: Vec<&str> = folder.split('/').filter(|name| *name != ".").collect();
    for name in names {
        match *name {
            ".." => drop(all.pop()),
            name => all.push(name),
        }
    }
    match all.is_empty() {
        true => ".".to_owned(),
        false => all.join("/"),
    }
}

fn code(unfound: Unfound) -> ErrorCode {
    match unfound.why {
        Why::Written(_) => ErrorCode::Invalid,
        Why::Outside | Why::Reserved => ErrorCode::NotPermitted,
        Why::Links => ErrorCode::Loop,
        Why::NotFolder => ErrorCode::NotDirectory,
        Why::Refused(error) => error.into(),
    }
}

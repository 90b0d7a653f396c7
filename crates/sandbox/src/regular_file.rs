//! One regular file at a place that was found: what it is, opening it, replacing it whole, moving
//! it. Nothing else is ever opened: opening a device can do something, and a pipe makes one wait.

use crate::contract::files::{Error, ErrorCode};
use crate::path::{TEMPORARY_PREFIX, fault};
use crate::workspace::{Place, refused};
use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::fs::{Dir, File, OpenOptions, Permissions};
use leadhand_protocol::ContentHash;
use sha2::{Digest, Sha256};
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};

/// Largest moved file whose hash is told with the change, in bytes.
const MOVED_HASH_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What is at a place. Links and everything else are errors.
pub(crate) enum Found {
    Folder,
    File {
        bytes: u64,
        permissions: Permissions,
    },
}

pub(crate) fn kind_of(place: &Place) -> Result<Found, Error> {
    let metadata = place
        .folder
        .symlink_metadata(&place.name)
        .map_err(|error| refused(&place.path, &error))?;
    if metadata.is_dir() {
        Ok(Found::Folder)
    } else if metadata.is_file() {
        Ok(Found::File {
            bytes: metadata.len(),
            permissions: metadata.permissions(),
        })
    } else {
        Err(not_regular(place))
    }
}

fn not_regular(place: &Place) -> Error {
    let message = format!("`{}` is neither a regular file nor a folder.", place.path);
    fault(ErrorCode::WrongKind, message)
}

/// Opens a regular file and gives its size. Looked at before it is opened, since opening a
/// device can do something; opened without waiting, and looked at again, since by then it may
/// be a pipe.
pub(crate) fn open_file(place: &Place) -> Result<(File, u64), Error> {
    if matches!(kind_of(place)?, Found::Folder) {
        let message = format!("`{}` is a folder, not a file.", place.path);
        return Err(fault(ErrorCode::WrongKind, message));
    }
    let say = |error: io::Error| refused(&place.path, &error);
    let mut options = OpenOptions::new();
    options.read(true).follow(FollowSymlinks::No).nonblock(true);
    let file = place.folder.open_with(&place.name, &options).map_err(say)?;
    let metadata = file.metadata().map_err(say)?;
    if metadata.is_file() {
        Ok((file, metadata.len()))
    } else {
        Err(not_regular(place))
    }
}

/// Whether the file has just this content.
pub(crate) fn holds(place: &Place, content: &[u8]) -> bool {
    let mut old = Vec::with_capacity(content.len());
    open_file(place).is_ok_and(|(file, _)| {
        file.take(content.len() as u64 + 1)
            .read_to_end(&mut old)
            .is_ok()
            && old == content
    })
}

/// Writes beside the file and renames over it. The permissions of a replaced file are kept.
pub(crate) fn replace(
    place: &Place,
    content: &[u8],
    permissions: Option<Permissions>,
) -> io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let temporary = format!("{TEMPORARY_PREFIX}{}-{count}.tmp", std::process::id());
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let mut file = place.folder.open_with(&temporary, &options)?;
    let written = file
        .write_all(content)
        .and_then(|()| permissions.map_or(Ok(()), |permissions| file.set_permissions(permissions)))
        .and_then(|()| place.folder.rename(&temporary, &place.folder, &place.name));
    if written.is_err() {
        // The first error is the one to tell; a file left behind is reserved and harmless.
        drop(place.folder.remove_file(&temporary));
    }
    written
}

/// Renames unless something is there, in one step where the file system can.
pub(crate) fn rename_new(from: &Place, to: &Place) -> io::Result<()> {
    use rustix::fs::{RenameFlags, renameat_with};
    let rename = |one: &Dir, other: &Dir| {
        renameat_with(one, &from.name, other, &to.name, RenameFlags::NOREPLACE)
    };
    match rename(&from.folder, &to.folder) {
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::INVAL | rustix::io::Errno::NOTSUP) => {
            if to.folder.symlink_metadata(&to.name).is_ok() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            from.folder.rename(&from.name, &to.folder, &to.name)
        }
        renamed => Ok(renamed?),
    }
}

pub(crate) fn hash_of(place: &Place, bytes: u64) -> Option<ContentHash> {
    if bytes > MOVED_HASH_BYTES_MAX {
        return None;
    }
    let (file, _) = open_file(place).ok()?;
    let mut hasher = Sha256::new();
    io::copy(&mut file.take(MOVED_HASH_BYTES_MAX), &mut hasher).ok()?;
    Some(ContentHash::from_digest(hasher.finalize().into()))
}

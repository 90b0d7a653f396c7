//! The folder a run works in, held open as a capability: nothing in this crate can name a
//! path outside of it. Links are followed here, one name at a time and through open folders,
//! so that the path that is checked against the grants is the path that is used, whatever
//! another process does to the folder in between.

use crate::SandboxError;
use crate::contract::files::{Error, ErrorCode};
use crate::path::{fault, is_reserved, split};
use cap_fs_ext::DirExt;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::path::{Component, Path};

/// Symbolic links followed for one path before it counts as a cycle.
const LINKS_MAX: usize = 16;

/// An open folder, the root of everything that a call can see.
#[derive(Debug)]
pub struct Workspace {
    root: Dir,
}

/// A path without links in it, as an open folder and a name that may or may not exist there.
pub(crate) struct Place {
    pub(crate) folder: Dir,
    /// `.` for the root itself.
    pub(crate) name: String,
    /// From the root, separated by `/`: what grants are checked against.
    pub(crate) path: String,
}

impl Place {
    /// Opens the folder of this name; a link in its place is refused.
    pub(crate) fn open_folder(&self) -> io::Result<Dir> {
        if self.name == "." {
            self.folder.try_clone()
        } else {
            self.folder.open_dir_nofollow(&self.name)
        }
    }
}

/// What to do with a link at the end of a path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastLink {
    Follow,
    Keep,
}

impl Workspace {
    /// Opens an existing folder. Later renaming of the folder does not matter.
    ///
    /// # Errors
    /// When it does not exist, is no folder or may not be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SandboxError> {
        let path = path.as_ref();
        Dir::open_ambient_dir(path, ambient_authority())
            .map(|root| Self { root })
            .map_err(|source| SandboxError::Workspace {
                path: path.to_owned(),
                source,
            })
    }

    /// Finds the place that a guest's path means. Fails when a folder on the way does not
    /// exist, when a link leads outside, and on reserved names.
    pub(crate) fn locate(&self, path: &str, last: LastLink) -> Result<Place, Error> {
        let mut pending: VecDeque<String> = split(path)?.into_iter().map(str::to_owned).collect();
        let mut above: Vec<(String, Dir)> = Vec::new();
        let mut links = 0;
        while let Some(name) = pending.pop_front() {
            if name == ".." {
                // Only a link brings one of these.
                above.pop().ok_or_else(|| outside(path))?;
                continue;
            }
            let here = join(&above, &name);
            if is_reserved(&name) {
                let message = format!("`{here}` is never accessible to tools.");
                return Err(fault(ErrorCode::Denied, message));
            }
            let folder = above.last().map_or(&self.root, |(_, folder)| folder);
            let is_last = pending.is_empty();
            match folder.symlink_metadata(&name) {
                Ok(found) if found.is_symlink() && (!is_last || last == LastLink::Follow) => {
                    links += 1;
                    if links > LINKS_MAX {
                        let message = format!("`{path}` goes through too many symbolic links.");
                        return Err(fault(ErrorCode::Failed, message));
                    }
                    let target = folder
                        .read_link_contents(&name)
                        .map_err(|e| refused(&here, &e))?;
                    for step in steps(&target, path)?.into_iter().rev() {
                        pending.push_front(step);
                    }
                }
                Ok(found) if !is_last && !found.is_dir() => {
                    let message = format!("`{here}` is a file, not a folder.");
                    return Err(fault(ErrorCode::WrongKind, message));
                }
                Ok(_) if !is_last => {
                    let next = folder
                        .open_dir_nofollow(&name)
                        .map_err(|e| refused(&here, &e))?;
                    above.push((name, next));
                }
                Err(error) if error.kind() != ErrorKind::NotFound || !is_last => {
                    return Err(refused(&here, &error));
                }
                _ => return self.place(above, name, here),
            }
        }
        // The path was empty, or a link ended in `..`: what is left is a folder above.
        match above.pop() {
            Some((name, _)) => {
                let here = join(&above, &name);
                self.place(above, name, here)
            }
            None => self.place(above, ".".to_owned(), ".".to_owned()),
        }
    }

    fn place(
        &self,
        mut above: Vec<(String, Dir)>,
        name: String,
        path: String,
    ) -> Result<Place, Error> {
        let folder = match above.pop() {
            Some((_, folder)) => folder,
            None => self
                .root
                .try_clone()
                .map_err(|error| refused(&path, &error))?,
        };
        Ok(Place { folder, name, path })
    }
}

/// The names a link's target is made of. A reserved or unusual name is found when it is used.
fn steps(target: &Path, path: &str) -> Result<Vec<String>, Error> {
    target
        .components()
        .filter(|component| *component != Component::CurDir)
        .map(|component| match component {
            Component::ParentDir => Ok("..".to_owned()),
            Component::Normal(name) => name
                .to_str()
                .map(str::to_owned)
                .ok_or_else(|| outside(path)),
            _ => Err(outside(path)),
        })
        .collect()
}

fn join(above: &[(String, Dir)], name: &str) -> String {
    let mut path: String = above
        .iter()
        .flat_map(|(name, _)| [name.as_str(), "/"])
        .collect();
    path.push_str(name);
    path
}

fn outside(path: &str) -> Error {
    fault(
        ErrorCode::Denied,
        format!("`{path}` is a link that leads out of the workspace."),
    )
}

/// What the file system said, in words.
pub(crate) fn refused(path: &str, error: &io::Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound => fault(ErrorCode::NotFound, format!("`{path}` does not exist.")),
        ErrorKind::AlreadyExists => fault(
            ErrorCode::AlreadyExists,
            format!("`{path}` is there already."),
        ),
        ErrorKind::DirectoryNotEmpty => {
            fault(ErrorCode::NotEmpty, format!("`{path}` is not empty."))
        }
        ErrorKind::NotADirectory => fault(
            ErrorCode::WrongKind,
            format!("`{path}` is a file, not a folder."),
        ),
        kind => fault(
            ErrorCode::Failed,
            format!("`{path}`: the file system refuses: {kind}."),
        ),
    }
}

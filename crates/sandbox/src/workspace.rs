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
    /// Whether what was named was another path, and a link led here.
    pub(crate) linked: bool,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    pub(crate) fn locate(&self, path: &str, last: LastLink) -> Result<Place, Unfound> {
        let names = split(path).map_err(|error| Unfound::new(path, Why::Written(error)))?;
        self.walk_to(
            names.into_iter().map(str::to_owned).collect(),
            0,
            path,
            last,
        )
    }

    /// Finds the place that a path means within a folder, which is itself named from the root
    /// and free of links. `..` is allowed in the path as long as it stays within the folder.
    pub(crate) fn locate_below(
        &self,
        folder: &str,
        names: &[&str],
        last: LastLink,
    ) -> Result<Place, Unfound> {
        let above = folder.split('/').filter(|name| *name != ".");
        let floor = above.clone().count();
        let pending = above
            .chain(names.iter().copied())
            .map(str::to_owned)
            .collect();
        self.walk_to(pending, floor, &names.join("/"), last)
    }

    /// Walks along `pending`, and never above the first `floor` folders of it.
    fn walk_to(
        &self,
        mut pending: VecDeque<String>,
        floor: usize,
        path: &str,
        last: LastLink,
    ) -> Result<Place, Unfound> {
        let mut above: Vec<(String, Dir)> = Vec::new();
        let mut links = 0;
        while let Some(name) = pending.pop_front() {
            if name == ".." {
                if above.len() <= floor {
                    return Err(Unfound::new(path, Why::Outside));
                }
                above.pop();
                continue;
            }
            let here = join(&above, &name);
            if is_reserved(&name) {
                return Err(Unfound::new(here, Why::Reserved));
            }
            let folder = above.last().map_or(&self.root, |(_, folder)| folder);
            let is_last = pending.is_empty();
            let refused = |error| Unfound::new(here.as_str(), Why::Refused(error));
            match folder.symlink_metadata(&name) {
                Ok(found) if found.is_symlink() && (!is_last || last == LastLink::Follow) => {
                    links += 1;
                    if links > LINKS_MAX {
                        return Err(Unfound::new(path, Why::Links));
                    }
                    let target = folder.read_link_contents(&name).map_err(refused)?;
                    for step in steps(&target, path)?.into_iter().rev() {
                        pending.push_front(step);
                    }
                }
                Ok(found) if !is_last && !found.is_dir() => {
                    return Err(Unfound::new(here, Why::NotFolder));
                }
                Ok(_) if !is_last => {
                    let next = folder.open_dir_nofollow(&name).map_err(refused)?;
                    above.push((name, next));
                }
                Err(error) if error.kind() != ErrorKind::NotFound || !is_last => {
                    return Err(refused(error));
                }
                _ => return self.place(above, name, here),
            }
        }
        // The path was empty, or it ended in `..`: what is left is a folder above.
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
    ) -> Result<Place, Unfound> {
        let folder = match above.pop() {
            Some((_, folder)) => folder,
            None => self
                .root
                .try_clone()
                .map_err(|error| Unfound::new(path.as_str(), Why::Refused(error)))?,
        };
        Ok(Place {
            folder,
            name,
            path,
            linked: false,
        })
    }
}

/// The names a link's target is made of. A reserved or unusual name is found when it is used.
fn steps(target: &Path, path: &str) -> Result<Vec<String>, Unfound> {
    let outside = || Unfound::new(path, Why::Outside);
    target
        .components()
        .filter(|component| *component != Component::CurDir)
        .map(|component| match component {
            Component::ParentDir => Ok("..".to_owned()),
            Component::Normal(name) => name.to_str().map(str::to_owned).ok_or_else(outside),
            _ => Err(outside()),
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

/// Why a path leads to no place that a call may use.
#[derive(Debug)]
pub(crate) struct Unfound {
    path: String,
    pub(crate) why: Why,
}

#[derive(Debug)]
pub(crate) enum Why {
    /// It is no path at all.
    Written(Error),
    /// It leads out of the workspace, or above the folder it began in.
    Outside,
    Reserved,
    /// Too many links, or a circle of them.
    Links,
    /// A file stands where a folder is needed.
    NotFolder,
    Refused(io::Error),
}

impl Unfound {
    fn new(path: impl Into<String>, why: Why) -> Self {
        Self {
            path: path.into(),
            why,
        }
    }
}

impl From<Unfound> for Error {
    fn from(Unfound { path, why }: Unfound) -> Self {
        match why {
            Why::Written(error) => error,
            Why::Outside => fault(
                ErrorCode::Denied,
                format!("`{path}` is a link that leads out of the workspace."),
            ),
            Why::Reserved => fault(
                ErrorCode::Denied,
                format!("`{path}` is never accessible to tools."),
            ),
            Why::Links => fault(
                ErrorCode::Failed,
                format!("`{path}` goes through too many symbolic links."),
            ),
            Why::NotFolder => fault(
                ErrorCode::WrongKind,
                format!("`{path}` is a file, not a folder."),
            ),
            Why::Refused(error) => refused(&path, &error),
        }
    }
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

//! Where the socket lies: `control` in the folder of the run. The system takes paths of a
//! socket up to about a hundred bytes only, and folders of projects are longer than that; a
//! longer one is named through an open handle of its folder.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// Name of the socket.
const NAME: &str = "control";
/// What it is called before it is ready. The two have the same length.
const DRAFT: &str = "opening";
/// Longest path that every system takes: 104 bytes with the zero at the end on some.
const PATH_BYTES_MAX: usize = 103;
/// Who may connect: the user whose run it is.
const MODE: u32 = 0o600;

/// A socket that is there until this is dropped. It belongs to the holder of the run's lock.
#[derive(Debug)]
pub(super) struct Place(PathBuf);

impl Drop for Place {
    fn drop(&mut self) {
        // Whoever has taken it away already did what was wanted.
        let _ = fs::remove_file(&self.0);
    }
}

/// Makes the socket, in place of one that a dead process has left. It has its name only when
/// nobody else can use it. For the holder of the run's lock alone.
///
/// # Errors
/// Whatever the system says.
pub(super) fn open(folder: &Path) -> io::Result<(UnixListener, Place)> {
    let draft = folder.join(DRAFT);
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let named = Named::new(folder, DRAFT)?;
    let listener = UnixListener::bind(&named.path)?;
    fs::set_permissions(&draft, Permissions::from_mode(MODE))?;
    let path = folder.join(NAME);
    fs::rename(&draft, &path)?;
    listener.set_nonblocking(true)?;
    Ok((listener, Place(path)))
}

/// The path by which the socket of a run can be connected to.
///
/// # Errors
/// Whatever the system says.
pub(super) fn named(folder: &Path) -> io::Result<Named> {
    Named::new(folder, NAME)
}

/// A path that is short enough, as long as this lives.
pub(super) struct Named {
    pub(super) path: PathBuf,
    _folder: Option<File>,
}

impl Named {
    fn new(folder: &Path, name: &str) -> io::Result<Self> {
        let path = folder.join(name);
        if path.as_os_str().len() <= PATH_BYTES_MAX {
            return Ok(Self {
                path,
                _folder: None,
            });
        }
        let folder = File::open(folder)?;
        let path = format!("/proc/self/fd/{}/{name}", folder.as_raw_fd());
        Ok(Self {
            path: path.into(),
            _folder: Some(folder),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    fn check(folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        // What a dead process left: a socket nobody listens on, and one that was not ready.
        for name in [NAME, DRAFT] {
            let left = Named::new(folder, name).unwrap();
            drop(UnixListener::bind(&left.path).unwrap());
        }
        let reach = || UnixStream::connect(&named(folder).unwrap().path);
        assert_eq!(reach().unwrap_err().kind(), ErrorKind::ConnectionRefused);
        let (listener, place) = open(folder).unwrap();
        let mode = fs::metadata(folder.join(NAME))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, MODE);
        assert!(!folder.join(DRAFT).exists());
        reach().unwrap();
        drop((listener, place));
        assert_eq!(reach().unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_socket_can_lie_anywhere_and_takes_the_place_of_a_dead_one() {
        let folder = tempfile::tempdir().unwrap();
        check(folder.path());
        check(&folder.path().join("x".repeat(90)).join("y".repeat(200)));
    }
}

//! Reading the files a person names or keeps: bounded, never a device, and inside of the
//! project where the project says which file it is.

use crate::failure::Failure;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

/// The text of a file that must be there.
///
/// # Errors
/// [`Failure::Usage`] when it cannot be read, is larger than `bytes_max` or is no UTF-8.
pub(crate) fn read(path: &Path, bytes_max: usize) -> Result<String, Failure> {
    read_if_there(path, bytes_max)?.ok_or_else(|| {
        Failure::usage(
            format!("{}: there is no such file", path.display()),
            "check the path; it counts from the current folder",
        )
    })
}

/// The text of a file, if there is one.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_if_there(path: &Path, bytes_max: usize) -> Result<Option<String>, Failure> {
    let fault = |what: String| Failure::usage(format!("{}: {what}", path.display()), "");
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(error.to_string())),
        // Opening a pipe or a device would wait for somebody, maybe for ever.
        Ok(found) if !found.is_file() => return Err(fault("it is no file".to_owned())),
        Ok(_) => {}
    }
    let file = File::open(path).map_err(|error| fault(error.to_string()))?;
    text_of(file, bytes_max).map(Some).map_err(fault)
}

/// The bytes of a file that must be there.
///
/// # Errors
/// [`Failure::Usage`] when it cannot be read or is larger than `bytes_max`.
pub(crate) fn read_bytes(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let fault = |what: String| {
        Failure::usage(
            format!("{}: {what}", path.display()),
            "check the path; it counts from the folder of the project",
        )
    };
    // Opening a pipe or a device would wait for somebody, maybe for ever.
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => return Err(fault("it is no file".to_owned())),
        _ => {}
    }
    let file = File::open(path).map_err(|error| fault(error.to_string()))?;
    bytes_of(file, bytes_max).map_err(fault)
}

/// Everything a stream gives, as text.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn text_of(stream: impl Read, bytes_max: usize) -> Result<String, String> {
    String::from_utf8(bytes_of(stream, bytes_max)?).map_err(|error| {
        format!(
            "it is no UTF-8 text: the first wrong byte is number {}",
            error.utf8_error().valid_up_to() + 1
        )
    })
}

fn bytes_of(stream: impl Read, bytes_max: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let bound = u64::try_from(bytes_max)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    stream
        .take(bound)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    if bytes.len() > bytes_max {
        return Err(format!("it is larger than {bytes_max} bytes"));
    }
    Ok(bytes)
}

/// The text of a file of a project, if there is one. A link that leads out of the project is
/// refused: what stands in the file is shown to a model.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_of_project(
    project: &Path,
    path: &Path,
    bytes_max: usize,
) -> Result<Option<String>, Failure> {
    let (Ok(root), Ok(real)) = (fs::canonicalize(project), fs::canonicalize(path)) else {
        return Ok(None);
    };
    if !real.starts_with(&root) {
        return Err(Failure::usage(
            format!("{}: the link leads out of the project", path.display()),
            "put the file itself there",
        ));
    }
    read_if_there(&real, bytes_max)
}

/// Folders of a project that belong to programs: what one of them carries out must not be
/// written by a file that came with a clone.
const CLOSED_FOLDERS: [&str; 2] = [".git", ".leadhand"];

/// Whether a file that a project's configuration names is one of the project. It need not be
/// there yet, and no link may lead out on the way to it.
///
/// # Errors
/// What is wrong with it, to be said of the file.
pub(crate) fn check_within(project: &Path, file: &Path) -> Result<(), &'static str> {
    if file.components().any(|part| part == Component::ParentDir) {
        return Err("leads out of the project");
    }
    let is_closed = |part: Component<'_>| {
        let part = part.as_os_str();
        CLOSED_FOLDERS
            .iter()
            .any(|closed| part.eq_ignore_ascii_case(closed))
    };
    if file.components().any(is_closed) {
        return Err("lies in .git or .leadhand");
    }
    let root = fs::canonicalize(project).map_err(|_| "is in a folder that cannot be read")?;
    for step in project.join(file).ancestors() {
        match fs::canonicalize(step) {
            Ok(real) if real.starts_with(&root) => return Ok(()),
            Ok(_) => return Err("leads out of the project"),
            // What writes through a link that leads nowhere makes a file there.
            Err(_) if fs::symlink_metadata(step).is_ok() => {
                return Err("is a link that leads nowhere");
            }
            Err(_) => {}
        }
    }
    Err("leads out of the project")
}

/// A fault in a TOML text as `file:line: what`.
pub(crate) fn toml_fault(path: &Path, text: &str, error: &toml::de::Error) -> String {
    let line = line_at(text, error.span().map_or(0, |span| span.start));
    format!("{}:{line}: {}", path.display(), error.message().trim())
}

/// The line of a byte, from 1.
pub(crate) fn line_at(text: &str, byte: usize) -> usize {
    text.bytes()
        .take(byte)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

/// The files of a folder with this extension, sorted; none when there is no such folder.
pub(crate) fn with_extension(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    paths.sort();
    paths
}

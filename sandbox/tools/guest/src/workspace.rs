//! Reaching the workspace through the host, and telling a model what to do when that fails.

use crate::files::{self, EntryKind, Error, ErrorCode};
use crate::{ErrorKind, ToolError, fault};

/// Largest file a tool takes in, in bytes.
pub const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Bytes asked of the host at once.
const CHUNK_BYTES: u32 = 256 * 1024;
/// Names offered in place of one that does not exist.
const OFFERED_NAMES_MAX: usize = 12;

/// A file's bytes, all of them.
pub fn read(path: &str) -> Result<Vec<u8>, ToolError> {
    let metadata = files::stat(path).map_err(|error| explain(path, &error))?;
    if metadata.kind == EntryKind::Folder {
        let message = format!("`{path}` is a folder; list_files shows what is in it.");
        return Err(fault(ErrorKind::InvalidArguments, message));
    }
    if metadata.bytes > FILE_BYTES_MAX {
        let message = format!(
            "`{path}` has {} bytes, more than the {FILE_BYTES_MAX} that can be read.",
            metadata.bytes
        );
        return Err(fault(ErrorKind::LimitExceeded, message));
    }
    let mut content = Vec::new();
    loop {
        let part = files::read_range(path, content.len() as u64, CHUNK_BYTES)
            .map_err(|error| explain(path, &error))?;
        content.extend_from_slice(&part);
        if part.len() < CHUNK_BYTES as usize || content.len() as u64 > FILE_BYTES_MAX {
            return Ok(content);
        }
    }
}

/// A file's text.
pub fn read_text(path: &str) -> Result<String, ToolError> {
    let content = read(path)?;
    let binary = is_binary(&content);
    String::from_utf8(content)
        .ok()
        .filter(|_| !binary)
        .ok_or_else(|| {
            let message = format!("`{path}` is not UTF-8 text.");
            fault(ErrorKind::InvalidArguments, message)
        })
}

/// Whether bytes are something other than text. A NUL near the beginning says so.
pub fn is_binary(content: &[u8]) -> bool {
    content.iter().take(8 * 1024).any(|byte| *byte == 0)
}

/// What the host said about `path`, with a way on where there is one.
pub fn explain(path: &str, error: &Error) -> ToolError {
    let kind = match error.code {
        ErrorCode::NotFound => {
            return fault(
                ErrorKind::NotFound,
                format!("{} {}", error.message, neighbours(path)),
            );
        }
        ErrorCode::Denied => ErrorKind::Denied,
        ErrorCode::InvalidPath | ErrorCode::WrongKind => ErrorKind::InvalidArguments,
        ErrorCode::LimitExceeded => ErrorKind::LimitExceeded,
        ErrorCode::AlreadyExists | ErrorCode::NotEmpty | ErrorCode::Failed => ErrorKind::Failed,
    };
    fault(kind, error.message.as_str())
}

/// The folder of a path and the name in it.
pub fn parent(path: &str) -> (&str, &str) {
    let path = path.trim_end_matches('/');
    path.rsplit_once('/').unwrap_or((".", path))
}

/// What is there instead: the entries of the nearest folder that exists, those most like the
/// missing name first.
fn neighbours(path: &str) -> String {
    let (mut folder, mut name) = parent(path);
    let entries = loop {
        match files::list_folder(folder) {
            Ok(entries) => break entries,
            Err(_) if folder == "." => return String::new(),
            Err(_) => (folder, name) = parent(folder),
        }
    };
    let mut names: Vec<String> = entries
        .into_iter()
        .filter(|entry| !entry.name.starts_with('.'))
        .map(|entry| match entry.kind {
            EntryKind::Folder => entry.name + "/",
            EntryKind::File => entry.name,
        })
        .collect();
    if names.is_empty() {
        return format!("`{folder}` is empty.");
    }
    names.sort_by_key(|other| std::cmp::Reverse(likeness(name, other)));
    let more = names.len().saturating_sub(OFFERED_NAMES_MAX);
    names.truncate(OFFERED_NAMES_MAX);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("In `{folder}` there are: {}{more}.", names.join(", "))
}

/// How alike two lines or names are: the pairs of neighbouring bytes they share, from 0 to
/// 1000 (Dice's coefficient in thousandths), case ignored.
pub fn likeness(one: &str, other: &str) -> usize {
    let pairs = |text: &str| -> Vec<[u8; 2]> {
        let mut pairs: Vec<[u8; 2]> = text
            .as_bytes()
            .windows(2)
            .map(|pair| [pair[0].to_ascii_lowercase(), pair[1].to_ascii_lowercase()])
            .collect();
        pairs.sort_unstable();
        pairs
    };
    let (one, other) = (pairs(one), pairs(other));
    let (mut at, mut against, mut shared) = (0, 0, 0);
    while let (Some(pair), Some(opposite)) = (one.get(at), other.get(against)) {
        match pair.cmp(opposite) {
            std::cmp::Ordering::Less => at += 1,
            std::cmp::Ordering::Greater => against += 1,
            std::cmp::Ordering::Equal => (at, against, shared) = (at + 1, against + 1, shared + 1),
        }
    }
    2000 * shared / (one.len() + other.len()).max(1)
}

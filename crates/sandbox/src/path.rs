//! Paths as guests write them: relative, separated by `/`, and checked as text before any of
//! them reaches the file system. Links are no matter of text; see `workspace`.

use crate::contract::files::{Error, ErrorCode};

/// Longest path, in bytes.
pub(crate) const PATH_BYTES_MAX: usize = 1_024;
/// Longest name of one file or folder, in bytes; what common file systems take.
pub(crate) const NAME_BYTES_MAX: usize = 255;

/// What went wrong with a path, for the guest and through it for the model.
pub(crate) fn fault(code: ErrorCode, message: impl Into<String>) -> Error {
    Error {
        code,
        message: message.into(),
    }
}

/// Splits a guest's path into names. `.` and the empty path are the root: no names.
pub(crate) fn split(path: &str) -> Result<Vec<&str>, Error> {
    let shown: String = path.chars().take(80).collect();
    let invalid = |why: &str| Err(fault(ErrorCode::InvalidPath, format!("`{shown}` {why}")));
    if path.len() > PATH_BYTES_MAX {
        return invalid(&format!("is longer than {PATH_BYTES_MAX} bytes."));
    }
    if let Some(relative) = path.strip_prefix('/') {
        let relative = relative.trim_start_matches('/');
        let instead: String = relative.chars().take(80).collect();
        let instead = if instead.is_empty() { "." } else { &instead };
        return invalid(&format!(
            "is absolute; give the path within the workspace, such as `{instead}`."
        ));
    }
    if path.contains('\\') {
        return invalid("contains `\\`; separate folders with `/`.");
    }
    if path.chars().any(char::is_control) {
        return invalid("contains a control character, which no path may.");
    }
    let names: Vec<&str> = path
        .split('/')
        .filter(|name| !matches!(*name, "" | "."))
        .collect();
    if names.contains(&"..") {
        return invalid("contains `..`; write the path from the top of the workspace.");
    }
    if names.iter().any(|name| name.len() > NAME_BYTES_MAX) {
        return invalid(&format!("has a name longer than {NAME_BYTES_MAX} bytes."));
    }
    Ok(names)
}

/// Whether a name is never accessible: version control and the run's own files.
///
/// Case and everything outside ASCII is ignored, since file systems exist that ignore the
/// first, and some of the second, when they look a name up.
pub(crate) fn is_reserved(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii).collect();
    let plain = plain.to_ascii_lowercase();
    matches!(plain.as_str(), ".git" | ".leadhand") || plain.starts_with(TEMPORARY_PREFIX)
}

/// How the names of half-written files begin. They are reserved, so that no guest sees one.
pub(crate) const TEMPORARY_PREFIX: &str = ".leadhand-";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Result<&[&str], &str>) {
        match (split(path), expected) {
            (Ok(names), Ok(expected)) => assert_eq!(names, expected, "{path:?}"),
            (Err(error), Err(expected)) => {
                assert_eq!(error.code, ErrorCode::InvalidPath);
                assert!(
                    error.message.contains(expected),
                    "{path:?}: {}",
                    error.message
                );
            }
            (found, _) => panic!("{path:?}: {found:?}"),
        }
    }

    #[test]
    fn paths_are_split_or_refused() {
        check("", Ok(&[]));
        check("./", Ok(&[]));
        check("docs//a.md/", Ok(&["docs", "a.md"]));
        check("./docs/./a b…", Ok(&["docs", "a b…"]));
        check("/etc/passwd", Err("such as `etc/passwd`"));
        check("//", Err("such as `.`"));
        check("a/../../b", Err("`..`"));
        check("..", Err("`..`"));
        check("a\\b", Err("separate folders"));
        check("a\0b", Err("control character"));
        check(&"x".repeat(256), Err("255 bytes"));
        check(&"x/".repeat(600), Err("1024 bytes"));
    }

    #[test]
    fn reserved_names_are_found_however_they_are_written() {
        for name in [
            ".git",
            ".GIT",
            ".g\u{200c}it",
            ".leadhand",
            ".Leadhand",
            ".leadhand-7-1.tmp",
        ] {
            assert!(is_reserved(name), "{name}");
        }
        for name in [
            "git",
            ".gitignore",
            ".github",
            "leadhand",
            ".leadhandy",
            "a.git",
        ] {
            assert!(!is_reserved(name), "{name}");
        }
    }
}

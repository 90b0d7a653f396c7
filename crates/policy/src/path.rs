//! Paths in arguments, checked as text: what stays is the list of names from the top of the
//! workspace. Links and races are the sandbox's to hold against.

/// Longest path in an argument, in bytes.
const PATH_BYTES_MAX: usize = 1_024;

/// The names of a path within the workspace; none is the workspace itself.
///
/// # Errors
/// A sentence for the model: what is wrong with the path and what to write instead.
pub(crate) fn names(path: &str) -> Result<Vec<String>, String> {
    let shown: String = path
        .chars()
        .take(80)
        .collect::<String>()
        .escape_debug()
        .to_string();
    if path.len() > PATH_BYTES_MAX {
        return Err(format!(
            "the path `{shown}…` is longer than {PATH_BYTES_MAX} bytes"
        ));
    }
    if path.starts_with('/') {
        return Err(format!(
            "the path `{shown}` is absolute; write it from the top of the workspace, without `/` in front"
        ));
    }
    if path.contains('\\') {
        return Err(format!(
            "the path `{shown}` has a `\\`; separate folders with `/`"
        ));
    }
    if path.chars().any(is_hidden) {
        return Err(format!(
            "the path `{shown}` has a character that cannot be seen"
        ));
    }
    let names: Vec<String> = path
        .split('/')
        .filter(|name| !matches!(*name, "" | "."))
        .map(str::to_owned)
        .collect();
    if names.iter().any(|name| name == "..") {
        return Err(format!(
            "the path `{shown}` has `..`; write it from the top of the workspace"
        ));
    }
    Ok(names)
}

/// Control characters, and those that some file systems skip when they look a name up, so
/// that `.g<U+200C>it` would be `.git`.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// As the glob matcher wants them.
pub(crate) fn characters(names: &[String]) -> Vec<Vec<char>> {
    names.iter().map(|name| name.chars().collect()).collect()
}

/// As `deny` and `ask` compare them: a file system may not tell `.GIT` from `.git`.
pub(crate) fn folded(names: &[String]) -> Vec<Vec<char>> {
    names
        .iter()
        .map(|name| name.to_lowercase().chars().collect())
        .collect()
}

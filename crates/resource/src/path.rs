//! Paths within the workspace, checked as text: what stays is names with one `/` between, from
//! the top of the workspace. Links and races are the sandbox's to hold against.

use std::fmt;

/// Longest path, in bytes.
pub const PATH_BYTES_MAX: usize = 1_024;

/// A path within the workspace.
///
/// ```
/// use leadhand_resource::Path;
/// assert_eq!(Path::parse("./docs//a.md/")?.text(), "docs/a.md");
/// assert!(Path::parse("docs/../../etc/passwd").is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    text: String,
    /// In lower case, where that is another text.
    folded: Option<String>,
}

impl Path {
    /// Reads a path; an empty one is the workspace itself.
    ///
    /// # Errors
    /// A sentence for the model: what is wrong with the path and what to write instead.
    pub fn parse(path: &str) -> Result<Self, String> {
        if path.len() > PATH_BYTES_MAX {
            return Err(format!(
                "the path `{}…` is longer than {PATH_BYTES_MAX} bytes",
                shown(path)
            ));
        }
        if path.starts_with('/') {
            return Err(format!(
                "the path `{}` is absolute; write it from the top of the workspace, without `/` in front",
                shown(path)
            ));
        }
        if path.contains('\\') {
            return Err(format!(
                "the path `{}` has a `\\`; separate folders with `/`",
                shown(path)
            ));
        }
        let hides = if path.is_ascii() {
            path.bytes().any(|byte| byte.is_ascii_control())
        } else {
            path.chars().any(is_hidden)
        };
        if hides {
            return Err(format!(
                "the path `{}` has a character that cannot be seen",
                shown(path)
            ));
        }
        let mut text = String::with_capacity(path.len());
        for name in path.split('/').filter(|name| !matches!(*name, "" | ".")) {
            if name == ".." {
                return Err(format!(
                    "the path `{}` has `..`; write it from the top of the workspace",
                    shown(path)
                ));
            }
            if !text.is_empty() {
                text.push('/');
            }
            text.push_str(name);
        }
        let is_folded = text
            .bytes()
            .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
        let folded = if is_folded { None } else { Some(fold(&text)) };
        Ok(Self { text, folded })
    }

    /// Its names with one `/` between; empty is the workspace itself.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its names in lower case: what closing patterns are held against.
    #[must_use]
    pub fn folded(&self) -> &str {
        self.folded.as_deref().unwrap_or(&self.text)
    }

    /// Its names, from the top.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.text.split('/').filter(|name| !name.is_empty())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.text.is_empty() {
            "."
        } else {
            &self.text
        })
    }
}

/// In lower case: a file system may not tell `.GIT` from `.git`, so what closes must not either.
///
/// One character at a time, as globs are folded: in a whole text the Greek sigma would differ.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        text.chars().flat_map(char::to_lowercase).collect()
    }
}

/// Control characters, and those that some file systems skip when they look a name up, so
/// that `.g<U+200C>it` would be `.git`.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The beginning of a hostile text, safe to show.
pub(crate) fn shown(text: &str) -> String {
    text.chars()
        .take(80)
        .collect::<String>()
        .escape_debug()
        .to_string()
}

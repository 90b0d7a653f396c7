//! Names of primitives: any text that a person can tell from another one by looking at it.

use super::{Payload, QuestionId};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

/// The longest name of a primitive, in bytes of UTF-8.
pub const NAME_BYTES_MAX: usize = 128;
/// Characters of a bad name that are shown.
const SHOWN_CHARS_MAX: usize = 80;

/// Names a lock, a semaphore, a barrier, a latch, a quorum, an entry of the board, a topic, or the
/// type of a message.
///
/// 1 to [`NAME_BYTES_MAX`] bytes, parted by `/` if it likes, no part of it empty. Characters
/// that cannot be seen are refused, since two names that look the same would be two locks.
/// Letters that look alike are not compared: that is the plan's business.
///
/// ```
/// use leadhand_protocol::coordination::PrimitiveName;
/// assert_eq!(PrimitiveName::new("src/main.rs")?.as_str(), "src/main.rs");
/// assert!(PrimitiveName::new("src//main.rs").is_err());
/// # Ok::<(), leadhand_protocol::coordination::NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
pub struct PrimitiveName(Arc<str>);

/// Why a text names no primitive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{shown}` is no name for a lock, semaphore, barrier, latch, quorum, board entry, topic or message type: {fault}"
)]
pub struct NameError {
    /// The text with its invisible characters written out, cut to 80 characters.
    pub shown: String,
    /// What is wrong with it, and what to do instead.
    pub fault: String,
}

impl PrimitiveName {
    /// Checks `text` and makes a name of it.
    ///
    /// # Errors
    /// [`NameError`] when the text is empty or too long, begins or ends with a space, holds a
    /// character that cannot be seen, or has an empty part.
    pub fn new(text: impl AsRef<str>) -> Result<Self, NameError> {
        let text = text.as_ref();
        match fault(text) {
            None => Ok(Self(text.into())),
            Some(fault) => Err(NameError {
                shown: text
                    .chars()
                    .take(SHOWN_CHARS_MAX)
                    .flat_map(char::escape_default)
                    .collect(),
                fault,
            }),
        }
    }

    /// The name of the type [`Payload::TEXT`].
    pub(super) fn text() -> Self {
        Self(Payload::TEXT.into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn fault(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("it is empty; give it a name".into());
    }
    if text.len() > NAME_BYTES_MAX {
        return Some(format!(
            "it has {} bytes; use {NAME_BYTES_MAX} at most",
            text.len()
        ));
    }
    if let Some(hidden) = text.chars().find(|it| is_hidden(*it)) {
        return Some(format!(
            "it holds U+{:04X}, which cannot be seen; leave it out",
            u32::from(hidden)
        ));
    }
    if text.trim() != text {
        return Some("it begins or ends with a space; leave it out".into());
    }
    if text.split('/').any(str::is_empty) {
        return Some("a part between its `/` is empty; leave the extra `/` out".into());
    }
    None
}

/// Control characters, and those of Unicode's category Cf and its kin that draw nothing: soft
/// hyphen, zero-width and bidirectional marks, fillers, variation selectors, tags.
fn is_hidden(it: char) -> bool {
    it.is_control()
        || matches!(
            it,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
        )
}

impl From<QuestionId> for PrimitiveName {
    fn from(question: QuestionId) -> Self {
        Self(question.0.to_string().into())
    }
}

impl fmt::Display for PrimitiveName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PrimitiveName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for PrimitiveName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PrimitiveName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::PrimitiveName;

    fn check(text: &str, fault: Option<&str>) {
        let found = PrimitiveName::new(text).err().map(|it| it.fault);
        assert_eq!(found.as_deref(), fault, "{text:?}");
    }

    #[test]
    fn names_are_what_can_be_told_apart() {
        check("build", None);
        check("src/Größe tabelle.rs", None);
        check("a b/c:d*[e]{f}\"'`$;..", None);
        check("🔒", None);
        check(&"x".repeat(128), None);
        check("", Some("it is empty; give it a name"));
        check(&"ü".repeat(65), Some("it has 130 bytes; use 128 at most"));
        check(
            "a\nb",
            Some("it holds U+000A, which cannot be seen; leave it out"),
        );
        check(
            "a\0",
            Some("it holds U+0000, which cannot be seen; leave it out"),
        );
        check(
            "a\u{202e}b",
            Some("it holds U+202E, which cannot be seen; leave it out"),
        );
        check(
            "a\u{200b}",
            Some("it holds U+200B, which cannot be seen; leave it out"),
        );
        check(" a", Some("it begins or ends with a space; leave it out"));
        check(
            "a\u{a0}",
            Some("it begins or ends with a space; leave it out"),
        );
        for text in ["/a", "a/", "a//b", "/"] {
            check(
                text,
                Some("a part between its `/` is empty; leave the extra `/` out"),
            );
        }
    }

    #[test]
    fn a_bad_name_is_shown_without_doing_harm() {
        let error = PrimitiveName::new("a\u{1b}[2J").unwrap_err();
        assert_eq!(
            error.to_string(),
            "`a\\u{1b}[2J` is no name for a lock, semaphore, barrier, latch, quorum, board \
             entry, topic or message type: it holds U+001B, which cannot be seen; leave it out"
        );
    }

    #[test]
    fn a_name_that_is_read_is_checked() {
        assert!(serde_json::from_str::<PrimitiveName>("\"a//b\"").is_err());
        let name: PrimitiveName = serde_json::from_str("\"a/b\"").unwrap();
        assert_eq!(serde_json::to_string(&name).unwrap(), "\"a/b\"");
    }
}

//! Names of runs, tasks, agents, calls and requests. All are small, ordered and stable
//! across replay: none is made from a clock or a random number in here. Copies of a text id
//! share the text.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Position of a record in its run's journal, counted from 0.
pub type Seq = u64;

/// Why a text is not a valid id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a valid {what}: use 1 to {chars_max} characters out of a-z, A-Z, 0-9, `-`, `_` and `.`, beginning with a letter or digit"
)]
pub struct IdError {
    /// What the text was meant to name.
    pub what: &'static str,
    /// The text, cut to 80 characters.
    pub text: String,
    /// The longest id allowed, in characters.
    pub chars_max: usize,
}

const ID_CHARS_MAX: usize = 64;

fn checked(what: &'static str, text: &str) -> Result<Arc<str>, IdError> {
    let well_formed = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.len() <= ID_CHARS_MAX
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if well_formed {
        Ok(text.into())
    } else {
        Err(IdError {
            what,
            text: text.chars().take(80).collect(),
            chars_max: ID_CHARS_MAX,
        })
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        ///
        /// Clones share the text.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
        #[schemars(transparent, extend("pattern" = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"))]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `text` and makes an id of it.
            ///
            /// # Errors
            /// [`IdError`] when the text is empty, longer than 64 characters, or holds
            /// anything but ASCII letters, digits, `-`, `_` and `.`.
            pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
                checked($what, text.as_ref()).map(Self)
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<str>::deserialize(deserializer)?;
                Self::new(text).map_err(de::Error::custom)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// Names one execution of a goal.
    ///
    /// ```
    /// use leadhand_protocol::RunId;
    /// assert_eq!(RunId::new("20261123-k3f9")?.as_str(), "20261123-k3f9");
    /// assert!(RunId::new("../escape").is_err());
    /// # Ok::<(), leadhand_protocol::IdError>(())
    /// ```
    RunId,
    "run id"
);
text_id!(
    /// Names a task; unique within a plan and kept over revisions.
    TaskId,
    "task id"
);

/// Names a running role within a run; the manager's first agent is 0.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct AgentId(pub u32);

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a{}", self.0)
    }
}

/// Names one tool call: the agent, its turn, and the place within the turn.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct CallId {
    /// Who called.
    pub agent: AgentId,
    /// In which of its turns, from 1; 0 is before the first.
    pub turn: u32,
    /// Which of the calls of that turn, from 0.
    pub index: u32,
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.t{}.c{}", self.agent, self.turn, self.index)
    }
}

/// Names a question put to a person; counted from 0 within a run.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct RequestId(pub u32);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "q{}", self.0)
    }
}

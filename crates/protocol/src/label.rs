//! Where a value came from. Labels only ever grow: what is made of several values has the label
//! of all of them together.

mod sources;
mod writers;

pub use sources::Sources;
pub use writers::Writers;

use crate::AgentId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most writers that a label names; the first ones by id are kept.
pub const LABEL_WRITERS_MAX: usize = 32;

/// A place that content can come from.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The user: the goal, answers, steering.
    User,
    /// Files that the user has declared to be nobody's secret.
    Public,
    /// Files of the workspace.
    Workspace,
    /// A tool whose results nobody vouches for.
    Tool,
    /// The network.
    Web,
    /// A place that had a secret put in by the host.
    Secret,
}

impl Source {
    /// All of them, in their order.
    pub const ALL: [Self; 6] = [
        Self::User,
        Self::Public,
        Self::Workspace,
        Self::Tool,
        Self::Web,
        Self::Secret,
    ];

    /// The word that stands for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Public => "public",
            Self::Workspace => "workspace",
            Self::Tool => "tool",
            Self::Web => "web",
            Self::Secret => "secret",
        }
    }

    /// Whether somebody who means harm may have written what comes from here.
    #[must_use]
    pub fn is_untrusted(self) -> bool {
        matches!(self, Self::Tool | Self::Web)
    }

    /// Whether what comes from here is not for everybody.
    #[must_use]
    pub fn is_private(self) -> bool {
        matches!(self, Self::Workspace | Self::Secret)
    }
}

/// What is known of the origin of a value.
///
/// ```
/// use leadhand_protocol::{Label, Source};
/// let page = Label::from(Source::Web);
/// let notes = Label::from(Source::Workspace);
/// let summary = page.join(&notes);
/// assert!(summary.is_untrusted() && summary.is_private());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Label {
    /// Where its parts came from.
    #[serde(skip_serializing_if = "Sources::is_empty")]
    pub sources: Sources,
    /// The agents that wrote it, or something it was made of; at most [`LABEL_WRITERS_MAX`].
    #[serde(skip_serializing_if = "Writers::is_empty")]
    pub writers: Writers,
}

impl Label {
    /// Whether any part of it came from an untrusted place.
    #[must_use]
    pub fn is_untrusted(&self) -> bool {
        self.sources.iter().any(Source::is_untrusted)
    }

    /// Whether any part of it is not for everybody.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.sources.iter().any(Source::is_private)
    }

    /// Whether nothing is known of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty() && self.writers.is_empty()
    }

    /// The label of something made of both.
    #[must_use]
    pub fn join(mut self, other: &Self) -> Self {
        self.sources.extend(other.sources.iter());
        self.writers.join(&other.writers);
        self
    }

    /// The label of the same, written down by this agent.
    #[must_use]
    pub fn written_by(mut self, agent: AgentId) -> Self {
        self.writers.extend([agent]);
        self
    }
}

impl From<Source> for Label {
    fn from(source: Source) -> Self {
        Self::from_iter([source])
    }
}

impl FromIterator<Source> for Label {
    fn from_iter<I: IntoIterator<Item = Source>>(sources: I) -> Self {
        Self {
            sources: sources.into_iter().collect(),
            writers: Writers::default(),
        }
    }
}

/// What files of the workspace count as, where it is not [`Source::Workspace`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathLabel {
    /// A glob over the path within the workspace.
    pub resource: String,
    /// What they count as.
    pub source: Source,
}

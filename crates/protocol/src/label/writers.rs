//! A set of agents that its copies share: labels are copied with every message and record.

use super::LABEL_WRITERS_MAX;
use crate::AgentId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// Each writer once, by id; at most [`LABEL_WRITERS_MAX`], of which the first by id are kept.
///
/// ```
/// use leadhand_protocol::{AgentId, Writers};
/// let mut writers = Writers::default();
/// writers.extend([AgentId(2), AgentId(1), AgentId(2)]);
/// assert_eq!(writers.iter().collect::<Vec<_>>(), [AgentId(1), AgentId(2)]);
/// ```
#[derive(Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(from = "BTreeSet<AgentId>")]
#[schemars(inline, with = "BTreeSet<AgentId>")]
pub struct Writers(Option<Arc<BTreeSet<AgentId>>>);

impl Writers {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |set| set.len())
    }

    /// Whether this one is among them.
    #[must_use]
    pub fn contains(&self, agent: AgentId) -> bool {
        self.0.as_ref().is_some_and(|set| set.contains(&agent))
    }

    /// The writers, in order.
    pub fn iter(&self) -> impl Iterator<Item = AgentId> + '_ {
        self.0.iter().flat_map(|set| set.iter().copied())
    }

    /// Adds those of another set.
    pub(super) fn join(&mut self, other: &Self) {
        if self.is_empty() {
            self.clone_from(other);
        } else {
            self.extend(other.iter());
        }
    }
}

impl Extend<AgentId> for Writers {
    fn extend<I: IntoIterator<Item = AgentId>>(&mut self, agents: I) {
        for agent in agents {
            if self.contains(agent) {
                continue;
            }
            let set = Arc::make_mut(self.0.get_or_insert_default());
            set.insert(agent);
            if set.len() > LABEL_WRITERS_MAX {
                set.pop_last();
            }
        }
    }
}

impl From<BTreeSet<AgentId>> for Writers {
    fn from(agents: BTreeSet<AgentId>) -> Self {
        let mut writers = Self::default();
        writers.extend(agents);
        writers
    }
}

impl Serialize for Writers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl fmt::Debug for Writers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

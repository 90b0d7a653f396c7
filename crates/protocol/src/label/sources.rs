//! A set of sources in one byte: labels are copied with every message and record.

use super::Source;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeSet;
use std::fmt;

/// Each source once, by [`Source`]'s order.
///
/// ```
/// use leadhand_protocol::{Source, Sources};
/// let sources: Sources = [Source::Web, Source::User, Source::Web].into_iter().collect();
/// assert_eq!(sources.iter().collect::<Vec<_>>(), [Source::User, Source::Web]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(from = "BTreeSet<Source>")]
#[schemars(inline, with = "BTreeSet<Source>")]
pub struct Sources(u8);

impl Sources {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// Whether this one is among them.
    #[must_use]
    pub fn contains(self, source: Source) -> bool {
        self.0 & bit(source) != 0
    }

    /// The sources, in order.
    pub fn iter(self) -> impl Iterator<Item = Source> {
        let all = Source::ALL.into_iter();
        all.filter(move |source| self.contains(*source))
    }
}

// A source without a bit of its own would be taken for another one.
const _: () = assert!(Source::ALL.len() <= u8::BITS as usize);

fn bit(source: Source) -> u8 {
    1 << source as u8
}

impl Extend<Source> for Sources {
    fn extend<I: IntoIterator<Item = Source>>(&mut self, sources: I) {
        self.0 = sources.into_iter().fold(self.0, |bits, it| bits | bit(it));
    }
}

impl FromIterator<Source> for Sources {
    fn from_iter<I: IntoIterator<Item = Source>>(sources: I) -> Self {
        let mut set = Self::default();
        set.extend(sources);
        set
    }
}

impl From<BTreeSet<Source>> for Sources {
    fn from(sources: BTreeSet<Source>) -> Self {
        sources.into_iter().collect()
    }
}

impl Serialize for Sources {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that was left out of the list would get lost when a label is written down.
    #[test]
    fn every_source_is_in_the_list_of_all() {
        let schema = schemars::schema_for!(Source);
        let known = schema.get("oneOf").and_then(|it| it.as_array()).unwrap();
        assert_eq!(known.len(), Source::ALL.len());
        let all: Sources = Source::ALL.into_iter().collect();
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<Sources>(&text).unwrap(), all);
        assert_eq!(all.iter().collect::<Vec<_>>(), Source::ALL);
    }
}

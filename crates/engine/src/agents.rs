//! The agents at work, and which of them have something to do: settling looks at those alone, so
//! that what one agent does costs no more the more others wait.

use crate::agent::Agent;
use leadhand_protocol::AgentId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};

/// Agents by id.
#[derive(Debug, Default)]
pub(crate) struct Agents {
    by_id: BTreeMap<AgentId, Agent>,
    /// Those that do not wait for the world. Follows from their states.
    stirring: BTreeSet<AgentId>,
    /// Those whose states may have changed since `stirring` was brought up to date.
    touched: Vec<AgentId>,
}

impl Agents {
    pub(crate) fn get(&self, id: &AgentId) -> Option<&Agent> {
        self.by_id.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: &AgentId) -> Option<&mut Agent> {
        let agent = self.by_id.get_mut(id)?;
        if self.touched.last() != Some(id) {
            self.touched.push(*id);
        }
        Some(agent)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Agent> {
        self.by_id.values()
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Agent> {
        self.touched.extend(self.by_id.keys());
        self.by_id.values_mut()
    }

    pub(crate) fn insert(&mut self, agent: Agent) {
        self.touched.push(agent.id);
        self.by_id.insert(agent.id, agent);
    }

    pub(crate) fn remove(&mut self, id: &AgentId) -> Option<Agent> {
        self.touched.push(*id);
        self.by_id.remove(id)
    }

    pub(crate) fn contains_key(&self, id: &AgentId) -> bool {
        self.by_id.contains_key(id)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Agents that do not wait for the world, in the order they were started.
    pub(crate) fn stirring(&self) -> impl Iterator<Item = &Agent> {
        self.stirring.iter().filter_map(|id| self.by_id.get(id))
    }

    /// Takes note of what has changed; asked once a fact is applied.
    pub(crate) fn note(&mut self) {
        for id in self.touched.drain(..) {
            if self.by_id.get(&id).is_some_and(|agent| !agent.waits()) {
                self.stirring.insert(id);
            } else {
                self.stirring.remove(&id);
            }
        }
    }
}

/// Written as the agents alone.
impl Serialize for Agents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.by_id.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Agents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let by_id = BTreeMap::<AgentId, Agent>::deserialize(deserializer)?;
        let mut agents = Self {
            touched: by_id.keys().copied().collect(),
            by_id,
            ..Self::default()
        };
        agents.note();
        Ok(agents)
    }
}

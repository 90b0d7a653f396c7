//! The agents at work, and which of them have something to do: settling looks at those alone, so
//! that what one agent does costs no more the more others wait.

use crate::agent::Agent;
use leadhand_protocol::AgentId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};

/// Agents by id.
#[derive(Debug, Default)]
pub(crate) struct Agents {
    /// In boxes, since the map moves its entries about.
    by_id: BTreeMap<AgentId, Box<Agent>>,
    /// Those that wait neither for the world nor for permits. Follows from their states and from
    /// who waits for permits.
    stirring: BTreeSet<AgentId>,
    /// Those whose states may have changed since `stirring` was brought up to date.
    touched: Vec<AgentId>,
}

impl Agents {
    pub(crate) fn get(&self, id: &AgentId) -> Option<&Agent> {
        self.by_id.get(id).map(Box::as_ref)
    }

    pub(crate) fn get_mut(&mut self, id: &AgentId) -> Option<&mut Agent> {
        let agent = self.by_id.get_mut(id)?;
        if self.touched.last() != Some(id) {
            self.touched.push(*id);
        }
        Some(agent)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Agent> {
        self.by_id.values().map(Box::as_ref)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Agent> {
        self.touched.extend(self.by_id.keys());
        self.by_id.values_mut().map(Box::as_mut)
    }

    pub(crate) fn insert(&mut self, agent: Agent) {
        self.touched.push(agent.id);
        self.by_id.insert(agent.id, Box::new(agent));
    }

    pub(crate) fn remove(&mut self, id: &AgentId) -> Option<Agent> {
        self.touched.push(*id);
        self.by_id.remove(id).map(|agent| *agent)
    }

    pub(crate) fn contains_key(&self, id: &AgentId) -> bool {
        self.by_id.contains_key(id)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Agents that wait neither for the world nor for permits, in the order they were started.
    pub(crate) fn stirring(&self) -> impl Iterator<Item = &Agent> {
        self.stirring.iter().filter_map(|id| self.get(id))
    }

    /// What is to be looked at again for a reason that does not lie in the agent.
    pub(crate) fn touch(&mut self, id: AgentId) {
        self.touched.push(id);
    }

    /// Those whose states may have changed since they were last taken note of.
    pub(crate) fn touched(&self) -> BTreeSet<AgentId> {
        self.touched.iter().copied().collect()
    }

    /// Takes note of what has changed; asked once a fact is applied. Who is held back waits for
    /// others of the run, and is called when it can go on.
    pub(crate) fn note(&mut self, is_held_back: impl Fn(&Agent) -> bool) {
        for id in self.touched.drain(..) {
            let agent = self.by_id.get(&id);
            if agent.is_some_and(|agent| !agent.waits() && !is_held_back(agent)) {
                self.stirring.insert(id);
            } else {
                self.stirring.remove(&id);
            }
        }
    }
}

/// Written as the agents alone; once read, [`Agents::note`] is to be asked.
impl Serialize for Agents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.by_id.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Agents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let by_id = BTreeMap::<AgentId, Box<Agent>>::deserialize(deserializer)?;
        Ok(Self {
            touched: by_id.keys().copied().collect(),
            by_id,
            ..Self::default()
        })
    }
}

//! Who waits for permits, in the order in which they came. Whoever wants several stands in the
//! line of each, and goes when in each there is a permit for everybody before it and for itself.

use leadhand_protocol::coordination::PrimitiveName;
use leadhand_protocol::{AgentId, CallId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};

/// What an agent wants permits for: a call of a tool; none is its next turn.
pub(crate) type For = Option<CallId>;

/// One that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    pub(crate) agent: AgentId,
    call: For,
    pub(crate) names: Vec<PrimitiveName>,
}

/// All that wait, by ticket.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    all: Tickets,
    /// The tickets of each agent. Follow from `all`.
    own: BTreeMap<AgentId, BTreeMap<For, u64>>,
    /// Who stands in the line of each name. Follows from `all`.
    lines: BTreeMap<PrimitiveName, BTreeSet<u64>>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Tickets {
    last: u64,
    waiting: BTreeMap<u64, Waiting>,
}

impl Queue {
    /// An agent wants just this: what it has wanted before keeps its place.
    pub(crate) fn wants(&mut self, agent: AgentId, wants: Vec<(For, Vec<PrimitiveName>)>) {
        let own = self.own.get(&agent);
        let before = own.into_iter().flatten().filter(|(call, ticket)| {
            let waiting = self.all.waiting.get(*ticket);
            let mut wants = wants.iter();
            !wants.any(|(wanted, names)| {
                wanted == *call && waiting.is_some_and(|it| it.names == *names)
            })
        });
        let over: Vec<u64> = before.map(|(_, ticket)| *ticket).collect();
        for ticket in over {
            self.leave(ticket);
        }
        for (call, names) in wants {
            if self.ticket(agent, call).is_none() {
                self.all.last += 1;
                let waiting = Waiting { agent, call, names };
                self.stand(self.all.last, &waiting);
                self.all.waiting.insert(self.all.last, waiting);
            }
        }
    }

    fn stand(&mut self, ticket: u64, waiting: &Waiting) {
        let own = self.own.entry(waiting.agent).or_default();
        own.insert(waiting.call, ticket);
        for name in &waiting.names {
            self.lines.entry(name.clone()).or_default().insert(ticket);
        }
    }

    fn leave(&mut self, ticket: u64) {
        let Some(waiting) = self.all.waiting.remove(&ticket) else {
            return;
        };
        if let Some(own) = self.own.get_mut(&waiting.agent) {
            own.remove(&waiting.call);
            if own.is_empty() {
                self.own.remove(&waiting.agent);
            }
        }
        for name in &waiting.names {
            if let Some(line) = self.lines.get_mut(name) {
                line.remove(&ticket);
                if line.is_empty() {
                    self.lines.remove(name);
                }
            }
        }
    }

    pub(crate) fn ticket(&self, agent: AgentId, call: For) -> Option<u64> {
        self.own.get(&agent)?.get(&call).copied()
    }

    pub(crate) fn get(&self, ticket: u64) -> Option<&Waiting> {
        self.all.waiting.get(&ticket)
    }

    /// What an agent waits for; nothing for most.
    pub(crate) fn of(&self, agent: AgentId) -> impl Iterator<Item = (For, &[PrimitiveName])> {
        let own = self.own.get(&agent).into_iter().flatten();
        own.filter_map(|(call, ticket)| Some((*call, self.get(*ticket)?.names.as_slice())))
    }

    /// Whether there is a permit of each for whoever stands there, with so many of each free.
    pub(crate) fn is_next(&self, ticket: u64, free: impl Fn(&PrimitiveName) -> u32) -> bool {
        let reaches = |name: &PrimitiveName| {
            let free = free(name) as usize;
            let line = self.lines.get(name);
            let before = line.into_iter().flat_map(|line| line.range(..ticket));
            before.take(free).count() < free
        };
        self.get(ticket)
            .is_some_and(|waiting| waiting.names.iter().all(reaches))
    }

    /// Tickets of those that can go, the first first.
    pub(crate) fn next(&self, free: impl Fn(&PrimitiveName) -> u32) -> BTreeSet<u64> {
        let first = |(name, line): (&PrimitiveName, &BTreeSet<u64>)| {
            let first: Vec<u64> = line.iter().take(free(name) as usize).copied().collect();
            first
        };
        let first = self.lines.iter().flat_map(first);
        first
            .filter(|ticket| self.is_next(*ticket, &free))
            .collect()
    }
}

/// Written as who waits alone.
impl Serialize for Queue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.all.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Queue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all = Tickets::deserialize(deserializer)?;
        let mut queue = Self::default();
        for (ticket, waiting) in &all.waiting {
            queue.stand(*ticket, waiting);
        }
        Ok(Self { all, ..queue })
    }
}

#[cfg(test)]
mod tests {
    use super::Queue;
    use leadhand_protocol::AgentId;
    use leadhand_protocol::coordination::PrimitiveName;

    fn names(text: &str) -> Vec<PrimitiveName> {
        let names = text.split_whitespace();
        names
            .map(|it| PrimitiveName::new(it).expect("a name"))
            .collect()
    }

    #[test]
    fn nobody_is_passed_by_who_came_later_and_wants_the_same() {
        let mut queue = Queue::default();
        for (agent, wanted) in (1..).zip(["a b", "a", "b", "c"]) {
            queue.wants(AgentId(agent), vec![(None, names(wanted))]);
        }
        let check = |queue: &Queue, free: &str, expected: &[u32]| {
            let free = names(free);
            let next = queue.next(|name| {
                let alike = free.iter().filter(|it| *it == name).count();
                u32::try_from(alike).unwrap_or(u32::MAX)
            });
            let next = next.iter().filter_map(|ticket| queue.get(*ticket));
            let next: Vec<u32> = next.map(|it| it.agent.0).collect();
            assert_eq!(next, expected, "{free:?}");
        };
        check(&queue, "", &[]);
        check(&queue, "a", &[]);
        check(&queue, "a c", &[4]);
        check(&queue, "a b", &[1]);
        check(&queue, "a a", &[2]);
        check(&queue, "a a b", &[1, 2]);
        check(&queue, "a a b b c", &[1, 2, 3, 4]);
        queue.wants(AgentId(2), vec![(None, names("a"))]);
        queue.wants(AgentId(1), vec![(None, names("a"))]);
        check(&queue, "a b", &[2, 3]);
        queue.wants(AgentId(2), Vec::new());
        check(&queue, "a b", &[3, 1]);
    }
}

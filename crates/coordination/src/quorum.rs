//! Quorums: votes for values, decided once enough weight is behind one of them, and over as soon
//! as that cannot happen any more.

use crate::Refusal;
use crate::bounds::{ENTRY_BYTES, VOTE_BYTES_MAX, value_bytes};
use crate::decide::{Ask, check_room, wait};
use crate::draft::Draft;
use crate::state::{Coordination, Queue};
use leadhand_protocol::coordination::{
    Declaration, Electorate, Fact, Obtained, PrimitiveKind, PrimitiveName, WaitEnd, Want,
};
use leadhand_protocol::{AgentId, canonical_json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

const KIND: PrimitiveKind = PrimitiveKind::Quorum;
/// Characters of a value that a refusal shows.
const SHOWN_CHARS_MAX: usize = 200;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Quorum {
    pub(crate) declared: Declaration,
    pub(crate) threshold: u64,
    /// How many may vote, where nobody is named.
    pub(crate) anyone: Option<u32>,
    /// Those named who have neither voted nor ended, with their weight.
    pub(crate) outstanding: BTreeMap<AgentId, u32>,
    pub(crate) votes: BTreeMap<AgentId, u32>,
    /// What was voted for, by its canonical JSON, and the weight behind it.
    pub(crate) tally: BTreeMap<String, (Arc<Value>, u64)>,
    pub(crate) queue: Queue,
}

/// How a quorum stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Standing {
    Open,
    Decided(Arc<Value>),
    CannotBeMet,
}

impl Quorum {
    pub(crate) fn new(declared: Declaration, electorate: &Electorate, threshold: u32) -> Self {
        let (anyone, outstanding) = match electorate {
            Electorate::Anyone(number) => (Some(*number), BTreeMap::new()),
            Electorate::Named(electors) => {
                let named = electors.iter().map(|it| (it.party, it.weight));
                (None, named.collect())
            }
        };
        Self {
            declared,
            threshold: u64::from(threshold),
            anyone,
            outstanding,
            votes: BTreeMap::new(),
            tally: BTreeMap::new(),
            queue: Queue::new(),
        }
    }

    /// The weight that is still to come, at most.
    fn open_weight(&self) -> u64 {
        match self.anyone {
            Some(number) => u64::from(number).saturating_sub(self.votes.len() as u64),
            None => self.outstanding.values().copied().map(u64::from).sum(),
        }
    }

    /// The choice with the most weight behind it, and that weight.
    fn most(&self) -> Option<(&Arc<Value>, u64)> {
        let behind = self
            .tally
            .values()
            .map(|(choice, weight)| (choice, *weight));
        behind.max_by_key(|(_, weight)| *weight)
    }

    pub(crate) fn standing(&self) -> Standing {
        self.with_open(self.most(), 0)
    }

    /// How it stands once a vote is cast.
    fn after_vote(&self, party: AgentId, choice: &Arc<Value>) -> Standing {
        let weight = u64::from(self.outstanding.get(&party).copied().unwrap_or(1));
        let before = self.tally.get(&canonical_json(choice));
        let (choice, behind) = before.map_or((choice, 0), |(choice, weight)| (choice, *weight));
        let most = self.most().filter(|(_, most)| *most > behind + weight);
        self.with_open(Some(most.unwrap_or((choice, behind + weight))), weight)
    }

    /// How it stands with this in front, once so much weight is no longer to come.
    fn with_open(&self, most: Option<(&Arc<Value>, u64)>, no_longer: u64) -> Standing {
        let weight = most.map_or(0, |(_, weight)| weight);
        match most {
            Some((choice, _)) if weight >= self.threshold => Standing::Decided(choice.clone()),
            _ if weight + self.open_weight() - no_longer < self.threshold => Standing::CannotBeMet,
            _ => Standing::Open,
        }
    }

    pub(crate) fn vote(&mut self, party: AgentId, choice: &Arc<Value>) {
        let weight = self.outstanding.remove(&party).unwrap_or(1);
        self.votes.insert(party, weight);
        let behind = self.tally.entry(canonical_json(choice));
        behind.or_insert_with(|| (choice.clone(), 0)).1 += u64::from(weight);
    }
}

pub(crate) fn vote_bytes(choice: &Value) -> usize {
    ENTRY_BYTES + 2 * value_bytes(choice, VOTE_BYTES_MAX)
}

pub(crate) fn vote(
    state: &Coordination,
    ask: &Ask,
    name: &PrimitiveName,
    choice: &Arc<Value>,
) -> Result<Vec<Fact>, Refusal> {
    let quorum = find(state, name)?;
    check_vote(quorum, ask.asker.party, name, choice)?;
    check_room(state, 0, vote_bytes(choice))?;
    let fact = Fact::Voted {
        asker: ask.asker,
        quorum: name.clone(),
        choice: choice.clone(),
    };
    let mut draft = Draft::new(state, fact);
    let standing = quorum.after_vote(ask.asker.party, choice);
    tell(&mut draft, name, &standing);
    Ok(draft.facts)
}

fn check_vote(
    quorum: &Quorum,
    party: AgentId,
    name: &PrimitiveName,
    choice: &Arc<Value>,
) -> Result<(), Refusal> {
    let name = name.clone();
    if quorum.votes.contains_key(&party) {
        return Err(Refusal::VotedAlready { quorum: name });
    }
    match quorum.standing() {
        Standing::Open => {}
        Standing::Decided(choice) => {
            return Err(Refusal::QuorumOver {
                quorum: name,
                choice: shown(&choice),
            });
        }
        Standing::CannotBeMet => return Err(cannot_be_met(quorum, name)),
    }
    if quorum.anyone.is_none() && !quorum.outstanding.contains_key(&party) {
        let kind = KIND;
        return Err(Refusal::NotAMember { kind, name, party });
    }
    let bytes = value_bytes(choice, VOTE_BYTES_MAX);
    if bytes > VOTE_BYTES_MAX {
        return Err(Refusal::TooMany {
            what: "bytes of a vote",
            found: bytes,
            max: VOTE_BYTES_MAX,
        });
    }
    if let Declaration::Quorum { choices, .. } = &quorum.declared
        && !choices.is_empty()
        && !choices.contains(choice)
    {
        let named = Value::Array(choices.iter().map(|it| Value::clone(it)).collect());
        return Err(Refusal::NotAChoice {
            quorum: name,
            given: shown(choice),
            choices: shown(&named),
        });
    }
    Ok(())
}

fn shown(value: &Value) -> String {
    value.to_string().chars().take(SHOWN_CHARS_MAX).collect()
}

fn cannot_be_met(quorum: &Quorum, name: PrimitiveName) -> Refusal {
    let most = quorum.tally.values().map(|(_, weight)| *weight).max();
    Refusal::CannotBeMet {
        kind: KIND,
        name,
        why: format!(
            "the most that one choice has is {} of {}, and at most {} is still to come",
            most.unwrap_or(0),
            quorum.threshold,
            quorum.open_weight()
        ),
    }
}

fn find<'a>(state: &'a Coordination, name: &PrimitiveName) -> Result<&'a Quorum, Refusal> {
    state.quorums.get(name).ok_or_else(|| Refusal::Unknown {
        kind: KIND,
        name: name.clone(),
    })
}

pub(crate) fn await_decision(
    state: &Coordination,
    ask: &Ask,
    name: &PrimitiveName,
    deadline_ms: Option<u64>,
) -> Result<Vec<Fact>, Refusal> {
    let quorum = find(state, name)?;
    match quorum.standing() {
        Standing::Open => wait(state, ask, Want::Quorum(name.clone()), deadline_ms),
        Standing::Decided(choice) => Ok(vec![ask.granted(Obtained::Decided {
            quorum: name.clone(),
            choice,
        })]),
        Standing::CannotBeMet => Err(cannot_be_met(quorum, name.clone())),
    }
}

/// What a party's end means for those who await a quorum that names it.
pub(crate) fn lost(draft: &mut Draft<'_>, name: &PrimitiveName, party: AgentId) {
    let Some(quorum) = draft.state.quorums.get(name) else {
        return;
    };
    let weight = quorum.outstanding.get(&party).copied().unwrap_or(0);
    let standing = quorum.with_open(quorum.most(), u64::from(weight));
    tell(draft, name, &standing);
}

fn tell(draft: &mut Draft<'_>, name: &PrimitiveName, standing: &Standing) {
    let waiting: Vec<AgentId> = match standing {
        Standing::Open => Vec::new(),
        Standing::Decided(_) | Standing::CannotBeMet => draft.queue(KIND, name).collect(),
    };
    for party in waiting {
        let name = name.clone();
        match standing {
            Standing::Open => {}
            Standing::Decided(choice) => draft.grant(
                party,
                Obtained::Decided {
                    quorum: name,
                    choice: choice.clone(),
                },
            ),
            Standing::CannotBeMet => {
                draft.end(party, WaitEnd::CannotBeMet { kind: KIND, name });
            }
        }
    }
}

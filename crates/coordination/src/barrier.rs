//! Barriers: so many parties go on together, again and again. Whoever waits no longer, because
//! its time was over or it ended, has not arrived; the others wait for somebody else.

use crate::Refusal;
use crate::bounds::{ENTRY_BYTES, MEMBERS_MAX};
use crate::decide::{Ask, check_room, wait};
use crate::draft::Draft;
use crate::state::{Coordination, Queue};
use leadhand_protocol::coordination::{Fact, Obtained, PrimitiveKind, PrimitiveName, Want};
use serde::{Deserialize, Serialize};

const KIND: PrimitiveKind = PrimitiveKind::Barrier;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Barrier {
    pub(crate) parties: u32,
    /// How often it was passed.
    pub(crate) generation: u64,
    /// Those who have arrived and wait.
    pub(crate) queue: Queue,
}

impl Barrier {
    pub(crate) fn new(parties: u32) -> Self {
        Self {
            parties,
            generation: 0,
            queue: Queue::new(),
        }
    }
}

pub(crate) fn bytes(name: &PrimitiveName) -> usize {
    ENTRY_BYTES + name.as_str().len()
}

pub(crate) fn arrive(
    state: &Coordination,
    ask: &Ask,
    name: &PrimitiveName,
    parties: u32,
    deadline_ms: Option<u64>,
) -> Result<Vec<Fact>, Refusal> {
    let (arrived, generation) = match state.barriers.get(name) {
        Some(barrier) if barrier.parties != parties => {
            return Err(Refusal::DeclaredOtherwise {
                kind: KIND,
                name: name.clone(),
                declared: format!("{} parties", barrier.parties),
            });
        }
        Some(barrier) => (barrier.queue.len(), barrier.generation),
        None => {
            check_new(state, name, parties)?;
            (0, 0)
        }
    };
    let barrier = name.clone();
    if arrived + 1 < parties as usize {
        return wait(state, ask, Want::Barrier { barrier, parties }, deadline_ms);
    }
    let passed = Obtained::Passed {
        barrier,
        parties,
        generation,
    };
    let mut draft = Draft::new(state, ask.granted(passed.clone()));
    let others: Vec<_> = draft.queue(KIND, name).collect();
    for party in others {
        draft.grant(party, passed.clone());
    }
    Ok(draft.facts)
}

fn check_new(state: &Coordination, name: &PrimitiveName, parties: u32) -> Result<(), Refusal> {
    if parties == 0 {
        return Err(Refusal::Zero {
            what: "the number of parties",
            kind: KIND,
            name: name.clone(),
        });
    }
    if parties as usize > MEMBERS_MAX {
        return Err(Refusal::TooMany {
            what: "parties of one barrier",
            found: parties as usize,
            max: MEMBERS_MAX,
        });
    }
    check_room(state, 1, bytes(name))
}

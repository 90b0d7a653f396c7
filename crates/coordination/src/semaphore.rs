//! Semaphores: a declared number of permits, held by parties until they give them back or end.
//! One queue, first come first served: who wants few does not pass who wants many.

use crate::Refusal;
use crate::decide::{Ask, wait};
use crate::draft::Draft;
use crate::lock::check_holds;
use crate::state::{Coordination, Queue};
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{Asker, Fact, Obtained, PrimitiveKind, PrimitiveName, Want};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const KIND: PrimitiveKind = PrimitiveKind::Semaphore;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Semaphore {
    pub(crate) permits: u32,
    /// The sum of what is held, kept so that it need not be summed.
    pub(crate) out: u32,
    pub(crate) holders: BTreeMap<AgentId, u32>,
    pub(crate) queue: Queue,
}

impl Semaphore {
    pub(crate) fn new(permits: u32) -> Self {
        Self {
            permits,
            out: 0,
            holders: BTreeMap::new(),
            queue: Queue::new(),
        }
    }

    pub(crate) fn free(&self) -> u32 {
        self.permits - self.out
    }
}

impl Coordination {
    /// Permits for a party that somebody else takes in its place, under a name that is none of
    /// its own requests: at once or not at all, also while the party waits for something else.
    #[must_use]
    pub fn take_beside(
        &self,
        asker: Asker,
        priority: u8,
        name: &PrimitiveName,
        permits: u32,
    ) -> Option<Fact> {
        let semaphore = self.semaphores.get(name)?;
        let is_free = semaphore.queue.is_empty() && permits <= semaphore.free();
        is_free.then(|| Fact::Granted {
            asker,
            priority,
            obtained: Obtained::Permits {
                semaphore: name.clone(),
                permits,
            },
        })
    }

    /// How many permits of a semaphore nobody holds, if it was declared.
    #[must_use]
    pub fn free_permits(&self, name: &PrimitiveName) -> Option<u32> {
        self.semaphores.get(name).map(Semaphore::free)
    }

    /// The permits that a party holds, by semaphore.
    pub fn permits_of(&self, party: AgentId) -> impl Iterator<Item = (&PrimitiveName, u32)> {
        let own = self.parties.get(&party).into_iter();
        let names = own.flat_map(|own| &own.semaphores);
        names.filter_map(move |name| {
            let semaphore = self.semaphores.get(name)?;
            Some((name, *semaphore.holders.get(&party)?))
        })
    }
}

pub(crate) fn take(
    state: &Coordination,
    ask: &Ask,
    name: &PrimitiveName,
    permits: u32,
    deadline_ms: Option<u64>,
) -> Result<Vec<Fact>, Refusal> {
    let semaphore = find(state, name)?;
    check_number(name, permits)?;
    if permits > semaphore.permits {
        return Err(Refusal::MorePermitsThanThereAre {
            semaphore: name.clone(),
            asked: permits,
            permits: semaphore.permits,
        });
    }
    check_holds(state, ask.asker.party, 1)?;
    let name = name.clone();
    if semaphore.queue.is_empty() && permits <= semaphore.free() {
        return Ok(vec![ask.granted(Obtained::Permits {
            semaphore: name,
            permits,
        })]);
    }
    let want = Want::Permits {
        semaphore: name,
        permits,
    };
    wait(state, ask, want, deadline_ms)
}

pub(crate) fn give(
    state: &Coordination,
    ask: &Ask,
    name: &PrimitiveName,
    permits: u32,
) -> Result<Vec<Fact>, Refusal> {
    let semaphore = find(state, name)?;
    check_number(name, permits)?;
    let party = ask.asker.party;
    let held = semaphore.holders.get(&party).copied().unwrap_or(0);
    if permits > held {
        return Err(Refusal::MorePermitsThanHeld {
            semaphore: name.clone(),
            given: permits,
            held,
        });
    }
    let fact = Fact::Returned {
        asker: ask.asker,
        semaphore: name.clone(),
        permits,
    };
    let mut draft = Draft::new(state, fact);
    if !semaphore.queue.is_empty() {
        draft.set_permits(party, name, held - permits);
        draft.settle();
    }
    Ok(draft.facts)
}

fn find<'a>(state: &'a Coordination, name: &PrimitiveName) -> Result<&'a Semaphore, Refusal> {
    state.semaphores.get(name).ok_or_else(|| Refusal::Unknown {
        kind: KIND,
        name: name.clone(),
    })
}

fn check_number(name: &PrimitiveName, permits: u32) -> Result<(), Refusal> {
    if permits == 0 {
        return Err(Refusal::Zero {
            what: "the number of permits",
            kind: KIND,
            name: name.clone(),
        });
    }
    Ok(())
}

/// Grants permits to those who are next, as far as they reach.
pub(crate) fn settle(draft: &mut Draft<'_>, name: &PrimitiveName) {
    let mut free = draft.free(name);
    let mut next = Vec::new();
    for party in draft.queue(KIND, name) {
        let Some(Want::Permits { permits, .. }) = draft.wait(party).map(|it| &it.want) else {
            break;
        };
        if *permits > free {
            break;
        }
        free -= permits;
        next.push((party, *permits));
    }
    if next.is_empty() {
        return;
    }
    for (party, permits) in next {
        let semaphore = name.clone();
        draft.set_permits(party, name, draft.permits(name, party) + permits);
        draft.grant(party, Obtained::Permits { semaphore, permits });
    }
}

//! Latches and joins. A latch is counted down to done, or given up; a join waits for enough
//! latches. When too many are given up, those who join are told at once.

use crate::Refusal;
use crate::bounds::LATCHES_PER_JOIN_MAX;
use crate::deadlock;
use crate::decide::{Ask, wait};
use crate::draft::Draft;
use crate::state::{Coordination, Queue};
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{
    Declaration, Fact, Need, Obtained, PrimitiveKind, PrimitiveName, WaitEnd, Want,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

const KIND: PrimitiveKind = PrimitiveKind::Latch;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Latch {
    pub(crate) declared: Declaration,
    /// How often it is still to be counted down.
    pub(crate) left: u32,
    pub(crate) given_up: bool,
    /// Whether it was declared for named parties.
    pub(crate) is_named: bool,
    /// Those of them who have not ended; empty once it is over.
    pub(crate) members: BTreeSet<AgentId>,
    pub(crate) queue: Queue,
}

impl Latch {
    pub(crate) fn new(declared: Declaration, count: u32, by: &[AgentId]) -> Self {
        Self {
            declared,
            left: count,
            given_up: false,
            is_named: !by.is_empty(),
            members: by.iter().copied().collect(),
            queue: Queue::new(),
        }
    }

    pub(crate) fn state(&self) -> LatchState {
        match (self.left, self.given_up) {
            (0, _) => LatchState::Done,
            (_, true) => LatchState::GivenUp,
            (_, false) => LatchState::Open,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LatchState {
    Open,
    Done,
    GivenUp,
}

pub(crate) fn count_down(
    state: &Coordination,
    ask: &Ask,
    name: &PrimitiveName,
) -> Result<Vec<Fact>, Refusal> {
    let latch = find_open(state, ask, name)?;
    let fact = Fact::CountedDown {
        asker: ask.asker,
        latch: name.clone(),
    };
    let mut draft = Draft::new(state, fact);
    if latch.left == 1 {
        draft.latches_done.insert(name.clone());
        tell(&mut draft, name);
    }
    Ok(draft.facts)
}

pub(crate) fn give_up(
    state: &Coordination,
    ask: &Ask,
    name: &PrimitiveName,
) -> Result<Vec<Fact>, Refusal> {
    find_open(state, ask, name)?;
    let fact = Fact::GivenUp {
        asker: ask.asker,
        latch: name.clone(),
    };
    let mut draft = Draft::new(state, fact);
    draft.latches_given_up.insert(name.clone());
    lost(&mut draft, name);
    draft.settle();
    Ok(draft.facts)
}

fn find_open<'a>(
    state: &'a Coordination,
    ask: &Ask,
    name: &PrimitiveName,
) -> Result<&'a Latch, Refusal> {
    let latch = find(state, name)?;
    let over = |word| Refusal::LatchOver {
        latch: name.clone(),
        state: word,
    };
    match latch.state() {
        LatchState::Done => Err(over("done")),
        LatchState::GivenUp => Err(over("given up")),
        LatchState::Open if latch.is_named && !latch.members.contains(&ask.asker.party) => {
            Err(Refusal::NotAMember {
                kind: KIND,
                name: name.clone(),
                party: ask.asker.party,
            })
        }
        LatchState::Open => Ok(latch),
    }
}

fn find<'a>(state: &'a Coordination, name: &PrimitiveName) -> Result<&'a Latch, Refusal> {
    state.latches.get(name).ok_or_else(|| Refusal::Unknown {
        kind: KIND,
        name: name.clone(),
    })
}

pub(crate) fn join(
    state: &Coordination,
    ask: &Ask,
    latches: &[PrimitiveName],
    need: Need,
    deadline_ms: Option<u64>,
) -> Result<Vec<Fact>, Refusal> {
    check_set(state, latches)?;
    let wanted = number(need, latches.len());
    if wanted == 0 || wanted > latches.len() {
        return Err(Refusal::CannotBeMet {
            kind: KIND,
            name: latches[0].clone(),
            why: format!("{wanted} of {} latches are asked for", latches.len()),
        });
    }
    match progress(latches, need, |name| state.latches[name].state()) {
        Progress::Met(done) => Ok(vec![ask.granted(Obtained::Joined { done })]),
        Progress::Never(name) => Err(Refusal::CannotBeMet {
            kind: KIND,
            name,
            why: "it was given up".into(),
        }),
        Progress::Open => {
            let latches = latches.to_vec();
            wait(state, ask, Want::Join { latches, need }, deadline_ms)
        }
    }
}

fn check_set(state: &Coordination, latches: &[PrimitiveName]) -> Result<(), Refusal> {
    if latches.is_empty() {
        return Err(Refusal::NothingNamed { kind: KIND });
    }
    if latches.len() > LATCHES_PER_JOIN_MAX {
        return Err(Refusal::TooMany {
            what: "latches in one join",
            found: latches.len(),
            max: LATCHES_PER_JOIN_MAX,
        });
    }
    let mut seen = BTreeSet::new();
    for name in latches {
        find(state, name)?;
        if !seen.insert(name) {
            return Err(Refusal::NamedTwice {
                kind: KIND,
                name: name.clone(),
            });
        }
    }
    Ok(())
}

/// How far a join has come.
enum Progress {
    Met(Vec<PrimitiveName>),
    /// It cannot be met, for one thing because of this latch.
    Never(PrimitiveName),
    Open,
}

/// How many latches must be done, of so many.
pub(crate) fn number(need: Need, of: usize) -> usize {
    match need {
        Need::All => of,
        Need::Any => 1,
        Need::KOf(number) => number as usize,
    }
}

fn progress(
    latches: &[PrimitiveName],
    need: Need,
    state: impl Fn(&PrimitiveName) -> LatchState,
) -> Progress {
    let wanted = number(need, latches.len());
    let (mut done, mut given_up) = (Vec::new(), Vec::new());
    for name in latches {
        match state(name) {
            LatchState::Done => done.push(name.clone()),
            LatchState::GivenUp => given_up.push(name),
            LatchState::Open => {}
        }
    }
    if done.len() >= wanted {
        return Progress::Met(done);
    }
    match given_up.first() {
        Some(name) if latches.len() - given_up.len() < wanted => Progress::Never((*name).clone()),
        _ => Progress::Open,
    }
}

impl Draft<'_> {
    pub(crate) fn latch_state(&self, name: &PrimitiveName) -> LatchState {
        if self.latches_done.contains(name) {
            LatchState::Done
        } else if self.latches_given_up.contains(name) {
            LatchState::GivenUp
        } else {
            let latch = self.state.latches.get(name);
            latch.map_or(LatchState::GivenUp, Latch::state)
        }
    }
}

/// Tells those who join a latch that came to its end what that means for them.
pub(crate) fn tell(draft: &mut Draft<'_>, name: &PrimitiveName) {
    let joining: Vec<AgentId> = draft.queue(KIND, name).collect();
    for party in joining {
        let Some(Want::Join { latches, need }) = draft.wait(party).map(|it| &it.want) else {
            continue;
        };
        match progress(latches, *need, |name| draft.latch_state(name)) {
            Progress::Met(done) => draft.grant(party, Obtained::Joined { done }),
            Progress::Never(name) => draft.end(party, WaitEnd::CannotBeMet { kind: KIND, name }),
            Progress::Open => {}
        }
    }
}

/// What follows when fewer can bring a latch to its end than before, or none: some who join it
/// wait in vain, and some may now wait in a circle.
pub(crate) fn lost(draft: &mut Draft<'_>, name: &PrimitiveName) {
    tell(draft, name);
    let joining: Vec<AgentId> = draft.queue(KIND, name).collect();
    for party in joining {
        deadlock::break_from(draft, party);
    }
}

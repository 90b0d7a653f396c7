//! Declarations: what a semaphore, a latch or a quorum is, said once and checked for sense.

use crate::Refusal;
use crate::bounds::{
    CHOICES_MAX, ENTRY_BYTES, MEMBER_BYTES, MEMBERS_MAX, VOTE_BYTES_MAX, value_bytes,
};
use crate::decide::{Ask, check, check_room};
use crate::state::Coordination;
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{
    Declaration, Elector, Electorate, Fact, PrimitiveKind, PrimitiveName,
};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

pub(crate) fn declare(
    state: &Coordination,
    ask: &Ask,
    name: &PrimitiveName,
    declaration: &Declaration,
) -> Result<Vec<Fact>, Refusal> {
    let asker = ask.asker;
    match declared(state, declaration.kind(), name) {
        Some(before) if before == *declaration => return Ok(vec![Fact::Unchanged { asker }]),
        Some(before) => {
            return Err(Refusal::DeclaredOtherwise {
                kind: declaration.kind(),
                name: name.clone(),
                declared: in_words(&before),
            });
        }
        None => {}
    }
    check_sense(name, declaration)?;
    check_room(state, 1, bytes(name, declaration))?;
    Ok(vec![Fact::Declared {
        asker,
        name: name.clone(),
        declaration: declaration.clone(),
    }])
}

fn declared(
    state: &Coordination,
    kind: PrimitiveKind,
    name: &PrimitiveName,
) -> Option<Declaration> {
    match kind {
        PrimitiveKind::Semaphore => {
            let permits = state.semaphores.get(name)?.permits;
            Some(Declaration::Semaphore { permits })
        }
        PrimitiveKind::Latch => Some(state.latches.get(name)?.declared.clone()),
        PrimitiveKind::Quorum => Some(state.quorums.get(name)?.declared.clone()),
        PrimitiveKind::Lock
        | PrimitiveKind::Barrier
        | PrimitiveKind::Board
        | PrimitiveKind::Topic
        | PrimitiveKind::Inbox
        | PrimitiveKind::Question => None,
    }
}

fn in_words(declaration: &Declaration) -> String {
    match declaration {
        Declaration::Semaphore { permits } => format!("{permits} permits"),
        Declaration::Latch { count, by } if by.is_empty() => format!("a count of {count}"),
        Declaration::Latch { count, by } => {
            format!("a count of {count} by {} named parties", by.len())
        }
        Declaration::Quorum {
            electorate,
            threshold,
            choices,
        } => {
            let electors = match electorate {
                Electorate::Anyone(number) => format!("any {number} electors"),
                Electorate::Named(named) => format!("{} named electors", named.len()),
            };
            let choices = choices.len();
            format!("{electors}, a threshold of {threshold} and {choices} named choices")
        }
    }
}

fn check_sense(name: &PrimitiveName, declaration: &Declaration) -> Result<(), Refusal> {
    let kind = declaration.kind();
    let check_number = |number: u32, what| match number {
        0 => Err(Refusal::Zero {
            what,
            kind,
            name: name.clone(),
        }),
        _ => Ok(()),
    };
    match declaration {
        Declaration::Semaphore { permits } => check_number(*permits, "the number of permits"),
        Declaration::Latch { count, by } => {
            check_number(*count, "the count")?;
            check("parties named for a latch", by.len(), MEMBERS_MAX)?;
            check_distinct(kind, name, by.iter().copied())
        }
        Declaration::Quorum {
            electorate,
            threshold,
            choices,
        } => {
            check_number(*threshold, "the threshold")?;
            check("choices of a quorum", choices.len(), CHOICES_MAX)?;
            for choice in choices {
                let bytes = value_bytes(choice, VOTE_BYTES_MAX);
                check("bytes of a choice", bytes, VOTE_BYTES_MAX)?;
            }
            let weight = match electorate {
                Electorate::Anyone(number) => {
                    check("electors of a quorum", *number as usize, MEMBERS_MAX)?;
                    u64::from(*number)
                }
                Electorate::Named(electors) => named_weight(name, electors)?,
            };
            check_reach(name, weight, *threshold)
        }
    }
}

fn named_weight(name: &PrimitiveName, electors: &[Elector]) -> Result<u64, Refusal> {
    let kind = PrimitiveKind::Quorum;
    check("electors of a quorum", electors.len(), MEMBERS_MAX)?;
    check_distinct(kind, name, electors.iter().map(|it| it.party))?;
    if electors.iter().any(|it| it.weight == 0) {
        return Err(Refusal::Zero {
            what: "the weight of an elector",
            kind,
            name: name.clone(),
        });
    }
    Ok(electors.iter().map(|it| u64::from(it.weight)).sum())
}

fn check_distinct(
    kind: PrimitiveKind,
    name: &PrimitiveName,
    parties: impl Iterator<Item = AgentId>,
) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    for party in parties {
        if !seen.insert(party) {
            return Err(Refusal::PartyTwice {
                kind,
                name: name.clone(),
                party,
            });
        }
    }
    Ok(())
}

fn check_reach(name: &PrimitiveName, weight: u64, threshold: u32) -> Result<(), Refusal> {
    if weight < u64::from(threshold) {
        return Err(Refusal::CannotBeMet {
            kind: PrimitiveKind::Quorum,
            name: name.clone(),
            why: format!("all votes together weigh {weight}, and the threshold is {threshold}"),
        });
    }
    Ok(())
}

/// What a declaration is counted for.
pub(crate) fn bytes(name: &PrimitiveName, declaration: &Declaration) -> usize {
    let choice = |it: &Arc<Value>| ENTRY_BYTES + value_bytes(it, VOTE_BYTES_MAX);
    let more = match declaration {
        Declaration::Semaphore { .. } => 0,
        Declaration::Latch { by, .. } => by.len() * MEMBER_BYTES,
        Declaration::Quorum {
            electorate,
            choices,
            ..
        } => {
            let electors = match electorate {
                Electorate::Anyone(_) => 0,
                Electorate::Named(electors) => electors.len() * MEMBER_BYTES,
            };
            electors + choices.iter().map(choice).sum::<usize>()
        }
    };
    ENTRY_BYTES + name.as_str().len() + more
}

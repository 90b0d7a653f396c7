//! Topics: what is published goes once to each who has subscribed before, in the order of its
//! numbers. What an inbox does not take is a dead letter.

use crate::Refusal;
use crate::bounds::{
    DEAD_LETTER_BYTES_MAX, DEAD_LETTERS_MAX, ENTRY_BYTES, MEMBER_BYTES, SUBSCRIBERS_MAX,
    SUBSCRIPTIONS_MAX,
};
use crate::decide::{Ask, check, check_room};
use crate::draft::Draft;
use crate::inbox::{check_payload, hand_over, no_room, published_bytes};
use crate::state::Coordination;
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{
    DeadLetter, DeadLetterCause, Delivered, Fact, Payload, PrimitiveName, Want,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, VecDeque};

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Topic {
    /// How much was published there.
    pub(crate) sequence: u64,
    pub(crate) subscribers: BTreeSet<AgentId>,
}

pub(crate) fn bytes(name: &PrimitiveName) -> usize {
    ENTRY_BYTES + name.as_str().len()
}

/// What a subscription is counted for.
pub(crate) fn subscription_bytes(name: &PrimitiveName) -> usize {
    MEMBER_BYTES + name.as_str().len()
}

pub(crate) fn subscribe(
    state: &Coordination,
    ask: &Ask,
    name: &PrimitiveName,
) -> Result<Vec<Fact>, Refusal> {
    let asker = ask.asker;
    let topic = state.topics.get(name);
    if topic.is_some_and(|it| it.subscribers.contains(&asker.party)) {
        return Ok(vec![Fact::Unchanged { asker }]);
    }
    let own = state.parties.get(&asker.party);
    let subscriptions = own.map_or(0, |it| it.topics.len()) + 1;
    check("topics that you get", subscriptions, SUBSCRIPTIONS_MAX)?;
    let subscribers = topic.map_or(0, |it| it.subscribers.len()) + 1;
    check("subscribers of one topic", subscribers, SUBSCRIBERS_MAX)?;
    let more = topic.map_or(bytes(name), |_| 0) + subscription_bytes(name);
    check_room(state, usize::from(topic.is_none()), more)?;
    let topic = name.clone();
    Ok(vec![Fact::Subscribed { asker, topic }])
}

pub(crate) fn unsubscribe(
    state: &Coordination,
    ask: &Ask,
    name: &PrimitiveName,
) -> Result<Vec<Fact>, Refusal> {
    let asker = ask.asker;
    let topic = state.topics.get(name);
    if !topic.is_some_and(|it| it.subscribers.contains(&asker.party)) {
        return Err(Refusal::NotSubscribed {
            topic: name.clone(),
        });
    }
    let topic = name.clone();
    Ok(vec![Fact::Unsubscribed { asker, topic }])
}

/// Whom a message reaches, and whom it does not.
#[derive(Default)]
struct Delivery {
    receivers: Vec<AgentId>,
    inbox_full: Vec<AgentId>,
    no_room: Vec<AgentId>,
}

pub(crate) fn publish(
    state: &Coordination,
    ask: &Ask,
    name: &PrimitiveName,
    payload: &Payload,
) -> Result<Vec<Fact>, Refusal> {
    check_payload(payload)?;
    let topic = state.topics.get(name);
    if topic.is_none() {
        check_room(state, 1, bytes(name))?;
    }
    let sequence = topic.map_or(0, |it| it.sequence) + 1;
    let from = ask.asker.party;
    let delivery = topic.map_or_else(Delivery::default, |it| deliver(state, it, name, payload));
    let dead_letter = |why, to| {
        Fact::DeadLetter(DeadLetter {
            topic: name.clone(),
            sequence,
            from,
            to,
            payload: payload.clone(),
            why,
        })
    };
    let fact = Fact::Published {
        asker: ask.asker,
        topic: name.clone(),
        sequence,
        receivers: delivery.receivers.clone(),
        payload: payload.clone(),
    };
    let mut draft = Draft::new(state, fact);
    if topic.is_none_or(|it| it.subscribers.is_empty()) {
        let nobody = dead_letter(DeadLetterCause::NoSubscriber, Vec::new());
        draft.facts.push(nobody);
    }
    for (why, to) in [
        (DeadLetterCause::InboxFull, delivery.inbox_full),
        (DeadLetterCause::NoRoom, delivery.no_room),
    ] {
        if !to.is_empty() {
            draft.facts.push(dead_letter(why, to));
        }
    }
    for party in delivery.receivers {
        let message = Delivered::Published {
            topic: name.clone(),
            sequence,
            from,
            payload: payload.clone(),
        };
        hand_over(&mut draft, party, message);
    }
    Ok(draft.facts)
}

fn deliver(
    state: &Coordination,
    topic: &Topic,
    name: &PrimitiveName,
    payload: &Payload,
) -> Delivery {
    let mut delivery = Delivery::default();
    let bytes = published_bytes(name, payload);
    let mut kept_bytes = state.counts.kept_bytes;
    for party in &topic.subscribers {
        let waits = state
            .wait_of(*party)
            .is_some_and(|it| it.want == Want::Message);
        // What is handed over at once needs no room.
        let refused = (!waits).then(|| no_room(state, *party, bytes, kept_bytes));
        match refused.flatten() {
            Some(DeadLetterCause::InboxFull) => delivery.inbox_full.push(*party),
            Some(_) => delivery.no_room.push(*party),
            None => {
                kept_bytes += if waits { 0 } else { bytes };
                delivery.receivers.push(*party);
            }
        }
    }
    delivery
}

/// Messages that did not reach all they were for: how many, and the last of them. No decision
/// looks at them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeadLetters {
    /// Of all that ever were: one for each whom a message did not reach, and one where that was
    /// nobody.
    pub(crate) total: u64,
    /// Oldest first.
    pub(crate) kept: VecDeque<DeadLetter>,
    /// What those kept are counted for.
    pub(crate) bytes: usize,
}

impl DeadLetters {
    pub(crate) fn add(&mut self, letter: DeadLetter) {
        self.total += letter.to.len().max(1) as u64;
        self.bytes += dead_letter_bytes(&letter);
        self.kept.push_back(letter);
        while self.kept.len() > DEAD_LETTERS_MAX || self.bytes > DEAD_LETTER_BYTES_MAX {
            let Some(oldest) = self.kept.pop_front() else {
                return;
            };
            self.bytes -= dead_letter_bytes(&oldest);
        }
    }
}

fn dead_letter_bytes(letter: &DeadLetter) -> usize {
    let receivers = letter.to.len() * size_of::<AgentId>();
    published_bytes(&letter.topic, &letter.payload) + receivers
}

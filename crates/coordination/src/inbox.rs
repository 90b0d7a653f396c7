//! Inboxes: what was published for a party and what it is asked, oldest first, until it reads
//! it. A party that waits for a message has an empty inbox.

use crate::Refusal;
use crate::bounds::{
    ENTRY_BYTES, INBOX_BYTES_MAX, INBOX_MESSAGES_MAX, KEPT_BYTES_MAX, PAYLOAD_BYTES_MAX,
    value_bytes,
};
use crate::decide::{Ask, wait};
use crate::draft::Draft;
use crate::state::Coordination;
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{
    DeadLetterCause, Delivered, Fact, Obtained, Payload, PrimitiveName, QuestionId, Want,
};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Messages of one party that it has not read.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inbox {
    pub(crate) letters: VecDeque<Letter>,
    /// What they are counted for.
    pub(crate) bytes: usize,
}

/// A message that nobody has read yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Letter {
    Published {
        topic: PrimitiveName,
        sequence: u64,
        from: AgentId,
        payload: Payload,
    },
    /// What it holds is kept with the question.
    Question(QuestionId),
}

impl Letter {
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Published { topic, payload, .. } => published_bytes(topic, payload),
            Self::Question(_) => ENTRY_BYTES,
        }
    }
}

pub(crate) fn published_bytes(topic: &PrimitiveName, payload: &Payload) -> usize {
    ENTRY_BYTES + topic.as_str().len() + payload_bytes(payload)
}

pub(crate) fn payload_bytes(payload: &Payload) -> usize {
    payload.kind.as_str().len() + value_bytes(&payload.value, PAYLOAD_BYTES_MAX)
}

pub(crate) fn check_payload(payload: &Payload) -> Result<(), Refusal> {
    let bytes = payload_bytes(payload);
    if bytes > PAYLOAD_BYTES_MAX {
        return Err(Refusal::PayloadTooLarge {
            found: bytes,
            max: PAYLOAD_BYTES_MAX,
        });
    }
    Ok(())
}

/// Why an inbox does not take so many bytes more, once so many are kept for everybody.
pub(crate) fn no_room(
    state: &Coordination,
    party: AgentId,
    bytes: usize,
    kept_bytes: usize,
) -> Option<DeadLetterCause> {
    let inbox = state.parties.get(&party).map(|it| &it.inbox);
    let (letters, used) = inbox.map_or((0, 0), |it| (it.letters.len(), it.bytes));
    if letters >= INBOX_MESSAGES_MAX || used + bytes > INBOX_BYTES_MAX {
        return Some(DeadLetterCause::InboxFull);
    }
    (kept_bytes + bytes > KEPT_BYTES_MAX).then_some(DeadLetterCause::NoRoom)
}

pub(crate) fn receive(
    state: &Coordination,
    ask: &Ask,
    deadline_ms: Option<u64>,
) -> Result<Vec<Fact>, Refusal> {
    match state.inbox(ask.asker.party).next() {
        Some(message) => Ok(vec![ask.granted(Obtained::Message(message))]),
        None => wait(state, ask, Want::Message, deadline_ms),
    }
}

/// Gives a message to a party that waits for one; whether it did.
pub(crate) fn hand_over(draft: &mut Draft<'_>, party: AgentId, message: Delivered) -> bool {
    let waits = matches!(draft.wait(party).map(|it| &it.want), Some(Want::Message));
    if waits {
        draft.grant(party, Obtained::Message(message));
    }
    waits
}

impl Coordination {
    /// The messages that a party has not read, oldest first.
    pub fn inbox(&self, party: AgentId) -> impl Iterator<Item = Delivered> {
        let letters = self.parties.get(&party).into_iter();
        let letters = letters.flat_map(|it| &it.inbox.letters);
        letters.filter_map(|it| self.delivered(it))
    }

    /// What follows when a party is given the oldest message of its inbox without asking for it:
    /// nothing, if there is none.
    #[must_use]
    pub fn take_message(&self, party: AgentId) -> Vec<Fact> {
        let oldest = self.inbox(party).next();
        let received = oldest.map(|message| Fact::Received { party, message });
        received.into_iter().collect()
    }

    fn delivered(&self, letter: &Letter) -> Option<Delivered> {
        Some(match letter {
            Letter::Published {
                topic,
                sequence,
                from,
                payload,
            } => Delivered::Published {
                topic: topic.clone(),
                sequence: *sequence,
                from: *from,
                payload: payload.clone(),
            },
            Letter::Question(id) => {
                let question = self.questions.get(id)?;
                Delivered::Question {
                    question: *id,
                    from: question.asker.party,
                    payload: question.payload.clone(),
                }
            }
        })
    }
}

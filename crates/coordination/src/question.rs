//! Questions: put to one party or to the manager, and open until they are answered or whoever
//! asked waits no longer. Who may answer for the manager is for the engine to say.

use crate::Refusal;
use crate::bounds::{ENTRY_BYTES, INBOX_MESSAGES_MAX};
use crate::decide::{Ask, begin_wait, check_room, check_wait};
use crate::draft::Draft;
use crate::inbox::{check_payload, hand_over, no_room, payload_bytes};
use crate::state::Coordination;
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{
    Asker, Delivered, Fact, Obtained, Payload, PrimitiveKind, QuestionId, WaitEnd, Want,
};
use serde::{Deserialize, Serialize};

const KIND: PrimitiveKind = PrimitiveKind::Question;

/// A question that is not answered yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Who waits for the answer.
    pub asker: Asker,
    /// Who is to answer; nobody is the manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<AgentId>,
    /// What is asked.
    pub payload: Payload,
}

impl Question {
    pub(crate) fn bytes(&self) -> usize {
        bytes(&self.payload)
    }
}

fn bytes(payload: &Payload) -> usize {
    ENTRY_BYTES + payload_bytes(payload)
}

pub(crate) fn ask(
    state: &Coordination,
    ask: &Ask,
    to: Option<AgentId>,
    payload: &Payload,
    deadline_ms: Option<u64>,
) -> Result<Vec<Fact>, Refusal> {
    let asker = ask.asker;
    if to == Some(asker.party) {
        return Err(Refusal::AsksItself);
    }
    check_payload(payload)?;
    let more = bytes(payload) + to.map_or(0, |_| ENTRY_BYTES);
    check_room(state, 0, more)?;
    if let Some(party) = to
        && no_room(state, party, ENTRY_BYTES, state.counts.kept_bytes).is_some()
    {
        return Err(Refusal::InboxFull {
            party,
            max: INBOX_MESSAGES_MAX,
        });
    }
    let question = QuestionId(state.counts.question + 1);
    let want = Want::Answer { question, to };
    check_wait(state, ask, &want, deadline_ms)?;
    let asked = Fact::Asked {
        asker,
        question,
        to,
        payload: payload.clone(),
    };
    let mut draft = Draft::new(state, asked);
    begin_wait(&mut draft, ask, want, deadline_ms);
    if let Some(party) = to {
        let message = Delivered::Question {
            question,
            from: asker.party,
            payload: payload.clone(),
        };
        hand_over(&mut draft, party, message);
    }
    Ok(draft.facts)
}

pub(crate) fn answer(
    state: &Coordination,
    ask: &Ask,
    id: QuestionId,
    payload: &Payload,
) -> Result<Vec<Fact>, Refusal> {
    let Some(question) = state.questions.get(&id) else {
        return Err(match id.0 > state.counts.question || id.0 == 0 {
            true => Refusal::NeverAsked { question: id },
            false => Refusal::QuestionOver { question: id },
        });
    };
    let party = ask.asker.party;
    if question.to.is_some_and(|it| it != party) || question.asker.party == party {
        return Err(Refusal::NotYoursToAnswer {
            question: id,
            party,
        });
    }
    check_payload(payload)?;
    let fact = Fact::Answered {
        asker: ask.asker,
        question: id,
    };
    let mut draft = Draft::new(state, fact);
    let answered = Obtained::Answered {
        question: id,
        from: party,
        payload: payload.clone(),
    };
    draft.grant(question.asker.party, answered);
    Ok(draft.facts)
}

/// What a party's end means for those who asked it.
pub(crate) fn lost(draft: &mut Draft<'_>, party: AgentId) {
    let own = draft.state.parties.get(&party).into_iter();
    for id in own.flat_map(|it| &it.asked) {
        if let Some(question) = draft.state.questions.get(id) {
            let why = WaitEnd::CannotBeMet {
                kind: KIND,
                name: (*id).into(),
            };
            draft.end(question.asker.party, why);
        }
    }
}

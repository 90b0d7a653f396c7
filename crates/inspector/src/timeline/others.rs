//! What agents did with each other.

use super::{Step, Timeline};
use leadhand_protocol::coordination::{Delivered, Fact, Obtained};
use leadhand_protocol::{AgentId, Event, Record};

/// Most agents of which it is kept that one agent heard from them.
const HEARD_MAX: usize = 128;

impl Timeline {
    /// Takes what an agent did with others; false when it was something else.
    pub(super) fn coordinated(&mut self, event: &Event, record: &Record) -> bool {
        let said = match event {
            Event::Coordinated { fact } => {
                if let Some((party, from)) = message(fact) {
                    let heard = self.places.heard.entry(party).or_default();
                    if heard.len() < HEARD_MAX {
                        heard.insert(from);
                    }
                }
                self.holders.take(fact, |agent| agent.to_string())
            }
            Event::RequestRefused { asker, why } => {
                let agent = asker.party;
                Some((agent, format!("{agent} is refused: {why}")))
            }
            _ => return false,
        };
        if let Some((agent, text)) = said {
            self.push(
                agent,
                Step::Coordinated {
                    seq: record.seq,
                    at_ms: record.at_ms,
                    text,
                },
            );
        }
        true
    }
}

/// Who got a message or an answer, and from whom.
fn message(fact: &Fact) -> Option<(AgentId, AgentId)> {
    let (party, message) = match fact {
        Fact::Received { party, message } => (*party, message),
        Fact::Granted {
            asker, obtained, ..
        } => match obtained {
            Obtained::Message(message) => (asker.party, message),
            Obtained::Answered { from, .. } => return Some((asker.party, *from)),
            _ => return None,
        },
        _ => return None,
    };
    let (Delivered::Published { from, .. } | Delivered::Question { from, .. }) = message;
    Some((party, *from))
}

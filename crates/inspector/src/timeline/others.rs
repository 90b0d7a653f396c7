//! What agents did with each other.

use super::{Step, Timeline};
use leadhand_protocol::{Event, Record};

impl Timeline {
    /// Takes what an agent did with others; false when it was something else.
    pub(super) fn coordinated(&mut self, event: &Event, record: &Record) -> bool {
        let said = match event {
            Event::Coordinated { fact } => self.holders.take(fact, |agent| agent.to_string()),
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

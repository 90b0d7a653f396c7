//! How messages and questions enter the inboxes and leave them, and what they are counted for.

use super::tell;
use crate::inbox::Letter;
use crate::question::Question;
use crate::state::{Coordination, Party};
use crate::topic::{self, Topic};
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{
    DeadLetter, DeadLetterCause, Fact, Notice, PrimitiveName, QuestionId, Told,
};

impl Coordination {
    /// Makes a fact about messages and questions part of the state.
    pub(super) fn letter(&mut self, fact: &Fact) -> Vec<Notice> {
        match fact {
            Fact::Subscribed { asker, topic } => {
                self.subscribe(asker.party, topic);
                tell(*asker, Told::Done)
            }
            Fact::Unsubscribed { asker, topic } => {
                self.unsubscribe(asker.party, topic);
                self.change_party(asker.party, |it| it.topics.remove(topic));
                tell(*asker, Told::Done)
            }
            Fact::Published {
                asker,
                topic,
                sequence,
                receivers,
                payload,
            } => {
                self.topic(topic).sequence = *sequence;
                let letter = Letter::Published {
                    topic: topic.clone(),
                    sequence: *sequence,
                    from: asker.party,
                    payload: payload.clone(),
                };
                self.put_letters(receivers, &letter);
                let told = Told::Published {
                    sequence: *sequence,
                    receivers: u32::try_from(receivers.len()).unwrap_or(u32::MAX),
                };
                tell(*asker, told)
            }
            Fact::DeadLetter(letter) => {
                self.dead_letters.add(letter.clone());
                Vec::new()
            }
            Fact::Received { party, .. } => {
                self.take_letter(*party);
                Vec::new()
            }
            Fact::Asked {
                asker,
                question,
                to,
                payload,
            } => {
                let put = Question {
                    asker: *asker,
                    to: *to,
                    payload: payload.clone(),
                };
                self.open_question(*question, put);
                Vec::new()
            }
            Fact::Answered { asker, .. } => tell(*asker, Told::Done),
            Fact::Waiting { .. }
            | Fact::Granted { .. }
            | Fact::WaitEnded { .. }
            | Fact::DeadlockBroken { .. }
            | Fact::Released { .. }
            | Fact::Returned { .. }
            | Fact::Declared { .. }
            | Fact::CountedDown { .. }
            | Fact::GivenUp { .. }
            | Fact::Voted { .. }
            | Fact::Written { .. }
            | Fact::WasRead { .. }
            | Fact::Unchanged { .. }
            | Fact::Cancelled { .. }
            | Fact::PartyEnded { .. } => Vec::new(),
        }
    }

    fn topic(&mut self, name: &PrimitiveName) -> &mut Topic {
        let kept_bytes = &mut self.counts.kept_bytes;
        self.topics.entry(name.clone()).or_insert_with(|| {
            *kept_bytes += topic::bytes(name);
            Topic::default()
        })
    }

    fn subscribe(&mut self, party: AgentId, name: &PrimitiveName) {
        if self.topic(name).subscribers.insert(party) {
            self.counts.kept_bytes += topic::subscription_bytes(name);
        }
        let own = self.parties.entry(party).or_default();
        own.topics.insert(name.clone());
    }

    fn unsubscribe(&mut self, party: AgentId, name: &PrimitiveName) {
        let topic = self.topics.get_mut(name);
        if topic.is_some_and(|it| it.subscribers.remove(&party)) {
            self.counts.kept_bytes -= topic::subscription_bytes(name);
        }
    }

    fn put_letters(&mut self, receivers: &[AgentId], letter: &Letter) {
        let bytes = letter.bytes();
        for party in receivers {
            let inbox = &mut self.parties.entry(*party).or_default().inbox;
            inbox.bytes += bytes;
            inbox.letters.push_back(letter.clone());
            self.counts.kept_bytes += bytes;
        }
    }

    /// Takes the oldest message out of an inbox.
    pub(super) fn take_letter(&mut self, party: AgentId) {
        let Some(own) = self.parties.get_mut(&party) else {
            return;
        };
        if let Some(letter) = own.inbox.letters.pop_front() {
            let bytes = letter.bytes();
            own.inbox.bytes -= bytes;
            self.counts.kept_bytes -= bytes;
        }
        self.forget_if_idle(party);
    }

    fn open_question(&mut self, id: QuestionId, question: Question) {
        self.counts.question = id.0;
        self.counts.kept_bytes += question.bytes();
        if let Some(party) = question.to {
            self.put_letters(&[party], &Letter::Question(id));
            let own = self.parties.entry(party).or_default();
            own.asked.insert(id);
        }
        self.questions.insert(id, question);
    }

    /// Forgets a question for whose answer nobody waits any more, also where it was not read.
    pub(super) fn close_question(&mut self, id: QuestionId) {
        let Some(question) = self.questions.remove(&id) else {
            return;
        };
        self.counts.kept_bytes -= question.bytes();
        let Some(party) = question.to else {
            return;
        };
        let Some(own) = self.parties.get_mut(&party) else {
            return;
        };
        own.asked.remove(&id);
        let letter = Letter::Question(id);
        if let Some(place) = own.inbox.letters.iter().position(|it| *it == letter) {
            own.inbox.letters.remove(place);
            own.inbox.bytes -= letter.bytes();
            self.counts.kept_bytes -= letter.bytes();
        }
        self.forget_if_idle(party);
    }

    /// A party that ended has no subscriptions, and reads no more.
    pub(super) fn end_letters(&mut self, party: AgentId, own: &Party) {
        for topic in &own.topics {
            self.unsubscribe(party, topic);
        }
        self.counts.kept_bytes -= own.inbox.bytes;
        for letter in &own.inbox.letters {
            if let Letter::Published {
                topic,
                sequence,
                from,
                payload,
            } = letter
            {
                self.dead_letters.add(DeadLetter {
                    topic: topic.clone(),
                    sequence: *sequence,
                    from: *from,
                    to: vec![party],
                    payload: payload.clone(),
                    why: DeadLetterCause::ReceiverEnded,
                });
            }
        }
    }
}

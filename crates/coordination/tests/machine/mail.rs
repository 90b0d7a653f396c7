//! What must lie in whose inbox, worked out from the facts alone: each message goes once, in
//! order, to each who has subscribed before, or is a dead letter for a reason that holds.

use leadhand_coordination::{Coordination, INBOX_BYTES_MAX, INBOX_MESSAGES_MAX};
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{
    Asker, DeadLetter, DeadLetterCause, Delivered, Fact, Obtained, Payload, PrimitiveName,
    QuestionId, Want,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What a message of a test holds at most, so that an inbox that refuses one must hold much.
const SMALL_BYTES: usize = 1_024;

#[derive(Clone, Default)]
pub(crate) struct Mail {
    subscribers: BTreeMap<PrimitiveName, BTreeSet<AgentId>>,
    sequences: BTreeMap<PrimitiveName, u64>,
    unread: BTreeMap<AgentId, VecDeque<Delivered>>,
    questions: BTreeMap<QuestionId, (Asker, Option<AgentId>)>,
    last_question: u64,
    /// Those whom the message that was just published has not reached yet.
    missed: BTreeSet<AgentId>,
    reached_nobody: bool,
    dead: u64,
}

impl Mail {
    /// Takes a fact in, on the state before it.
    pub(crate) fn add(&mut self, before: &Coordination, fact: &Fact) {
        match fact {
            Fact::Subscribed { asker, topic } => {
                let subscribers = self.subscribers.entry(topic.clone()).or_default();
                assert!(subscribers.insert(asker.party), "{fact:?} again");
            }
            Fact::Unsubscribed { asker, topic } => {
                let subscribers = self.subscribers.get_mut(topic).unwrap();
                assert!(subscribers.remove(&asker.party), "{fact:?} for nothing");
            }
            Fact::Published {
                asker,
                topic,
                sequence,
                receivers,
                payload,
            } => self.publish(asker.party, topic, *sequence, receivers, payload),
            Fact::DeadLetter(letter) => self.dead_letter(letter),
            Fact::Received { party, message } => self.read(*party, message),
            Fact::Granted {
                asker, obtained, ..
            } => match obtained {
                Obtained::Message(message) => self.read(asker.party, message),
                Obtained::Answered { question, from, .. } => {
                    let (by, to) = self.questions[question];
                    assert_eq!(by, *asker, "an answer went to somebody else");
                    assert!(
                        to.is_none_or(|it| it == *from),
                        "{from} answered {question}"
                    );
                }
                _ => {}
            },
            Fact::Asked {
                asker,
                question,
                to,
                payload,
            } => {
                assert_eq!(question.0, self.last_question + 1);
                self.last_question = question.0;
                self.questions.insert(*question, (*asker, *to));
                if let Some(to) = to {
                    let message = Delivered::Question {
                        question: *question,
                        from: asker.party,
                        payload: payload.clone(),
                    };
                    self.unread.entry(*to).or_default().push_back(message);
                }
            }
            Fact::PartyEnded { party } => self.end(*party),
            _ => {}
        }
        self.close_questions(before, fact);
    }

    fn publish(
        &mut self,
        from: AgentId,
        topic: &PrimitiveName,
        sequence: u64,
        receivers: &[AgentId],
        payload: &Payload,
    ) {
        let last = self.sequences.entry(topic.clone()).or_default();
        *last += 1;
        assert_eq!(sequence, *last, "{topic}");
        self.missed = self.subscribers.get(topic).cloned().unwrap_or_default();
        self.reached_nobody = self.missed.is_empty();
        for receiver in receivers {
            assert!(self.missed.remove(receiver), "{receiver} gets it unasked");
            let unread = self.unread.entry(*receiver).or_default();
            unread.push_back(Delivered::Published {
                topic: topic.clone(),
                sequence,
                from,
                payload: payload.clone(),
            });
        }
    }

    fn dead_letter(&mut self, letter: &DeadLetter) {
        self.dead += letter.to.len().max(1) as u64;
        match letter.why {
            DeadLetterCause::NoSubscriber => {
                assert!(self.reached_nobody && letter.to.is_empty(), "{letter:?}");
                self.reached_nobody = false;
            }
            DeadLetterCause::InboxFull | DeadLetterCause::NoRoom => {}
            DeadLetterCause::ReceiverEnded => panic!("{letter:?} is no fact of its own"),
        }
        for party in &letter.to {
            assert!(self.missed.remove(party), "{party} missed nothing");
            let unread = self.unread.get(party).map_or(0, VecDeque::len);
            let much = INBOX_BYTES_MAX / SMALL_BYTES;
            let full = unread == INBOX_MESSAGES_MAX || unread >= much;
            let claimed = letter.why == DeadLetterCause::InboxFull;
            assert_eq!(claimed, full, "{party} has {unread} unread");
        }
    }

    fn read(&mut self, party: AgentId, message: &Delivered) {
        let oldest = self.unread.get_mut(&party).and_then(VecDeque::pop_front);
        assert_eq!(oldest.as_ref(), Some(message), "what {party} gets");
    }

    fn end(&mut self, party: AgentId) {
        for subscribers in self.subscribers.values_mut() {
            subscribers.remove(&party);
        }
        let unread = self.unread.remove(&party).unwrap_or_default();
        let published = |it: &&Delivered| matches!(it, Delivered::Published { .. });
        self.dead += unread.iter().filter(published).count() as u64;
    }

    /// A question is over with the wait for its answer, read or not.
    fn close_questions(&mut self, before: &Coordination, fact: &Fact) {
        let party = match fact {
            Fact::Granted { asker, .. }
            | Fact::WaitEnded { asker, .. }
            | Fact::Cancelled { asker, .. }
            | Fact::DeadlockBroken { victim: asker, .. } => asker.party,
            Fact::PartyEnded { party } => *party,
            _ => return,
        };
        let want = before.wait_of(party).map(|it| &it.want);
        if let Some(Want::Answer { question: over, .. }) = want {
            self.questions.remove(over);
            for unread in self.unread.values_mut() {
                unread.retain(
                    |it| !matches!(it, Delivered::Question { question, .. } if question == over),
                );
            }
        }
    }

    /// Holds the state after a decision against what must be there.
    pub(crate) fn check(&self, state: &Coordination) {
        assert!(self.missed.is_empty(), "{:?} missed it", self.missed);
        assert!(!self.reached_nobody, "a message vanished");
        for (party, unread) in &self.unread {
            let found: VecDeque<_> = state.inbox(*party).collect();
            assert_eq!(found, *unread, "the inbox of {party}");
        }
        for (topic, subscribers) in &self.subscribers {
            let found: BTreeSet<_> = state.subscribers(topic).collect();
            assert_eq!(found, *subscribers, "{topic}");
        }
        for (topic, sequence) in &self.sequences {
            assert_eq!(state.published(topic), *sequence, "{topic}");
        }
        let open = state.questions().map(|(id, it)| (id, (it.asker, it.to)));
        assert_eq!(open.collect::<BTreeMap<_, _>>(), self.questions);
        for (question, (asker, to)) in &self.questions {
            let wait = state.wait_of(asker.party).unwrap();
            let (question, to) = (*question, *to);
            assert_eq!(wait.want, Want::Answer { question, to });
        }
        assert_eq!(state.dead_letters_total(), self.dead);
    }
}

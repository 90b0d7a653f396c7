//! What must lie in whose inbox, and which questions are open, from the facts; and what tools got.

use super::book::Book;
use super::{Moment, walk};
use crate::script::MEETING_TOOLS;
use crate::trace::{Saw, Trace, What};
use leadhand_protocol::coordination::{
    Asker, DeadLetter, Delivered, Fact, Obtained, PrimitiveName, QuestionId, Want,
};
use leadhand_protocol::{AgentId, CallId, Event};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Each message reaches each who had subscribed once and in order, or is a dead letter.
pub(in crate::invariant) fn delivered(trace: &Trace) -> Result<(), String> {
    let mut mail = Mail::default();
    walk(&trace.records, |book, moment| match moment {
        Moment::Before(fact) => mail.take(book, fact),
        Moment::Whole => mail.is_whole(book),
    })?;
    to_tools(trace)
}

/// A tool gets no message that another request of its agent got, and all that were handed to it
/// by the time it is done.
fn to_tools(trace: &Trace) -> Result<(), String> {
    let mut got: BTreeMap<(AgentId, &PrimitiveName, u64), Asker> = BTreeMap::new();
    let mut saw: BTreeSet<Asker> = BTreeSet::new();
    for (place, seen) in trace.seen.iter().enumerate() {
        let Saw::Message(message) = &seen.saw else {
            continue;
        };
        saw.insert(seen.asker);
        if let Delivered::Published {
            topic, sequence, ..
        } = message
            && place >= trace.seen_before_cut
        {
            let party = seen.asker.party;
            let earlier = got.insert((party, topic, *sequence), seen.asker);
            if earlier.is_some_and(|earlier| earlier != seen.asker) {
                return Err(format!("{party} got message {sequence} of `{topic}` twice"));
            }
        }
    }
    let mut handed: BTreeSet<Asker> = BTreeSet::new();
    for record in &trace.records {
        match &*record.event {
            Event::Coordinated { fact } => {
                if let Fact::Granted {
                    asker,
                    obtained: Obtained::Message(_),
                    ..
                } = &**fact
                {
                    handed.insert(*asker);
                }
            }
            Event::ToolFinished { call, outcome } if outcome.is_ok() => {
                let is_of = |asker: &&Asker| asker.party == call.agent && asker.wait.is_of(*call);
                let mut of_call = handed.iter().filter(is_of);
                let lost = of_call.find(|asker| !saw.contains(asker));
                if let Some(asker) = lost.filter(|asker| was_made(trace, **asker)) {
                    return Err(format!("a tool never got what {asker:?} was handed"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a call that is done was brought to its end by the tool itself, in this run and not in
/// the one that it is a branch of.
pub(super) fn was_made(trace: &Trace, asker: Asker) -> bool {
    let is_it = |call: CallId| call.agent == asker.party && asker.wait.is_of(call);
    trace.begun.iter().any(|begun| match &begun.what {
        What::Tool { call, tool, .. } => is_it(*call) && tool == MEETING_TOOLS[0],
        What::Model { .. } | What::Question { .. } => false,
    })
}

#[derive(Default)]
struct Mail {
    subscribers: BTreeMap<PrimitiveName, BTreeSet<AgentId>>,
    sequences: BTreeMap<PrimitiveName, u64>,
    unread: BTreeMap<AgentId, VecDeque<Delivered>>,
    /// Those whom the message that was just published has not reached yet.
    missed: BTreeSet<AgentId>,
    nobody_subscribed: bool,
}

impl Mail {
    fn take(&mut self, book: &Book, fact: &Fact) -> Result<(), String> {
        if let Some(question) = over(book, fact) {
            for unread in self.unread.values_mut() {
                unread.retain(|it| match it {
                    Delivered::Question { question: it, .. } => *it != question,
                    Delivered::Published { .. } => true,
                });
            }
        }
        match fact {
            Fact::Subscribed { asker, topic } => {
                let subscribers = self.subscribers.entry(topic.clone()).or_default();
                subscribers.insert(asker.party);
            }
            Fact::Unsubscribed { asker, topic } => {
                if let Some(subscribers) = self.subscribers.get_mut(topic) {
                    subscribers.remove(&asker.party);
                }
            }
            Fact::Published { topic, .. } => {
                self.is_whole(book)?;
                let subscribers = self.subscribers.get(topic);
                self.missed = subscribers.cloned().unwrap_or_default();
                self.nobody_subscribed = self.missed.is_empty();
                return self.published(fact);
            }
            Fact::DeadLetter(DeadLetter { to, .. }) => {
                self.nobody_subscribed &= !to.is_empty();
                if let Some(party) = to.iter().find(|party| !self.missed.remove(party)) {
                    return Err(format!("{party} missed nothing: {fact:?}"));
                }
            }
            Fact::Asked {
                asker,
                question,
                to: Some(to),
                payload,
            } => {
                let (question, from, payload) = (*question, asker.party, payload.clone());
                let unread = self.unread.entry(*to).or_default();
                unread.push_back(Delivered::Question {
                    question,
                    from,
                    payload,
                });
            }
            Fact::Granted {
                asker,
                obtained: Obtained::Message(message),
                ..
            } => return self.read(asker.party, message),
            Fact::Received { party, message } => return self.read(*party, message),
            Fact::PartyEnded { party } => {
                self.unread.remove(party);
                for subscribers in self.subscribers.values_mut() {
                    subscribers.remove(party);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn published(&mut self, fact: &Fact) -> Result<(), String> {
        let Fact::Published {
            asker,
            topic,
            sequence,
            receivers,
            payload,
        } = fact
        else {
            return Ok(());
        };
        let last = self.sequences.entry(topic.clone()).or_default();
        *last += 1;
        if *last != *sequence {
            return Err(format!(
                "message {sequence} of `{topic}` came as number {last}"
            ));
        }
        for receiver in receivers {
            if !self.missed.remove(receiver) {
                return Err(format!("{receiver} gets `{topic}` and had not subscribed"));
            }
            let unread = self.unread.entry(*receiver).or_default();
            unread.push_back(Delivered::Published {
                topic: topic.clone(),
                sequence: *sequence,
                from: asker.party,
                payload: payload.clone(),
            });
        }
        Ok(())
    }

    fn read(&mut self, party: AgentId, message: &Delivered) -> Result<(), String> {
        let oldest = self.unread.get_mut(&party).and_then(VecDeque::pop_front);
        if oldest.as_ref() == Some(message) {
            return Ok(());
        }
        Err(format!(
            "{party} is given {message:?}, and is to get {oldest:?}"
        ))
    }

    /// That nothing is lost, and nobody waits whose inbox holds something.
    fn is_whole(&self, book: &Book) -> Result<(), String> {
        if self.nobody_subscribed || !self.missed.is_empty() {
            return Err(format!(
                "a message vanished on its way to {:?}",
                self.missed
            ));
        }
        for (party, wait) in &book.waits {
            let unread = self.unread.get(party).map_or(0, VecDeque::len);
            if wait.want == Want::Message && unread > 0 {
                return Err(format!("{party} waits for a message, and has {unread}"));
            }
        }
        Ok(())
    }
}

/// The question that is over with a fact, if one is: its asker waits no longer.
fn over(book: &Book, fact: &Fact) -> Option<QuestionId> {
    let party = match fact {
        Fact::Granted { asker, .. }
        | Fact::WaitEnded { asker, .. }
        | Fact::Cancelled { asker, .. }
        | Fact::DeadlockBroken { victim: asker, .. } => asker.party,
        Fact::PartyEnded { party } => *party,
        _ => return None,
    };
    match book.waits.get(&party)?.want {
        Want::Answer { question, .. } => Some(question),
        _ => None,
    }
}

/// Each question is answered once, by whom it was put to, and its asker gets the answer; or its
/// asker waits for it no longer. None is left that nobody can answer.
pub(in crate::invariant) fn answered(trace: &Trace) -> Result<(), String> {
    let mut open: BTreeMap<QuestionId, Question> = BTreeMap::new();
    let mut gone: BTreeSet<AgentId> = BTreeSet::new();
    walk(&trace.records, |book, moment| {
        let Moment::Before(fact) = moment else {
            let of_gone = |(_, it): &(&QuestionId, &Question)| {
                it.to.is_some_and(|party| gone.contains(&party))
            };
            return match open.iter().find(of_gone) {
                Some((question, _)) => Err(format!("nobody is left to answer {question}")),
                None => Ok(()),
            };
        };
        match fact {
            Fact::Asked {
                asker,
                question,
                to,
                ..
            } => {
                let put = Question {
                    asker: *asker,
                    to: *to,
                    answered_by: None,
                };
                open.insert(*question, put);
            }
            Fact::Answered { asker, question } => {
                let put = open.get_mut(question);
                let put = put.filter(|it| it.to.is_none_or(|to| to == asker.party));
                let Some(put) = put.filter(|it| it.answered_by.is_none()) else {
                    return Err(format!(
                        "{} answered {question}, which was not open to it",
                        asker.party
                    ));
                };
                put.answered_by = Some(asker.party);
            }
            Fact::Granted {
                asker,
                obtained: Obtained::Answered { question, from, .. },
                ..
            } => {
                let put = open.remove(question);
                let is_it = |it: &Question| it.asker == *asker && it.answered_by == Some(*from);
                if !put.as_ref().is_some_and(is_it) {
                    return Err(format!("{asker:?} got an answer to {question} of {from}"));
                }
            }
            Fact::PartyEnded { party } => {
                gone.insert(*party);
            }
            _ => {}
        }
        if let Some(question) = over(book, fact) {
            open.remove(&question);
        }
        Ok(())
    })
}

struct Question {
    asker: Asker,
    to: Option<AgentId>,
    answered_by: Option<AgentId>,
}

//! Locks and their kin in words: who waits for what, and who has it. It follows the facts just
//! far enough to say who holds a lock.

use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{
    CycleStep, DeadLetterCause, Delivered, Fact, LockMode, Obtained, PrimitiveName, WaitEnd, Want,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Characters of a value that is voted for.
const VALUE_CHARS_MAX: usize = 80;

/// Who holds which locks, as records tell.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    locks: BTreeMap<PrimitiveName, BTreeSet<AgentId>>,
}

impl Holders {
    /// Whom a fact is about, and what it says, where that is worth a line. Values in it are of
    /// foreign origin.
    pub(crate) fn take(
        &mut self,
        fact: &Fact,
        name: impl Fn(AgentId) -> String,
    ) -> Option<(AgentId, String)> {
        if is_of_the_run(fact) {
            return None;
        }
        let (party, text) = match fact {
            Fact::Waiting { asker, want, .. } => {
                let who = self.waited_for(asker.party, want, &name);
                (asker.party, format!("waits for {}{who}", wanted(want)))
            }
            Fact::Granted {
                asker, obtained, ..
            } => {
                self.granted(asker.party, obtained);
                (asker.party, got(obtained))
            }
            Fact::WaitEnded { asker, why } => (asker.party, ended(why)),
            Fact::DeadlockBroken { victim, .. } => {
                let text = "waits no longer, to break a deadlock".to_owned();
                (victim.party, text)
            }
            Fact::Cancelled { asker, .. } => (asker.party, ended(&WaitEnd::Cancelled)),
            Fact::Released { asker, lock, .. } => {
                self.released(asker.party, lock);
                (asker.party, format!("gives lock `{lock}` back"))
            }
            Fact::PartyEnded { party } => {
                let locks: Vec<PrimitiveName> = self.locks.keys().cloned().collect();
                locks.iter().for_each(|lock| self.released(*party, lock));
                return None;
            }
            Fact::WasRead { asker, key } => (asker.party, format!("reads board entry `{key}`")),
            Fact::Unchanged { .. } | Fact::Answered { .. } => return None,
            Fact::Returned { .. }
            | Fact::Declared { .. }
            | Fact::CountedDown { .. }
            | Fact::GivenUp { .. }
            | Fact::Voted { .. }
            | Fact::Written { .. } => did(fact)?,
            Fact::Subscribed { .. }
            | Fact::Unsubscribed { .. }
            | Fact::Published { .. }
            | Fact::DeadLetter(_)
            | Fact::Received { .. }
            | Fact::Asked { .. } => said(fact, &name)?,
        };
        Some((party, format!("{} {text}", name(party))))
    }

    fn granted(&mut self, party: AgentId, obtained: &Obtained) {
        if let Obtained::Locks(held) = obtained {
            for held in held {
                let holders = self.locks.entry(held.lock.clone()).or_default();
                holders.insert(party);
            }
        }
    }

    fn released(&mut self, party: AgentId, lock: &PrimitiveName) {
        if let Some(holders) = self.locks.get_mut(lock) {
            holders.remove(&party);
            if holders.is_empty() {
                self.locks.remove(lock);
            }
        }
    }

    fn waited_for(&self, party: AgentId, want: &Want, name: impl Fn(AgentId) -> String) -> String {
        let locks: Vec<&PrimitiveName> = match want {
            Want::Locks(asks) => asks.iter().map(|ask| &ask.lock).collect(),
            Want::Upgrade(lock) => vec![lock],
            Want::Permits { .. }
            | Want::Barrier { .. }
            | Want::Join { .. }
            | Want::Quorum(_)
            | Want::Change { .. }
            | Want::Message
            | Want::Answer { .. } => return String::new(),
        };
        let holders = locks.iter().filter_map(|lock| self.locks.get(*lock));
        let holders: BTreeSet<AgentId> = holders.flatten().copied().collect();
        let others = holders.into_iter().filter(|holder| *holder != party);
        let others: Vec<String> = others.map(name).collect();
        if others.is_empty() {
            return String::new();
        }
        format!(", held by {}", others.join(" and "))
    }
}

/// Whether a fact is about permits that the run keeps itself: they come and go with what they are
/// for, which has a line of its own.
fn is_of_the_run(fact: &Fact) -> bool {
    match fact {
        Fact::Granted {
            asker,
            obtained: Obtained::Permits { .. },
            ..
        }
        | Fact::Returned { asker, .. }
        | Fact::Declared { asker, .. } => asker.wait.nth() == 0,
        _ => false,
    }
}

fn wanted(want: &Want) -> String {
    match want {
        Want::Locks(asks) => {
            let names = asks.iter().map(|ask| (&ask.lock, ask.mode));
            locks(names)
        }
        Want::Upgrade(lock) => format!("lock `{lock}` alone"),
        Want::Permits { semaphore, permits } => {
            let ending = if *permits == 1 { "" } else { "s" };
            format!("{permits} permit{ending} of semaphore `{semaphore}`")
        }
        Want::Barrier { barrier, parties } => {
            format!("{parties} to arrive at barrier `{barrier}`")
        }
        Want::Join { latches, .. } => {
            let ending = if latches.len() == 1 { "" } else { "es" };
            format!("latch{ending} {}", quoted(latches.iter()))
        }
        Want::Quorum(quorum) => format!("quorum `{quorum}`"),
        Want::Change { key, after_version } => {
            format!("board entry `{key}`, newer than version {after_version}")
        }
        Want::Message => "a message".to_owned(),
        Want::Answer { question, .. } => format!("the answer to question {question}"),
    }
}

fn got(obtained: &Obtained) -> String {
    match obtained {
        Obtained::Locks(held) => {
            let names = held.iter().map(|held| (&held.lock, held.mode));
            format!("has {}", locks(names))
        }
        Obtained::Permits { semaphore, permits } => {
            let ending = if *permits == 1 { "" } else { "s" };
            format!("has {permits} permit{ending} of semaphore `{semaphore}`")
        }
        Obtained::Passed {
            barrier, parties, ..
        } => format!("passes barrier `{barrier}` with {parties} in all"),
        Obtained::Joined { done } => format!("goes on after {}", quoted(done.iter())),
        Obtained::Decided { quorum, choice } => {
            format!(
                "is told that quorum `{quorum}` decided for {}",
                value(choice)
            )
        }
        Obtained::Changed { key, version } => {
            format!("is told board entry `{key}`, version {version}")
        }
        Obtained::Message(message) => message_of(message),
        Obtained::Answered { question, from, .. } => {
            format!("has the answer of {from} to question {question}")
        }
    }
}

/// What a party did of itself.
fn did(fact: &Fact) -> Option<(AgentId, String)> {
    Some(match fact {
        Fact::Returned {
            asker,
            semaphore,
            permits,
        } => {
            let ending = if *permits == 1 { "" } else { "s" };
            let text = format!("gives {permits} permit{ending} of semaphore `{semaphore}` back");
            (asker.party, text)
        }
        Fact::Declared {
            asker,
            name,
            declaration,
        } => {
            let kind = declaration.kind();
            (asker.party, format!("declares {kind} `{name}`"))
        }
        Fact::CountedDown { asker, latch } => (asker.party, format!("counts latch `{latch}` down")),
        Fact::GivenUp { asker, latch } => (asker.party, format!("gives latch `{latch}` up")),
        Fact::Voted {
            asker,
            quorum,
            choice,
        } => {
            let text = format!("votes for {} in quorum `{quorum}`", value(choice));
            (asker.party, text)
        }
        Fact::Written {
            asker,
            key,
            version,
            ..
        } => {
            let text = format!("writes board entry `{key}`, version {version}");
            (asker.party, text)
        }
        _ => return None,
    })
}

/// What parties say to each other.
fn said(fact: &Fact, name: impl Fn(AgentId) -> String) -> Option<(AgentId, String)> {
    Some(match fact {
        Fact::Subscribed { asker, topic } => {
            (asker.party, format!("subscribes to topic `{topic}`"))
        }
        Fact::Unsubscribed { asker, topic } => {
            let text = format!("no longer subscribes to topic `{topic}`");
            (asker.party, text)
        }
        Fact::Published {
            asker,
            topic,
            sequence,
            ..
        } => {
            let text = format!("publishes message {sequence} of topic `{topic}`");
            (asker.party, text)
        }
        Fact::DeadLetter(letter) => {
            let to: Vec<String> = letter.to.iter().map(|it| name(*it)).collect();
            let whom = if to.is_empty() {
                "anybody".to_owned()
            } else {
                to.join(" and ")
            };
            let why = match letter.why {
                DeadLetterCause::NoSubscriber => "nobody has subscribed",
                DeadLetterCause::InboxFull => "the inbox is full",
                DeadLetterCause::NoRoom => "there is no room for it",
                DeadLetterCause::ReceiverEnded => "it ended before it read it",
            };
            let (sequence, topic) = (letter.sequence, &letter.topic);
            let text =
                format!("does not reach {whom} with message {sequence} of topic `{topic}`: {why}");
            (letter.from, text)
        }
        Fact::Received { party, message } => (*party, message_of(message)),
        Fact::Asked {
            asker,
            question,
            to,
            ..
        } => {
            let whom = to.map_or_else(|| "the manager".to_owned(), name);
            (asker.party, format!("asks {whom} question {question}"))
        }
        _ => return None,
    })
}

fn message_of(message: &Delivered) -> String {
    match message {
        Delivered::Published {
            topic, sequence, ..
        } => format!("is told message {sequence} of topic `{topic}`"),
        Delivered::Question { question, .. } => format!("is told question {question}"),
    }
}

fn ended(why: &WaitEnd) -> String {
    match why {
        WaitEnd::DeadlineReached => "waits no longer: its time was over".to_owned(),
        WaitEnd::Cancelled => "waits no longer".to_owned(),
        WaitEnd::CannotBeMet { kind, name } => {
            format!("waits no longer: {kind} `{name}` will not come")
        }
    }
}

/// A deadlock, party by party.
pub(crate) fn cycle(cycle: &[CycleStep], name: impl Fn(AgentId) -> String) -> String {
    let step = |step: &CycleStep| {
        let CycleStep {
            party,
            kind,
            name: of,
        } = step;
        format!("{} waited for {kind} `{of}`", name(*party))
    };
    let steps: Vec<String> = cycle.iter().map(step).collect();
    steps.join(", ")
}

fn locks<'a>(locks: impl Iterator<Item = (&'a PrimitiveName, LockMode)>) -> String {
    let one = |(lock, mode)| match mode {
        LockMode::Exclusive => format!("lock `{lock}`"),
        LockMode::Shared => format!("lock `{lock}` (shared)"),
        LockMode::Upgradable => format!("lock `{lock}` (upgradable)"),
    };
    locks.map(one).collect::<Vec<_>>().join(" and ")
}

fn quoted<'a>(names: impl Iterator<Item = &'a PrimitiveName>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    names.join(" and ")
}

fn value(value: &Value) -> String {
    crate::escape::line(&value.to_string(), VALUE_CHARS_MAX)
}

#[cfg(test)]
mod tests {
    use super::Holders;
    use leadhand_protocol::AgentId;
    use leadhand_protocol::coordination::{
        Asker, Fact, LockAsk, LockHeld, LockMode, Obtained, PrimitiveName, WaitId, Want,
    };

    #[test]
    fn who_waits_for_a_lock_and_who_holds_it_is_said() {
        let lock = PrimitiveName::new("db").unwrap();
        let asker = |party| Asker {
            party: AgentId(party),
            wait: WaitId(1),
        };
        let mode = LockMode::Exclusive;
        let has = |party, fence| Fact::Granted {
            asker: asker(party),
            priority: 0,
            obtained: Obtained::Locks(vec![LockHeld {
                lock: lock.clone(),
                mode,
                fence,
            }]),
        };
        let waits = |party| Fact::Waiting {
            asker: asker(party),
            ticket: 1,
            priority: 0,
            deadline_ms: None,
            want: Want::Locks(vec![LockAsk {
                lock: lock.clone(),
                mode,
            }]),
        };
        let released = Fact::Released {
            asker: asker(1),
            lock: lock.clone(),
            fence: 1,
        };
        let mut holders = Holders::default();
        let mut check = |fact: &Fact, line: &str| {
            let said = holders.take(fact, |agent| agent.to_string());
            assert_eq!(said.map(|(_, line)| line).as_deref(), Some(line));
        };
        check(&has(1, 1), "a1 has lock `db`");
        check(&waits(3), "a3 waits for lock `db`, held by a1");
        check(&released, "a1 gives lock `db` back");
        check(&has(3, 2), "a3 has lock `db`");
        check(&waits(4), "a4 waits for lock `db`, held by a3");
    }
}

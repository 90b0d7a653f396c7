//! A machine with its history, and short ways to ask.

use crate::mail::Mail;
use crate::oracle;
use leadhand_coordination::{Coordination, Refusal};
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{
    Asker, Declaration, Delivered, Fact, LockAsk, LockHeld, LockMode, Notice, Obtained, Payload,
    PrimitiveName, QuestionId, Request, Told, WaitId,
};

pub(crate) const NOW_MS: u64 = 1_000;

#[derive(Clone, Default)]
pub(crate) struct World {
    pub(crate) state: Coordination,
    pub(crate) history: Vec<Fact>,
    /// The highest number of a grant so far.
    pub(crate) fence: u64,
    mail: Mail,
}

impl World {
    /// Asks with a wait id of 0; what is told to whom, as words.
    pub(crate) fn ask(&mut self, party: u32, request: &Request) -> Vec<String> {
        self.ask_with(party, 0, request)
    }

    pub(crate) fn ask_with(&mut self, party: u32, priority: u8, request: &Request) -> Vec<String> {
        match self.try_ask(party, 0, priority, request) {
            Ok(notices) => notices.iter().map(in_words).collect(),
            Err(refusal) => vec![format!("refused: {refusal}")],
        }
    }

    pub(crate) fn try_ask(
        &mut self,
        party: u32,
        wait: u32,
        priority: u8,
        request: &Request,
    ) -> Result<Vec<Notice>, Refusal> {
        let asker = asker(party, wait);
        let facts = self.state.decide(asker, priority, NOW_MS, request)?;
        Ok(self.apply(facts))
    }

    /// Asks what must be granted or wait, without holding it against the oracle: for so many
    /// that this would take too long.
    pub(crate) fn state_only(&mut self, party: u32, request: &Request) {
        self.try_state_only(party, request).unwrap();
    }

    pub(crate) fn try_state_only(&mut self, party: u32, request: &Request) -> Result<(), Refusal> {
        for fact in self.state.decide(asker(party, 0), 0, NOW_MS, request)? {
            self.state.apply(&fact);
        }
        Ok(())
    }

    pub(crate) fn end(&mut self, party: u32) -> Vec<String> {
        let facts = self.state.ended(AgentId(party));
        self.apply(facts).iter().map(in_words).collect()
    }

    pub(crate) fn due(&mut self, at_ms: u64) -> Vec<String> {
        let facts = self.state.due(at_ms);
        self.apply(facts).iter().map(in_words).collect()
    }

    /// Applies a decision and holds it and the state after it against the oracle.
    pub(crate) fn apply(&mut self, facts: Vec<Fact>) -> Vec<Notice> {
        let before = self.state.clone();
        let mut notices = Vec::new();
        for fact in &facts {
            oracle::check_fact(&self.state, fact);
            self.mail.add(&self.state, fact);
            notices.extend(self.state.apply(fact));
            for held in granted(fact) {
                assert!(held.fence > self.fence, "{fact:?} after {}", self.fence);
                self.fence = held.fence;
            }
        }
        oracle::check_fairness(&before, &facts, &self.state);
        oracle::check_state(&self.state);
        self.mail.check(&self.state);
        self.history.extend(facts);
        notices
    }

    /// The number by which a party holds a lock.
    pub(crate) fn fence_of(&self, party: u32, lock: &str) -> Option<u64> {
        let mut holders = self.state.holders(&name(lock));
        let hold = holders.find(|it| it.party == AgentId(party))?;
        Some(hold.fence)
    }

    pub(crate) fn release(&mut self, party: u32, lock: &str) -> Vec<String> {
        let fence = self.fence_of(party, lock).unwrap_or(0);
        let lock = name(lock);
        self.ask(party, &Request::Release { lock, fence })
    }
}

fn granted(fact: &Fact) -> &[LockHeld] {
    match fact {
        Fact::Granted {
            obtained: Obtained::Locks(held),
            ..
        } => held,
        _ => &[],
    }
}

fn in_words(notice: &Notice) -> String {
    let told = match &notice.told {
        Told::Done => "done".into(),
        Told::Obtained(Obtained::Locks(held)) => {
            let all = held
                .iter()
                .map(|it| format!("{}:{:?}#{}", it.lock, it.mode, it.fence));
            all.collect::<Vec<_>>().join(" ")
        }
        Told::Obtained(Obtained::Permits { semaphore, permits }) => {
            format!("{permits} of {semaphore}")
        }
        Told::Obtained(Obtained::Passed {
            barrier,
            generation,
            ..
        }) => format!("passed {barrier} {generation}"),
        Told::Obtained(Obtained::Joined { done }) => format!("joined {done:?}"),
        Told::Obtained(Obtained::Decided { quorum, choice }) => {
            format!("{quorum} decided {choice}")
        }
        Told::Obtained(Obtained::Message(message)) => message_in_words(message),
        Told::Obtained(Obtained::Answered {
            question,
            from,
            payload,
        }) => format!("{from} answers {question}: {}", payload.value),
        Told::Obtained(other @ Obtained::Changed { .. }) => format!("{other:?}"),
        Told::Published {
            sequence,
            receivers,
        } => format!("published {sequence} to {receivers}"),
        Told::Entry {
            key,
            version,
            value,
        } => match value {
            Some(value) => format!("{key}@{version}={value}"),
            None => format!("{key}@{version}"),
        },
        Told::Ended(why) => format!("ended: {why:?}"),
        Told::Deadlock(cycle) => {
            let steps = cycle
                .iter()
                .map(|it| format!("{} waits for {} {}", it.party, it.kind, it.name));
            format!("deadlock: {}", steps.collect::<Vec<_>>().join(", "))
        }
    };
    format!("{}: {told}", notice.asker.party)
}

pub(crate) fn message_in_words(message: &Delivered) -> String {
    match message {
        Delivered::Published {
            topic,
            sequence,
            from,
            payload,
        } => format!("{topic}#{sequence} of {from}: {}", payload.value),
        Delivered::Question {
            question,
            from,
            payload,
        } => format!("{from} asks {question}: {}", payload.value),
    }
}

pub(crate) fn asker(party: u32, wait: u32) -> Asker {
    Asker {
        party: AgentId(party),
        wait: WaitId(wait),
    }
}

pub(crate) fn name(text: &str) -> PrimitiveName {
    PrimitiveName::new(text).unwrap()
}

pub(crate) fn names(texts: &[&str]) -> Vec<PrimitiveName> {
    texts.iter().map(|it| name(it)).collect()
}

/// `"a"` exclusive, `"a:s"` shared, `"a:u"` upgradable; several with a space between.
pub(crate) fn acquire(set: &str) -> Request {
    acquire_until(set, None)
}

pub(crate) fn acquire_until(set: &str, deadline_ms: Option<u64>) -> Request {
    let locks = set.split_whitespace().map(|it| {
        let (lock, mode) = match it.split_once(':') {
            Some((lock, "s")) => (lock, LockMode::Shared),
            Some((lock, _)) => (lock, LockMode::Upgradable),
            None => (it, LockMode::Exclusive),
        };
        LockAsk {
            lock: name(lock),
            mode,
        }
    });
    Request::Acquire {
        locks: locks.collect(),
        deadline_ms,
    }
}

pub(crate) fn upgrade(lock: &str) -> Request {
    Request::Upgrade {
        lock: name(lock),
        deadline_ms: None,
    }
}

pub(crate) fn take(semaphore: &str, permits: u32) -> Request {
    Request::Take {
        semaphore: name(semaphore),
        permits,
        deadline_ms: None,
    }
}

pub(crate) fn give(semaphore: &str, permits: u32) -> Request {
    Request::Give {
        semaphore: name(semaphore),
        permits,
    }
}

pub(crate) fn semaphore(text: &str, permits: u32) -> Request {
    Request::Declare {
        name: name(text),
        declaration: Declaration::Semaphore { permits },
    }
}

pub(crate) fn latch(text: &str, count: u32, by: &[u32]) -> Request {
    Request::Declare {
        name: name(text),
        declaration: Declaration::Latch {
            count,
            by: by.iter().map(|it| AgentId(*it)).collect(),
        },
    }
}

pub(crate) fn subscribe(topic: &str) -> Request {
    let topic = name(topic);
    Request::Subscribe { topic }
}

pub(crate) fn unsubscribe(topic: &str) -> Request {
    let topic = name(topic);
    Request::Unsubscribe { topic }
}

pub(crate) fn publish(topic: &str, text: &str) -> Request {
    Request::Publish {
        topic: name(topic),
        payload: Payload::text(text),
    }
}

pub(crate) fn receive() -> Request {
    Request::Receive { deadline_ms: None }
}

pub(crate) fn question(to: Option<u32>, text: &str) -> Request {
    Request::Ask {
        to: to.map(AgentId),
        payload: Payload::text(text),
        deadline_ms: None,
    }
}

pub(crate) fn answer(question: u64, text: &str) -> Request {
    Request::Answer {
        question: QuestionId(question),
        payload: Payload::text(text),
    }
}

//! What follows from a request, from the end of a party, and from time. Nothing changes here.

use crate::bounds::{KEPT_BYTES_MAX, PRIMITIVES_MAX, WAITED_NAMES_MAX, WAITS_MAX};
use crate::draft::Draft;
use crate::state::{Coordination, Wait};
use crate::{
    Refusal, barrier, board, deadlock, declare, inbox, latch, lock, question, quorum, semaphore,
    topic,
};
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{Asker, Fact, Obtained, Request, WaitEnd, WaitId, Want};

/// What is known of a request beside what it asks.
pub(crate) struct Ask {
    pub(crate) asker: Asker,
    pub(crate) priority: u8,
    pub(crate) at_ms: u64,
}

impl Ask {
    pub(crate) fn granted(&self, obtained: Obtained) -> Fact {
        Fact::Granted {
            asker: self.asker,
            priority: self.priority,
            obtained,
        }
    }
}

impl Coordination {
    /// The facts that follow from a request, with all that it brings others. It is granted at
    /// once, or waits ([`Fact::Waiting`]), or is the one that is given up to break a deadlock.
    ///
    /// `priority` counts upwards: 0 is the least urgent. It decides who loses in a deadlock, and
    /// [`Self::effective_priority`]; queues go by who came first. The caller vouches for the
    /// party: that it is alive, and who it says it is.
    ///
    /// # Errors
    /// [`Refusal`], in words for whoever asked. Then nothing has changed.
    pub fn decide(
        &self,
        asker: Asker,
        priority: u8,
        at_ms: u64,
        request: &Request,
    ) -> Result<Vec<Fact>, Refusal> {
        let ask = &Ask {
            asker,
            priority,
            at_ms,
        };
        if request.may_wait()
            && let Some(wait) = self.wait_of(asker.party)
        {
            return Err(Refusal::AlreadyWaits { wait: wait.id });
        }
        match request {
            Request::Acquire { locks, deadline_ms } => {
                lock::acquire(self, ask, locks, *deadline_ms)
            }
            Request::Upgrade { lock, deadline_ms } => lock::upgrade(self, ask, lock, *deadline_ms),
            Request::Release { lock, fence } => lock::release(self, ask, lock, *fence),
            Request::Declare { name, declaration } => {
                declare::declare(self, ask, name, declaration)
            }
            Request::Take {
                semaphore,
                permits,
                deadline_ms,
            } => semaphore::take(self, ask, semaphore, *permits, *deadline_ms),
            Request::Give { semaphore, permits } => semaphore::give(self, ask, semaphore, *permits),
            Request::Arrive {
                barrier,
                parties,
                deadline_ms,
            } => barrier::arrive(self, ask, barrier, *parties, *deadline_ms),
            Request::CountDown { latch } => latch::count_down(self, ask, latch),
            Request::GiveUp { latch } => latch::give_up(self, ask, latch),
            Request::Join {
                latches,
                need,
                deadline_ms,
            } => latch::join(self, ask, latches, *need, *deadline_ms),
            Request::Vote { quorum, choice } => quorum::vote(self, ask, quorum, choice),
            Request::AwaitQuorum {
                quorum,
                deadline_ms,
            } => quorum::await_decision(self, ask, quorum, *deadline_ms),
            Request::Read { key } => Ok(vec![Fact::WasRead {
                asker,
                key: key.clone(),
            }]),
            Request::CompareAndSet {
                key,
                expected_version,
                value,
            } => board::compare_and_set(self, ask, key, *expected_version, value),
            Request::Watch {
                key,
                after_version,
                deadline_ms,
            } => board::watch(self, ask, key, *after_version, *deadline_ms),
            Request::Publish { topic, payload } => topic::publish(self, ask, topic, payload),
            Request::Subscribe { topic } => topic::subscribe(self, ask, topic),
            Request::Unsubscribe { topic } => topic::unsubscribe(self, ask, topic),
            Request::Receive { deadline_ms } => inbox::receive(self, ask, *deadline_ms),
            Request::Ask {
                to,
                payload,
                deadline_ms,
            } => question::ask(self, ask, *to, payload, *deadline_ms),
            Request::Answer { question, payload } => {
                question::answer(self, ask, *question, payload)
            }
            Request::CancelWait { wait } => self.cancel(asker, *wait),
        }
    }

    fn cancel(&self, asker: Asker, wait: WaitId) -> Result<Vec<Fact>, Refusal> {
        let waits = self.wait_of(asker.party).is_some_and(|it| it.id == wait);
        if !waits {
            return Err(Refusal::NoSuchWait { wait });
        }
        let mut draft = Draft::new(self, Fact::Cancelled { asker, wait });
        draft.leave(asker.party);
        draft.settle();
        Ok(draft.facts)
    }

    /// What follows when a party ends, however it ends: it holds nothing any more, and those who
    /// waited for it go on. Nothing, if it had nothing to do with primitives.
    #[must_use]
    pub fn ended(&self, party: AgentId) -> Vec<Fact> {
        let Some(own) = self.parties.get(&party) else {
            return Vec::new();
        };
        let mut draft = Draft::new(self, Fact::PartyEnded { party });
        draft.ended = Some(party);
        draft.leave(party);
        question::lost(&mut draft, party);
        for lock in &own.locks {
            draft.hold(party, lock.clone(), None);
        }
        for semaphore in &own.semaphores {
            draft.set_permits(party, semaphore, 0);
        }
        for name in &own.latches {
            let latch = self.latches.get(name);
            if latch.is_some_and(|it| it.members.len() == 1) {
                draft.latches_given_up.insert(name.clone());
            }
        }
        draft.settle();
        for name in &own.latches {
            latch::lost(&mut draft, name);
        }
        for name in &own.quorums {
            quorum::lost(&mut draft, name, party);
        }
        draft.settle();
        draft.facts
    }

    /// What follows from its being this late: waits whose deadline is reached end.
    #[must_use]
    pub fn due(&self, at_ms: u64) -> Vec<Fact> {
        let due = self.deadlines.iter().take_while(|(it, _)| *it <= at_ms);
        let due: Vec<AgentId> = due.map(|(_, party)| *party).collect();
        let mut draft = Draft::over(self);
        for party in due {
            draft.end(party, WaitEnd::DeadlineReached);
        }
        draft.settle();
        draft.facts
    }
}

/// Makes a request wait, unless it waits for itself.
pub(crate) fn wait(
    state: &Coordination,
    ask: &Ask,
    want: Want,
    deadline_ms: Option<u64>,
) -> Result<Vec<Fact>, Refusal> {
    check_wait(state, ask, &want, deadline_ms)?;
    let mut draft = Draft::over(state);
    begin_wait(&mut draft, ask, want, deadline_ms);
    Ok(draft.facts)
}

/// Whether a request may wait.
pub(crate) fn check_wait(
    state: &Coordination,
    ask: &Ask,
    want: &Want,
    deadline_ms: Option<u64>,
) -> Result<(), Refusal> {
    if deadline_ms.is_some_and(|it| it <= ask.at_ms) {
        return Err(too_late(want));
    }
    let waits = state.counts.waits + 1;
    let waited_names = state.counts.waited_names + want.names().count();
    check("waits of all", waits, WAITS_MAX)?;
    check("names waited for by all", waited_names, WAITED_NAMES_MAX)
}

fn too_late(want: &Want) -> Refusal {
    match (want, want.names().next()) {
        (Want::Answer { .. }, _) => Refusal::NoTimeToAnswer,
        (_, Some(name)) => Refusal::DeadlinePassed {
            kind: want.kind(),
            name: name.clone(),
        },
        (_, None) => Refusal::NoMessage,
    }
}

/// Begins a wait that was checked, and breaks the deadlocks that it closes.
pub(crate) fn begin_wait(draft: &mut Draft<'_>, ask: &Ask, want: Want, deadline_ms: Option<u64>) {
    let wait = Wait {
        id: ask.asker.wait,
        ticket: draft.state.counts.ticket + 1,
        priority: ask.priority,
        deadline_ms,
        want,
    };
    draft.facts.push(Fact::Waiting {
        asker: ask.asker,
        ticket: wait.ticket,
        priority: wait.priority,
        deadline_ms,
        want: wait.want.clone(),
    });
    draft.begin_wait(ask.asker.party, wait);
    deadlock::break_from(draft, ask.asker.party);
    draft.settle();
}

/// Whether there is room for so many primitives and bytes more.
pub(crate) fn check_room(
    state: &Coordination,
    primitives: usize,
    bytes: usize,
) -> Result<(), Refusal> {
    if primitives > 0 {
        let all = state.primitives() + primitives;
        check("primitives declared or written by all", all, PRIMITIVES_MAX)?;
    }
    let kept = state.counts.kept_bytes + bytes;
    check("bytes kept for all", kept, KEPT_BYTES_MAX)
}

pub(crate) fn check(what: &'static str, found: usize, max: usize) -> Result<(), Refusal> {
    if found > max {
        return Err(Refusal::TooMany { what, found, max });
    }
    Ok(())
}

//! What agents at work ask of the run and of each other: locks and their kin, which the room
//! `coordination` decides. Here stands who may ask, what is told again to a call that is made
//! again after a crash, and what follows when an agent or a call that waited is over.

use crate::agent::{Agent, CallStatus, PendingCall};
use crate::brief;
use crate::decide::may_be_repeated;
use crate::run::Run;
use crate::{budget, schedule};
use leadhand_coordination::Coordination;
use leadhand_protocol::coordination::{
    Asker, Declaration, Delivered, Electorate, Fact, LockAsk, LockMode, Obtained, Payload,
    PrimitiveKind, PrimitiveName, QuestionId, Request, Told, WaitEnd, WaitId,
};
use leadhand_protocol::{AgentId, Event, Finding, Grade, Label, Lock, Purpose, Task};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How urgent an agent's requests are: all alike, so that in a deadlock the request that closed
/// it is the one that is given up.
const PRIORITY: u8 = 0;
/// The name under which the run itself asks something in place of an agent.
const OF_THE_RUN: WaitId = WaitId(0);

/// Locks and their kin, and what agents were told of them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Coordinating {
    pub(crate) room: Coordination,
    /// Where that came from what agents wrote and voted.
    pub(crate) labels: BTreeMap<PrimitiveKind, BTreeMap<PrimitiveName, Label>>,
    pub(crate) asked: BTreeMap<AgentId, Requests>,
    /// Agents that ended, or a call of which is over, while the room counts on them.
    pub(crate) over: BTreeSet<AgentId>,
}

/// What one agent asked.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Requests {
    /// How many requests it made in its life.
    pub(crate) count: u32,
    /// Those of calls that are not over.
    pub(crate) of_calls: BTreeMap<WaitId, Asked>,
}

/// A request and what came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// What was asked, without its deadline, which is another one when it is asked again.
    pub(crate) request: Request,
    /// What was told; none while it waits.
    pub(crate) told: Option<Result<Told, String>>,
}

impl Coordinating {
    pub(crate) fn asked(&self, asker: Asker) -> Option<&Asked> {
        self.asked.get(&asker.party)?.of_calls.get(&asker.wait)
    }

    /// Whether a party has what it was once told that it has. A later grant of the same lock to
    /// it keeps out others as well.
    pub(crate) fn has_still(&self, party: AgentId, asked: &Asked) -> bool {
        match &asked.told {
            Some(Ok(Told::Obtained(Obtained::Locks(held)))) => held.iter().all(|held| {
                let mut holders = self.room.holders(&held.lock);
                holders.any(|it| it.party == party && it.fence >= held.fence)
            }),
            Some(Ok(Told::Obtained(Obtained::Permits { semaphore, permits }))) => {
                let semaphore = self.room.semaphore(semaphore);
                let holders = semaphore.into_iter().flat_map(|it| it.holders);
                let mut holders = holders.filter(|(it, _)| *it == party);
                holders.any(|(_, held)| held >= *permits)
            }
            _ => true,
        }
    }

    pub(crate) fn waits(&self, asker: Asker) -> bool {
        let wait = self.room.wait_of(asker.party);
        wait.is_some_and(|wait| wait.id == asker.wait)
    }
}

/// What follows from a request.
pub(crate) fn decide(run: &Run, asker: Asker, request: &Request, at_ms: u64) -> Vec<Event> {
    let Some(agent) = run.agents.get(&asker.party) else {
        return Vec::new();
    };
    if run.outcome.is_some() {
        return Vec::new();
    }
    let requests = run.coordination.asked.get(&asker.party);
    let count = requests.map_or(0, |requests| requests.count);
    let count_max = run.started().start.limits.requests_per_agent_max;
    let counts = is_counted(agent, asker, request);
    // What takes no room in the state is not let grow the journal either.
    if !counts && count >= count_max {
        return Vec::new();
    }
    let follows = match run.coordination.asked(asker) {
        _ if !may_ask(agent, asker.wait) => {
            let why = "no tool call that makes this request is at work: ask while one is";
            vec![refused(asker, why.to_owned())]
        }
        _ if !counts => ask(run, asker, request, at_ms),
        Some(asked) if asked.request == without_deadline(request) => {
            let gone = !run.coordination.has_still(asker.party, asked);
            let why = "this call was made before and has given back by now what it had: call anew";
            Vec::from_iter(gone.then(|| refused(asker, why.to_owned())))
        }
        Some(_) => {
            let why = format!(
                "request {} of this call was another one when the call was made before: a call that is made again asks for the same in the same order",
                asker.wait.nth()
            );
            vec![refused(asker, why)]
        }
        None if count >= count_max => {
            let why = format!(
                "{} has made {count} requests, which is the most for one agent: ask less often, or raise `requests_per_agent_max`",
                agent.id
            );
            vec![refused(asker, why)]
        }
        None => ask(run, asker, request, at_ms),
    };
    let requested = Event::Requested {
        asker,
        request: Box::new(request.clone()),
    };
    std::iter::once(requested).chain(follows).collect()
}

/// Whether what came of a request is kept until its call is over. A wait is taken back by its own
/// name, and that is no request beside it.
pub(crate) fn is_counted(agent: &Agent, asker: Asker, request: &Request) -> bool {
    let takes_back = matches!(request, Request::CancelWait { wait } if *wait == asker.wait);
    may_ask(agent, asker.wait) && !takes_back
}

/// Whether a call of the agent's is at work that can have made a request of this name. A call
/// that only asks what became of another one is none.
fn may_ask(agent: &Agent, wait: WaitId) -> bool {
    let mut calls = agent.calls().iter();
    calls.any(|call| wait.is_of(call.id) && call.status == CallStatus::Running)
}

fn ask(run: &Run, asker: Asker, request: &Request, at_ms: u64) -> Vec<Event> {
    if let Some(absent) = named(request).find(|party| !run.agents.contains_key(party)) {
        let why = if absent.0 < run.agents_started {
            format!("{absent} has ended: name only agents that are at work")
        } else {
            format!("there is no agent {absent}: name only agents that are at work")
        };
        return vec![refused(asker, why)];
    }
    if let Some(why) = misspoken(run, asker, request) {
        return vec![refused(asker, why)];
    }
    let room = &run.coordination.room;
    match room.decide(asker, PRIORITY, at_ms, request) {
        Ok(facts) => events(facts),
        Err(refusal) => vec![refused(asker, refusal.to_string())],
    }
}

/// The agents that a request names, which the room takes for parties that are there.
fn named(request: &Request) -> impl Iterator<Item = AgentId> {
    let (counters, electors) = match request {
        Request::Declare {
            declaration: Declaration::Latch { by, .. },
            ..
        } => (by.as_slice(), [].as_slice()),
        Request::Declare {
            declaration:
                Declaration::Quorum {
                    electorate: Electorate::Named(electors),
                    ..
                },
            ..
        } => ([].as_slice(), electors.as_slice()),
        _ => ([].as_slice(), [].as_slice()),
    };
    let asked = match request {
        Request::Ask { to, .. } => *to,
        _ => None,
    };
    let electors = electors.iter().map(|elector| elector.party);
    counters.iter().copied().chain(electors).chain(asked)
}

/// What is wrong with what a request says to others: it is not of the type that it names, or
/// answers in the manager's place.
fn misspoken(run: &Run, asker: Asker, request: &Request) -> Option<String> {
    match request {
        Request::Publish { payload, .. } | Request::Ask { payload, .. } => unfit(run, payload),
        Request::Answer { question, payload } => {
            let put = run.coordination.room.question(*question);
            if put.is_some_and(|put| put.to.is_none()) {
                let party = asker.party;
                return Some(format!(
                    "question {question} is for the manager to answer, and not for {party}"
                ));
            }
            unfit(run, payload)
        }
        _ => None,
    }
}

/// What keeps a payload from being of its type.
fn unfit(run: &Run, payload: &Payload) -> Option<String> {
    let Payload {
        kind,
        version,
        value,
    } = payload;
    if kind.as_str() == Payload::TEXT {
        let fits = *version == 1 && value.is_string();
        return (!fits)
            .then(|| format!("a message of type `{kind}` is a JSON string and has version 1"));
    }
    let types = &run.started().messages;
    let Some(known) = types.version(kind.as_str()) else {
        let known: Vec<&str> = types.names().collect();
        let known = known.join(", ");
        return Some(
            format!(
                "there is no message type `{kind}` in this run: it has {}, {known}",
                Payload::TEXT
            )
            .trim_end_matches([',', ' '])
            .to_owned(),
        );
    };
    if known != *version {
        return Some(format!(
            "the message type `{kind}` has version {known} in this run, and not {version}: send it as version {known}"
        ));
    }
    let faults = types.faults(kind.as_str(), value).join("; ");
    (!faults.is_empty()).then(|| format!("the message is not what `{kind}` is: {faults}"))
}

fn refused(asker: Asker, why: String) -> Event {
    Event::RequestRefused { asker, why }
}

/// The facts of the room as events; of a deadlock people are told as well.
fn events(facts: Vec<Fact>) -> Vec<Event> {
    let event = |fact: Fact| {
        let found = match &fact {
            Fact::DeadlockBroken { victim, cycle } => Some(Event::Found(Finding::Deadlock {
                victim: *victim,
                cycle: cycle.clone(),
            })),
            _ => None,
        };
        let fact = Box::new(fact);
        std::iter::once(Event::Coordinated { fact }).chain(found)
    };
    facts.into_iter().flat_map(event).collect()
}

/// The request as it is kept, to be known again.
pub(crate) fn without_deadline(request: &Request) -> Request {
    let mut request = request.clone();
    match &mut request {
        Request::Acquire { deadline_ms, .. }
        | Request::Upgrade { deadline_ms, .. }
        | Request::Take { deadline_ms, .. }
        | Request::Arrive { deadline_ms, .. }
        | Request::Join { deadline_ms, .. }
        | Request::AwaitQuorum { deadline_ms, .. }
        | Request::Watch { deadline_ms, .. }
        | Request::Receive { deadline_ms }
        | Request::Ask { deadline_ms, .. } => *deadline_ms = None,
        Request::Release { .. }
        | Request::Declare { .. }
        | Request::Give { .. }
        | Request::CountDown { .. }
        | Request::GiveUp { .. }
        | Request::Vote { .. }
        | Request::Read { .. }
        | Request::CompareAndSet { .. }
        | Request::Publish { .. }
        | Request::Subscribe { .. }
        | Request::Unsubscribe { .. }
        | Request::Answer { .. }
        | Request::CancelWait { .. } => {}
    }
    request
}

/// The locks that a task declares, for the agent that begins with it: what follows when it has
/// them all; nothing while it cannot.
pub(crate) fn locks_of(run: &Run, agent: AgentId, task: &Task) -> Option<Vec<Event>> {
    let ask = |lock: &Lock| {
        let mode = if lock.shared {
            LockMode::Shared
        } else {
            LockMode::Exclusive
        };
        let lock = PrimitiveName::new(&lock.name).ok()?;
        Some(LockAsk { lock, mode })
    };
    let request = Request::Acquire {
        locks: task.locks.iter().map(ask).collect::<Option<_>>()?,
        // It does not wait: other tasks may begin in its place.
        deadline_ms: Some(run.at_ms),
    };
    let asker = Asker {
        party: agent,
        wait: OF_THE_RUN,
    };
    let room = &run.coordination.room;
    let facts = room.decide(asker, PRIORITY, run.at_ms, &request).ok()?;
    Some(events(facts))
}

/// What follows from time: waits whose deadline is reached end.
pub(crate) fn due(run: &Run, at_ms: u64) -> Vec<Event> {
    events(run.coordination.room.due(at_ms))
}

/// What follows from the state alone: what ended agents held goes on to others, nobody waits for
/// a call that is over, and a run that stops keeps nobody waiting.
pub(crate) fn settle(run: &Run) -> Vec<Event> {
    let over = run.coordination.over.iter();
    let over = over.map(|id| match run.agents.get(id) {
        Some(agent) => take_back(run, agent, |wait| !may_ask(agent, wait)),
        None => run.coordination.room.ended(*id),
    });
    let stops = run.stop.as_ref().is_some_and(|stop| {
        stop.grade != Grade::WrapUp || !run.agents.values().any(|agent| agent.task().is_some())
    });
    let stopping = stops.then(|| run.agents.values()).into_iter().flatten();
    let stopping = stopping.map(|agent| stopped(run, agent));
    let mut facts = over.chain(stopping).filter(|facts| !facts.is_empty());
    match facts.next() {
        Some(facts) => events(facts),
        None => for_the_manager(run),
    }
}

/// Questions for the manager are answered one after the other, by an agent of its role each. In a
/// run that wraps up nobody begins to answer.
fn for_the_manager(run: &Run) -> Vec<Event> {
    let mut questions = run.coordination.room.questions();
    let Some((question, put)) = questions.find(|(_, put)| put.to.is_none()) else {
        return Vec::new();
    };
    let mut agents = run.agents.values();
    let answers = |agent: &Agent| matches!(agent.purpose, Purpose::Reply { .. });
    if agents.any(answers) {
        return Vec::new();
    }
    match &run.stop {
        Some(stop) if stop.grade == Grade::WrapUp => unanswered(run, question),
        Some(_) => Vec::new(),
        None => {
            let brief = brief::reply(run, put.asker.party, &said(&put.payload));
            let start = schedule::manager(run, Purpose::Reply { question }, brief);
            budget::within_agents(run, vec![start])
        }
    }
}

/// The answer of the manager to a question, if somebody still waits for it.
pub(crate) fn reply(run: &Run, agent: &Agent, question: QuestionId, content: &str) -> Vec<Event> {
    let asker = Asker {
        party: agent.id,
        wait: OF_THE_RUN,
    };
    let chars_max = run.started().start.limits.tool_result_chars_max;
    let payload = Payload::text(brief::cut(content, chars_max));
    let request = Request::Answer { question, payload };
    let room = &run.coordination.room;
    let mut events = match room.decide(asker, PRIORITY, run.at_ms, &request) {
        Ok(facts) => events(facts),
        Err(_) => unanswered(run, question),
    };
    events.push(Event::AgentEnded {
        agent: agent.id,
        failure: None,
    });
    events
}

/// Nobody will answer a question: whoever asked is told, if it still waits.
pub(crate) fn unanswered(run: &Run, question: QuestionId) -> Vec<Event> {
    let put = run.coordination.room.question(question);
    let ended = put.map(|put| Fact::WaitEnded {
        asker: put.asker,
        why: WaitEnd::CannotBeMet {
            kind: PrimitiveKind::Question,
            name: question.into(),
        },
    });
    events(Vec::from_iter(ended))
}

/// An agent of a run that stops: a call that must not be made twice is told that it waits in
/// vain, and of a run that is cancelled nobody holds anything who is not at work any more, so
/// that what undoes it can have it.
fn stopped(run: &Run, agent: &Agent) -> Vec<Fact> {
    let undoes = agent.purpose == Purpose::RollBack;
    if run.is_cancelled() && !undoes && !agent.is_acting() {
        return run.coordination.room.ended(agent.id);
    }
    take_back(run, agent, |wait| {
        let is_it = |call: &&PendingCall| wait.is_of(call.id);
        let call = agent.calls().iter().find(is_it);
        !undoes && call.is_some_and(|call| !may_be_repeated(run, call))
    })
}

/// Ends the wait of an agent, if it is one of these.
fn take_back(run: &Run, agent: &Agent, is_over: impl Fn(WaitId) -> bool) -> Vec<Fact> {
    let room = &run.coordination.room;
    let Some(wait) = room.wait_of(agent.id).map(|wait| wait.id) else {
        return Vec::new();
    };
    if wait.nth() == OF_THE_RUN.nth() || !is_over(wait) {
        return Vec::new();
    }
    let asker = Asker {
        party: agent.id,
        wait: OF_THE_RUN,
    };
    let request = Request::CancelWait { wait };
    let facts = room.decide(asker, PRIORITY, run.at_ms, &request);
    facts.unwrap_or_default()
}

/// What an agent is told before its next turn: the oldest message of its inbox.
pub(crate) fn mail(run: &Run, agent: &Agent) -> Vec<Event> {
    let facts = run.coordination.room.take_message(agent.id);
    let Some(Fact::Received { message, .. }) = facts.first() else {
        return Vec::new();
    };
    let chars_max = run.started().start.limits.tool_result_chars_max;
    let text = match message {
        Delivered::Published {
            topic,
            from,
            payload,
            ..
        } => format!("{from} published in topic `{topic}`: {}", said(payload)),
        Delivered::Question {
            question,
            from,
            payload,
        } => format!(
            "{from} asks you, as question {question}, and waits for your answer: {}",
            said(payload)
        ),
    };
    let told = Event::Told {
        agent: agent.id,
        fault: false,
        text: brief::cut(&text, chars_max),
    };
    let mut events = events(facts);
    events.push(told);
    events
}

/// A payload in words: a text as it is, and any other value as JSON with its type.
fn said(payload: &Payload) -> String {
    match payload.value.as_str() {
        Some(text) if payload.kind.as_str() == Payload::TEXT => text.to_owned(),
        _ => format!("`{}` {}", payload.kind, payload.value),
    }
}

/// Whether a run that stops waits for what the agent has in flight. A call that waits for others
/// and may be made again is not waited for: it asks again when the run goes on.
pub(crate) fn holds_up(run: &Run, agent: &Agent) -> bool {
    let wait = run.coordination.room.wait_of(agent.id);
    let waits = |call: &PendingCall| wait.is_some_and(|wait| wait.id.is_of(call.id));
    agent
        .calls()
        .iter()
        .any(|call| call.status.is_in_flight() && !(waits(call) && may_be_repeated(run, call)))
}

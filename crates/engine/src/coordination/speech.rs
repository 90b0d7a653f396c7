//! What agents say to each other and to the manager: of which type it is, when an agent of a model
//! is told it, and who answers for the manager.

use super::{OF_THE_RUN, PRIORITY, events};
use crate::agent::Agent;
use crate::brief;
use crate::run::Run;
use crate::{budget, schedule};
use leadhand_protocol::coordination::{
    Asker, Declaration, Delivered, Electorate, Fact, Payload, PrimitiveKind, QuestionId, Request,
    WaitEnd,
};
use leadhand_protocol::{AgentId, Event, Grade, Purpose};

/// The agents that a request names, which the room takes for parties that are there.
pub(super) fn named(request: &Request) -> impl Iterator<Item = AgentId> {
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
pub(super) fn misspoken(run: &Run, asker: Asker, request: &Request) -> Option<String> {
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

/// Questions for the manager are answered one after the other, by an agent of its role each. In a
/// run that wraps up nobody begins to answer.
pub(super) fn for_the_manager(run: &Run) -> Vec<Event> {
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

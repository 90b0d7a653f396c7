//! Envelopes as JSON: what is taken, what is upgraded, and what is refused in which words.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use leadhand_channel::{ChannelError, MESSAGE_BYTES_MAX, MESSAGE_VERSION, from_json, to_json};
use leadhand_protocol::coordination::{
    Delivered, LockAsk, LockHeld, LockMode, Obtained, Payload, PrimitiveName, QuestionId, Request,
    Told, WaitId,
};
use leadhand_protocol::{
    Address, AgentId, Assignment, CallId, Capability, ChatMessage, ContentHash, Done, Effect,
    Envelope, Failed, Grant, Isolation, Label, Message, MessageId, ModelFault, ModelFaultKind,
    ModelReply, ModelRequest, OutputFormat, Permit, Purpose, RunId, Source, TaskId, ToolCall,
    ToolFault, ToolFaultKind, ToolOutput, ToolSpec,
};
use serde_json::{Value, json};
use std::sync::Arc;

const CALL: CallId = CallId {
    agent: AgentId(3),
    turn: 2,
    index: 0,
};

fn envelope(message: Message) -> Envelope {
    let id = |agent, count| MessageId { agent, count };
    Envelope {
        id: id(Some(AgentId(3)), 7),
        run: RunId::new("demo").unwrap(),
        from: Address::Agent(AgentId(3)),
        to: Address::Hub,
        correlation: Some(id(None, 1)),
        cause: Some(id(None, 5)),
        sequence: 2,
        deadline_ms: Some(1_764_000_000_000),
        version: MESSAGE_VERSION,
        label: Label::from(Source::Web).written_by(AgentId(3)),
        message,
    }
}

fn tool_call() -> ToolCall {
    ToolCall {
        id: "c1".to_owned(),
        name: "pay".to_owned(),
        arguments: json!({"to": "a", "amount": [1, null, 2.5]}),
    }
}

fn model_request() -> ModelRequest {
    let spec = ToolSpec {
        name: "pay".to_owned(),
        description: "Pays.".to_owned(),
        arguments: Arc::new(json!({"type": "object"})),
        result: None,
        effect: Effect::Once,
        probe: Some("paid".to_owned()),
        undo: None,
        accesses: Vec::new(),
        isolation: Isolation::Native,
        trusted: true,
        equal_by: Vec::new(),
        poll_every_ms: None,
    };
    let user = ChatMessage::User {
        text: "Grüße 🔒".to_owned(),
    };
    ModelRequest {
        models: vec!["small".to_owned()],
        messages: vec![Arc::new(user)],
        tools: Arc::new([spec]),
        output: OutputFormat::Json {
            name: "answer".to_owned(),
            schema: json!({"type": "string"}),
        },
        output_tokens_max: 100,
        temperature_milli: 0,
        seed: u64::MAX,
        trace: None,
    }
}

fn tool_fault() -> ToolFault {
    ToolFault {
        kind: ToolFaultKind::InDoubt,
        message: "nobody knows".to_owned(),
        retryable: false,
    }
}

fn model_fault() -> ModelFault {
    ModelFault {
        kind: ModelFaultKind::RateLimited,
        message: "too many".to_owned(),
        retry_after_ms: Some(500),
    }
}

fn permit() -> Permit {
    let grant = Grant {
        capability: Capability::FsRead,
        resource: "**".to_owned(),
    };
    Permit {
        grants: vec![grant],
        ..Permit::default()
    }
}

fn lock() -> PrimitiveName {
    PrimitiveName::new("src/main.rs").unwrap()
}

fn granted(told: Result<Told, String>) -> Message {
    Message::Granted {
        wait: WaitId(4),
        told,
    }
}

fn request(request: Request) -> Message {
    Message::Request {
        wait: WaitId(4),
        request: Box::new(request),
    }
}

/// A message of each kind and of each shape that a kind has.
fn messages() -> Vec<Message> {
    let told = Told::Obtained(Obtained::Locks(vec![LockHeld {
        lock: lock(),
        mode: LockMode::Exclusive,
        fence: 9,
    }]));
    let mut messages = vec![
        Message::Assign(Assignment::Begin {
            role: "writer".to_owned(),
            purpose: Purpose::Task(TaskId::new("t1").unwrap()),
        }),
        Message::Assign(Assignment::Think {
            turn: 1,
            request: Box::new(model_request()),
        }),
        Message::Assign(Assignment::Act {
            call: CALL,
            tool_call: Arc::new(tool_call()),
            permit: Arc::new(permit()),
            key: ContentHash::of(b"abc"),
        }),
        Message::Cancel,
        Message::Steer {
            text: "mind the gap".to_owned(),
        },
        granted(Ok(told)),
        granted(Ok(Told::Done)),
        granted(Err("you do not hold it".to_owned())),
        Message::Progress {
            turn: 1,
            piece: "half".to_owned(),
        },
        Message::Result(Done::Thought {
            turn: 1,
            reply: Arc::new(ModelReply::default()),
        }),
        Message::Result(Done::Acted {
            call: CALL,
            output: Box::new(ToolOutput::text("ok")),
        }),
        Message::Failure(Failed::Thought {
            turn: 1,
            fault: model_fault(),
        }),
        Message::Failure(Failed::Acted {
            call: CALL,
            fault: tool_fault(),
        }),
    ];
    messages.extend(requests());
    messages
}

fn requests() -> Vec<Message> {
    let acquire = Request::Acquire {
        locks: vec![LockAsk {
            lock: lock(),
            mode: LockMode::Shared,
        }],
        deadline_ms: None,
    };
    vec![
        request(acquire),
        request(Request::Publish {
            topic: lock(),
            payload: Payload::text("it builds"),
        }),
        request(Request::Ask {
            to: None,
            payload: Payload::text("which one?"),
            deadline_ms: Some(9),
        }),
        request(Request::Answer {
            question: QuestionId(2),
            payload: Payload::text("this one"),
        }),
        granted(Ok(Told::Obtained(Obtained::Message(Delivered::Question {
            question: QuestionId(2),
            from: AgentId(4),
            payload: Payload::text("which one?"),
        })))),
    ]
}

#[test]
fn every_kind_of_message_comes_back_as_it_was() {
    for message in messages() {
        let sent = envelope(message);
        let bytes = to_json(&sent).unwrap();
        assert_eq!(from_json(&bytes), Ok(sent));
    }
}

#[test]
fn an_envelope_says_no_more_than_it_has_to() {
    let mut plain = envelope(Message::Cancel);
    plain.correlation = None;
    plain.cause = None;
    plain.deadline_ms = None;
    plain.label = Label::default();
    let text = String::from_utf8(to_json(&plain).unwrap()).unwrap();
    assert_eq!(
        text,
        r#"{"id":"a3.7","run":"demo","from":{"agent":3},"to":"hub","sequence":2,"version":2,"message":{"kind":"cancel"}}"#
    );
}

/// What version 1 said in this message is what today's says.
fn check_upgrade(old: &Value, today: Message) {
    let old = json!({
        "run": "demo", "from": {"agent": 3}, "to": "hub", "sequence": 2, "version": 1,
        "message": old,
    });
    let mut expected = envelope(today);
    expected.id.count = 2;
    expected.correlation = None;
    expected.cause = None;
    expected.deadline_ms = None;
    expected.label = Label::default();
    assert_eq!(from_json(old.to_string().as_bytes()), Ok(expected), "{old}");
}

#[test]
fn messages_of_version_1_are_upgraded() {
    check_upgrade(&json!({"kind": "cancel"}), Message::Cancel);
    let progress = Message::Progress {
        turn: 1,
        piece: "half".to_owned(),
    };
    check_upgrade(
        &json!({"kind": "progress", "payload": {"turn": 1, "piece": "half"}}),
        progress,
    );
    let sent = messages();
    let assigned = |what: &str, message: &Message| {
        let today = serde_json::to_value(message).unwrap();
        today["payload"][what].clone()
    };
    for (place, kind, what) in [
        (0, "assign", "begin"),
        (1, "think", "think"),
        (2, "act", "act"),
    ] {
        let payload = assigned(what, &sent[place]);
        check_upgrade(
            &json!({"kind": kind, "payload": payload}),
            sent[place].clone(),
        );
    }
    let replied =
        |result: Value| json!({"kind": "replied", "payload": {"turn": 1, "result": result}});
    let acted =
        |outcome: Value| json!({"kind": "acted", "payload": {"call": CALL, "outcome": outcome}});
    check_upgrade(
        &replied(json!({"ok": ModelReply::default()})),
        sent[9].clone(),
    );
    check_upgrade(
        &acted(json!({"ok": ToolOutput::text("ok")})),
        sent[10].clone(),
    );
    check_upgrade(&replied(json!({"error": model_fault()})), sent[11].clone());
    check_upgrade(&acted(json!({"error": tool_fault()})), sent[12].clone());
}

/// Changes an envelope that is sound, and gives the words in which it is refused.
fn refused(change: impl FnOnce(&mut Value)) -> String {
    let mut value = serde_json::to_value(envelope(Message::Cancel)).unwrap();
    change(&mut value);
    from_json(value.to_string().as_bytes())
        .unwrap_err()
        .to_string()
}

fn check(change: impl FnOnce(&mut Value), words: &str) {
    assert_eq!(refused(change), format!("a message was refused: {words}"));
}

#[test]
fn what_is_no_envelope_of_today_is_refused_in_words() {
    check(
        |it| it["version"] = json!(3),
        "it is of version 3 and this program knows messages up to version 2; bring this side up to \
         date, or have the other one write version 2",
    );
    check(
        |it| it["version"] = json!(0),
        "it is of version 0 and cannot be upgraded: there never was such a version",
    );
    for version in [json!(null), json!("2"), json!(-1), json!(2.5)] {
        check(
            |it| it["version"] = version,
            "`/version` is no whole number, so nobody can tell how to read it",
        );
    }
    check(
        |it| it["message"]["kind"] = json!("gossip"),
        "`/message/kind` is `gossip`, which is no kind of message; there are assign, cancel, \
         failure, granted, progress, request, result, steer",
    );
    check(
        |it| it["message"] = json!({"kind": "steer", "payload": {"text": 1}}),
        "it is no steer message: `/message/payload/text`: value is not of type \"string\"",
    );
    check(
        |it| it["id"] = json!("a4.7"),
        "its name is a4.7 and it says that agent a3 sends it; a message is named by its sender",
    );
    check(
        |it| it["hurry"] = json!(true),
        "it is no cancel message: `/`: Additional properties are not allowed ('hurry' was unexpected)",
    );
    check(
        |it| it["run"] = json!("../escape"),
        "it is no cancel message: `/run`: value does not match \"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$\"",
    );
    check(
        |it| {
            it["version"] = json!(1);
            it["message"] = json!({"kind": "acted", "payload": {"outcome": 1}});
        },
        "it is of version 1 and cannot be upgraded: `/message/payload` does not say what came of \
         the call",
    );
}

#[test]
fn all_faults_of_a_message_are_told_with_their_places() {
    let words = refused(|it| {
        it["sequence"] = json!(-1);
        it["deadline_ms"] = json!("soon");
        it["message"] = json!({"kind": "progress", "payload": {"turn": "one"}});
    });
    for place in [
        "`/sequence`",
        "`/deadline_ms`",
        "`/message/payload/turn`",
        "\"piece\"",
    ] {
        assert!(words.contains(place), "{words}");
    }
}

#[test]
fn a_message_that_is_too_large_or_no_json_is_refused() {
    let large = Message::Steer {
        text: "x".repeat(MESSAGE_BYTES_MAX),
    };
    let refused = to_json(&envelope(large)).unwrap_err().to_string();
    assert_eq!(
        refused,
        "message a3.7 for the run's hub was not sent: it has 16777454 bytes, and 16777216 is the \
         most; send what is large by its hash"
    );
    let spaces = vec![b' '; MESSAGE_BYTES_MAX + 1];
    let deep = vec![b'['; 100_000];
    for bytes in [
        &spaces[..],
        &deep,
        b"",
        b"{",
        b"\xff",
        b"null",
        b"[]",
        b"{\"version\":1}",
    ] {
        let refused = from_json(bytes);
        assert!(
            matches!(refused, Err(ChannelError::NotRead { .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn what_would_be_refused_is_not_sent() {
    let mut wrong = envelope(Message::Cancel);
    wrong.from = Address::Task(TaskId::new("t1").unwrap());
    assert_eq!(
        to_json(&wrong).unwrap_err().to_string(),
        "message a3.7 for the run's hub was not sent: its name is a3.7 and it says that the agent \
         of the task `t1` sends it; a message is named by its sender"
    );
}

/// A number that follows from a seed: splitmix64 (Steele, Lea, Flood 2014).
fn chance(seed: &mut u64, bound: usize) -> usize {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
}

#[test]
fn what_was_damaged_on_its_way_is_refused_or_is_a_message() {
    let (mut taken, mut refused) = (0, 0);
    let mut seed = 1;
    for message in messages() {
        let sound = to_json(&envelope(message)).unwrap();
        for _ in 0..150 {
            let mut bytes = sound.clone();
            let place = chance(&mut seed, bytes.len());
            match chance(&mut seed, 4) {
                0 => bytes[place] ^= 1 << chance(&mut seed, 8),
                1 => bytes[place] = b"0123456789\"{}[]:,.-e"[chance(&mut seed, 20)],
                2 => bytes.truncate(place),
                _ => {
                    let end = place + chance(&mut seed, bytes.len() - place);
                    let repeated = bytes[place..end].to_vec();
                    bytes.splice(end..end, repeated);
                }
            }
            match from_json(&bytes) {
                Ok(read) => {
                    assert_eq!(from_json(&to_json(&read).unwrap()), Ok(read));
                    taken += 1;
                }
                Err(ChannelError::NotRead { .. }) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert!(
        taken > 100 && refused > 100,
        "{taken} taken, {refused} refused"
    );
}

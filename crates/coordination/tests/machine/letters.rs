//! Topics, inboxes and questions: what reaches whom, in which order, and what becomes of the
//! rest.

use crate::world::{
    NOW_MS, World, acquire, answer, asker, message_in_words, name, publish, question, receive,
    subscribe, unsubscribe,
};
use leadhand_coordination::INBOX_MESSAGES_MAX;
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{
    DeadLetter, DeadLetterCause, Payload, QuestionId, Request, WaitId,
};
use serde_json::{Value, json};

const CANCEL: Request = Request::CancelWait { wait: WaitId(0) };

/// Asks in order; what the last one brings.
fn check(asked: &[(u32, Request)], expected: &[&str]) -> World {
    let mut world = World::default();
    let (last, before) = asked.split_last().unwrap();
    for (party, request) in before {
        world.try_ask(*party, 0, 0, request).unwrap();
    }
    assert_eq!(world.ask(last.0, &last.1), expected);
    world
}

fn inbox(world: &World, party: u32) -> Vec<String> {
    let messages = world.state.inbox(AgentId(party));
    messages.map(|it| message_in_words(&it)).collect()
}

fn dead(world: &World) -> Vec<(u64, Vec<AgentId>, DeadLetterCause)> {
    let letters = world.state.dead_letters();
    letters
        .map(|it| (it.sequence, it.to.clone(), it.why))
        .collect()
}

#[test]
fn what_is_published_goes_to_each_who_has_subscribed_before() {
    let mut world = check(
        &[
            (1, subscribe("t")),
            (2, subscribe("t")),
            (1, subscribe("u")),
            (3, publish("t", "one")),
        ],
        &["a3: published 1 to 2"],
    );
    assert_eq!(world.ask(4, &subscribe("t")), ["a4: done"]);
    assert_eq!(world.ask(2, &publish("u", "x")), ["a2: published 1 to 1"]);
    // Whoever publishes gets it too, if it has subscribed.
    assert_eq!(world.ask(2, &publish("t", "two")), ["a2: published 2 to 3"]);
    assert_eq!(
        inbox(&world, 1),
        [
            "t#1 of a3: \"one\"",
            "u#1 of a2: \"x\"",
            "t#2 of a2: \"two\""
        ]
    );
    assert_eq!(inbox(&world, 4), ["t#2 of a2: \"two\""]);
    assert_eq!(world.ask(1, &unsubscribe("t")), ["a1: done"]);
    assert_eq!(world.ask(2, &publish("t", "3")), ["a2: published 3 to 2"]);
    assert_eq!(world.ask(1, &receive()), ["a1: t#1 of a3: \"one\""]);
    assert_eq!(world.ask(1, &receive()), ["a1: u#1 of a2: \"x\""]);
    assert_eq!(world.ask(1, &receive()), ["a1: t#2 of a2: \"two\""]);
    assert_eq!(world.ask(1, &receive()), [] as [&str; 0]);
    assert_eq!(
        inbox(&world, 2),
        [
            "t#1 of a3: \"one\"",
            "t#2 of a2: \"two\"",
            "t#3 of a2: \"3\""
        ]
    );
}

#[test]
fn whoever_waits_for_a_message_gets_it_at_once() {
    let mut world = check(
        &[
            (1, subscribe("t")),
            (2, subscribe("t")),
            (1, receive()),
            (3, publish("t", "one")),
        ],
        &["a3: published 1 to 2", "a1: t#1 of a3: \"one\""],
    );
    assert_eq!(inbox(&world, 1), [] as [&str; 0]);
    assert_eq!(inbox(&world, 2), ["t#1 of a3: \"one\""]);
    world.ask(1, &receive());
    assert_eq!(
        world.ask(3, &question(Some(1), "why")),
        ["a1: a3 asks 1: \"why\""]
    );
    // A wait that is over does not take what comes later.
    world.ask(1, &receive());
    assert_eq!(world.ask(1, &CANCEL), ["a1: ended: Cancelled", "a1: done"]);
    assert_eq!(world.ask(2, &publish("t", "two")), ["a2: published 2 to 2"]);
    assert_eq!(inbox(&world, 1), ["t#2 of a2: \"two\""]);
    let late = Request::Receive {
        deadline_ms: Some(NOW_MS + 5),
    };
    assert_eq!(world.ask(4, &late), [] as [&str; 0]);
    assert_eq!(world.due(NOW_MS + 5), ["a4: ended: DeadlineReached"]);
}

#[test]
fn a_message_is_taken_without_a_wait() {
    let mut world = check(
        &[
            (1, subscribe("t")),
            (2, publish("t", "one")),
            (2, question(Some(1), "why")),
            (1, acquire("a")),
        ],
        &["a1: a:Exclusive#1"],
    );
    assert_eq!(
        inbox(&world, 1),
        ["t#1 of a2: \"one\"", "a2 asks 1: \"why\""]
    );
    for left in [1, 0, 0] {
        let facts = world.state.take_message(AgentId(1));
        assert_eq!(world.apply(facts), []);
        assert_eq!(inbox(&world, 1).len(), left);
    }
    assert_eq!(world.state.take_message(AgentId(1)), []);
    // The question is read, and open.
    assert_eq!(
        world.ask(1, &answer(1, "because")),
        ["a1: done", "a2: a1 answers 1: \"because\""]
    );
}

#[test]
fn what_reaches_nobody_is_a_dead_letter() {
    let mut world = check(&[(3, publish("t", "one"))], &["a3: published 1 to 0"]);
    let expected = DeadLetter {
        topic: name("t"),
        sequence: 1,
        from: AgentId(3),
        to: Vec::new(),
        payload: Payload::text("one"),
        why: DeadLetterCause::NoSubscriber,
    };
    assert!(world.state.dead_letters().eq([&expected]));
    world.ask(1, &subscribe("t"));
    world.ask(2, &subscribe("t"));
    world.ask(3, &publish("t", "two"));
    world.ask(2, &receive());
    world.end(1);
    world.end(2);
    assert_eq!(
        dead(&world),
        [
            (1, vec![], DeadLetterCause::NoSubscriber),
            (2, vec![AgentId(1)], DeadLetterCause::ReceiverEnded)
        ]
    );
    assert_eq!(world.ask(3, &publish("t", "3")), ["a3: published 3 to 0"]);
    assert_eq!(world.state.dead_letters_total(), 3);
}

#[test]
fn a_full_inbox_takes_no_more_and_those_of_others_do() {
    let mut world = World::default();
    world.ask(1, &subscribe("t"));
    for _ in 0..INBOX_MESSAGES_MAX {
        world.ask(3, &publish("t", "x"));
    }
    world.ask(2, &subscribe("t"));
    world.ask(4, &subscribe("t"));
    world.ask(4, &receive());
    assert_eq!(
        world.ask(3, &publish("t", "y")),
        ["a3: published 1025 to 2", "a4: t#1025 of a3: \"y\""]
    );
    assert_eq!(
        dead(&world),
        [(1025, vec![AgentId(1)], DeadLetterCause::InboxFull)]
    );
    assert_eq!(
        world.ask(2, &question(Some(1), "why")),
        [
            "refused: the inbox of a1 is full (1024 messages, or the bytes for them), so the \
             question cannot be put to it: ask later, or ask somebody else"
        ]
    );
    // What is read makes room.
    world.ask(1, &receive());
    world.ask(3, &publish("t", "z"));
    assert_eq!(world.state.dead_letters_total(), 1);
    assert_eq!(inbox(&world, 1).len(), INBOX_MESSAGES_MAX);
}

#[test]
fn a_question_is_answered_once_by_whom_it_was_put_to() {
    let mut world = check(
        &[(1, question(Some(2), "why")), (2, receive())],
        &["a2: a1 asks 1: \"why\""],
    );
    let open = world.state.question(QuestionId(1)).unwrap();
    assert_eq!((open.asker, open.to), (asker(1, 0), Some(AgentId(2))));
    for other in [1, 3] {
        let expected = format!(
            "refused: the question 1 is not for a{other} to answer: leave it to whom it was put to"
        );
        assert_eq!(world.ask(other, &answer(1, "x")), [expected]);
    }
    assert_eq!(
        world.ask(2, &answer(1, "because")),
        ["a2: done", "a1: a2 answers 1: \"because\""]
    );
    let over = "refused: the question 1 is over: it was answered already, or whoever asked waits \
                no longer; nothing is left to answer";
    assert_eq!(world.ask(2, &answer(1, "again")), [over]);
    // It may be answered unread, and then is not to be read any more.
    world.ask(1, &question(Some(2), "how"));
    world.ask(2, &answer(2, "so"));
    assert_eq!(inbox(&world, 2), [] as [&str; 0]);
    assert!(world.state.is_empty());
}

#[test]
fn a_question_to_the_manager_is_for_whoever_may_answer() {
    let mut world = check(&[(1, question(None, "why"))], &[]);
    assert_eq!(
        world.ask(1, &answer(1, "x")),
        ["refused: the question 1 is not for a1 to answer: leave it to whom it was put to"]
    );
    assert_eq!(
        world.ask(7, &answer(1, "because")),
        ["a7: done", "a1: a7 answers 1: \"because\""]
    );
}

#[test]
fn a_question_is_over_when_nobody_waits_for_its_answer() {
    let until = |deadline_ms| Request::Ask {
        to: Some(AgentId(2)),
        payload: Payload::text("why"),
        deadline_ms,
    };
    let ends: [fn(&mut World) -> Vec<String>; 3] = [
        |world| world.ask(1, &CANCEL),
        |world| world.due(NOW_MS + 5),
        |world| world.end(1),
    ];
    let told: [&[&str]; 3] = [
        &["a1: ended: Cancelled", "a1: done"],
        &["a1: ended: DeadlineReached"],
        &[],
    ];
    for (end, told) in ends.iter().zip(told) {
        let mut world = check(&[(1, until(Some(NOW_MS + 5)))], &[]);
        assert_eq!(inbox(&world, 2).len(), 1);
        assert_eq!(end(&mut world), told);
        assert_eq!(inbox(&world, 2), [] as [&str; 0]);
        let refused = world.ask(2, &answer(1, "because"));
        assert!(refused[0].starts_with("refused: the question 1 is over"));
        assert!(world.state.is_empty());
    }
}

#[test]
fn when_whoever_is_asked_ends_those_who_ask_are_told() {
    let mut world = check(
        &[
            (1, question(Some(3), "why")),
            (2, question(Some(3), "how")),
            (4, question(None, "what")),
            (3, receive()),
        ],
        &["a3: a1 asks 1: \"why\""],
    );
    assert_eq!(
        world.end(3),
        [
            "a1: ended: CannotBeMet { kind: Question, name: \"1\" }",
            "a2: ended: CannotBeMet { kind: Question, name: \"2\" }"
        ]
    );
    assert!(world.state.wait_of(AgentId(4)).is_some());
    assert_eq!(world.state.dead_letters_total(), 0);
}

#[test]
fn whoever_is_asked_is_as_urgent_as_whoever_asks() {
    let mut world = World::default();
    world.ask_with(2, 0, &acquire("a"));
    world.ask_with(1, 1, &question(Some(2), "why"));
    assert_eq!(world.state.effective_priority(AgentId(2)), 1);
    world.ask_with(3, 5, &question(Some(1), "when"));
    assert_eq!(world.state.effective_priority(AgentId(2)), 5);
    world.end(3);
    assert_eq!(world.state.effective_priority(AgentId(2)), 1);
    world.ask_with(2, 0, &answer(1, "because"));
    assert_eq!(world.state.effective_priority(AgentId(2)), 0);
}

#[test]
fn what_is_read_withdrawn_or_unread_at_the_end_gives_its_room_back() {
    // Each round takes about 180 KiB, and without its return the bound would come after 370.
    let large = "x".repeat(60_000);
    let mut world = World::default();
    for _ in 0..2_000 {
        world.state_only(1, &subscribe("t"));
        world.state_only(2, &publish("t", &large));
        world.state_only(2, &question(Some(1), &large));
        world.state_only(1, &receive());
        world.state_only(2, &CANCEL);
        world.state_only(2, &publish("t", &large));
        for fact in world.state.ended(AgentId(1)) {
            world.state.apply(&fact);
        }
    }
    let state: Value = serde_json::to_value(&world.state).unwrap();
    // The topic itself stays.
    assert_eq!(state["counts"]["kept_bytes"], 128 + 1);
    assert_eq!(world.state.dead_letters_total(), 2_000);
}

#[test]
fn what_is_withdrawn_leaves_nothing_in_the_inbox_of_whom_was_asked() {
    let mut world = World::default();
    world.state_only(1, &subscribe("t"));
    for _ in 0..10_000 {
        world.state_only(2, &question(Some(1), "why"));
        world.state_only(2, &CANCEL);
        world.state_only(2, &publish("t", "x"));
        world.state_only(1, &receive());
    }
    let state: Value = serde_json::to_value(&world.state).unwrap();
    let inbox = json!({ "letters": [], "bytes": 0 });
    assert_eq!(state["parties"]["1"]["inbox"], inbox);
    assert_eq!(world.state.dead_letters_total(), 0);
}

#[test]
fn a_party_with_nothing_but_letters_is_remembered() {
    let mut world = check(
        &[
            (1, subscribe("t")),
            (2, publish("t", "one")),
            (1, unsubscribe("t")),
        ],
        &["a1: done"],
    );
    assert_eq!(inbox(&world, 1), ["t#1 of a2: \"one\""]);
    world.ask(3, &question(Some(4), "why"));
    assert_eq!(world.ask(4, &receive()), ["a4: a3 asks 1: \"why\""]);
    assert_eq!(
        world.end(4),
        ["a3: ended: CannotBeMet { kind: Question, name: \"1\" }"]
    );
}

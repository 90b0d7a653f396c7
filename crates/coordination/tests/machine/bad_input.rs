//! What is asked wrongly is refused in words that say what to do next, and changes nothing.

use crate::world::{
    NOW_MS, World, acquire, acquire_until, answer, asker, give, latch, name, names, publish,
    question, receive, semaphore, take, unsubscribe, upgrade,
};
use leadhand_coordination::{
    BOARD_VALUE_BYTES_MAX, HOLDS_PER_PARTY_MAX, KEPT_BYTES_MAX, PAYLOAD_BYTES_MAX, PRIMITIVES_MAX,
    WAITS_MAX,
};
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{
    Declaration, Elector, Electorate, Need, Payload, Request, WaitId,
};
use serde_json::{Value, json};

/// A world in which 1 holds `a` and shares `c`, 2 waits for `a`, and some things are declared.
fn world() -> World {
    let mut world = World::default();
    world.ask(1, &acquire("a"));
    world.ask(1, &acquire("c:s"));
    world.ask(2, &acquire("a"));
    world.ask(9, &semaphore("s", 2));
    world.ask(9, &latch("l", 1, &[1]));
    world.ask(
        9,
        &quorum(Electorate::Anyone(3), 2, &[json!("yes"), json!("no")]),
    );
    world.ask(1, &vote(json!("yes")));
    world
}

fn quorum(electorate: Electorate, threshold: u32, choices: &[Value]) -> Request {
    Request::Declare {
        name: name("q"),
        declaration: Declaration::Quorum {
            electorate,
            threshold,
            choices: choices.iter().map(|it| it.clone().into()).collect(),
        },
    }
}

fn vote(choice: Value) -> Request {
    Request::Vote {
        quorum: name("q"),
        choice: choice.into(),
    }
}

fn check(party: u32, request: &Request, expected: &str) {
    let mut world = world();
    let before = world.state.clone();
    assert_eq!(world.ask(party, request), [format!("refused: {expected}")]);
    assert_eq!(world.state, before);
}

fn release(lock: &str, fence: u64) -> Request {
    Request::Release {
        lock: name(lock),
        fence,
    }
}

#[test]
fn locks() {
    check(
        3,
        &release("a", 1),
        "you do not hold the lock `a`: it was never granted to you, or you released it; there is nothing to release or upgrade",
    );
    check(
        2,
        &release("a", 1),
        "you do not hold the lock `a`: it was never granted to you, or you released it; there is nothing to release or upgrade",
    );
    check(
        1,
        &release("a", 0),
        "the lock `a` is held by you with number 1, not 0: that one was of an earlier grant; use the number that came with the last",
    );
    check(
        1,
        &acquire("b a"),
        "you hold the lock `a` already (Exclusive): use it, upgrade it if it is upgradable, or release it first",
    );
    check(
        3,
        &acquire("b b:s"),
        "the lock `b` is named twice: name it once",
    );
    check(3, &acquire(""), "nothing is named: name at least one lock");
    let many: Vec<String> = (0..65).map(|it| it.to_string()).collect();
    check(
        3,
        &acquire(&many.join(" ")),
        "this would make 65 locks in one request, and 64 is the most: release, finish or cancel some first, or ask for less",
    );
    check(
        2,
        &acquire("b"),
        "you wait already, by your request 0: cancel that wait or let it end first; what is needed together is asked for in one request",
    );
    check(
        3,
        &acquire_until("a", Some(NOW_MS)),
        "the lock `a` is not to be had now and the deadline has passed: ask again with a later deadline, or do without",
    );
    check(
        1,
        &upgrade("c"),
        "you hold the lock `c` Shared, which does not become exclusive: release it and acquire it exclusive; next time acquire it upgradable",
    );
    check(
        3,
        &Request::CancelWait { wait: WaitId(4) },
        "no request 4 of yours waits: it was answered already, or never made",
    );
}

#[test]
fn a_lock_that_is_being_upgraded_is_not_released() {
    let mut world = World::default();
    world.ask(1, &acquire("a:u"));
    world.ask(2, &acquire("a:s"));
    world.ask(1, &upgrade("a"));
    assert_eq!(
        world.release(1, "a"),
        ["refused: you wait to hold the lock `a` alone: cancel that wait before you release it"]
    );
}

#[test]
fn semaphores_and_latches() {
    check(
        3,
        &take("t", 1),
        "there is no semaphore `t`: declare it first, or mend the name",
    );
    check(
        3,
        &take("s", 3),
        "the semaphore `s` has 2 permits in all, and 3 would never be granted: take fewer at once",
    );
    check(
        3,
        &take("s", 0),
        "the number of permits of the semaphore `s` is 0: give at least 1",
    );
    check(
        3,
        &give("s", 1),
        "you hold 0 permits of the semaphore `s` and cannot give back 1: give back what you took",
    );
    check(
        3,
        &semaphore("s", 3),
        "the semaphore `s` was declared with 2 permits: say the same, or take another name",
    );
    check(
        3,
        &latch("l", 1, &[]),
        "the latch `l` was declared with a count of 1 by 1 named parties: say the same, or take another name",
    );
    check(
        3,
        &latch("k", 1, &[5, 5]),
        "the latch `k` names a5 twice: name it once",
    );
    check(
        3,
        &Request::CountDown { latch: name("l") },
        "the latch `l` is for others: a3 is not among those it was declared for",
    );
}

#[test]
fn joins_and_barriers() {
    let join = |latches: &[&str], need| Request::Join {
        latches: names(latches),
        need,
        deadline_ms: None,
    };
    check(
        3,
        &join(&[], Need::Any),
        "nothing is named: name at least one latch",
    );
    check(
        3,
        &join(&["l", "l"], Need::Any),
        "the latch `l` is named twice: name it once",
    );
    check(
        3,
        &join(&["l"], Need::KOf(2)),
        "the latch `l` cannot be met any more: 2 of 1 latches are asked for; go on without it, or ask for less",
    );
    let arrive = |parties| Request::Arrive {
        barrier: name("z"),
        parties,
        deadline_ms: None,
    };
    check(
        3,
        &arrive(0),
        "the number of parties of the barrier `z` is 0: give at least 1",
    );
    check(
        3,
        &arrive(5_000),
        "this would make 5000 parties of one barrier, and 1024 is the most: release, finish or cancel some first, or ask for less",
    );
}

#[test]
fn quorums() {
    check(
        1,
        &vote(json!("no")),
        "you have voted in the quorum `q` already, and that vote stands: await its decision",
    );
    check(
        3,
        &vote(json!("maybe")),
        "\"maybe\" is no choice of the quorum `q`: vote for one of [\"yes\",\"no\"]",
    );
    check(
        3,
        &vote(json!("x".repeat(5_000))),
        "this would make 5002 bytes of a vote, and 4096 is the most: release, finish or cancel some first, or ask for less",
    );
    let mut world = world();
    world.ask(3, &vote(json!("yes")));
    assert_eq!(
        world.ask(4, &vote(json!("no"))),
        ["refused: the quorum `q` is over: it decided for \"yes\", and no vote changes that"]
    );
    let mut empty = World::default();
    let elector = |party, weight| Elector {
        party: AgentId(party),
        weight,
    };
    let named = |electors: &[Elector]| Electorate::Named(electors.to_vec());
    let beyond = empty.ask(1, &quorum(named(&[elector(1, 2)]), 3, &[]));
    assert_eq!(
        beyond,
        [
            "refused: the quorum `q` cannot be met any more: all votes together weigh 2, and the \
          threshold is 3; go on without it, or ask for less"
        ]
    );
    let weightless = empty.ask(1, &quorum(named(&[elector(1, 0)]), 1, &[]));
    assert_eq!(
        weightless,
        ["refused: the weight of an elector of the quorum `q` is 0: give at least 1"]
    );
    empty.ask(1, &quorum(named(&[elector(1, 1), elector(2, 1)]), 2, &[]));
    assert_eq!(
        empty.ask(3, &vote(json!(1))),
        ["refused: the quorum `q` is for others: a3 is not among those it was declared for"]
    );
}

#[test]
fn what_is_too_much_is_refused_and_what_is_given_back_makes_room() {
    let mut world = World::default();
    for it in 0..HOLDS_PER_PARTY_MAX {
        world.state_only(1, &acquire(&format!("a{it}")));
    }
    assert_eq!(
        world.ask(1, &acquire("b")),
        [
            "refused: this would make 1025 locks and semaphores that you hold, and 1024 is the \
          most: release, finish or cancel some first, or ask for less"
        ]
    );
    assert_eq!(world.release(1, "a7"), ["a1: done"]);
    world.state_only(1, &acquire("b"));
}

#[test]
fn waits_are_bounded() {
    let mut world = World::default();
    world.state_only(0, &acquire("a"));
    let waits = u32::try_from(WAITS_MAX).unwrap();
    for party in 1..=waits {
        world.state_only(party, &acquire("a"));
    }
    let refused = world
        .state
        .decide(asker(waits + 1, 0), 0, NOW_MS, &acquire("a"));
    assert_eq!(
        refused.unwrap_err().to_string(),
        "this would make 65537 waits of all, and 65536 is the most: release, finish or cancel \
         some first, or ask for less"
    );
    // What is free is granted all the same.
    world.state_only(waits + 1, &acquire("b"));
}

#[test]
fn what_is_kept_is_bounded() {
    let write = |key: &str, value: &Value| Request::CompareAndSet {
        key: name(key),
        expected_version: 0,
        value: value.clone().into(),
    };
    let mut world = World::default();
    let huge = json!(vec!["x".repeat(1_000); BOARD_VALUE_BYTES_MAX / 1_000]);
    let refused = world.ask(1, &write("k", &huge));
    assert!(
        refused[0].starts_with("refused: this would make 26"),
        "{refused:?}"
    );
    let large = json!("x".repeat(BOARD_VALUE_BYTES_MAX - 2));
    let mut written = 0;
    while world
        .try_state_only(1, &write(&format!("k{written}"), &large))
        .is_ok()
    {
        written += 1;
    }
    let expected = KEPT_BYTES_MAX / (BOARD_VALUE_BYTES_MAX + 133);
    assert_eq!(written, expected);

    let mut world = World::default();
    let mut declared = 0;
    while world
        .try_state_only(1, &semaphore(&format!("s{declared}"), 1))
        .is_ok()
    {
        declared += 1;
    }
    assert_eq!(declared, PRIMITIVES_MAX);
}

#[test]
fn messages_and_questions() {
    let large = "x".repeat(PAYLOAD_BYTES_MAX - 5);
    let expected = "this holds 65537 bytes of JSON or more, and 65536 is the most for a message, \
                    question or answer: put what is large into an artifact or an entry of the \
                    board, and send its name";
    check(3, &publish("t", &large), expected);
    check(3, &question(Some(1), &large), expected);
    check(
        3,
        &unsubscribe("t"),
        "you have not subscribed to the topic `t`: there is nothing to end",
    );
    check(
        3,
        &question(Some(3), "why"),
        "you ask yourself, and would wait for ever: ask another agent, or the manager",
    );
    let at_once = Request::Ask {
        to: Some(AgentId(1)),
        payload: Payload::text("why"),
        deadline_ms: Some(NOW_MS),
    };
    check(
        3,
        &at_once,
        "the deadline of this question has passed, so nobody could answer it: ask with a later one",
    );
    let deadline_ms = Some(NOW_MS);
    check(
        3,
        &Request::Receive { deadline_ms },
        "your inbox is empty and the deadline has passed: receive again with a later deadline, or \
         go on without",
    );
    for id in [0, 1, u64::MAX] {
        check(
            3,
            &answer(id, "because"),
            &format!("there is no question {id}: none was put by that number; mend it"),
        );
    }
    for waits in [receive(), question(Some(1), "why")] {
        check(
            2,
            &waits,
            "you wait already, by your request 0: cancel that wait or let it end first; what is \
             needed together is asked for in one request",
        );
    }
    let mut world = world();
    world.ask(3, &question(Some(1), "why"));
    assert_eq!(
        world.ask(1, &answer(1, &large)),
        [format!("refused: {expected}")]
    );
    world.ask(1, &answer(1, &large[1..]));
}

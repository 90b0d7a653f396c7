//! Deadlocks that must be found at once, and waits that only look like one.

use crate::world::{
    World, acquire, answer, give, latch, names, question, receive, semaphore, take, upgrade,
};
use leadhand_protocol::coordination::{Need, Request};

/// Asks in order, each of a party with a priority; what the last one brings.
fn check(asked: &[(u32, u8, Request)], expected: &[&str]) -> World {
    let mut world = World::default();
    let (last, before) = asked.split_last().unwrap();
    for (party, priority, request) in before {
        world.try_ask(*party, 0, *priority, request).unwrap();
    }
    let mut own = world.clone();
    let told = own.ask_with(last.0, last.1, &last.2);
    assert_eq!(told, expected);
    own
}

#[test]
fn the_request_that_closes_a_circle_is_refused_with_the_circle() {
    let mut world = check(
        &[
            (1, 0, acquire("a")),
            (2, 0, acquire("b")),
            (3, 0, acquire("c")),
            (1, 0, acquire("b")),
            (2, 0, acquire("c")),
            (3, 0, acquire("a")),
        ],
        &["a3: deadlock: a3 waits for lock a, a1 waits for lock b, a2 waits for lock c"],
    );
    // It holds what it held, and giving that back lets the others go on.
    let told = world.release(3, "c");
    assert_eq!(told, ["a3: done", "a2: c:Exclusive#4"]);
}

#[test]
fn the_lowest_priority_loses_and_among_equals_the_highest_id() {
    check(
        &[
            (1, 1, acquire("a")),
            (2, 1, acquire("b")),
            (3, 2, acquire("c")),
            (1, 1, acquire("b")),
            (2, 1, acquire("c")),
            (3, 2, acquire("a")),
        ],
        &["a2: deadlock: a3 waits for lock a, a1 waits for lock b, a2 waits for lock c"],
    );
}

#[test]
fn a_wait_that_closes_two_circles_breaks_both() {
    check(
        &[
            (1, 1, acquire("a:s")),
            (2, 2, acquire("a:s")),
            (3, 3, acquire("b")),
            (1, 1, acquire("b")),
            (2, 2, acquire("b")),
            (3, 3, acquire("a")),
        ],
        &[
            "a1: deadlock: a3 waits for lock a, a1 waits for lock b",
            "a2: deadlock: a3 waits for lock a, a2 waits for lock b",
        ],
    );
}

#[test]
fn standing_behind_somebody_counts() {
    // 2 is granted nothing before 1 lets a go, and 1 stands behind 2 for b.
    check(
        &[
            (1, 0, acquire("a")),
            (2, 0, acquire("a b")),
            (1, 0, acquire("b:s")),
        ],
        &["a1: deadlock: a1 waits for lock b, a2 waits for lock a"],
    );
}

#[test]
fn permits_are_a_deadlock_only_if_too_few_can_come_back() {
    let asked = [
        (9, 0, semaphore("s", 3)),
        (1, 0, take("s", 1)),
        (2, 0, take("s", 2)),
        (1, 0, take("s", 1)),
    ];
    // 2 can still give back.
    check(&asked, &[]);
    let mut closed = asked.to_vec();
    closed.push((2, 0, take("s", 1)));
    check(
        &closed,
        &["a2: deadlock: a2 waits for semaphore s, a1 waits for semaphore s"],
    );
    let own = [
        (9, 0, semaphore("s", 3)),
        (1, 0, take("s", 2)),
        (1, 0, take("s", 2)),
    ];
    check(&own, &["a1: deadlock: a1 waits for semaphore s"]);
}

#[test]
fn a_third_who_can_give_back_permits_is_no_deadlock_until_it_waits() {
    let asked = [
        (9, 0, semaphore("s", 2)),
        (1, 0, take("s", 1)),
        (2, 0, take("s", 1)),
        (3, 0, acquire("a")),
        (1, 0, acquire("a")),
        (3, 0, take("s", 1)),
    ];
    let mut world = check(&asked, &[]);
    let mut freed = world.clone();
    assert_eq!(freed.ask(2, &give("s", 1)), ["a2: done", "a3: 1 of s"]);
    assert_eq!(
        world.ask(2, &acquire("a")),
        ["a2: deadlock: a2 waits for lock a, a3 waits for semaphore s"]
    );
}

#[test]
fn a_join_counts_when_those_who_are_to_count_down_are_named() {
    let join = |latches: &[&str], need| Request::Join {
        latches: names(latches),
        need,
        deadline_ms: None,
    };
    let circle = |by: &[u32]| {
        vec![
            (9, 0, latch("l", 1, by)),
            (1, 0, acquire("a")),
            (2, 0, acquire("a")),
            (1, 0, join(&["l"], Need::All)),
        ]
    };
    check(
        &circle(&[2]),
        &["a1: deadlock: a1 waits for latch l, a2 waits for lock a"],
    );
    check(&circle(&[2, 3]), &[]);
    check(&circle(&[]), &[]);
    check(&circle(&[1]), &["a1: deadlock: a1 waits for latch l"]);
    // The end of 3 leaves nobody but 2, which waits for 1.
    let mut world = check(&circle(&[2, 3]), &[]);
    assert_eq!(
        world.end(3),
        ["a1: deadlock: a1 waits for latch l, a2 waits for lock a"]
    );
    let either = [
        (9, 0, latch("l", 1, &[2])),
        (9, 0, latch("m", 1, &[])),
        (1, 0, acquire("a")),
        (2, 0, acquire("a")),
        (1, 0, join(&["l", "m"], Need::Any)),
    ];
    let mut world = check(&either, &[]);
    let given_up = world.ask(
        9,
        &Request::GiveUp {
            latch: crate::world::name("m"),
        },
    );
    assert_eq!(
        given_up,
        [
            "a9: done",
            "a1: deadlock: a1 waits for latch l, a2 waits for lock a"
        ]
    );
}

#[test]
fn what_only_looks_like_a_deadlock_is_none() {
    // Shared ones do not wait for each other.
    let shared = [
        (1, 0, acquire("a:s")),
        (2, 0, acquire("b:s")),
        (1, 0, acquire("b:s")),
        (2, 0, acquire("a:s")),
    ];
    check(&shared, &["a2: a:Shared#4"]);
    // Two upgradable ones of one lock never meet.
    let upgradable = [
        (1, 0, acquire("a:u")),
        (2, 0, acquire("a:u")),
        (1, 0, upgrade("a")),
    ];
    check(&upgradable, &["a1: a:Exclusive#2"]);
    // A chain is no circle.
    let chain = [
        (1, 0, acquire("a")),
        (2, 0, acquire("b")),
        (3, 0, acquire("b")),
        (2, 0, acquire("a")),
    ];
    check(&chain, &[]);
}

#[test]
fn an_upgrade_closes_a_circle_as_any_wait_does() {
    check(
        &[
            (1, 0, acquire("a:u")),
            (2, 0, acquire("a:s")),
            (1, 0, acquire("b")),
            (2, 0, acquire("b")),
            (1, 0, upgrade("a")),
        ],
        &["a1: deadlock: a1 waits for lock a, a2 waits for lock b"],
    );
}

#[test]
fn who_begins_to_upgrade_keeps_even_shared_ones_waiting() {
    // 3 waits for b alone until 1 upgrades a; 2 waits for 3, and 1 for 2.
    check(
        &[
            (1, 0, acquire("a:u")),
            (2, 0, acquire("a:s")),
            (3, 0, acquire("c")),
            (4, 0, acquire("b")),
            (3, 0, acquire("a:s b")),
            (2, 0, acquire("c")),
            (1, 0, upgrade("a")),
        ],
        &["a1: deadlock: a1 waits for lock a, a2 waits for lock c, a3 waits for lock a"],
    );
}

#[test]
fn a_question_to_whoever_waits_for_the_askers_lock_is_found_from_both_sides() {
    let locked = (1, 0, acquire("a"));
    let asks = (1, 0, question(Some(2), "why"));
    let waits = (2, 0, acquire("a"));
    let world = check(
        &[locked.clone(), waits.clone(), asks.clone()],
        &["a1: deadlock: a1 waits for question 1, a2 waits for lock a"],
    );
    assert_eq!(world.state.questions().count(), 0);
    let mut world = check(
        &[locked, asks, waits],
        &["a2: deadlock: a2 waits for lock a, a1 waits for question 1"],
    );
    // Whoever loses can still answer.
    assert_eq!(
        world.ask(2, &answer(1, "because")),
        ["a2: done", "a1: a2 answers 1: \"because\""]
    );
}

#[test]
fn questions_in_a_circle_are_found_and_the_lowest_priority_loses() {
    check(
        &[
            (1, 1, question(Some(2), "why")),
            (2, 0, question(Some(3), "why")),
            (3, 1, question(Some(1), "why")),
        ],
        &[
            "a2: deadlock: a3 waits for question 3, a1 waits for question 1, a2 waits for \
             question 2",
        ],
    );
    check(
        &[
            (1, 0, question(Some(2), "why")),
            (2, 0, question(Some(1), "what do you mean")),
        ],
        &["a2: deadlock: a2 waits for question 2, a1 waits for question 1"],
    );
}

#[test]
fn what_only_looks_like_a_circle_of_questions_is_none() {
    // The manager may be anybody.
    check(
        &[
            (1, 0, acquire("a")),
            (2, 0, acquire("a")),
            (1, 0, question(None, "why")),
        ],
        &[],
    );
    // Whoever waits for a message gets the question.
    check(
        &[
            (1, 0, acquire("a")),
            (2, 0, receive()),
            (1, 0, question(Some(2), "why")),
        ],
        &["a2: a1 asks 1: \"why\""],
    );
    // An answer to the first question does not need the lock that the second waits for.
    check(
        &[
            (1, 0, acquire("a")),
            (2, 0, question(Some(1), "why")),
            (1, 0, question(Some(3), "how")),
            (3, 0, acquire("b")),
        ],
        &["a3: b:Exclusive#2"],
    );
}

#[test]
fn a_circle_over_a_question_is_found_when_a_latch_is_lost() {
    // 1 joins a latch of 2 or 3; 2 asks 1. Without 3 nobody goes on.
    let mut world = World::default();
    world.ask(9, &latch("l", 1, &[2, 3]));
    let join = Request::Join {
        latches: names(&["l"]),
        need: Need::All,
        deadline_ms: None,
    };
    world.ask(1, &join);
    assert_eq!(world.ask(2, &question(Some(1), "why")), [] as [&str; 0]);
    assert_eq!(
        world.end(3),
        ["a1: deadlock: a1 waits for latch l, a2 waits for question 1"]
    );
}

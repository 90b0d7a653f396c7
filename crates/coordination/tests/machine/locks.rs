//! Locks and semaphores: who gets what, in which order, with which number.

use crate::world::{
    NOW_MS, World, acquire, acquire_until, asker, give, name, semaphore, take, upgrade,
};
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{Request, WaitId};

fn check(told: &[String], expected: &[&str]) {
    assert_eq!(told, expected);
}

#[test]
fn permits_that_are_taken_beside_leave_a_wait_as_it_is() {
    let mut world = World::default();
    world.ask(0, &semaphore("s", 2));
    world.ask(0, &acquire("a"));
    world.ask(1, &acquire("a"));
    let beside = |world: &World, permits| {
        let state = &world.state;
        state.take_beside(asker(1, 9), 0, &name("s"), permits)
    };
    assert_eq!(beside(&world, 3), None);
    let fact = beside(&world, 2).unwrap();
    world.apply(vec![fact]);
    let held: Vec<_> = world.state.permits_of(AgentId(1)).collect();
    assert_eq!(held, [(&name("s"), 2)]);
    assert_eq!(world.state.free_permits(&name("s")), Some(0));
    assert_eq!(beside(&world, 1), None);
    check(&world.release(0, "a"), &["a0: done", "a1: a:Exclusive#2"]);
}

#[test]
fn shared_ones_hold_together_and_do_not_pass_an_exclusive_one() {
    let mut world = World::default();
    check(&world.ask(1, &acquire("a:s")), &["a1: a:Shared#1"]);
    check(&world.ask(2, &acquire("a:s")), &["a2: a:Shared#2"]);
    check(&world.ask(3, &acquire("a")), &[]);
    check(&world.ask(4, &acquire("a:s")), &[]);
    check(&world.ask(5, &acquire("a:s")), &[]);
    check(&world.release(1, "a"), &["a1: done"]);
    check(&world.release(2, "a"), &["a2: done", "a3: a:Exclusive#3"]);
    check(
        &world.release(3, "a"),
        &["a3: done", "a4: a:Shared#4", "a5: a:Shared#5"],
    );
}

#[test]
fn a_set_is_granted_whole_or_not_at_all() {
    let mut world = World::default();
    check(&world.ask(1, &acquire("a")), &["a1: a:Exclusive#1"]);
    check(&world.ask(2, &acquire("a b:s c")), &[]);
    check(&world.ask(3, &acquire("b:s c:s")), &[]);
    assert_eq!(world.fence_of(2, "b"), None);
    check(
        &world.release(1, "a"),
        &["a1: done", "a2: a:Exclusive#2 b:Shared#3 c:Exclusive#4"],
    );
    check(
        &world.release(2, "c"),
        &["a2: done", "a3: b:Shared#5 c:Shared#6"],
    );
}

#[test]
fn an_upgrade_goes_before_the_queue_and_gets_a_new_number() {
    let mut world = World::default();
    check(&world.ask(1, &acquire("a:u")), &["a1: a:Upgradable#1"]);
    check(&world.ask(2, &acquire("a:s")), &["a2: a:Shared#2"]);
    check(&world.ask(3, &acquire("a:u")), &[]);
    check(&world.ask(1, &upgrade("a")), &[]);
    check(&world.ask(4, &acquire("a:s")), &[]);
    check(&world.release(2, "a"), &["a2: done", "a1: a:Exclusive#3"]);
    check(
        &world.release(1, "a"),
        &["a1: done", "a3: a:Upgradable#4", "a4: a:Shared#5"],
    );
    check(&world.ask(5, &acquire("b:u")), &["a5: b:Upgradable#6"]);
    check(&world.ask(5, &upgrade("b")), &["a5: b:Exclusive#7"]);
}

#[test]
fn numbers_of_a_lock_grow_over_its_being_unused() {
    let mut world = World::default();
    for number in 1..4_u64 {
        let granted = format!("a1: a:Exclusive#{number}");
        check(&world.ask(1, &acquire("a")), &[&granted]);
        check(&world.release(1, "a"), &["a1: done"]);
        assert!(world.state.is_empty());
    }
}

#[test]
fn permits_go_to_whoever_came_first_be_it_for_many() {
    let mut world = World::default();
    check(&world.ask(0, &semaphore("s", 3)), &["a0: done"]);
    check(&world.ask(1, &take("s", 2)), &["a1: 2 of s"]);
    check(&world.ask(2, &take("s", 2)), &[]);
    check(&world.ask(3, &take("s", 1)), &[]);
    check(&world.ask(1, &give("s", 1)), &["a1: done", "a2: 2 of s"]);
    check(&world.ask(1, &give("s", 1)), &["a1: done", "a3: 1 of s"]);
}

#[test]
fn permits_given_back_by_one_reach_one_with_a_lower_id() {
    let mut world = World::default();
    world.ask(0, &semaphore("s", 2));
    world.ask(7, &take("s", 2));
    world.ask(3, &take("s", 1));
    world.ask(2, &take("s", 1));
    check(
        &world.ask(7, &give("s", 2)),
        &["a7: done", "a3: 1 of s", "a2: 1 of s"],
    );
}

#[test]
fn a_wait_that_ends_lets_those_behind_go_on() {
    let until = |set| acquire_until(set, Some(NOW_MS + 50));
    let mut world = World::default();
    world.ask(1, &acquire("a:s"));
    check(&world.ask(2, &until("a")), &[]);
    check(&world.ask(3, &until("b a:s")), &[]);
    assert_eq!(world.state.next_deadline_ms(), Some(NOW_MS + 50));
    check(&world.due(NOW_MS + 49), &[]);
    let ended = ["a2: ended: DeadlineReached", "a3: ended: DeadlineReached"];
    check(&world.due(NOW_MS + 50), &ended);
    assert_eq!(world.state.next_deadline_ms(), None);

    world.ask(2, &acquire("a"));
    world.ask(3, &acquire("a:s"));
    let cancel = Request::CancelWait { wait: WaitId(0) };
    check(
        &world.ask(2, &cancel),
        &["a2: ended: Cancelled", "a2: done", "a3: a:Shared#2"],
    );
}

#[test]
fn a_party_that_ends_holds_and_awaits_nothing() {
    let mut world = World::default();
    world.ask(0, &semaphore("s", 1));
    world.ask(1, &acquire("a b"));
    world.ask(1, &take("s", 1));
    world.ask(2, &acquire("a:s"));
    world.ask(3, &take("s", 1));
    world.ask(4, &acquire("b c"));
    world.ask(5, &acquire("c"));
    check(&world.end(4), &["a5: c:Exclusive#3"]);
    check(&world.end(1), &["a2: a:Shared#4", "a3: 1 of s"]);
    check(&world.end(1), &[]);
    world.end(2);
    world.end(3);
    world.end(5);
    assert_eq!(world.state.locks().count(), 0);
    assert_eq!(world.state.semaphore(&name("s")).unwrap().free, 1);
}

#[test]
fn whoever_keeps_an_urgent_party_waiting_is_as_urgent() {
    let mut world = World::default();
    let mut ask = |party, priority, request: &Request| {
        world.try_ask(party, 0, priority, request).unwrap();
    };
    ask(1, 1, &acquire("a:s"));
    ask(2, 5, &acquire("b"));
    ask(3, 3, &acquire("c"));
    ask(2, 5, &acquire("a"));
    ask(4, 9, &acquire("b"));
    ask(5, 2, &acquire("a:s"));
    let effective = |party| world.state.effective_priority(AgentId(party));
    // 4 waits for 2, which waits for 1; nobody waits for 3; 5 stands behind 2.
    let all: Vec<_> = (0..6).map(effective).collect();
    assert_eq!(all, [0, 9, 9, 3, 9, 2]);
    world.release(1, "a");
    let effective = |party| world.state.effective_priority(AgentId(party));
    assert_eq!([effective(1), effective(2)], [0, 9]);
}

#[test]
fn whoever_upgrades_is_as_urgent_as_those_it_keeps_from_sharing() {
    let mut world = World::default();
    let mut ask = |party, priority, request: &Request| {
        world.try_ask(party, 0, priority, request).unwrap();
        [1, 2, 3, 4].map(|it| world.state.effective_priority(AgentId(it)))
    };
    ask(1, 1, &acquire("a:u"));
    ask(2, 1, &acquire("a:s"));
    ask(4, 1, &acquire("b"));
    assert_eq!(ask(3, 9, &acquire("a:s b")), [1, 1, 9, 9]);
    assert_eq!(ask(1, 1, &upgrade("a")), [9, 9, 9, 9]);
}

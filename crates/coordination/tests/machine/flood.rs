//! More messages than anybody reads: memory stays bounded, and what is not kept is counted.

use crate::world::{World, publish, receive, subscribe, unsubscribe};
use leadhand_coordination::{
    DEAD_LETTER_BYTES_MAX, DEAD_LETTERS_MAX, INBOX_BYTES_MAX, INBOX_MESSAGES_MAX, KEPT_BYTES_MAX,
    PRIMITIVES_MAX, SUBSCRIBERS_MAX, SUBSCRIPTIONS_MAX,
};
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::DeadLetterCause;

#[test]
fn a_million_messages_to_one_who_never_reads_stay_bounded() {
    let mut world = World::default();
    world.state_only(1, &subscribe("t"));
    let small = publish("t", "x");
    let many = 1_000_000;
    for _ in 0..many {
        world.state_only(2, &small);
    }
    assert_eq!(world.state.inbox(AgentId(1)).count(), INBOX_MESSAGES_MAX);
    assert_eq!(world.state.dead_letters().count(), DEAD_LETTERS_MAX);
    let missed = many - INBOX_MESSAGES_MAX as u64;
    assert_eq!(world.state.dead_letters_total(), missed);
    let last = world.state.dead_letters().last().unwrap();
    assert_eq!(
        (last.sequence, last.why),
        (many, DeadLetterCause::InboxFull)
    );
    let bytes = serde_json::to_string(&world.state).unwrap().len();
    assert!(bytes < 1_000_000, "the state has {bytes} bytes");
}

#[test]
fn large_messages_are_bounded_by_what_they_take() {
    let mut world = World::default();
    let room = 65_000;
    let large = "x".repeat(room);
    let parties = u32::try_from(KEPT_BYTES_MAX / INBOX_BYTES_MAX).unwrap() + 8;
    world.state_only(1, &subscribe("t"));
    for _ in 0..20 {
        world.state_only(0, &publish("t", &large));
    }
    for party in 2..=parties {
        world.state_only(party, &subscribe("t"));
    }
    for _ in 0..20 {
        world.state_only(0, &publish("t", &large));
    }
    let unread = |party| world.state.inbox(AgentId(party)).count();
    assert_eq!(unread(1), INBOX_BYTES_MAX / (room + 135));
    let all: usize = (1..=parties).map(unread).sum();
    let kept = all * (room + 135);
    let expected = KEPT_BYTES_MAX - 2 * room..=KEPT_BYTES_MAX;
    assert!(expected.contains(&kept), "{kept}");
    let causes = world.state.dead_letters().map(|it| it.why);
    let causes: Vec<_> = causes.collect();
    assert!(causes.contains(&DeadLetterCause::NoRoom));
    assert!(causes.contains(&DeadLetterCause::InboxFull));
    let dead = world.state.dead_letters().count();
    assert!(dead > 1 && dead * room <= DEAD_LETTER_BYTES_MAX, "{dead}");
    // Whoever waits for a message needs no room, and gets it.
    world.state_only(999, &subscribe("u"));
    world.state_only(999, &receive());
    world.state_only(0, &publish("u", &large));
    assert_eq!(world.state.wait_of(AgentId(999)), None);
    assert_eq!(world.state.dead_letters().count(), dead);
}

#[test]
fn subscriptions_are_bounded() {
    let mut world = World::default();
    for it in 0..SUBSCRIPTIONS_MAX {
        world.state_only(1, &subscribe(&format!("t{it}")));
    }
    assert_eq!(
        world.ask(1, &subscribe("t")),
        [
            "refused: this would make 257 topics that you get, and 256 is the most: release, \
             finish or cancel some first, or ask for less"
        ]
    );
    world.state_only(1, &unsubscribe("t3"));
    world.state_only(1, &subscribe("t"));
    // Again changes nothing, and is not too much.
    world.state_only(1, &subscribe("t"));

    let mut world = World::default();
    let subscribers = u32::try_from(SUBSCRIBERS_MAX).unwrap();
    for party in 0..subscribers {
        world.state_only(party, &subscribe("t"));
    }
    assert!(world.try_state_only(subscribers, &subscribe("t")).is_err());
}

#[test]
fn topics_are_bounded() {
    let mut world = World::default();
    let mut topics = 0;
    while world
        .try_state_only(1, &publish(&format!("t{topics}"), "x"))
        .is_ok()
    {
        topics += 1;
    }
    assert_eq!(topics, PRIMITIVES_MAX);
    // One that is there takes more.
    world.state_only(1, &publish("t7", "x"));
}

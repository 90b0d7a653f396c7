//! Barriers, latches, joins and quorums: parties that wait for each other.

use crate::world::{NOW_MS, World, latch, name, names};
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{Declaration, Elector, Electorate, Need, Request};
use serde_json::{Value, json};

fn arrive(parties: u32) -> Request {
    Request::Arrive {
        barrier: name("z"),
        parties,
        deadline_ms: Some(NOW_MS + 5),
    }
}

fn join(latches: &[&str], need: Need) -> Request {
    Request::Join {
        latches: names(latches),
        need,
        deadline_ms: None,
    }
}

fn count_down(latch: &str) -> Request {
    Request::CountDown { latch: name(latch) }
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

fn named(weights: &[(u32, u32)]) -> Electorate {
    let electors = weights.iter().map(|(party, weight)| Elector {
        party: AgentId(*party),
        weight: *weight,
    });
    Electorate::Named(electors.collect())
}

fn vote(choice: &Value) -> Request {
    Request::Vote {
        quorum: name("q"),
        choice: choice.clone().into(),
    }
}

fn await_quorum() -> Request {
    Request::AwaitQuorum {
        quorum: name("q"),
        deadline_ms: None,
    }
}

#[test]
fn a_barrier_is_passed_together_again_and_again() {
    let mut world = World::default();
    for generation in 0..3 {
        assert_eq!(world.ask(1, &arrive(3)), [""; 0]);
        assert_eq!(world.ask(2, &arrive(3)), [""; 0]);
        let passed = [3, 1, 2].map(|it| format!("a{it}: passed z {generation}"));
        assert_eq!(world.ask(3, &arrive(3)), passed);
    }
}

#[test]
fn whoever_leaves_a_barrier_has_not_arrived() {
    let mut world = World::default();
    world.ask(1, &arrive(3));
    world.ask(2, &arrive(3));
    assert_eq!(world.end(2), [""; 0]);
    assert_eq!(world.ask(3, &arrive(3)), [""; 0]);
    let ended = [1, 3].map(|it| format!("a{it}: ended: DeadlineReached"));
    assert_eq!(world.due(NOW_MS + 5), ended);
    world.ask(4, &arrive(3));
    world.ask(5, &arrive(3));
    let passed = [6, 4, 5].map(|it| format!("a{it}: passed z 0"));
    assert_eq!(world.ask(6, &arrive(3)), passed);
}

#[test]
fn joins_are_told_as_soon_as_enough_is_done_or_cannot_be() {
    let mut world = World::default();
    for it in ["l", "m", "n"] {
        world.ask(0, &latch(it, 1, &[]));
    }
    world.ask(1, &join(&["l", "m", "n"], Need::All));
    world.ask(2, &join(&["l", "m", "n"], Need::KOf(2)));
    world.ask(3, &join(&["n", "m"], Need::Any));
    assert_eq!(world.ask(0, &count_down("l")), ["a0: done"]);
    let given_up = world.ask(0, &Request::GiveUp { latch: name("m") });
    let never = r#"a1: ended: CannotBeMet { kind: Latch, name: "m" }"#;
    assert_eq!(given_up, ["a0: done", never]);
    assert_eq!(
        world.ask(0, &count_down("n")),
        [
            "a0: done",
            "a2: joined [\"l\", \"n\"]",
            "a3: joined [\"n\"]"
        ]
    );
    assert_eq!(
        world.ask(4, &join(&["m", "l"], Need::Any)),
        ["a4: joined [\"l\"]"]
    );
}

#[test]
fn a_latch_is_given_up_when_all_who_were_to_count_it_down_ended() {
    let mut world = World::default();
    world.ask(0, &latch("l", 2, &[1, 2]));
    world.ask(3, &join(&["l"], Need::All));
    world.ask(1, &count_down("l"));
    assert_eq!(world.end(1), [""; 0]);
    let never = r#"a3: ended: CannotBeMet { kind: Latch, name: "l" }"#;
    assert_eq!(world.end(2), [never]);
}

#[test]
fn a_latch_counts_down_once() {
    let mut world = World::default();
    world.ask(0, &latch("l", 2, &[]));
    world.ask(1, &join(&["l"], Need::All));
    assert_eq!(world.ask(2, &count_down("l")), ["a2: done"]);
    assert_eq!(
        world.ask(2, &count_down("l")),
        ["a2: done", "a1: joined [\"l\"]"]
    );
    assert_eq!(
        world.ask(2, &count_down("l")),
        ["refused: the latch `l` is done already: there is nothing left to count down"]
    );
}

#[test]
fn a_quorum_decides_by_weight() {
    let mut world = World::default();
    world.ask(0, &quorum(named(&[(1, 1), (2, 1), (3, 3)]), 3, &[]));
    world.ask(4, &await_quorum());
    assert_eq!(world.ask(1, &vote(&json!({"b": 1, "a": 2}))), ["a1: done"]);
    assert_eq!(world.ask(2, &vote(&json!("other"))), ["a2: done"]);
    assert_eq!(
        world.ask(3, &vote(&json!({"a": 2, "b": 1}))),
        ["a3: done", r#"a4: q decided {"b":1,"a":2}"#]
    );
    assert_eq!(
        world.ask(5, &await_quorum()),
        [r#"a5: q decided {"b":1,"a":2}"#]
    );
}

#[test]
fn a_quorum_that_cannot_be_met_any_more_is_told_at_once() {
    let never = r#"a4: ended: CannotBeMet { kind: Quorum, name: "q" }"#;
    let mut split = World::default();
    split.ask(0, &quorum(Electorate::Anyone(3), 2, &[]));
    split.ask(4, &await_quorum());
    split.ask(1, &vote(&json!(1)));
    split.ask(2, &vote(&json!(2)));
    assert_eq!(split.ask(3, &vote(&json!(3))), ["a3: done", never]);
    assert_eq!(
        split.ask(5, &await_quorum()),
        [
            "refused: the quorum `q` cannot be met any more: the most that one choice has is 1 of \
          2, and at most 0 is still to come; go on without it, or ask for less"
        ]
    );

    let mut left = World::default();
    left.ask(0, &quorum(named(&[(1, 1), (2, 1), (3, 1)]), 2, &[]));
    left.ask(4, &await_quorum());
    left.ask(1, &vote(&json!(1)));
    assert_eq!(left.end(1), [""; 0]);
    assert_eq!(left.end(2), [""; 0]);
    assert_eq!(left.end(3), [never]);
}

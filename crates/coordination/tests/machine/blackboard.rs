//! The board: nobody's change is lost, and whoever watches is told.

use crate::world::{World, name};
use leadhand_protocol::coordination::{Request, WaitId};
use serde_json::{Value, json};

fn write(expected_version: u64, value: &Value) -> Request {
    Request::CompareAndSet {
        key: name("k"),
        expected_version,
        value: value.clone().into(),
    }
}

fn watch(after_version: u64) -> Request {
    Request::Watch {
        key: name("k"),
        after_version,
        deadline_ms: None,
    }
}

#[test]
fn of_two_writers_that_saw_the_same_one_is_told_to_read_again() {
    let read = Request::Read { key: name("k") };
    let mut world = World::default();
    assert_eq!(world.ask(1, &read), ["a1: k@0"]);
    assert_eq!(world.ask(1, &write(0, &json!("one"))), ["a1: done"]);
    assert_eq!(
        world.ask(2, &write(0, &json!("two"))),
        [
            "refused: the board entry `k` has version 1, not 0: read it again, make your change to \
          what it is now, and write that"
        ]
    );
    assert_eq!(world.ask(2, &read), ["a2: k@1=\"one\""]);
    assert_eq!(world.ask(2, &write(1, &Value::Null)), ["a2: done"]);
    assert_eq!(world.ask(1, &read), ["a1: k@2=null"]);
}

#[test]
fn a_watch_is_told_the_first_version_that_is_newer() {
    let mut world = World::default();
    world.ask(1, &watch(0));
    world.ask(2, &watch(1));
    world.ask(3, &watch(0));
    assert_eq!(
        world.ask(4, &write(0, &json!(10))),
        ["a4: done", "a1: k@1=10", "a3: k@1=10"]
    );
    assert_eq!(world.ask(1, &watch(0)), ["a1: k@1=10"]);
    assert_eq!(
        world.ask(4, &write(1, &json!(11))),
        ["a4: done", "a2: k@2=11"]
    );
    world.ask(1, &watch(7));
    let cancel = Request::CancelWait { wait: WaitId(0) };
    assert_eq!(world.ask(1, &cancel), ["a1: ended: Cancelled", "a1: done"]);
}

#[test]
fn what_a_smaller_value_leaves_is_free_again() {
    let mut world = World::default();
    let large = json!("x".repeat(200_000));
    for version in 0..2_000 {
        world.state_only(1, &write(version, &large));
    }
}

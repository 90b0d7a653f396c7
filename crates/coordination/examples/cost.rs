//! What the primitives cost, in nanoseconds an operation: the decision and its application, as
//! the engine has it for each request. `cargo run --release -p leadhand-coordination --example
//! cost`. Each line is the median of several rounds, with few and with many other primitives.

#![allow(clippy::print_stdout, reason = "it is what a measurement is for")]

use leadhand_coordination::{Coordination, INBOX_MESSAGES_MAX};
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{
    Asker, Declaration, Fact, LockAsk, LockMode, Obtained, Payload, PrimitiveName, QuestionId,
    Request, WaitId,
};
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;

const ROUNDS: usize = 9;

fn main() {
    println!(
        "{:<44} {:>12} {:>12}",
        "ns an operation, with other primitives:", "10", "30,000"
    );
    row("acquire and release, uncontended", uncontended);
    row("a set of 8 locks and their release", set_of_eight);
    row("hand-over of a lock among 64", |others| {
        hand_over(others, 64)
    });
    row("hand-over of a lock among 10,000", |others| {
        hand_over(others, 10_000)
    });
    row("write of a board entry, nobody watching", board_write);
    row("a message to one who waits for it", |others| {
        message(others, 1)
    });
    row("the same, to 100 who wait for it", |others| {
        message(others, 100)
    });
    row("a message through a full inbox", full_inbox);
    row("a question, read and answered", question);
    row("permit to the next of 10,000 waiting", semaphore);
    row("beginning to wait as one of 10,000", begin_to_wait);
    row("the same, with one who waits for it", |others| {
        wanted(others, 1)
    });
    row("the same, with 1,000 who wait for it", |others| {
        wanted(others, 1_000)
    });
}

fn row(what: &str, measure: impl Fn(u32) -> u128) {
    let median = |others| {
        let mut rounds: Vec<u128> = (0..ROUNDS).map(|_| measure(others)).collect();
        rounds.sort_unstable();
        rounds[ROUNDS / 2]
    };
    println!("{what:<44} {:>12} {:>12}", median(10), median(30_000));
}

/// So many held locks and so many entries of the board, all different.
fn crowd(others: u32) -> Coordination {
    let mut state = Coordination::default();
    for other in 0..others {
        ask(
            &mut state,
            1_000_000 + other,
            &acquire(&[&format!("held/{other}")]),
        );
        let key = name(&format!("entry/{other}"));
        let value = Arc::new(json!(other));
        let expected_version = 0;
        let write = Request::CompareAndSet {
            key,
            expected_version,
            value,
        };
        ask(&mut state, 1, &write);
    }
    state
}

fn uncontended(others: u32) -> u128 {
    let mut state = crowd(others);
    let request = acquire(&["src/main.rs"]);
    nanoseconds(20_000, |_| release(&mut state, 1, &request))
}

fn set_of_eight(others: u32) -> u128 {
    let mut state = crowd(others);
    let request = acquire(&["a", "b", "c", "d", "e", "f", "g", "h"]);
    nanoseconds(5_000, |_| release(&mut state, 1, &request))
}

/// Acquires, and releases all that was granted.
fn release(state: &mut Coordination, party: u32, request: &Request) {
    for fact in ask(state, party, request) {
        let Fact::Granted {
            obtained: Obtained::Locks(held),
            ..
        } = fact
        else {
            panic!("the lock is free");
        };
        for it in held {
            let (lock, fence) = (it.lock, it.fence);
            ask(state, party, &Request::Release { lock, fence });
        }
    }
}

/// The holder lets go, the next gets the lock, and the first stands last in the queue.
fn hand_over(others: u32, parties: u32) -> u128 {
    let mut state = crowd(others);
    let request = acquire(&["src/main.rs"]);
    for party in 0..parties {
        ask(&mut state, party, &request);
    }
    let lock = name("src/main.rs");
    nanoseconds(20_000, |step| {
        let party = step % parties;
        let fence = state
            .holders(&lock)
            .next()
            .expect("somebody holds it")
            .fence;
        let lock = lock.clone();
        ask(&mut state, party, &Request::Release { lock, fence });
        ask(&mut state, party, &request);
    })
}

fn board_write(others: u32) -> u128 {
    let mut state = crowd(others);
    let value = Arc::new(json!({"status": "ready", "files": ["a", "b"]}));
    nanoseconds(20_000, |step| {
        let key = name("result");
        let value = value.clone();
        let expected_version = u64::from(step);
        let write = Request::CompareAndSet {
            key,
            expected_version,
            value,
        };
        ask(&mut state, 1, &write);
    })
}

/// All receive, and one publishes for all of them.
fn message(others: u32, receivers: u32) -> u128 {
    let mut state = crowd(others);
    let topic = name("results");
    for party in 0..receivers {
        let topic = topic.clone();
        ask(&mut state, party, &Request::Subscribe { topic });
    }
    let publish = publish(topic);
    nanoseconds(20_000 / receivers, |_| {
        for party in 0..receivers {
            ask(&mut state, party, &Request::Receive { deadline_ms: None });
        }
        ask(&mut state, receivers, &publish);
    })
}

/// One message is read, the next takes its place, and the one after it is a dead letter.
fn full_inbox(others: u32) -> u128 {
    let mut state = crowd(others);
    let topic = name("results");
    let subscribe = Request::Subscribe {
        topic: topic.clone(),
    };
    ask(&mut state, 1, &subscribe);
    let publish = publish(topic);
    for _ in 0..2 * INBOX_MESSAGES_MAX {
        ask(&mut state, 2, &publish);
    }
    nanoseconds(20_000, |_| {
        ask(&mut state, 1, &Request::Receive { deadline_ms: None });
        ask(&mut state, 2, &publish);
        ask(&mut state, 2, &publish);
    })
}

fn publish(topic: PrimitiveName) -> Request {
    let payload = Payload::text("the tests of the parser pass");
    Request::Publish { topic, payload }
}

fn question(others: u32) -> u128 {
    let mut state = crowd(others);
    let put = Request::Ask {
        to: Some(AgentId(2)),
        payload: Payload::text("which of them"),
        deadline_ms: Some(1_000_000),
    };
    nanoseconds(20_000, |step| {
        ask(&mut state, 1, &put);
        ask(&mut state, 2, &Request::Receive { deadline_ms: None });
        let answer = Request::Answer {
            question: QuestionId(u64::from(step) + 1),
            payload: Payload::text("the first"),
        };
        ask(&mut state, 2, &answer);
    })
}

fn waiting(others: u32) -> Coordination {
    let mut state = crowd(others);
    let declaration = Declaration::Semaphore { permits: 1 };
    let name = name("model");
    ask(&mut state, 0, &Request::Declare { name, declaration });
    for party in 0..=10_000 {
        ask(&mut state, party, &take());
    }
    state
}

fn semaphore(others: u32) -> u128 {
    let mut state = waiting(others);
    let give = Request::Give {
        semaphore: name("model"),
        permits: 1,
    };
    nanoseconds(10_000, |step| {
        ask(&mut state, step, &give);
    })
}

fn begin_to_wait(others: u32) -> u128 {
    let mut state = waiting(others);
    nanoseconds(10_000, |step| {
        ask(&mut state, 20_000 + step, &take());
    })
}

/// Whoever begins to wait holds what others wait for, so that a deadlock is looked for. It waits
/// no longer then, so that it can do it again.
fn wanted(others: u32, waiting_for_it: u32) -> u128 {
    let mut state = waiting(others);
    for party in 0..=waiting_for_it {
        ask(&mut state, 20_000 + party, &acquire(&["wanted"]));
    }
    let wait = WaitId(0);
    nanoseconds(20, |_| {
        ask(&mut state, 20_000, &take());
        ask(&mut state, 20_000, &Request::CancelWait { wait });
    })
}

fn take() -> Request {
    Request::Take {
        semaphore: name("model"),
        permits: 1,
        deadline_ms: Some(1_000_000),
    }
}

fn nanoseconds(steps: u32, mut step: impl FnMut(u32)) -> u128 {
    let began = Instant::now();
    for it in 0..steps {
        step(it);
    }
    began.elapsed().as_nanos() / u128::from(steps)
}

fn ask(state: &mut Coordination, party: u32, request: &Request) -> Vec<Fact> {
    let asker = Asker {
        party: AgentId(party),
        wait: WaitId(0),
    };
    let decided = state.decide(asker, 0, 1_000, request);
    let facts = decided.expect("what is asked here can be granted");
    for fact in &facts {
        state.apply(fact);
    }
    facts
}

fn acquire(locks: &[&str]) -> Request {
    let locks = locks.iter().map(|lock| LockAsk {
        lock: name(lock),
        mode: LockMode::Exclusive,
    });
    Request::Acquire {
        locks: locks.collect(),
        deadline_ms: None,
    }
}

fn name(text: &str) -> PrimitiveName {
    PrimitiveName::new(text).expect("the names here are sound")
}

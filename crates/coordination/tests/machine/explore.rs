//! All small states: from the beginning, every party does whatever it can, in every order, until
//! nothing new comes about. States are the same when they differ only in how high their
//! counters stand. Every step is held against the oracle by [`World::apply`].

use crate::world::{
    NOW_MS, World, acquire, acquire_until, asker, give, latch, name, names, semaphore, take,
    upgrade,
};
use leadhand_coordination::Coordination;
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{Need, Request, WaitId};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashSet};

enum Move {
    Ask(Request),
    Release(&'static str),
    End,
    Due,
}

struct Room {
    /// Priorities of the parties 1, 2, ...
    priorities: Vec<u8>,
    declared: Vec<Request>,
    moves: Vec<Move>,
}

/// Explores a room, and gives how many states there are and how many steps were taken.
fn explore(room: &Room) -> (usize, usize) {
    let mut start = World::default();
    for request in &room.declared {
        start.try_ask(9, 0, 0, request).unwrap();
    }
    start.history.clear();
    let mut seen = HashSet::from([key(&start.state)]);
    let mut open = vec![start];
    let mut steps = 0;
    while !open.is_empty() {
        let mut next = Vec::new();
        for world in &open {
            for (party, priority) in (1..).zip(&room.priorities) {
                for it in &room.moves {
                    let Some(after) = step(world, party, *priority, it) else {
                        continue;
                    };
                    steps += 1;
                    if seen.insert(key(&after.state)) {
                        next.push(after);
                    }
                }
            }
        }
        open = next;
    }
    (seen.len(), steps)
}

/// The world after a move; none when it is refused, which changes nothing.
fn step(world: &World, party: u32, priority: u8, it: &Move) -> Option<World> {
    let facts = match it {
        Move::Ask(request) => {
            let decided = world
                .state
                .decide(asker(party, 0), priority, NOW_MS, request);
            decided.ok()?
        }
        Move::Release(lock) => {
            let fence = world.fence_of(party, lock)?;
            let lock = name(lock);
            let release = Request::Release { lock, fence };
            let decided = world
                .state
                .decide(asker(party, 0), priority, NOW_MS, &release);
            decided.ok()?
        }
        Move::End => world.state.ended(AgentId(party)),
        Move::Due => world.state.due(NOW_MS + 10),
    };
    let mut after = world.clone();
    after.apply(facts);
    after.history.clear();
    Some(after)
}

/// The state in JSON, with its counters as low as they can be.
fn key(state: &Coordination) -> String {
    let mut value = serde_json::to_value(state).unwrap();
    let tickets = state.waits().map(|(_, wait)| wait.ticket).collect();
    let holders = state.locks().flat_map(|lock| state.holders(lock));
    let fences = holders.map(|it| it.fence).collect();
    lower(&mut value, &ranks(tickets), &ranks(fences));
    value["counts"]["ticket"] = json!(0);
    value["counts"]["fence"] = json!(0);
    value.to_string()
}

fn ranks(numbers: BTreeSet<u64>) -> BTreeMap<u64, u64> {
    numbers.into_iter().zip(0..).collect()
}

fn lower(value: &mut Value, tickets: &BTreeMap<u64, u64>, fences: &BTreeMap<u64, u64>) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields.iter_mut() {
                match (field.as_str(), value) {
                    ("ticket", value) => rank(value, tickets),
                    ("fence", value) => rank(value, fences),
                    ("generation", value) => *value = json!(0),
                    ("queue", Value::Object(queue)) => rank_queue(queue, tickets),
                    ("watches", Value::Object(queues)) => {
                        for queue in queues.values_mut().filter_map(Value::as_object_mut) {
                            rank_queue(queue, tickets);
                        }
                    }
                    (_, value) => lower(value, tickets, fences),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                lower(item, tickets, fences);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn rank_queue(queue: &mut Map<String, Value>, tickets: &BTreeMap<u64, u64>) {
    let ranked = queue.iter().map(|(ticket, party)| {
        let ticket = tickets[&ticket.parse::<u64>().unwrap()];
        (ticket.to_string(), party.clone())
    });
    *queue = ranked.collect();
}

fn rank(value: &mut Value, ranks: &BTreeMap<u64, u64>) {
    if let Some(rank) = value.as_u64().and_then(|it| ranks.get(&it)) {
        *value = json!(rank);
    }
}

fn asks(requests: Vec<Request>) -> Vec<Move> {
    requests.into_iter().map(Move::Ask).collect()
}

fn check(what: &str, room: &Room, states_min: usize) {
    let (states, steps) = explore(room);
    println!("{what}: {states} states, {steps} steps");
    assert!(states >= states_min, "{what}: only {states} states");
}

const CANCEL: Request = Request::CancelWait { wait: WaitId(0) };

#[test]
fn three_parties_and_two_locks() {
    let mut moves = asks(vec![acquire("a"), acquire("a:s"), acquire("b"), CANCEL]);
    moves.extend([Move::Release("a"), Move::Release("b"), Move::End]);
    let room = Room {
        priorities: vec![1, 1, 0],
        declared: Vec::new(),
        moves,
    };
    check("three parties, two locks", &room, 500);
}

#[test]
fn two_parties_and_every_way_to_hold_two_locks() {
    let mut moves = asks(vec![
        acquire("a"),
        acquire("a:s"),
        acquire("a:u"),
        acquire("b"),
        acquire("b:u"),
        acquire("a b"),
        acquire("b a:s"),
        acquire_until("b:s", Some(NOW_MS + 5)),
        upgrade("a"),
        upgrade("b"),
        CANCEL,
    ]);
    moves.extend([Move::Release("a"), Move::Release("b"), Move::End, Move::Due]);
    let room = Room {
        priorities: vec![0, 0],
        declared: Vec::new(),
        moves,
    };
    check("two parties, two locks, all modes", &room, 100);
}

#[test]
fn three_parties_and_sets_that_overlap() {
    let mut moves = asks(vec![
        acquire("a b"),
        acquire("a:u b:s"),
        acquire("b:u"),
        upgrade("a"),
        upgrade("b"),
    ]);
    moves.extend([Move::Release("a"), Move::Release("b"), Move::End]);
    let room = Room {
        priorities: vec![0, 1, 2],
        declared: Vec::new(),
        moves,
    };
    check("three parties, sets", &room, 1_000);
}

#[test]
fn three_parties_a_lock_and_a_semaphore() {
    let mut moves = asks(vec![
        acquire("a"),
        take("s", 1),
        take("s", 2),
        give("s", 1),
        CANCEL,
    ]);
    moves.extend([Move::Release("a"), Move::End]);
    let room = Room {
        priorities: vec![0, 0, 1],
        declared: vec![semaphore("s", 2)],
        moves,
    };
    check("three parties, a lock, two permits", &room, 500);
}

#[test]
fn three_parties_latches_and_a_lock() {
    let join = |latches: &[&str], need| Request::Join {
        latches: names(latches),
        need,
        deadline_ms: None,
    };
    let mut moves = asks(vec![
        acquire("a"),
        join(&["l"], Need::All),
        join(&["l", "m"], Need::Any),
        join(&["l", "m"], Need::All),
        Request::CountDown { latch: name("l") },
        Request::CountDown { latch: name("m") },
        Request::GiveUp { latch: name("m") },
    ]);
    moves.extend([Move::Release("a"), Move::End]);
    let room = Room {
        priorities: vec![0, 0, 0],
        declared: vec![latch("l", 1, &[1]), latch("m", 1, &[2, 3])],
        moves,
    };
    check("three parties, two latches, a lock", &room, 500);
}

#[test]
fn three_parties_a_barrier_and_an_entry_of_the_board() {
    let write = |expected_version| Request::CompareAndSet {
        key: name("k"),
        expected_version,
        value: json!(expected_version).into(),
    };
    let watch = |after_version| Request::Watch {
        key: name("k"),
        after_version,
        deadline_ms: None,
    };
    let arrive = Request::Arrive {
        barrier: name("z"),
        parties: 2,
        deadline_ms: Some(NOW_MS + 5),
    };
    let requests = vec![write(0), write(1), watch(0), watch(1), arrive, CANCEL];
    let mut moves = asks(requests);
    moves.extend([Move::End, Move::Due]);
    let room = Room {
        priorities: vec![0, 0, 0],
        declared: Vec::new(),
        moves,
    };
    check("three parties, a barrier, the board", &room, 100);
}

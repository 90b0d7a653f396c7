//! All small states: from the beginning, every party does whatever it can, in every order, until
//! nothing new comes about. States are the same when they differ only in how high their
//! counters stand. Every step is held against the oracle by [`World::apply`].

use crate::world::{
    NOW_MS, World, acquire, acquire_until, answer, asker, give, latch, name, names, publish,
    question, receive, semaphore, subscribe, take, unsubscribe, upgrade,
};
use leadhand_coordination::Coordination;
use leadhand_protocol::AgentId;
use leadhand_protocol::coordination::{Need, Payload, Request, WaitId};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashSet};

enum Move {
    Ask(Request),
    Release(&'static str),
    /// Publishes in a topic, as long as no subscriber has so many unread.
    Publish(&'static str, usize),
    /// Puts a question to the party with this number, or to the manager.
    Question(Option<u32>),
    /// Answers the oldest question that it may answer.
    Answer,
    /// Is given the oldest message without asking.
    Take,
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
    let ask = |request: &Request| {
        let asker = asker(party, 0);
        let decided = world.state.decide(asker, priority, NOW_MS, request);
        decided.ok()
    };
    let facts = match it {
        Move::Ask(request) => ask(request)?,
        Move::Release(lock) => {
            let fence = world.fence_of(party, lock)?;
            let lock = name(lock);
            ask(&Request::Release { lock, fence })?
        }
        Move::Publish(topic, unread_max) => {
            let mut subscribers = world.state.subscribers(&name(topic));
            if subscribers.any(|it| world.state.inbox(it).count() >= *unread_max) {
                return None;
            }
            ask(&publish(topic, "x"))?
        }
        Move::Question(to) => ask(&question(*to, "why"))?,
        Move::Answer => {
            let mut open = world.state.questions();
            let request = open.find_map(|(id, _)| ask(&answer(id.0, "because")));
            request?
        }
        Move::Take => world.state.take_message(AgentId(party)),
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
    let ranks = Ranks {
        tickets: ranks(tickets),
        fences: ranks(fences),
        questions: ranks(state.questions().map(|(id, _)| id.0).collect()),
    };
    ranks.lower(&mut value);
    for counter in ["ticket", "fence", "question"] {
        value["counts"][counter] = json!(0);
    }
    value["dead_letters"] = json!(null);
    value.to_string()
}

fn ranks(numbers: BTreeSet<u64>) -> BTreeMap<u64, u64> {
    numbers.into_iter().zip(0..).collect()
}

/// What takes the place of numbers that only ever grow.
struct Ranks {
    tickets: BTreeMap<u64, u64>,
    fences: BTreeMap<u64, u64>,
    questions: BTreeMap<u64, u64>,
}

impl Ranks {
    fn lower(&self, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (field, value) in fields.iter_mut() {
                    self.lower_field(field, value);
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.lower(item);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn lower_field(&self, field: &str, value: &mut Value) {
        match (field, value) {
            ("ticket", value) => rank(value, &self.tickets),
            ("fence", value) => rank(value, &self.fences),
            ("question", value) => rank(value, &self.questions),
            ("generation" | "sequence", value) => *value = json!(0),
            ("queue", Value::Object(queue)) => rank_keys(queue, &self.tickets),
            ("watches", Value::Object(queues)) => {
                for queue in queues.values_mut().filter_map(Value::as_object_mut) {
                    rank_keys(queue, &self.tickets);
                }
            }
            ("questions", Value::Object(questions)) => rank_keys(questions, &self.questions),
            ("asked", Value::Array(asked)) => {
                for question in asked {
                    rank(question, &self.questions);
                }
            }
            (_, value) => self.lower(value),
        }
    }
}

fn rank_keys(fields: &mut Map<String, Value>, ranks: &BTreeMap<u64, u64>) {
    let ranked = fields.iter().map(|(number, value)| {
        let rank = ranks[&number.parse::<u64>().unwrap()];
        (rank.to_string(), value.clone())
    });
    *fields = ranked.collect();
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

#[test]
fn two_parties_a_topic_and_a_lock() {
    let receive_until = Request::Receive {
        deadline_ms: Some(NOW_MS + 5),
    };
    let mut moves = asks(vec![
        subscribe("t"),
        unsubscribe("t"),
        receive(),
        receive_until,
        acquire("a"),
        CANCEL,
    ]);
    moves.extend([Move::Publish("t", 2), Move::Take, Move::Release("a")]);
    moves.extend([Move::End, Move::Due]);
    let room = Room {
        priorities: vec![0, 0],
        declared: Vec::new(),
        moves,
    };
    check("two parties, a topic, a lock", &room, 500);
}

#[test]
fn three_parties_questions_and_a_lock() {
    let mut moves = asks(vec![acquire("a"), receive(), CANCEL]);
    moves.extend([Some(1), Some(2), Some(3), None].map(Move::Question));
    moves.extend([Move::Answer, Move::Take, Move::Release("a"), Move::End]);
    let room = Room {
        priorities: vec![1, 0, 1],
        declared: Vec::new(),
        moves,
    };
    check("three parties, questions, a lock", &room, 1_000);
}

#[test]
fn two_parties_a_topic_and_questions() {
    let question_until = Request::Ask {
        to: Some(AgentId(1)),
        payload: Payload::text("why"),
        deadline_ms: Some(NOW_MS + 5),
    };
    let mut moves = asks(vec![subscribe("t"), receive(), question_until]);
    moves.extend([Move::Publish("t", 2), Move::Question(Some(2))]);
    moves.extend([Move::Answer, Move::Take, Move::End, Move::Due]);
    let room = Room {
        priorities: vec![0, 1],
        declared: Vec::new(),
        moves,
    };
    check("two parties, a topic, questions", &room, 200);
}

#[test]
fn three_parties_questions_and_a_latch() {
    let join = Request::Join {
        latches: names(&["l"]),
        need: Need::All,
        deadline_ms: None,
    };
    let count_down = Request::CountDown { latch: name("l") };
    let mut moves = asks(vec![join, count_down, receive(), CANCEL]);
    moves.extend([Some(1), Some(2)].map(Move::Question));
    moves.extend([Move::Answer, Move::End]);
    let room = Room {
        priorities: vec![0, 0, 1],
        declared: vec![latch("l", 1, &[2, 3])],
        moves,
    };
    check("three parties, questions, a latch", &room, 500);
}

//! What agents at work ask of each other: locks and their kin in whole runs.

use crate::world::{World, call, start, task, text};
use leadhand_engine::{Agent, AgentState, Run, replay, settle};
use leadhand_protocol::coordination::{
    Asker, Declaration, LockAsk, LockMode, Obtained, Payload, PrimitiveName, QuestionId, Request,
    Told, WaitEnd, WaitId,
};
use leadhand_protocol::{
    Access, Action, AgentId, Autonomy, CallId, Capability, Decision, Effect, Event, Finding, Goal,
    Grade, Grant, Input, Isolation, MessageType, OutcomeKind, PersonInput, Plan, Rule, Start,
    ToolOutput, ToolSpec, ToolTemplate,
};
use serde_json::json;
use std::sync::Arc;

pub(crate) fn work(name: &str, effect: Effect, accesses: Vec<Access>) -> ToolSpec {
    ToolSpec {
        name: name.into(),
        description: String::new(),
        arguments: Arc::new(json!({"type": "object"})),
        result: None,
        effect,
        accesses,
        probe: None,
        undo: None,
        isolation: Isolation::Native,
        trusted: true,
        equal_by: Vec::new(),
        poll_every_ms: None,
    }
}

/// A run of so many tasks that are one call of `work` each.
pub(crate) fn office(tasks: u32, effect: Effect) -> Start {
    let one = |nth: u32| {
        let mut task = task(&format!("t{nth}"), "");
        task.call = Some(ToolTemplate {
            tool: "work".into(),
            arguments: json!({}),
        });
        task
    };
    let plan = Plan {
        tasks: (0..tasks).map(one).collect(),
        answer: (0..tasks).next().map(|_| one(0).id),
    };
    let goal = Goal {
        autonomy: Autonomy::L5,
        ..Goal::new("Work.")
    };
    let mut start = start(goal, Some(plan), &[]);
    Arc::make_mut(&mut start.tools).push(work("work", effect, Vec::new()));
    start.limits.task_attempts_max = 1;
    start
}

/// All of them at work: what they call has not come back.
pub(crate) fn at_work(start: Start) -> World {
    let mut world = World::new([]);
    world.give(Input::Start(Arc::new(start)));
    world
}

pub(crate) fn name(name: &str) -> PrimitiveName {
    PrimitiveName::new(name).unwrap()
}

pub(crate) fn acquire(names: &[&str], deadline_ms: Option<u64>) -> Request {
    let ask = |it: &&str| LockAsk {
        lock: name(it),
        mode: LockMode::Exclusive,
    };
    Request::Acquire {
        locks: names.iter().map(ask).collect(),
        deadline_ms,
    }
}

pub(crate) fn release(lock: &str, fence: u64) -> Request {
    let lock = name(lock);
    Request::Release { lock, fence }
}

/// The first call of an agent whose turn is `turn`.
pub(crate) fn first(agent: u32, turn: u32) -> CallId {
    CallId {
        agent: AgentId(agent),
        turn,
        index: 0,
    }
}

/// An agent asks from within its call; what anybody is told of it, a line each.
pub(crate) fn asks(world: &mut World, call: CallId, nth: u32, request: Request) -> String {
    let asker = Asker {
        party: call.agent,
        wait: WaitId::of(call, nth).unwrap(),
    };
    let request = Box::new(request);
    told(world, Input::Requested { asker, request })
}

pub(crate) fn told(world: &mut World, input: Input) -> String {
    let actions = world.take(input);
    let lines = actions.iter().filter_map(|action| match action {
        Action::Tell { asker, told } => {
            let (party, nth) = (asker.party, asker.wait.nth());
            Some(format!("{party}.{nth} {}\n", words(told)))
        }
        _ => None,
    });
    let lines = lines.collect();
    world.pending.extend(actions);
    lines
}

fn words(told: &Result<Told, String>) -> String {
    match told {
        Ok(Told::Obtained(Obtained::Locks(held))) => {
            let one = held
                .iter()
                .map(|it| format!("has {} #{}", it.lock, it.fence));
            one.collect::<Vec<_>>().join(", ")
        }
        Ok(Told::Obtained(Obtained::Answered { from, payload, .. })) => {
            format!("is answered {} by {from}", payload.value)
        }
        Ok(Told::Entry { version, value, .. }) => match value {
            Some(value) => format!("reads {value}, version {version}"),
            None => "reads nothing".to_owned(),
        },
        Ok(Told::Ended(why)) => format!("ends: {why:?}"),
        Ok(Told::Deadlock(cycle)) => format!("is in a deadlock of {}", cycle.len()),
        Ok(other) => format!("{other:?}").to_lowercase(),
        Err(why) => format!("is refused: {why}"),
    }
}

pub(crate) fn finishes(world: &mut World, call: CallId) -> String {
    let outcome = Ok(ToolOutput::text("done"));
    told(world, Input::ToolFinished { call, outcome })
}

/// The records give the run again, whichever of them are the last.
pub(crate) fn holds(world: &World) {
    let mut run = Run::new();
    for record in &world.records {
        run.apply(record);
        let snapshot = run.to_snapshot().unwrap();
        let restored = Run::from_snapshot(&snapshot).unwrap();
        assert!(restored.to_snapshot().unwrap() == snapshot);
        assert_eq!(settle(&restored), settle(&run));
        let text = serde_json::to_string(&record.event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), *record.event);
    }
    replay(&world.records).unwrap_or_else(|difference| panic!("{difference}"));
}

#[test]
fn a_lock_is_one_agents_until_it_gives_it_back() {
    let mut world = at_work(office(2, Effect::Idempotent));
    let (a0, a1) = (first(0, 0), first(1, 0));
    let world = &mut world;
    assert_eq!(
        asks(world, a0, 1, acquire(&["db"], None)),
        "a0.1 has db #1\n"
    );
    assert_eq!(asks(world, a1, 1, acquire(&["db"], None)), "");
    let given = asks(world, a0, 2, release("db", 1));
    assert_eq!(given, "a0.2 done\na1.1 has db #2\n");
    finishes(world, a0);
    finishes(world, a1);
    world.carry_on();
    assert_eq!(world.kind(), OutcomeKind::Done);
    assert!(world.run.coordination().is_empty());
    holds(world);
}

#[test]
fn what_an_agent_holds_that_ends_goes_to_the_next() {
    let mut world = at_work(office(2, Effect::Idempotent));
    let (a0, a1) = (first(0, 0), first(1, 0));
    asks(&mut world, a0, 1, acquire(&["db"], None));
    assert_eq!(asks(&mut world, a1, 1, acquire(&["db"], None)), "");
    assert_eq!(finishes(&mut world, a0), "a1.1 has db #2\n");
    holds(&world);
}

#[test]
fn a_deadlock_is_told_to_whoever_closed_it_and_found() {
    let mut world = at_work(office(2, Effect::Idempotent));
    let (a0, a1) = (first(0, 0), first(1, 0));
    asks(&mut world, a0, 1, acquire(&["db"], None));
    asks(&mut world, a1, 1, acquire(&["log"], None));
    assert_eq!(asks(&mut world, a0, 2, acquire(&["log"], None)), "");
    let closed = asks(&mut world, a1, 2, acquire(&["db"], None));
    assert_eq!(closed, "a1.2 is in a deadlock of 2\n");
    let victim = Asker {
        party: AgentId(1),
        wait: WaitId::of(a1, 2).unwrap(),
    };
    let found = |event: &Event| matches!(event, Event::Found(Finding::Deadlock { victim: it, .. }) if *it == victim);
    assert!(world.journal.iter().any(found));
    let given = asks(&mut world, a1, 3, release("log", 2));
    assert_eq!(given, "a1.3 done\na0.2 has log #3\n");
    holds(&world);
}

#[test]
fn a_wait_ends_when_its_time_is_over() {
    let mut world = at_work(office(2, Effect::Idempotent));
    let (a0, a1) = (first(0, 0), first(1, 0));
    asks(&mut world, a0, 1, acquire(&["db"], None));
    world.at_ms = 10;
    assert_eq!(world.run.left_ms(10), None);
    assert_eq!(asks(&mut world, a1, 1, acquire(&["db"], Some(50))), "");
    assert_eq!(world.run.left_ms(10), Some(40));
    world.at_ms = 49;
    assert_eq!(told(&mut world, Input::TimeUp), "");
    world.at_ms = 50;
    let ended = told(&mut world, Input::TimeUp);
    assert_eq!(
        ended,
        format!("a1.1 ends: {:?}\n", WaitEnd::DeadlineReached)
    );
    assert_eq!(world.run.left_ms(50), None);
    holds(&world);
}

#[test]
fn a_call_that_is_made_again_is_told_again_and_goes_on_waiting() {
    let mut world = at_work(office(2, Effect::Idempotent));
    let (a0, a1) = (first(0, 0), first(1, 0));
    asks(&mut world, a0, 1, acquire(&["db"], None));
    asks(&mut world, a1, 1, acquire(&["db"], None));
    world.crash_and_resume();
    let world = &mut world;
    assert_eq!(asks(world, a1, 1, acquire(&["db"], Some(9_000))), "");
    assert_eq!(
        asks(world, a0, 1, acquire(&["db"], None)),
        "a0.1 has db #1\n"
    );
    let other = asks(world, a0, 1, acquire(&["log"], None));
    assert_eq!(
        other,
        "a0.1 is refused: request 1 of this call was another one when the call was made before: \
         a call that is made again asks for the same in the same order\n"
    );
    let given = asks(world, a0, 2, release("db", 1));
    assert_eq!(given, "a0.2 done\na1.1 has db #2\n");
    assert_eq!(asks(world, a0, 2, release("db", 1)), "a0.2 done\n");
    let given_back = asks(world, a0, 1, acquire(&["db"], None));
    assert_eq!(
        given_back,
        "a0.1 is refused: this call was made before and has given back by now what it had: call \
         anew\n"
    );
    holds(world);
}

#[test]
fn a_call_in_doubt_waits_for_nothing() {
    let mut world = at_work(office(3, Effect::Once));
    let (a0, a1, a2) = (first(0, 0), first(1, 0), first(2, 0));
    asks(&mut world, a0, 1, acquire(&["db"], None));
    asks(&mut world, a1, 1, acquire(&["db"], None));
    world.crash_and_resume();
    assert_eq!(world.run.coordination().waits().count(), 0);
    let asked = asks(&mut world, a2, 1, acquire(&["log"], None));
    assert_eq!(
        asked,
        "a2.1 is refused: no tool call that makes this request is at work: ask while one is\n"
    );
    holds(&world);
}

#[test]
fn only_a_call_at_work_asks_and_not_without_end() {
    let mut start = office(3, Effect::Idempotent);
    start.limits.requests_per_agent_max = 2;
    let mut world = at_work(start);
    let (a0, a1) = (first(0, 0), first(1, 0));
    finishes(&mut world, a0);
    assert_eq!(asks(&mut world, a0, 1, acquire(&["db"], None)), "");
    let elsewhere = asks(&mut world, first(1, 7), 1, acquire(&["db"], None));
    assert!(
        elsewhere.starts_with("a1.1 is refused: no tool call"),
        "{elsewhere}"
    );
    let declare = |by: u32| Request::Declare {
        name: name("ready"),
        declaration: Declaration::Latch {
            count: 1,
            by: vec![AgentId(by)],
        },
    };
    let ended = asks(&mut world, a1, 1, declare(0));
    assert_eq!(
        ended,
        "a1.1 is refused: a0 has ended: name only agents that are at work\n"
    );
    let once_more = asks(&mut world, a1, 2, declare(2));
    assert_eq!(
        once_more,
        "a1.2 is refused: a1 has made 2 requests, which is the most for one agent: ask less \
         often, or raise `requests_per_agent_max`\n"
    );
    let records = world.records.len();
    let no_more = asks(&mut world, first(1, 7), 1, declare(2));
    assert_eq!((no_more.as_str(), world.records.len()), ("", records));
    holds(&world);
}

#[test]
fn a_wait_is_taken_back_by_its_own_name() {
    let mut world = at_work(office(2, Effect::Idempotent));
    let (a0, a1) = (first(0, 0), first(1, 0));
    asks(&mut world, a0, 1, acquire(&["db"], None));
    asks(&mut world, a1, 1, acquire(&["db"], None));
    let wait = WaitId::of(a1, 1).unwrap();
    let back = asks(&mut world, a1, 1, Request::CancelWait { wait });
    assert_eq!(back, "a1.1 ends: Cancelled\n");
    let again = asks(&mut world, a1, 1, acquire(&["db"], None));
    assert_eq!(again, "a1.1 ends: Cancelled\n");
    assert_eq!(asks(&mut world, a0, 2, release("db", 1)), "a0.2 done\n");
    holds(&world);
}

#[test]
fn a_run_that_is_paused_keeps_nobody_waiting() {
    let pause = || Input::Person(PersonInput::Pause);
    let mut world = at_work(office(2, Effect::Once));
    let (a0, a1) = (first(0, 0), first(1, 0));
    asks(&mut world, a0, 1, acquire(&["db"], None));
    asks(&mut world, a1, 1, acquire(&["db"], None));
    assert_eq!(told(&mut world, pause()), "a1.1 ends: Cancelled\n");
    finishes(&mut world, a0);
    assert!(world.run.outcome().is_none());
    finishes(&mut world, a1);
    assert!(world.run.outcome().is_some());
    holds(&world);

    let mut world = at_work(office(2, Effect::Idempotent));
    asks(&mut world, a0, 1, acquire(&["db"], None));
    asks(&mut world, a1, 1, acquire(&["db"], None));
    assert_eq!(told(&mut world, pause()), "");
    finishes(&mut world, a0);
    assert!(world.run.outcome().is_some(), "nobody waits for a1");
    world.crash_and_resume();
    let asked_again = asks(&mut world, a1, 1, acquire(&["db"], None));
    assert_eq!(asked_again, "a1.1 has db #2\n");
    holds(&world);
}

#[test]
fn nobody_holds_anything_in_a_run_that_is_cancelled() {
    let mut world = at_work(office(3, Effect::Once));
    let (a0, a1) = (first(0, 0), first(1, 0));
    asks(&mut world, a0, 1, acquire(&["db"], None));
    asks(&mut world, a1, 1, acquire(&["log"], None));
    world.give(Input::Person(PersonInput::Cancel {
        grade: Grade::Stop,
        why: String::new(),
    }));
    finishes(&mut world, a0);
    let locks: Vec<String> = world
        .run
        .coordination()
        .locks()
        .map(ToString::to_string)
        .collect();
    assert_eq!(locks, ["log"]);
    holds(&world);
}

#[test]
fn what_is_read_on_the_board_brings_with_it_where_it_came_from() {
    let mut start = office(0, Effect::Pure);
    let net = vec![Access::new(Capability::Net, Some("url"))];
    Arc::make_mut(&mut start.tools).push(work("fetch", Effect::Pure, net));
    Arc::make_mut(&mut start.tools).last_mut().unwrap().trusted = false;
    Arc::make_mut(&mut start.roles).push(crate::world::role("clerk", &["fetch", "work"]));
    start.rules.push(Rule {
        capability: Some(Capability::Net),
        ..Rule::any(Decision::Allow)
    });
    start.grants.push(Grant {
        capability: Capability::Net,
        resource: "**".into(),
    });
    start.plan = Some(Arc::new(Plan {
        tasks: vec![task("t0", "clerk"), task("t1", "clerk")],
        answer: None,
    }));
    let fetch = call("fetch", json!({"url": "https://example.org/"}));
    let work = || call("work", json!({}));
    let mut world = World::new([fetch, work(), work(), text("done")]);
    world.give(Input::Start(Arc::new(start)));
    let acts = |world: &World, id: u32| {
        let mut agents = world.run.agents();
        agents.any(|it| it.id == AgentId(id) && matches!(it.state, AgentState::Acting(_)))
    };
    let works = |world: &World, id: u32| {
        let mut calls = world.run.agents().flat_map(Agent::calls);
        calls.any(|it| it.id.agent == AgentId(id) && it.call.name == "work")
    };
    while !(works(&world, 0) && works(&world, 1)) {
        let next = world.pending.iter().position(|action| {
            !matches!(action, Action::CallTool { tool_call, .. } if tool_call.name == "work")
        });
        let action = world
            .pending
            .remove(next.expect("something is left to do"))
            .unwrap();
        if let Some(input) = world.carry_out(action) {
            world.give(input);
        }
    }
    assert!(acts(&world, 0) && acts(&world, 1));
    let untrusted = |world: &World, id: u32| {
        let mut agents = world.run.agents();
        agents.any(|it| it.id == AgentId(id) && it.label().is_untrusted())
    };
    let (tainted, other) = if untrusted(&world, 0) { (0, 1) } else { (1, 0) };
    let turn = |world: &World, id: u32| {
        let mut agents = world.run.agents();
        agents.find(|it| it.id == AgentId(id)).unwrap().turns
    };
    let writer = first(tainted, turn(&world, tainted));
    let reader = first(other, turn(&world, other));
    let write = Request::CompareAndSet {
        key: name("price"),
        expected_version: 0,
        value: Arc::new(json!(7)),
    };
    assert_eq!(
        asks(&mut world, writer, 1, write),
        format!("a{tainted}.1 done\n")
    );
    assert!(!untrusted(&world, other));
    let read = Request::Read { key: name("price") };
    let entry = asks(&mut world, reader, 1, read);
    assert_eq!(entry, format!("a{other}.1 reads 7, version 1\n"));
    assert!(untrusted(&world, other), "what it read came from the web");
    holds(&world);
}

fn to_the_manager(question: &str) -> Request {
    Request::Ask {
        to: None,
        payload: Payload::text(question),
        deadline_ms: None,
    }
}

/// Carries out the next model call; what anybody is told of its reply.
fn thinks(world: &mut World) -> String {
    let is_it = |action: &Action| matches!(action, Action::CallModel { .. });
    let place = world.pending.iter().position(is_it);
    let action = world.pending.remove(place.expect("a model is called"));
    let input = world.carry_out(action.unwrap());
    told(world, input.expect("a model answers"))
}

#[test]
fn the_manager_answers_one_question_after_the_other() {
    let mut world = at_work(office(2, Effect::Idempotent));
    world.replies.extend([text("Blue."), text("Seven.")]);
    let (a0, a1) = (first(0, 0), first(1, 0));
    assert_eq!(asks(&mut world, a0, 1, to_the_manager("Which colour?")), "");
    assert_eq!(asks(&mut world, a1, 1, to_the_manager("How many?")), "");
    let thinking = |action: &&Action| matches!(action, Action::CallModel { .. });
    assert_eq!(world.pending.iter().filter(thinking).count(), 1);
    assert_eq!(thinks(&mut world), "a0.1 is answered \"Blue.\" by a2\n");
    assert_eq!(thinks(&mut world), "a1.1 is answered \"Seven.\" by a3\n");
    let prompt = &world.prompts[0];
    assert!(
        prompt.contains("The agent a0, which is at work on task t0, asks you:\nWhich colour?"),
        "{prompt}"
    );
    let meddling = asks(
        &mut world,
        a0,
        2,
        Request::Answer {
            question: QuestionId(1),
            payload: Payload::text("Red."),
        },
    );
    assert!(meddling.starts_with("a0.2 is refused: "), "{meddling}");
    holds(&world);
}

#[test]
fn whoever_asks_a_manager_that_gives_up_is_told() {
    let mut start = office(1, Effect::Idempotent);
    start.limits.faults_in_a_row_max = 1;
    let mut world = at_work(start);
    world.replies.push_back(text(""));
    asks(&mut world, first(0, 0), 1, to_the_manager("Which colour?"));
    let told = thinks(&mut world);
    assert!(told.starts_with("a0.1 ends: CannotBeMet"), "{told}");
    holds(&world);
}

#[test]
fn a_question_for_the_manager_is_for_nobody_else() {
    let mut world = at_work(office(2, Effect::Idempotent));
    asks(&mut world, first(0, 0), 1, to_the_manager("Which colour?"));
    let answer = Request::Answer {
        question: QuestionId(1),
        payload: Payload::text("Red."),
    };
    let refused = asks(&mut world, first(1, 0), 1, answer);
    assert_eq!(
        refused,
        "a1.1 is refused: question 1 is for the manager to answer, and not for a1\n"
    );
    holds(&world);
}

#[test]
fn what_is_said_is_held_against_its_type() {
    let mut start = office(1, Effect::Idempotent);
    start.message_types.push(MessageType {
        name: "offer".into(),
        version: 2,
        schema: json!({"type": "object", "required": ["cents"]}),
    });
    let mut world = at_work(start);
    let mut nth = 0;
    let mut check = |kind: &str, version: u32, value: serde_json::Value, why: &str| {
        nth += 1;
        let publish = Request::Publish {
            topic: name("market"),
            payload: Payload {
                kind: name(kind),
                version,
                value: Arc::new(value),
            },
        };
        let told = asks(&mut world, first(0, 0), nth, publish);
        let told = told.trim_end().split_once(' ').unwrap().1.to_owned();
        assert_eq!(told, why);
    };
    check(
        "offer",
        2,
        json!({"cents": 7}),
        "published { sequence: 1, receivers: 0 }",
    );
    check(
        "offer",
        2,
        json!({}),
        "is refused: the message is not what `offer` is: the field `cents` is missing",
    );
    check(
        "offer",
        3,
        json!({"cents": 7}),
        "is refused: the message type `offer` has version 2 in this run, and not 3: send it as version 2",
    );
    check(
        "bid",
        1,
        json!({}),
        "is refused: there is no message type `bid` in this run: it has text, offer",
    );
    check(
        "text",
        1,
        json!(7),
        "is refused: a message of type `text` is a JSON string and has version 1",
    );
    holds(&world);
}

#[test]
fn what_a_tool_says_that_nobody_vouches_for_is_no_more_trusted_than_what_it_gives() {
    let mut start = office(2, Effect::Pure);
    let mut foreign = work("foreign", Effect::Pure, Vec::new());
    foreign.trusted = false;
    Arc::make_mut(&mut start.tools).push(foreign);
    let plan = Arc::make_mut(start.plan.as_mut().unwrap());
    plan.tasks[1].call.as_mut().unwrap().tool = "foreign".into();
    let label = |world: &World, id: u32| {
        let mut agents = world.run.agents();
        let agent = agents.find(|it| it.id == AgentId(id)).unwrap();
        agent.label().is_untrusted()
    };
    let mut world = at_work(start);
    let (reader, writer) = (first(0, 0), first(1, 0));
    let question = Request::Ask {
        to: Some(AgentId(1)),
        payload: Payload::text("How much?"),
        deadline_ms: None,
    };
    asks(&mut world, reader, 1, question);
    assert!(!label(&world, 0) && !label(&world, 1));
    let answer = Request::Answer {
        question: QuestionId(1),
        payload: Payload::text("Seven."),
    };
    let told = asks(&mut world, writer, 1, answer);
    assert!(
        told.contains("a0.1 is answered \"Seven.\" by a1\n"),
        "{told}"
    );
    assert!(
        label(&world, 0),
        "what it was told came from a foreign tool"
    );
    holds(&world);
}

//! Permits that the run itself keeps: how many turns, tasks and calls go on at once.

mod histories;

use crate::coordination::{acquire, asks, at_work, finishes, first, holds, name, office, work};
use crate::world::{World, call, role, start, task, text};
use leadhand_engine::{Agent, AgentState, CallStatus, Run};
use leadhand_protocol::coordination::Request;
use leadhand_protocol::{
    Access, Action, AgentId, Answer, Autonomy, CallId, Capability, Decision, Effect, Goal, Grade,
    Grant, Input, ModelReply, OutcomeKind, PersonInput, Plan, Rule, SettingChange, Start, Task,
    ToolCall,
};
use serde_json::json;
use std::sync::Arc;

/// Calls at work, in the order of agents.
fn calls_at_work(world: &World) -> Vec<String> {
    let calls = world.run.agents().flat_map(Agent::calls);
    let calls = calls.filter(|call| call.status.is_in_flight());
    calls.map(|call| call.id.to_string()).collect()
}

/// Calls that wait for permits.
fn waiting(world: &World) -> Vec<String> {
    let calls = world.run.agents().flat_map(Agent::calls);
    let calls = calls.filter(|call| call.status == CallStatus::Approved);
    calls.map(|call| call.id.to_string()).collect()
}

fn thinking(world: &World) -> Vec<u32> {
    let agents = world.run.agents();
    let agents = agents.filter(|agent| matches!(agent.state, AgentState::Thinking));
    agents.map(|agent| agent.id.0).collect()
}

/// Who holds permits of a semaphore, and how many.
fn out(run: &Run, semaphore: &str) -> Vec<(u32, u32)> {
    let view = run.coordination().semaphore(&name(semaphore)).unwrap();
    view.holders
        .iter()
        .map(|(it, held)| (it.0, *held))
        .collect()
}

fn with(mut start: Start, permits: &[(&str, u32)]) -> Start {
    let permits = permits.iter().map(|(it, count)| (name(it), *count));
    start.permits = permits.collect();
    start
}

/// A plan of tasks that nothing is asked about.
fn planned(tasks: Vec<Task>) -> Start {
    let goal = Goal {
        autonomy: Autonomy::L5,
        ..Goal::new("Work.")
    };
    let answer = Some(tasks[0].id.clone());
    let mut start = start(goal, Some(Plan { tasks, answer }), &[]);
    Arc::make_mut(&mut start.tools).push(work("work", Effect::Idempotent, Vec::new()));
    start.limits.task_attempts_max = 1;
    start
}

fn replies(world: &mut World, agent: u32, reply: ModelReply) {
    let turn = |it: &Agent| (it.id.0 == agent).then_some(it.turns);
    let turn = world.run.agents().find_map(turn).unwrap();
    world.give(Input::ModelReplied {
        agent: AgentId(agent),
        turn,
        reply: Arc::new(reply),
    });
}

fn calls(tools: &[&str]) -> ModelReply {
    let call = |(nth, tool): (usize, &&str)| ToolCall {
        id: format!("c{nth}"),
        name: (*tool).to_owned(),
        arguments: json!({}),
    };
    ModelReply {
        tool_calls: tools.iter().enumerate().map(call).map(Arc::new).collect(),
        ..ModelReply::default()
    }
}

#[test]
fn calls_of_a_tool_wait_for_its_permits_in_the_order_in_which_they_came() {
    let start = with(office(3, Effect::Idempotent), &[("tool/work", 1)]);
    let mut world = at_work(start);
    let (a0, a1, a2) = (first(0, 0), first(1, 0), first(2, 0));
    let check = |world: &World, expected: &[&str]| {
        let found = [calls_at_work(world), waiting(world)].concat();
        assert_eq!(found, expected);
        let holder = expected[0][1..2].parse().unwrap();
        assert_eq!(out(&world.run, "tool/work"), [(holder, 1)]);
    };
    check(&world, &["a0.t0.c0", "a1.t0.c0", "a2.t0.c0"]);
    let awaited = world.run.awaited_permits(AgentId(2)).next().unwrap();
    assert_eq!(awaited, (Some(a2), [name("tool/work")].as_slice()));
    finishes(&mut world, a0);
    check(&world, &["a1.t0.c0", "a2.t0.c0"]);
    world.crash_and_resume();
    check(&world, &["a1.t0.c0", "a2.t0.c0"]);
    let is_call = |action: &&Action| matches!(action, Action::CallTool { .. });
    let again = world.pending.iter().filter(is_call).count();
    assert_eq!(again, 1, "a call made again keeps its permit");
    finishes(&mut world, a1);
    check(&world, &["a2.t0.c0"]);
    finishes(&mut world, a2);
    assert_eq!(out(&world.run, "tool/work"), []);
    assert!(world.run.outcome().is_some());
    holds(&world);
}

#[test]
fn a_call_that_is_in_doubt_or_given_up_gives_its_permit_back() {
    let start = with(office(2, Effect::Once), &[("tool/work", 1)]);
    let mut world = at_work(start.clone());
    world.crash_and_resume();
    assert_eq!(calls_at_work(&world), ["a1.t0.c0"], "a0 is in doubt");
    let question = |action: &Action| match action {
        Action::AskPerson { request, .. } => Some(*request),
        _ => None,
    };
    let request = world.pending.iter().find_map(question).unwrap();
    world.give(Input::Person(PersonInput::Answers {
        request,
        answer: Answer::Repeat,
        shown: None,
    }));
    assert_eq!(waiting(&world), ["a0.t0.c0"], "it waits like any other");
    finishes(&mut world, first(1, 0));
    assert_eq!(out(&world.run, "tool/work"), [(0, 1)]);
    holds(&world);

    let mut world = at_work(start);
    world.give(Input::Person(PersonInput::Cancel {
        grade: Grade::Abort,
        why: String::new(),
    }));
    assert_eq!(out(&world.run, "tool/work"), []);
    assert!(world.run.outcome().is_some());
    holds(&world);
}

#[test]
fn what_could_tell_of_a_call_in_doubt_waits_for_its_permit() {
    let mut start = office(2, Effect::Once);
    let look = work("look", Effect::Pure, Vec::new());
    Arc::make_mut(&mut start.tools).last_mut().unwrap().probe = Some("look".into());
    Arc::make_mut(&mut start.tools).push(look);
    let mut world = at_work(with(start, &[("tool/look", 1)]));
    world.crash_and_resume();
    assert_eq!(out(&world.run, "tool/look"), [(0, 1)]);
    assert_eq!(calls_at_work(&world), ["a0.t0.c0"]);
    world.results.insert(
        "look".into(),
        Ok(json!({"took_effect": true, "result": "done"}).to_string()),
    );
    world.carry_on();
    assert_eq!(world.kind(), OutcomeKind::Done);
    assert_eq!(world.made, ["look", "look"]);
    holds(&world);
}

#[test]
fn turns_wait_for_the_model_that_they_call_first() {
    let mut start = planned(vec![task("a", "x"), task("b", "x"), task("c", "y")]);
    let models = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    for (name, own) in [("x", vec![]), ("y", models(&["big", "small"]))] {
        let mut role = role(name, &["work"]);
        role.models = own;
        Arc::make_mut(&mut start.roles).push(role);
    }
    start.default_model = "small".into();
    let mut world = at_work(with(start, &[("model/small", 1), ("model/big", 1)]));
    assert_eq!(thinking(&world), [0, 2]);
    // Whoever comes back stands behind who waits.
    replies(&mut world, 0, calls(&["work"]));
    assert_eq!(thinking(&world), [1, 2]);
    finishes(&mut world, first(0, 1));
    assert_eq!(thinking(&world), [1, 2]);
    replies(&mut world, 1, text("done").unwrap());
    assert_eq!(thinking(&world), [0, 2]);
    assert_eq!(out(&world.run, "model/small"), [(0, 1)]);
    // With other models, a turn that is taken again needs the permit of another one.
    world.order(PersonInput::Pause).unwrap();
    let mut change = SettingChange::default();
    change.models.insert("y".into(), models(&["small"]));
    world.order(PersonInput::Change(Box::new(change))).unwrap();
    assert_eq!(out(&world.run, "model/small"), []);
    world.crash_and_resume();
    assert_eq!(thinking(&world).len(), 1);
    assert_eq!(out(&world.run, "model/big"), []);
    holds(&world);
}

#[test]
fn tasks_of_a_role_wait_while_others_begin() {
    let tasks = [
        ("a", "x"),
        ("b", "x"),
        ("c", "y"),
        ("d", "y"),
        ("e", "writer"),
    ];
    let tasks: Vec<Task> = tasks.iter().map(|(id, role)| task(id, role)).collect();
    let mut start = planned(tasks);
    start.limits.workers_max = 5;
    for name in ["x", "y"] {
        let mut role = role(name, &["work"]);
        role.workers_max = 1;
        Arc::make_mut(&mut start.roles).push(role);
    }
    // What the run says goes before what the role does.
    let mut world = at_work(with(start, &[("role/y", 2)]));
    assert_eq!(thinking(&world).len(), 4);
    assert_eq!(out(&world.run, "role/x"), [(0, 1)]);
    assert_eq!(out(&world.run, "role/y"), [(1, 1), (2, 1)]);
    replies(&mut world, 0, text("fine").unwrap());
    assert_eq!(out(&world.run, "role/x"), [(4, 1)]);
    holds(&world);
}

#[test]
fn a_call_takes_its_tool_and_all_hosts_that_it_may_reach_or_nothing() {
    let tasks = ["a", "b", "c"].map(|id| task(id, "clerk")).into();
    let mut start = planned(tasks);
    let net = |name: &str, argument| {
        let mut tool = work(
            name,
            Effect::Pure,
            vec![Access::new(Capability::Net, argument)],
        );
        tool.arguments = Arc::new(json!({"type": "object"}));
        tool
    };
    Arc::make_mut(&mut start.tools).push(net("fetch", Some("url")));
    Arc::make_mut(&mut start.tools).push(net("crawl", None));
    Arc::make_mut(&mut start.roles).push(role("clerk", &["fetch", "crawl"]));
    start.rules.push(Rule {
        capability: Some(Capability::Net),
        ..Rule::any(Decision::Allow)
    });
    start.grants.push(Grant {
        capability: Capability::Net,
        resource: "**".into(),
    });
    let permits = [
        ("tool/fetch", 2),
        ("host/one.example.org", 1),
        ("host/two.example.org", 1),
        ("host/elsewhere.org", 1),
    ];
    let mut world = at_work(with(start, &permits));
    let fetch = |host: &str| {
        let arguments = json!({"url": format!("https://{host}.example.org/a")});
        call("fetch", arguments).unwrap()
    };
    let calls = |world: &World| (calls_at_work(world), waiting(world));
    let ids = |ids: &[&str]| -> Vec<String> { ids.iter().map(ToString::to_string).collect() };
    replies(&mut world, 0, fetch("one"));
    replies(&mut world, 1, call("crawl", json!({})).unwrap());
    replies(&mut world, 2, fetch("two"));
    let waits = ids(&["a1.t1.c0", "a2.t1.c0"]);
    assert_eq!(calls(&world), (ids(&["a0.t1.c0"]), waits));
    assert_eq!(out(&world.run, "host/two.example.org"), []);
    finishes(&mut world, first(0, 1));
    assert_eq!(calls(&world), (ids(&["a1.t1.c0"]), ids(&["a2.t1.c0"])));
    for (host, _) in &permits[1..] {
        assert_eq!(out(&world.run, host), [(1, 1)]);
    }
    finishes(&mut world, first(1, 1));
    assert_eq!(calls(&world), (ids(&["a2.t1.c0"]), vec![]));
    for semaphore in ["tool/fetch", "host/two.example.org"] {
        assert_eq!(out(&world.run, semaphore), [(2, 1)]);
    }
    assert_eq!(out(&world.run, "host/elsewhere.org"), []);
    holds(&world);
}

#[test]
fn what_an_agent_waits_for_itself_is_not_touched() {
    let tasks = vec![task("a", "clerk"), task("b", "clerk")];
    let mut start = planned(tasks);
    Arc::make_mut(&mut start.tools).push(work("other", Effect::Idempotent, Vec::new()));
    Arc::make_mut(&mut start.roles).push(role("clerk", &["work", "other"]));
    let mut world = at_work(with(start, &[("tool/other", 1)]));
    replies(&mut world, 0, calls(&["work", "other"]));
    replies(&mut world, 1, calls(&["work", "other"]));
    let (a0, a1) = (first(0, 1), first(1, 1));
    let world = &mut world;
    assert_eq!(
        asks(world, a0, 1, acquire(&["db"], None)),
        "a0.1 has db #1\n"
    );
    assert_eq!(asks(world, a1, 1, acquire(&["db"], None)), "");
    assert_eq!(waiting(world), ["a1.t1.c1"]);
    let other = CallId { index: 1, ..a0 };
    assert_eq!(finishes(world, other), "");
    assert_eq!(out(&world.run, "tool/other"), [(1, 1)]);
    let waits: Vec<u32> = world
        .run
        .coordination()
        .waits()
        .map(|(it, _)| it.0)
        .collect();
    assert_eq!(waits, [1], "a1 waits for the lock as before");
    let semaphore = name("tool/other");
    let permits = 1;
    let give = Request::Give { semaphore, permits };
    let refused = asks(world, a1, 2, give);
    assert_eq!(
        refused,
        "a1.2 is refused: the run itself takes and gives the permits of `tool/other`: use a name \
         of your own\n"
    );
    holds(world);
}

#[test]
fn what_undoes_a_run_stands_in_no_line() {
    let tasks = vec![task("a", "clerk"), task("b", "clerk"), task("c", "clerk")];
    let mut start = planned(tasks);
    let mut book = work("book", Effect::Compensable, Vec::new());
    book.undo = Some("unbook".into());
    Arc::make_mut(&mut start.tools).push(book);
    Arc::make_mut(&mut start.tools).push(work("unbook", Effect::Idempotent, Vec::new()));
    Arc::make_mut(&mut start.roles).push(role("clerk", &["book", "unbook", "work"]));
    let mut world = at_work(with(start, &[("tool/unbook", 1), ("role/clerk", 3)]));
    replies(&mut world, 0, calls(&["book"]));
    finishes(&mut world, first(0, 1));
    replies(&mut world, 1, calls(&["unbook"]));
    replies(&mut world, 2, calls(&["unbook"]));
    world.pending.clear();
    world
        .order(PersonInput::RollBack { why: "no".into() })
        .unwrap();
    assert_eq!(waiting(&world), ["a2.t1.c0"]);
    finishes(&mut world, first(1, 1));
    assert_eq!(out(&world.run, "tool/unbook"), [(3, 1)]);
    world.carry_on();
    assert_eq!(world.kind(), OutcomeKind::Cancelled);
    assert_eq!(world.made.last().map(String::as_str), Some("unbook"));
    holds(&world);
}

#[test]
fn names_that_are_nothing_here_bound_nothing() {
    let start = with(office(2, Effect::Pure), &[("tool/gone", 1), ("x/work", 1)]);
    let world = at_work(start);
    assert_eq!(calls_at_work(&world).len(), 2);
    let room = world.run.coordination();
    assert!(room.semaphore(&name("tool/gone")).is_some());
    assert!(room.semaphore(&name("x/work")).is_none());
    holds(&world);
}

#[test]
fn an_agent_that_ends_leaves_the_line() {
    let mut start = with(office(3, Effect::Once), &[("tool/work", 1)]);
    let plan = Arc::make_mut(start.plan.as_mut().unwrap());
    plan.tasks[1].budget.seconds_max = Some(1);
    let mut world = at_work(start);
    world.at_ms = 2_000;
    world.give(Input::TimeUp);
    assert_eq!(waiting(&world), ["a2.t0.c0"]);
    finishes(&mut world, first(0, 0));
    assert_eq!(calls_at_work(&world), ["a2.t0.c0"]);
    holds(&world);
}

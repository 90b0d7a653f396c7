//! What is done about findings: each rung, one after the other, and only for what was found.

use crate::world::{World, call, draft, drafted, role, start, task, text};
use leadhand_protocol::{
    Answer, Autonomy, Effect, Event, Finding, Goal, Isolation, ModelFault, ModelReply, OutcomeKind,
    Plan, Start, ToolSpec,
};
use serde_json::json;
use std::sync::Arc;

/// A start with a tool `look` of the embedder's, which the role `looker` has.
fn looking(goal: Goal, plan: Option<Plan>) -> Start {
    let mut start = start(goal, plan, &[]);
    Arc::make_mut(&mut start.tools).push(ToolSpec {
        name: "look".into(),
        description: String::new(),
        arguments: Arc::new(json!({"type": "object", "properties": {"at": {"type": "string"}}})),
        result: None,
        effect: Effect::Pure,
        accesses: Vec::new(),
        probe: None,
        undo: None,
        isolation: Isolation::Native,
        trusted: true,
        equal_by: Vec::new(),
        poll_every_ms: None,
    });
    Arc::make_mut(&mut start.roles).push(role("looker", &["look"]));
    start.limits.task_attempts_max = 1;
    start
}

fn ready() -> Option<Plan> {
    Some(Plan {
        tasks: vec![task("t", "looker")],
        answer: None,
    })
}

fn look(at: &str) -> Result<ModelReply, ModelFault> {
    call("look", json!({ "at": at }))
}

fn goal(autonomy: Autonomy) -> Goal {
    Goal {
        autonomy,
        ..Goal::new("Look.")
    }
}

/// The rungs that were taken, in a word each.
fn rungs(world: &World) -> Vec<&'static str> {
    let rung = |event: &Event| match event {
        Event::Found(Finding::Loop(_)) => Some("found"),
        Event::Told { text, .. } if text.contains("it is refused") => Some("told"),
        Event::Told { text, .. } if text.contains("are not made until") => Some("changed"),
        Event::TaskFailed { .. } => Some("failed"),
        Event::PersonAsked { .. } => Some("asked"),
        Event::StopOrdered { .. } => Some("stopped"),
        _ => None,
    };
    world.journal.iter().filter_map(rung).collect()
}

#[test]
fn where_nobody_is_asked_a_loop_is_told_changed_and_stopped() {
    let replies = std::iter::repeat_with(|| look("a")).take(14);
    let world = World::new(replies).go(looking(goal(Autonomy::L5), ready()));
    assert_eq!(
        rungs(&world),
        [
            "found", "told", "found", "changed", "found", "failed", "stopped"
        ]
    );
    assert_eq!(world.kind(), OutcomeKind::LoopFound);
    assert_eq!(world.outcome.as_ref().unwrap().tasks[0].state, "failed");
    crate::world::replays(&world.journal);
}

#[test]
fn a_crash_on_any_rung_loses_nothing_of_the_ladder() {
    let turns = || {
        let steer = [look("b"), text("seen")];
        std::iter::repeat_with(|| look("a")).take(5).chain(steer)
    };
    let whole = |crash_at: Option<usize>| {
        let mut world = World::new(turns());
        world.answers.push_back(Answer::Steer {
            text: "look at b".into(),
        });
        let start = looking(goal(Autonomy::L4), ready());
        world.give(leadhand_protocol::Input::Start(Arc::new(start)));
        let mut carried = 0;
        loop {
            if Some(carried) == crash_at && world.run.outcome().is_none() {
                world.crash_and_resume();
            }
            carried += 1;
            let Some(action) = world.pending.pop_front() else {
                break;
            };
            if let Some(input) = world.carry_out(action) {
                world.give(input);
            }
        }
        assert_eq!(world.kind(), OutcomeKind::Done, "{}", world.told());
        (rungs(&world), carried)
    };
    let (unbroken, carried) = whole(None);
    assert_eq!(
        unbroken,
        ["found", "told", "found", "changed", "found", "asked"]
    );
    for crash_at in 1..carried {
        assert_eq!(whole(Some(crash_at)).0, unbroken, "crash at {crash_at}");
    }
}

#[test]
fn another_attempt_begins_where_the_last_one_ended_on_the_ladder() {
    let mut start = looking(goal(Autonomy::L5), ready());
    start.limits.task_attempts_max = 2;
    let attempt = || std::iter::repeat_with(|| look("a")).take(5);
    let replies = attempt().chain([look("b"), text("seen")]);
    let world = World::new(replies).go(start.clone());
    assert_eq!(world.kind(), OutcomeKind::Done, "{}", world.told());
    let world = World::new(attempt().chain(attempt())).go(start);
    assert_eq!(
        rungs(&world),
        [
            "found", "told", "found", "changed", "found", "found", "failed", "stopped"
        ]
    );
    assert_eq!(world.made.len(), 7, "{}", world.told());
}

#[test]
fn a_call_that_is_barred_is_not_made() {
    let replies = std::iter::repeat_with(|| look("a")).take(14);
    let world = World::new(replies).go(looking(goal(Autonomy::L5), ready()));
    let refused = world.journal.iter().filter(
        |event| matches!(event, Event::ToolFinished { outcome: Err(fault), .. } if fault.message.contains("was not made")),
    );
    assert_eq!(refused.count(), 1);
    assert_eq!(world.made.len(), 4, "{}", world.told());
}

#[test]
fn a_person_is_asked_and_lets_it_go_on_or_not() {
    let run = |answer: Option<Answer>, then: Vec<Result<ModelReply, ModelFault>>| {
        let replies = std::iter::repeat_with(|| look("a")).take(5).chain(then);
        let mut world = World::new(replies);
        world.answers.extend(answer);
        world.go(looking(goal(Autonomy::L4), ready()))
    };
    let steer = Answer::Steer {
        text: "look at b".into(),
    };
    let world = run(Some(steer), vec![look("b"), text("seen")]);
    assert_eq!(world.kind(), OutcomeKind::Done, "{}", world.told());
    assert!(world.prompts[5].contains("look at b"));
    crate::world::replays(&world.journal);
    let deny = Answer::Deny {
        reason: "enough".into(),
    };
    for answer in [Some(deny), None] {
        let world = run(answer, Vec::new());
        assert_eq!(world.kind(), OutcomeKind::LoopFound, "{}", world.told());
        crate::world::replays(&world.journal);
    }
}

#[test]
fn what_is_found_goes_to_the_manager_and_the_task_is_not_tried_again() {
    let first = drafted(&json!([draft("t1", "looker", &[], false, &[], "")]));
    let second = drafted(&json!([draft("t2", "writer", &[], false, &[], "")]));
    let replies = [first]
        .into_iter()
        .chain(std::iter::repeat_with(|| look("a")).take(5))
        .chain([second, text("seen")]);
    let world = World::new(replies).go(looking(goal(Autonomy::L5), None));
    assert_eq!(world.kind(), OutcomeKind::Done, "{}", world.told());
    assert_eq!(
        rungs(&world),
        ["found", "told", "found", "changed", "found", "failed"]
    );
    assert!(world.prompts[6].contains("circles"), "{}", world.prompts[6]);
    crate::world::replays(&world.journal);
}

#[test]
fn what_others_finished_is_kept_and_what_differs_is_no_loop() {
    let tasks = vec![task("ok", "writer"), task("t", "looker")];
    let plan = Plan {
        tasks,
        answer: None,
    };
    let replies = [text("fine")]
        .into_iter()
        .chain(std::iter::repeat_with(|| look("a")).take(14));
    let world = World::new(replies).go(looking(goal(Autonomy::L5), Some(plan)));
    let states: Vec<String> = world
        .outcome
        .unwrap()
        .tasks
        .into_iter()
        .map(|it| it.state)
        .collect();
    assert_eq!(states, ["done", "failed"]);
}

#[test]
fn autonomy_drops_once_something_is_found() {
    let replies = std::iter::repeat_with(|| look("a"))
        .take(3)
        .chain([call("pay", json!({})), text("done")]);
    let mut start = looking(goal(Autonomy::L4), ready());
    let mut pay = start.tools.last().unwrap().clone();
    pay.name = "pay".into();
    pay.effect = Effect::Once;
    Arc::make_mut(&mut start.tools).push(pay);
    Arc::make_mut(&mut start.roles)
        .last_mut()
        .unwrap()
        .tools
        .push("pay".into());
    let mut world = World::new(replies);
    world.answers.push_back(Answer::Allow);
    let world = world.go(start);
    assert_eq!(
        rungs(&world),
        ["found", "told", "asked"],
        "{}",
        world.told()
    );
    assert_eq!(world.kind(), OutcomeKind::Done);
}

#[test]
fn another_model_is_asked_once_the_agent_was_told() {
    let replies = std::iter::repeat_with(|| look("a"))
        .take(4)
        .chain([text("seen")]);
    let mut start = looking(goal(Autonomy::L5), ready());
    let models = ["one", "two"].map(str::to_owned).to_vec();
    Arc::make_mut(&mut start.roles).last_mut().unwrap().models = models;
    let mut world = World::new(replies);
    world.give(leadhand_protocol::Input::Start(Arc::new(start)));
    let mut first = Vec::new();
    while let Some(action) = world.pending.pop_front() {
        if let leadhand_protocol::Action::CallModel { request, .. } = &action {
            first.push(request.models[0].clone());
        }
        if let Some(input) = world.carry_out(action) {
            world.give(input);
        }
    }
    assert_eq!(first, ["one", "one", "one", "one", "two"]);
}

#[test]
fn a_poll_whose_answer_moves_is_left_alone() {
    let replies = std::iter::repeat_with(|| look("job"))
        .take(10)
        .chain([text("over")]);
    let mut world = World::new(replies);
    world.give(leadhand_protocol::Input::Start(Arc::new(looking(
        goal(Autonomy::L5),
        ready(),
    ))));
    let mut percent = 0;
    while let Some(action) = world.pending.pop_front() {
        percent += 7;
        let moved = Ok(format!("{percent} % of the job is done"));
        world.results.insert("look".into(), moved);
        if let Some(input) = world.carry_out(action) {
            world.give(input);
        }
    }
    assert_eq!(rungs(&world), Vec::<&str>::new(), "{}", world.told());
    assert_eq!(world.kind(), OutcomeKind::Done);
}

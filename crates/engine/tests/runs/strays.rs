//! Work that leaves the plan: what is found, and what is done about it.

use crate::world::{World, call, check, draft, drafted, replays, role, start, task, text, tool};
use leadhand_protocol::{
    Action, AgentId, Autonomy, Capability, DeclaredCall, Effect, Event, Finding, Goal, Input,
    Isolation, ModelFault, ModelReply, OutcomeKind, Plan, Purpose, Start, Task, TaskInput,
    TaskSource, ToolSpec,
};
use serde_json::json;
use std::sync::Arc;

type Reply = Result<ModelReply, ModelFault>;

fn goal() -> Goal {
    Goal {
        autonomy: Autonomy::L5,
        ..Goal::new("Go.")
    }
}

fn started(tasks: Vec<Task>, files: &[&str]) -> Start {
    let plan = Plan {
        tasks,
        answer: None,
    };
    let mut start = start(goal(), Some(plan), files);
    start.limits.task_attempts_max = 1;
    start
}

fn write(path: &str) -> Reply {
    call("write_file", json!({"path": path, "content": "x"}))
}

/// A tool of the embedder's, which says nothing of what it touches.
fn own(name: &str, effect: Effect) -> ToolSpec {
    ToolSpec {
        accesses: Vec::new(),
        arguments: Arc::new(json!({"type": "object"})),
        isolation: Isolation::Native,
        ..tool(name, Capability::FsRead, effect)
    }
}

fn found(world: &World) -> Vec<String> {
    let told = |event: &Event| match event {
        Event::Found(Finding::Divergence(found)) => Some(format!(
            "{} {}",
            found.rule.name(),
            found.evidence.replace('`', "")
        )),
        _ => None,
    };
    world.journal.iter().filter_map(told).collect()
}

#[test]
fn done_without_a_call_is_sent_back_and_then_stops_the_run() {
    let world =
        World::new([text("Done."), text("Done.")]).go(started(vec![task("t", "coder")], &[]));
    check(
        &world,
        "
        plan 0: t
        a0 coder starts: task t attempt 1
        left the plan: empty_claim
        a0 is told a fault
        left the plan: empty_claim
        t failed
        stop: DivergenceFound WrapUp
        ended: DivergenceFound",
    );
    let mended = [
        text("Done."),
        call("read_file", json!({"path": "a"})),
        text("Done."),
    ];
    let world = World::new(mended)
        .file("a", "a")
        .go(started(vec![task("t", "coder")], &["a"]));
    assert_eq!(world.kind(), OutcomeKind::Done, "{}", world.told());
    assert!(
        world.prompts[1].contains("made no call"),
        "{}",
        world.prompts[1]
    );
}

#[test]
fn a_planned_write_that_never_came_is_no_result() {
    let writing = || Task {
        writes: vec!["out/report.md".into(), "docs/**".into()],
        ..task("t", "coder")
    };
    let read = || call("read_file", json!({"path": "a"}));
    let world = World::new([
        read(),
        text("All is in it."),
        write("out/report.md"),
        text("It is written."),
    ])
    .file("a", "a")
    .go(started(vec![writing()], &["a"]));
    assert_eq!(
        found(&world),
        ["missing_write the task declares that it writes out/report.md, and did not"]
    );
    assert_eq!(world.kind(), OutcomeKind::Done);
    replays(&world.journal);
    let world = World::new([read(), text("All is in it."), text("It really is.")])
        .file("a", "a")
        .go(started(vec![writing()], &["a"]));
    assert_eq!(
        world.kind(),
        OutcomeKind::DivergenceFound,
        "{}",
        world.told()
    );
    // A file that is there may well need no change.
    let world = World::new([read(), text("Nothing to change.")])
        .file("a", "a")
        .go(started(vec![writing()], &["a", "out/report.md"]));
    assert_eq!(found(&world), Vec::<String>::new());
}

#[test]
fn a_write_beside_the_plan_is_told_once_and_then_refused_and_stopped() {
    let writing = Task {
        writes: vec!["out/**".into()],
        ..task("t", "coder")
    };
    let replies = std::iter::repeat_with(|| write("secret.md")).take(9);
    let world = World::new(replies).go(started(vec![writing], &[]));
    assert_eq!(
        world.kind(),
        OutcomeKind::DivergenceFound,
        "{}",
        world.told()
    );
    let beside = "undeclared write_file touched the path secret.md, which the task did not declare";
    assert_eq!(found(&world), [beside; 3]);
    replays(&world.journal);
}

#[test]
fn a_file_that_a_tool_changed_beside_the_plan_is_found_after_the_fact() {
    let mut start = started(vec![task("t", "maker")], &[]);
    Arc::make_mut(&mut start.tools).push(own("make", Effect::Idempotent));
    Arc::make_mut(&mut start.roles).push(role("maker", &["make"]));
    let mut world = World::new([call("make", json!({})), text("It is made.")]);
    world
        .changes
        .insert("make".into(), vec!["build.log".into()]);
    let world = world.go(start);
    assert_eq!(
        found(&world),
        ["unplanned_write build.log was changed, and the task declares no writes"]
    );
    assert_eq!(world.kind(), OutcomeKind::Done);
}

#[test]
fn an_effect_that_the_task_did_not_declare_is_found() {
    let declared = |tool: &str, to: Option<&str>| DeclaredCall {
        tool: tool.to_owned(),
        arguments: to
            .map(|to| ("to".to_owned(), json!(to)))
            .into_iter()
            .collect(),
    };
    let run = |effects: Vec<DeclaredCall>| {
        let sending = Task {
            effects,
            ..task("t", "clerk")
        };
        let mut start = started(vec![sending], &[]);
        for name in ["send", "book"] {
            Arc::make_mut(&mut start.tools).push(own(name, Effect::Idempotent));
        }
        Arc::make_mut(&mut start.roles).push(role("clerk", &["send", "book"]));
        let replies = [call("send", json!({"to": "b"})), text("It is on its way.")];
        found(&World::new(replies).go(start))
    };
    assert_eq!(run(Vec::new()), Vec::<String>::new());
    assert_eq!(run(vec![declared("send", Some("b"))]), Vec::<String>::new());
    assert_eq!(
        run(vec![declared("book", None)]),
        ["undeclared the tool send was called, which the task did not declare"]
    );
    assert_eq!(
        run(vec![declared("send", Some("a"))]),
        ["undeclared send touched the resource {\"to\":\"b\"}, which the task did not declare"]
    );
}

#[test]
fn an_output_off_its_contract_to_the_last_is_on_record() {
    let typed = Task {
        output_schema: Some(json!({"type": "object", "required": ["n"]})),
        ..task("t", "reviewer")
    };
    let mut start = started(vec![typed], &[]);
    start.limits.task_attempts_max = 1;
    let world = World::new([text("{}"), text("{}")]).go(start);
    assert_eq!(
        found(&world),
        ["off_contract the output does not fit its schema: the field n is missing"]
    );
    assert_eq!(world.kind(), OutcomeKind::NotAchieved);
    replays(&world.journal);
}

#[test]
fn who_works_from_a_file_that_changes_meanwhile_is_told() {
    let reading = Task {
        inputs: vec![TaskInput {
            name: "the plan".into(),
            from: TaskSource::File("a.md".into()),
            schema: None,
        }],
        ..task("reads", "reviewer")
    };
    let writing = Task {
        writes: vec!["a.md".into()],
        ..task("writes", "coder")
    };
    let mut world = World::new([write("a.md"), text("It is new.")]).file("a.md", "old");
    let start = started(vec![reading, writing], &["a.md"]);
    world.give(Input::Start(Arc::new(start)));
    // All of the writer's work is carried out while the model of the reader thinks.
    let is_readers =
        |action: &Action| matches!(action, Action::CallModel { agent, .. } if *agent == AgentId(0));
    let mut thinking = None;
    while let Some(action) = world.pending.pop_front() {
        if is_readers(&action) {
            thinking = Some(action);
        } else if let Some(input) = world.carry_out(action) {
            world.give(input);
        }
    }
    world.replies = [text("From the old."), text("From the new."), text("All.")].into();
    world.pending.extend(thinking);
    world.carry_on();
    assert_eq!(
        found(&world),
        ["stale_input since the work was begun, the plan is not what it was"]
    );
    assert_eq!(world.kind(), OutcomeKind::Done, "{}", world.told());
    let artifact = world.outcome.as_ref().unwrap().tasks[0]
        .artifact
        .as_ref()
        .unwrap();
    assert_eq!(
        artifact.bytes,
        "From the new.".len() as u64,
        "{}",
        world.told()
    );
    replays(&world.journal);
}

#[test]
fn far_more_time_than_was_estimated_is_told_at_each_multiple() {
    let short = Task {
        estimate_seconds: 100,
        ..task("t", "coder")
    };
    let reads = (0..5).map(|n| call("read_file", json!({"path": format!("{n}")})));
    let mut world = World::new(reads.chain([text("It is long.")]));
    for n in 0..5 {
        world.files.insert(n.to_string(), format!("part {n}"));
    }
    world.give(Input::Start(Arc::new(started(vec![short], &[]))));
    while let Some(action) = world.pending.pop_front() {
        if matches!(action, Action::CallModel { .. }) {
            world.at_ms += 110_000;
        }
        if let Some(input) = world.carry_out(action) {
            world.give(input);
        }
    }
    assert_eq!(
        found(&world),
        ["over_estimate 440 seconds are spent, and 100 were estimated"]
    );
    assert_eq!(world.kind(), OutcomeKind::Done);
}

#[test]
fn a_revision_that_leaves_the_same_to_do_is_sent_back_and_then_stops_the_run() {
    let planned =
        |id: &str, file: &str| drafted(&json!([draft(id, "writer", &[], false, &[], file)]));
    let run = |replies: Vec<Reply>| {
        let mut start = start(goal(), None, &[]);
        start.limits.task_attempts_max = 1;
        start.limits.faults_in_a_row_max = 1;
        World::new(replies).go(start)
    };
    let failed = || vec![planned("t1", ""), text("")];
    let revised = |second: Reply, third: Vec<Reply>| {
        let mut replies = failed();
        replies.push(second);
        replies.extend(third);
        run(replies)
    };
    let world = revised(planned("t2", ""), vec![planned("t2", "")]);
    let kinds: Vec<&str> = world
        .journal
        .iter()
        .filter_map(|event| match event {
            Event::Found(Finding::Loop(found)) => Some(found.rule.name()),
            _ => None,
        })
        .collect();
    assert_eq!(kinds, ["revision"; 2], "{}", world.told());
    assert_eq!(world.kind(), OutcomeKind::LoopFound);
    replays(&world.journal);
    let world = revised(
        planned("t2", ""),
        vec![planned("t2", "out.md"), text("It is here.")],
    );
    assert_eq!(world.kind(), OutcomeKind::Done, "{}", world.told());
}

fn read(n: i32) -> Reply {
    call("read_file", json!({"path": n.to_string()}))
}

/// A worker that reads a file a turn, whose work a second model judges; what it and the judge
/// reply after the eighth turn.
fn judged(judgements_max: u32, then: Vec<Reply>) -> World {
    let mut world = World::new((0..8).map(read).chain(then));
    for n in 0..12 {
        world.files.insert(n.to_string(), format!("part {n}"));
    }
    let mut start = started(vec![task("t", "coder")], &[]);
    start.limits.drift_judgements_max = judgements_max;
    world.go(start)
}

/// How each judge ended.
fn judges(world: &World) -> Vec<&Option<String>> {
    let ended = |id: AgentId| {
        let mut events = world.journal.iter();
        events.find_map(|event| match event {
            Event::AgentEnded { agent, failure } if *agent == id => Some(failure),
            _ => None,
        })
    };
    let started = world.journal.iter().filter_map(|event| match event {
        Event::AgentStarted {
            agent,
            purpose: Purpose::Drift { .. },
            ..
        } => Some(*agent),
        _ => None,
    });
    started.filter_map(ended).collect()
}

#[test]
fn a_second_model_that_says_work_drifts_is_told_to_the_worker() {
    let drifts = text(r#"{"why": "it only reads", "verdict": "drifts"}"#);
    let world = judged(1, vec![read(8), drifts, text("Enough is read.")]);
    let told = "drift a second model says that the work drifts: it only reads";
    assert_eq!(found(&world), [told]);
    let prompt = |n: usize| &world.prompts[n];
    assert!(prompt(9).contains("called `read_file`"), "{}", prompt(9));
    assert!(prompt(10).contains("it only reads"), "{}", prompt(10));
    let end = (judges(&world), world.kind());
    assert_eq!(end, (vec![&None], OutcomeKind::Done));
    replays(&world.journal);
}

#[test]
fn a_judge_that_gives_no_verdict_is_no_consent_and_another_one_is_asked() {
    let on_plan = text(r#"{"why": "it reads", "verdict": "on_plan"}"#);
    let no_verdict = [read(8), text("fine"), text("fine")];
    let then = [read(9), read(10), on_plan, text("Enough is read.")];
    let world = judged(2, no_verdict.into_iter().chain(then).collect());
    let ended = judges(&world);
    assert!(matches!(ended[..], [Some(_), None]), "{ended:?}");
    assert_eq!(found(&world), Vec::<String>::new());
    assert_eq!(world.kind(), OutcomeKind::Done);
    replays(&world.journal);
    let unwatched = judged(0, vec![text("Enough is read.")]);
    assert_eq!(judges(&unwatched), Vec::<&Option<String>>::new());
}

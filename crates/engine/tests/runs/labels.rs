//! What an agent has read decides what it may cause: through results, artifacts, files, plans and
//! attempts, whatever the model is talked into.

use crate::world::{World, call, draft, drafted, role, start, task, text};
use leadhand_protocol::{
    Access, Answer, Autonomy, Capability, Decision, DeclaredCall, Effect, Event, Goal, Isolation,
    OutcomeKind, PathLabel, Plan, Rule, Source, Start, Task, TaskId, ToolSpec,
};
use serde_json::json;
use std::sync::Arc;

/// A tool that reads the web, one that pays, and roles that have them.
fn office(goal: Goal, plan: Option<Plan>) -> Start {
    let mut office = start(goal, plan, &["notes.md", "vendor/page.md"]);
    let any = json!({"type": "object"});
    Arc::make_mut(&mut office.tools).push(ToolSpec {
        name: "fetch".into(),
        description: "Reads a page.".into(),
        arguments: Arc::new(any.clone()),
        result: None,
        effect: Effect::Pure,
        accesses: vec![Access::new(Capability::Net, Some("url"))],
        probe: None,
        undo: None,
        isolation: Isolation::Sandboxed,
        trusted: false,
        equal_by: Vec::new(),
        poll_every_ms: None,
    });
    Arc::make_mut(&mut office.tools).push(ToolSpec {
        name: "pay".into(),
        description: "Pays a bill.".into(),
        arguments: Arc::new(any),
        result: None,
        effect: Effect::Once,
        accesses: Vec::new(),
        probe: None,
        undo: None,
        isolation: Isolation::Native,
        trusted: true,
        equal_by: Vec::new(),
        poll_every_ms: None,
    });
    Arc::make_mut(&mut office.roles).push(role("clerk", &["fetch", "pay", "read_file"]));
    let net = leadhand_protocol::Grant {
        capability: Capability::Net,
        resource: "**".into(),
    };
    office.rules.push(Rule {
        capability: Some(Capability::Net),
        ..Rule::any(Decision::Allow)
    });
    office.grants.push(net);
    office
}

fn goal() -> Goal {
    Goal {
        autonomy: Autonomy::L5,
        ..Goal::new("Pay the bill.")
    }
}

fn plan(tasks: Vec<Task>) -> Option<Plan> {
    Some(Plan {
        tasks,
        answer: None,
    })
}

fn fetch() -> Result<leadhand_protocol::ModelReply, leadhand_protocol::ModelFault> {
    call("fetch", json!({"url": "https://example.org/bill"}))
}

fn pay() -> Result<leadhand_protocol::ModelReply, leadhand_protocol::ModelFault> {
    call("pay", json!({"sum": 7}))
}

/// What was called, and what became of the run.
#[track_caller]
fn check(world: &World, made: &[&str], kind: OutcomeKind) {
    let why = world.outcome.as_ref().map(|outcome| outcome.why.clone());
    let seen: Vec<&str> = world.made.iter().map(String::as_str).collect();
    assert_eq!((seen.as_slice(), world.kind()), (made, kind), "{why:?}");
}

#[test]
fn what_nobody_untrusted_has_touched_goes_on() {
    let world =
        World::new([pay(), text("paid")]).go(office(goal(), plan(vec![task("t", "clerk")])));
    check(&world, &["pay"], OutcomeKind::Done);
}

#[test]
fn an_effect_after_a_page_was_read_waits_for_a_person_unless_it_was_declared() {
    let run = |task: Task, answers: Vec<Answer>| {
        let mut world = World::new([fetch(), pay(), text("paid")]);
        world.answers = answers.into();
        world.go(office(goal(), plan(vec![task])))
    };
    let undeclared = run(task("t", "clerk"), Vec::new());
    check(&undeclared, &["fetch"], OutcomeKind::WaitingForPerson);
    let allowed = run(task("t", "clerk"), vec![Answer::Allow]);
    check(&allowed, &["fetch", "pay"], OutcomeKind::Done);
    let declares = |arguments: serde_json::Value| {
        let mut declaring = task("t", "clerk");
        declaring.effects = vec![DeclaredCall {
            tool: "pay".into(),
            arguments: arguments.as_object().cloned().unwrap(),
        }];
        declaring
    };
    check(
        &run(declares(json!({})), Vec::new()),
        &["fetch", "pay"],
        OutcomeKind::Done,
    );
    check(
        &run(declares(json!({"sum": 7})), Vec::new()),
        &["fetch", "pay"],
        OutcomeKind::Done,
    );
    let other = run(declares(json!({"sum": 8})), Vec::new());
    check(&other, &["fetch"], OutcomeKind::WaitingForPerson);
}

#[test]
fn a_label_goes_with_an_artifact_to_the_next_agent() {
    let mut second = task("b", "clerk");
    second.depends_on = vec![TaskId::new("a").unwrap()];
    let tasks = vec![task("a", "clerk"), second];
    let world = World::new([fetch(), text("a summary"), pay()]).go(office(goal(), plan(tasks)));
    check(&world, &["fetch"], OutcomeKind::WaitingForPerson);
    let label = world.journal.iter().find_map(|event| match event {
        Event::TaskDone { artifact, .. } => Some(artifact.label.clone()),
        _ => None,
    });
    let label = label.expect("the first task is done");
    assert_eq!(
        label.sources.iter().collect::<Vec<_>>(),
        [Source::User, Source::Web]
    );
    assert_eq!(label.writers.len(), 1);
}

#[test]
fn a_label_goes_through_a_file_to_whoever_reads_it() {
    let mut first = task("a", "clerk");
    first.output_file = Some("page.md".into());
    // The second is given nothing of the first: it comes later because there is one worker.
    let mut office = office(goal(), plan(vec![first, task("b", "clerk")]));
    office.limits.workers_max = 1;
    let read = call("read_file", json!({"path": "page.md"}));
    let world = World::new([fetch(), text("content"), read, pay()]).go(office);
    check(&world, &["fetch"], OutcomeKind::WaitingForPerson);
}

#[test]
fn files_can_be_declared_untrusted() {
    let run = |path: &str| {
        let mut office = office(goal(), plan(vec![task("t", "clerk")]));
        office.labels = vec![PathLabel {
            resource: "vendor/**".into(),
            source: Source::Web,
        }];
        World::new([
            call("read_file", json!({ "path": path })),
            pay(),
            text("paid"),
        ])
        .file("notes.md", "notes")
        .file("vendor/page.md", "page")
        .go(office)
    };
    check(&run("notes.md"), &["pay"], OutcomeKind::Done);
    check(&run("vendor/page.md"), &[], OutcomeKind::WaitingForPerson);
}

#[test]
fn what_a_manager_plans_that_has_read_a_page_declares_nothing() {
    let planned = |id: &str| {
        let mut draft = draft(id, "clerk", &[], false, &[], "");
        draft["may_call"] = json!(["pay"]);
        drafted(&json!([draft]))
    };
    // The first plan is made before anything is read: what it declares counts.
    let world = World::new([planned("t1"), fetch(), pay(), text("paid")]).go(office(goal(), None));
    check(&world, &["fetch", "pay"], OutcomeKind::Done);
    // The revision is made from evidence that a page may have written.
    let office = || {
        let mut office = office(goal(), None);
        office.limits.task_attempts_max = 1;
        office.limits.faults_in_a_row_max = 1;
        office
    };
    let first = drafted(&json!([draft("t1", "clerk", &[], false, &[], "")]));
    let world = World::new([first.clone(), fetch(), text(""), planned("t2"), pay()]).go(office());
    check(&world, &["fetch"], OutcomeKind::WaitingForPerson);
    // Nor is the file written that such a plan names.
    let saved = drafted(&json!([draft("t2", "writer", &[], false, &[], "OUT.md")]));
    let world = World::new([first, fetch(), text(""), saved, text("content")]).go(office());
    check(&world, &["fetch"], OutcomeKind::WaitingForPerson);
    assert!(world.files.is_empty(), "{:?}", world.files);
}

#[test]
fn private_files_and_a_page_together_close_the_way_out() {
    let mut declaring = task("t", "clerk");
    declaring.effects = vec![DeclaredCall::any_of("fetch".into())];
    let run = |replies: Vec<_>| {
        World::new(replies)
            .file("notes.md", "private")
            .go(office(goal(), plan(vec![declaring.clone()])))
    };
    let read = || call("read_file", json!({"path": "notes.md"}));
    check(
        &run(vec![fetch(), fetch(), text("x")]),
        &["fetch", "fetch"],
        OutcomeKind::Done,
    );
    check(
        &run(vec![read(), fetch(), text("x")]),
        &["fetch"],
        OutcomeKind::Done,
    );
    check(
        &run(vec![read(), fetch(), fetch()]),
        &["fetch"],
        OutcomeKind::WaitingForPerson,
    );
}

#[test]
fn a_task_about_which_something_was_found_is_watched_more_closely() {
    let mut office = office(goal(), plan(vec![task("t", "clerk")]));
    office.limits.faults_in_a_row_max = 1;
    office.limits.task_attempts_max = 2;
    let world = World::new([text(""), pay()]).go(office);
    check(&world, &[], OutcomeKind::WaitingForPerson);
}

//! What people order: answers, edits, cancelling in three grades, rolling back; and calls of
//! which nobody knows whether they took effect.

use crate::world::{World, call, check, replays, role, start, task, text};
use leadhand_protocol::{
    Answer, Ask, Autonomy, Budget, CallState, ContentHash, Effect, Forecast, Goal, Grade, Input,
    Isolation, Outcome, OutcomeKind, PersonInput, Plan, PlanEdit, RequestId, SettingChange, Start,
    Task, TaskId, ToolFault, ToolFaultKind, ToolSpec,
};
use serde_json::{Value, json};
use std::sync::Arc;

fn tool(name: &str, effect: Effect) -> ToolSpec {
    ToolSpec {
        name: name.into(),
        description: String::new(),
        arguments: Arc::new(json!({"type": "object"})),
        result: None,
        effect,
        accesses: Vec::new(),
        probe: None,
        undo: None,
        isolation: Isolation::Native,
        trusted: true,
        equal_by: Vec::new(),
        poll_every_ms: None,
    }
}

/// An office where clerks pay, and can book and take a booking back.
fn office(tasks: Vec<Task>) -> Start {
    let mut goal = Goal::new("Go.");
    goal.autonomy = Autonomy::L5;
    let plan = Plan {
        tasks,
        answer: None,
    };
    let mut start = start(goal, Some(plan), &[]);
    Arc::make_mut(&mut start.roles).push(role("clerk", &["pay", "book"]));
    Arc::make_mut(&mut start.tools).extend([
        tool("pay", Effect::Once),
        tool("probe_pay", Effect::Pure),
        ToolSpec {
            undo: Some("undo_book".into()),
            ..tool("book", Effect::Compensable)
        },
        tool("undo_book", Effect::Idempotent),
    ]);
    start
}

fn id(task: &str) -> TaskId {
    TaskId::new(task).unwrap()
}

/// A run that died while its payment was at work, and goes on.
fn died_while_paying(start: Start, answers: &[Answer], probe: Option<&str>) -> World {
    let mut world = World::new([call("pay", json!({"to": "a"})), text("It is settled.")]);
    world.answers = answers.to_vec().into();
    if let Some(said) = probe {
        world.results.insert("probe_pay".into(), Ok(said.into()));
    }
    world.give(Input::Start(Arc::new(start)));
    world.carry_on_until("pay");
    world.crash_and_resume();
    world.carry_on();
    world
}

#[test]
fn a_call_in_doubt_is_settled_by_its_probe_or_by_a_person_and_never_repeated_unasked() {
    let began = "
        plan 0: t
        a0 clerk starts: task t attempt 1
        a0.t1.c0 pay Allow
        a0.t1.c0 is in doubt";
    let case = |probe: Option<&str>, answers: &[Answer], then: &str, paid: usize, told: &str| {
        let mut start = office(vec![task("t", "clerk")]);
        if probe.is_some() {
            let pay = Arc::make_mut(&mut start.tools)
                .iter_mut()
                .find(|tool| tool.name == "pay");
            pay.unwrap().probe = Some("probe_pay".into());
        }
        let world = died_while_paying(start, answers, probe);
        check(&world, &format!("{began}\n{then}"));
        let made = world.made.iter().filter(|name| *name == "pay").count();
        assert_eq!(made, paid, "{then}");
        let last = world.prompts.last().unwrap();
        assert!(last.contains(told), "{told} is not in {last}");
    };
    let end = "t done\nended: Done";
    case(
        Some(r#"{"took_effect": true, "result": "receipt 7"}"#),
        &[],
        &format!("a0.t1.c0 is asked for by probe_pay\n{end}"),
        0,
        "receipt 7",
    );
    case(
        Some(r#"{"took_effect": false}"#),
        &[],
        &format!("a0.t1.c0 is asked for by probe_pay\na0.t1.c0 is made\n{end}"),
        1,
        "done",
    );
    let took = Answer::TookEffect {
        result: "receipt 8".into(),
    };
    case(
        Some("no idea"),
        std::slice::from_ref(&took),
        &format!("a0.t1.c0 is asked for by probe_pay\nq0 asked\n{end}"),
        0,
        "receipt 8",
    );
    case(None, &[took], &format!("q0 asked\n{end}"), 0, "receipt 8");
    case(
        None,
        &[Answer::Repeat],
        &format!("q0 asked\na0.t1.c0 is made\n{end}"),
        1,
        "done",
    );
    let deny = Answer::Deny {
        reason: "ask the bank".into(),
    };
    case(
        None,
        &[deny],
        &format!("q0 asked\n{end}"),
        0,
        "nobody knows whether this call of `pay` took effect",
    );
}

#[test]
fn a_probe_that_the_budget_does_not_allow_gives_way_to_a_person() {
    let mut start = office(vec![task("t", "clerk")]);
    let pay = Arc::make_mut(&mut start.tools)
        .iter_mut()
        .find(|tool| tool.name == "pay");
    pay.unwrap().probe = Some("probe_pay".into());
    start.goal.budget.tool_calls_max = Some(1);
    let took = Answer::TookEffect {
        result: "receipt 9".into(),
    };
    let said = Some(r#"{"took_effect": true}"#);
    let world = died_while_paying(start, &[took], said);
    check(
        &world,
        "
        plan 0: t
        a0 clerk starts: task t attempt 1
        a0.t1.c0 pay Allow
        a0.t1.c0 is in doubt
        q0 asked
        stop: BudgetSpent Stop
        suspended: BudgetSpent",
    );
    assert_eq!(world.run.spent().tool_calls, 1);
}

#[test]
fn a_call_whose_tool_says_that_nobody_knows_is_in_doubt_while_the_run_lives() {
    let mut world = World::new([call("pay", json!({})), text("It is settled.")]);
    let fault = ToolFault {
        kind: ToolFaultKind::InDoubt,
        message: "no answer came".into(),
        retryable: false,
    };
    world.results.insert("pay".into(), Err(fault));
    let world = world.go(office(vec![task("t", "clerk")]));
    check(
        &world,
        "
        plan 0: t
        a0 clerk starts: task t attempt 1
        a0.t1.c0 pay Allow
        a0.t1.c0 fails: InDoubt
        q0 asked
        stop: WaitingForPerson Stop
        suspended: WaitingForPerson",
    );
    let outcome = world.outcome.unwrap();
    let report = &outcome.in_doubt[0];
    assert_eq!(
        (report.tool_call.name.as_str(), report.state),
        ("pay", CallState::InDoubt)
    );
}

#[test]
fn what_an_attempt_did_that_must_not_be_done_twice_is_not_done_by_the_next() {
    let pay = |to: &str| call("pay", json!({"to": to}));
    let world = World::new([
        pay("a"),
        text(""),
        text(""),
        pay("a"),
        pay("b"),
        pay("b"),
        text("Paid."),
    ])
    .go(office(vec![task("t", "clerk")]));
    check(
        &world,
        "
        plan 0: t
        a0 clerk starts: task t attempt 1
        a0.t1.c0 pay Allow
        a0 is told a fault
        a1 clerk starts: task t attempt 2
        a1.t1.c0 pay Deny
        a1.t2.c0 pay Allow
        a1.t3.c0 pay Allow
        t done
        ended: Done",
    );
    // What an agent does twice in one attempt it means to do twice.
    assert_eq!(world.made.len(), 3);
    let told =
        "took effect in an earlier attempt at the task and was not made again. It gave: done";
    assert!(world.prompts.last().unwrap().contains(told));
}

#[test]
fn an_order_that_cannot_be_followed_is_refused_and_changes_nothing() {
    let mut start = office(vec![task("t", "clerk"), task("u", "clerk")]);
    start.goal.autonomy = Autonomy::L1;
    let mut world = World::new([]);
    world.give(Input::Start(Arc::new(start)));
    let journal = world.journal.clone();
    let mut refused = |order: PersonInput, why: &str| {
        let said = world.order(order).expect_err(why);
        assert!(said.contains(why), "{said}");
        assert_eq!(world.journal, journal);
    };
    let answers = |request: u32, answer: Answer, shown: Option<ContentHash>| PersonInput::Answers {
        request: RequestId(request),
        answer,
        shown,
    };
    refused(answers(7, Answer::Allow, None), "open is q0");
    refused(answers(0, Answer::Repeat, None), "answered with yes or no");
    let other = Ask::Plan {
        plan: Plan::default(),
        forecast: Forecast::default(),
    };
    refused(
        answers(0, Answer::Allow, Some(other.digest())),
        "is not what was shown any more",
    );
    let change = |change: SettingChange| PersonInput::Change(Box::new(change));
    let zero = Budget {
        micro_usd_max: Some(0),
        ..Budget::default()
    };
    refused(
        change(SettingChange {
            budget: zero,
            ..SettingChange::default()
        }),
        "the budget of money is zero",
    );
    refused(
        change(SettingChange {
            prompts: [("poet".to_owned(), String::new())].into(),
            ..SettingChange::default()
        }),
        "there is no role `poet`",
    );
    let edit = |edit: PlanEdit| PersonInput::EditPlan { edits: vec![edit] };
    refused(edit(PlanEdit::Drop { task: id("x") }), "there is t, u");
    refused(
        edit(PlanEdit::DependsOn {
            task: id("t"),
            depends_on: vec![id("t")],
        }),
        "could not be carried out any more",
    );
    refused(
        edit(PlanEdit::Release { task: id("t") }),
        "task `t` is not held",
    );
    refused(
        PersonInput::Steer {
            task: Some(id("x")),
            text: "Hurry.".into(),
        },
        "there is no task `x`",
    );
    refused(
        PersonInput::RollBack { why: "no".into() },
        "nothing that the run did can be undone",
    );
}

#[test]
fn a_run_that_is_over_takes_no_orders() {
    let mut world = World::new([text("fine")]).go(office(vec![task("t", "clerk")]));
    assert_eq!(world.kind(), OutcomeKind::Done);
    for order in [
        PersonInput::Pause,
        PersonInput::Cancel {
            grade: Grade::Abort,
            why: String::new(),
        },
        PersonInput::Steer {
            task: None,
            text: "Hurry.".into(),
        },
    ] {
        let why = world.order(order).unwrap_err();
        assert!(why.contains("the run is over (done)"), "{why}");
    }
}

fn allow_edited(arguments: Value) -> Answer {
    Answer::AllowEdited { arguments }
}

#[test]
fn a_person_edits_a_call_before_it_is_made_and_the_agent_is_told() {
    let mut start = office(vec![task("t", "clerk")]);
    start.goal.autonomy = Autonomy::L3;
    let mut world = World::new([call("pay", json!({"to": "a"})), text("Paid.")]);
    world.answers = [allow_edited(json!({"to": "b"}))].into();
    let world = world.go(start);
    check(
        &world,
        r#"
        plan 0: t
        a0 clerk starts: task t attempt 1
        a0.t1.c0 pay Ask
        q0 asked
        a0.t1.c0 becomes {"to":"b"}
        a0.t1.c0 is made
        t done
        ended: Done"#,
    );
    let last = world.prompts.last().unwrap();
    assert!(
        last.contains(r#"these arguments instead: {"to":"b"}"#),
        "{last}"
    );
}

#[test]
fn what_a_person_had_written_in_its_place_is_the_output() {
    let run = |written: &str, schema: Option<Value>| {
        let mut saved = task("t", "clerk");
        saved.output_file = Some("out.json".into());
        saved.output_schema = schema;
        let mut start = office(vec![saved]);
        start.goal.autonomy = Autonomy::L1;
        let mut world = World::new([text(r#"{"sum": 1}"#), text(r#"{"sum": 3}"#)]);
        let edited = allow_edited(json!({"path": "out.json", "content": written}));
        // The plan, what is written first, and what is written then.
        world.answers = [Answer::Allow, edited, Answer::Allow].into();
        let world = world.go(start);
        let output = world.run.task(&id("t")).unwrap().output.clone();
        (output.map(|(_, content)| content), world.kind())
    };
    let schema = || Some(json!({"type": "object", "required": ["sum"]}));
    let done = |content: &str| (Some(content.to_owned()), OutcomeKind::Done);
    assert_eq!(run("two", None), done("two\n"));
    assert_eq!(run(r#"{"sum": 2}"#, schema()), done("{\n  \"sum\": 2\n}\n"));
    // It does not fit: the agent tries again, and this time the person lets it be.
    assert_eq!(run("two", schema()), done("{\n  \"sum\": 3\n}\n"));
}

#[test]
fn a_person_holds_adds_drops_and_is_asked_before_a_task() {
    let mut start = office(vec![
        task("t", "clerk"),
        task("u", "clerk"),
        task("v", "clerk"),
    ]);
    start.limits.workers_max = 1;
    let mut world = World::new([text("t"), text("w")]);
    world.answers = [Answer::Allow].into();
    world.give(Input::Start(Arc::new(start)));
    let edits = vec![
        PlanEdit::Add {
            task: Box::new(task("w", "writer")),
        },
        PlanEdit::BreakBefore { task: id("w") },
        PlanEdit::Drop { task: id("v") },
        PlanEdit::Hold { task: id("u") },
    ];
    world.order(PersonInput::EditPlan { edits }).unwrap();
    world.carry_on();
    check(
        &world,
        "
        plan 0: t u v
        a0 clerk starts: task t attempt 1
        plan 1: t u w
        q0 asked
        t done
        a1 writer starts: task w attempt 1
        w done
        suspended: WaitingForPerson",
    );
    assert_eq!(world.outcome.as_ref().unwrap().why, "a person holds u");
    let release = vec![PlanEdit::Release { task: id("u") }];
    world
        .order(PersonInput::EditPlan { edits: release })
        .unwrap();
    world.replies.extend([text("u"), text("All.")]);
    world.crash_and_resume();
    world.carry_on();
    assert_eq!(world.kind(), OutcomeKind::Done);
}

fn cancel(grade: Grade) -> PersonInput {
    PersonInput::Cancel {
        grade,
        why: "enough".into(),
    }
}

/// A run with a payment at work that is cancelled.
fn cancelled(grade: Grade) -> World {
    let mut start = office(vec![task("t", "clerk"), task("u", "clerk")]);
    start.limits.workers_max = 1;
    let mut world = World::new([call("pay", json!({})), text("Paid.")]);
    world.give(Input::Start(Arc::new(start)));
    world.carry_on_until("pay");
    world.order(cancel(grade)).unwrap();
    world.carry_on();
    world
}

#[test]
fn a_run_is_cancelled_in_three_grades() {
    let began = "
        plan 0: t u
        a0 clerk starts: task t attempt 1
        a0.t1.c0 pay Allow";
    let case = |grade: Grade, then: &str, turns: u64, in_doubt: usize| {
        let world = cancelled(grade);
        check(
            &world,
            &format!("{began}\nstop: Cancelled {grade:?}\n{then}ended: Cancelled"),
        );
        let outcome = world.outcome.unwrap();
        assert_eq!((outcome.turns, outcome.in_doubt.len()), (turns, in_doubt));
    };
    case(Grade::WrapUp, "t done\n", 2, 0);
    case(Grade::Stop, "", 1, 0);
    case(Grade::Abort, "", 1, 1);
}

#[test]
fn cancelling_is_tightened_and_never_loosened() {
    let mut world = World::new([call("pay", json!({}))]);
    world.give(Input::Start(Arc::new(office(vec![task("t", "clerk")]))));
    world.carry_on_until("pay");
    world.order(cancel(Grade::Stop)).unwrap();
    let why = world.order(cancel(Grade::WrapUp)).unwrap_err();
    assert_eq!(why, "the run is being cancelled already");
    world.order(cancel(Grade::Abort)).unwrap();
    assert!(world.run.outcome().is_some());
}

fn undone(outcome: &Outcome) -> Vec<(Value, CallState, &str)> {
    let told = outcome.undone.iter().map(|report| {
        let of = report.tool_call.arguments["of"].clone();
        (of, report.state, report.what.as_str())
    });
    told.collect()
}

/// A run that has booked two things and is done.
fn booked() -> World {
    let booking = |of: &str| call("book", json!({"of": of}));
    let world = World::new([booking("room"), booking("flight"), text("Booked.")])
        .go(office(vec![task("t", "clerk")]));
    assert_eq!(world.kind(), OutcomeKind::Done);
    world
}

#[test]
fn what_can_be_undone_is_undone_the_last_first() {
    let mut world = booked();
    let steps = world.run.to_undo().unwrap();
    let shown: Vec<_> = steps
        .iter()
        .map(|step| (&step.tool_call.arguments["of"], step.undo))
        .collect();
    let (flight, room) = (json!("flight"), json!("room"));
    assert_eq!(shown, [(&flight, "undo_book"), (&room, "undo_book")]);
    let fault = ToolFault {
        kind: ToolFaultKind::Failed,
        message: "too late".into(),
        retryable: false,
    };
    world.results.insert("undo_book".into(), Err(fault));
    let why = "the trip is off".to_owned();
    world.order(PersonInput::RollBack { why }).unwrap();
    world.carry_on_until("undo_book");
    let first = world.pending.pop_back().unwrap();
    let input = world.carry_out(first).unwrap();
    world.results.remove("undo_book");
    world.give(input);
    world.carry_on();
    check(
        &world,
        "
        plan 0: t
        a0 clerk starts: task t attempt 1
        a0.t1.c0 book Allow
        a0.t2.c0 book Allow
        t done
        ended: Done
        stop: Cancelled Stop
        a1  starts: rollback
        a1.t0.c2 undo_book Allow
        a1.t0.c2 fails: Failed
        a1.t0.c1 undo_book Allow
        ended: Cancelled",
    );
    let outcome = world.outcome.clone().unwrap();
    assert_eq!(
        undone(&outcome),
        [
            (json!("flight"), CallState::NotUndone, "too late"),
            (json!("room"), CallState::Undone, "done"),
        ]
    );
    let again = world.order(PersonInput::RollBack { why: "x".into() });
    assert!(again.unwrap_err().contains("rolled back already"));
    let none = world.run.to_undo().unwrap_err().to_string();
    assert!(none.contains("rolled back already"), "{none}");
}

#[test]
fn the_account_says_whether_a_call_was_undone() {
    let case = |effect: Effect, said: Result<&str, ToolFaultKind>, state: CallState, what: &str| {
        let mut start = office(vec![task("t", "clerk")]);
        let undo = Arc::make_mut(&mut start.tools)
            .iter_mut()
            .find(|tool| tool.name == "undo_book");
        undo.unwrap().effect = effect;
        let booking = call("book", json!({"of": "room"}));
        let mut world = World::new([booking, text("Booked.")]).go(start);
        let said = said.map(str::to_owned).map_err(|kind| ToolFault {
            kind,
            message: "undone?".into(),
            retryable: false,
        });
        world.results.insert("undo_book".into(), said);
        let why = "the trip is off".to_owned();
        world.order(PersonInput::RollBack { why }).unwrap();
        world.carry_on();
        let outcome = world.outcome.as_ref().unwrap();
        assert_eq!(undone(outcome), [(json!("room"), state, what)]);
        replays(&world.journal);
    };
    use CallState::{NotUndone, UndoInDoubt, Undone};
    let idempotent = Effect::Idempotent;
    case(idempotent, Ok(" \n"), Undone, "");
    case(idempotent, Err(ToolFaultKind::Failed), NotUndone, "undone?");
    case(
        idempotent,
        Err(ToolFaultKind::InDoubt),
        UndoInDoubt,
        "undone?",
    );
    // A person is asked, and nobody is there.
    let why = "nobody was there to say what became of it";
    case(Effect::Once, Err(ToolFaultKind::InDoubt), UndoInDoubt, why);
}

#[test]
fn a_roll_back_that_is_aborted_ends_and_says_what_it_has_given_up() {
    let mut world = booked();
    let why = "the trip is off".to_owned();
    world.order(PersonInput::RollBack { why }).unwrap();
    world.carry_on_until("undo_book");
    world.order(cancel(Grade::Abort)).unwrap();
    let outcome = world.run.outcome().unwrap();
    assert_eq!(outcome.kind, OutcomeKind::Cancelled);
    let given_up = "given up: the run was aborted";
    assert_eq!(
        undone(outcome),
        [
            // It was at work: nobody waited for what it did.
            (json!("flight"), CallState::UndoInDoubt, given_up),
            (json!("room"), CallState::NotUndone, given_up),
        ]
    );
}

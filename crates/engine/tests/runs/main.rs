//! Whole runs of the engine, without a runtime: the world is a script of replies and a table of
//! files. What comes out is told as one line an event and compared as a whole.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should stop"
)]

mod budgets;
mod coordination;
mod findings;
mod incidents;
mod labels;
mod orders;
mod permits;
mod strays;
mod world;

use leadhand_protocol::{
    Answer, Autonomy, Budget, Check, ContentHash, Goal, Input, ModelFault, ModelFaultKind,
    OutcomeKind, Plan, Task, TaskId, TaskInput, TaskSource,
};
use serde_json::json;
use std::collections::VecDeque;

use world::{World, call, check, draft, drafted, replays, start, task, text};

#[test]
fn a_goal_is_planned_fanned_out_written_and_checked() {
    let plan = drafted(&json!([
        draft("t1", "writer", &["docs/*.md"], true, &[], ""),
        draft("t2", "writer", &[], false, &["t1"], "SUMMARY.md"),
    ]));
    let world = World::new([
        plan,
        text("A is short."),
        text("B is long."),
        text("# Both"),
    ])
    .file("docs/a.md", "a")
    .file("docs/b.md", "b")
    .go(start(
        Goal::new("Summarize docs."),
        None,
        &["docs/a.md", "docs/b.md"],
    ));
    check(
        &world,
        "
        a0 manager starts: plan
        plan 0: t1-1 t1-2 t2
        a1 writer starts: task t1-1 attempt 1
        a2 writer starts: task t1-2 attempt 1
        a1.t0.c0 read_file Allow
        a2.t0.c0 read_file Allow
        t1-1 done
        t1-2 done
        a3 writer starts: task t2 attempt 1
        a3.t1.c0 write_file Allow
        t2 done
        ended: Done",
    );
    assert_eq!(world.files["SUMMARY.md"], "# Both\n");
    assert!(world.prompts[3].contains("A is short.") && world.prompts[3].contains("B is long."));
    let outcome = world.outcome.unwrap();
    assert_eq!(outcome.files[0].path, "SUMMARY.md");
    assert_eq!(
        outcome.tasks[2].artifact.as_ref().unwrap().hash,
        ContentHash::of(b"# Both\n")
    );
}

#[test]
fn a_plan_that_never_validates_ends_the_run() {
    let bad = || drafted(&json!([draft("t1", "poet", &[], false, &[], "")]));
    let world =
        World::new([text("no plan"), text(""), bad()]).go(start(Goal::new("Sing."), None, &[]));
    check(
        &world,
        "
        a0 manager starts: plan
        a0 is told a fault
        a0 is told a fault
        FaultsInARow { agent: AgentId(0), times: 3 }
        ended: NotAchieved",
    );
    let why = world.outcome.unwrap().why;
    assert!(why.contains("poet"), "{why}");
}

#[test]
fn a_model_that_calls_the_same_tool_for_ever_is_stopped_and_the_rest_is_kept() {
    let mut start = start(
        Goal::new("Go."),
        Some(Plan {
            tasks: vec![task("ok", "writer"), task("loop", "writer")],
            answer: None,
        }),
        &[],
    );
    start.limits.turns_per_agent_max = 2;
    start.limits.task_attempts_max = 1;
    let read = || call("read_file", json!({"path": "a"}));
    let world = World::new([text("fine"), read(), read()])
        .file("a", "a")
        .go(start);
    check(
        &world,
        "
        plan 0: ok loop
        a0 writer starts: task ok attempt 1
        a1 writer starts: task loop attempt 1
        ok done
        a1.t1.c0 read_file Allow
        a1.t2.c0 read_file Deny
        a1.t2.c0 fails: Failed
        TurnsSpent { agent: AgentId(1), turns: 2 }
        loop failed
        ended: NotAchieved",
    );
    assert_eq!(world.outcome.unwrap().tasks[0].state, "done");
}

#[test]
fn what_a_task_did_not_declare_it_may_not_write() {
    let mut declared = task("t", "coder");
    declared.writes = vec!["out/**".into()];
    let plan = Plan {
        tasks: vec![declared],
        answer: None,
    };
    let write = |path: &str| call("write_file", json!({"path": path, "content": "x"}));
    let world = World::new([
        write("secret.md"),
        write("../x"),
        write("out/a.md"),
        text("done"),
    ])
    .go(start(Goal::new("Go."), Some(plan), &[]));
    check(
        &world,
        "
        plan 0: t
        a0 coder starts: task t attempt 1
        a0.t1.c0 write_file Deny
        a0.t1.c0 fails: Denied
        left the plan: undeclared
        a0.t2.c0 write_file Deny
        a0.t2.c0 fails: Denied
        left the plan: undeclared
        a0.t3.c0 write_file Allow
        t done
        ended: Done",
    );
}

#[test]
fn unknown_tools_and_wrong_arguments_go_back_to_the_model() {
    let plan = Plan {
        tasks: vec![task("t", "writer")],
        answer: None,
    };
    let world = World::new([
        call("rm", json!({})),
        call("write_file", json!({"path": "a", "content": "b"})),
        call("read_file", json!({"file": "a"})),
        text("I give up, here is my answer."),
    ])
    .go(start(Goal::new("Go."), Some(plan), &[]));
    check(
        &world,
        "
        plan 0: t
        a0 writer starts: task t attempt 1
        a0.t1.c0 rm Deny
        a0.t1.c0 fails: UnknownTool
        a0.t2.c0 write_file Deny
        a0.t2.c0 fails: UnknownTool
        a0.t3.c0 read_file Deny
        a0.t3.c0 fails: InvalidArguments
        t done
        ended: Done",
    );
    assert!(world.prompts[1].contains("Your tools: read_file"));
    assert!(
        world.prompts[3].contains("the argument `path` (a text) is missing"),
        "{}",
        world.prompts[3]
    );
}

#[test]
fn a_failed_task_is_tried_again_then_the_plan_is_revised_and_done_work_is_kept() {
    let first = drafted(&json!([
        draft("t1", "writer", &[], false, &[], ""),
        draft("t2", "writer", &["gone.md"], false, &["t1"], ""),
    ]));
    let second = drafted(&json!([draft("t3", "writer", &[], false, &["t1"], "")]));
    let replies = [
        first,
        text("one"),
        second,
        text("three"),
        text("one, three"),
    ];
    let world = World::new(replies).go(start(Goal::new("Go."), None, &["gone.md"]));
    check(
        &world,
        "
        a0 manager starts: plan
        plan 0: t1 t2
        a1 writer starts: task t1 attempt 1
        t1 done
        a2 writer starts: task t2 attempt 1
        a2.t0.c0 read_file Allow
        a2.t0.c0 fails: NotFound
        a3 writer starts: task t2 attempt 2
        a3.t0.c0 read_file Allow
        a3.t0.c0 fails: NotFound
        t2 failed
        a4 manager starts: revise
        plan 1: t1 t3
        a5 writer starts: task t3 attempt 1
        t3 done
        a6 manager starts: answer
        ended: Done",
    );
    assert_eq!(world.outcome.as_ref().unwrap().answer, "one, three");
    assert!(
        world.prompts[2].contains("gone.md"),
        "the manager sees the evidence"
    );
}

#[test]
fn the_goal_is_done_only_on_evidence() {
    let goal = Goal {
        acceptance: vec![Check::FileExists {
            path: "out.md".into(),
        }],
        ..Goal::new("Write out.md.")
    };
    let plan = Plan {
        tasks: vec![task("t", "writer")],
        answer: None,
    };
    let replies = [text("I wrote out.md."), text("It stands in out.md.")];
    let world = World::new(replies).go(start(goal, Some(plan), &[]));
    assert_eq!(world.kind(), OutcomeKind::NotAchieved);
}

#[test]
fn a_second_model_judges_where_the_plan_says_so() {
    let mut judged = task("t", "writer");
    judged.acceptance = vec![Check::Judged {
        criteria: "It rhymes.".into(),
    }];
    let plan = Plan {
        tasks: vec![judged],
        answer: None,
    };
    let verdict = |passed: bool| text(&json!({"reason": "heard", "passed": passed}).to_string());
    let world = World::new([
        text("plain"),
        verdict(false),
        text("fine wine"),
        verdict(true),
    ])
    .go(start(Goal::new("Rhyme."), Some(plan), &[]));
    check(
        &world,
        "
        plan 0: t
        a0 writer starts: task t attempt 1
        a1 reviewer starts: judge { task: some(taskid(\"t\")), check: 0 }
        a0 is told a fault
        a2 reviewer starts: judge { task: some(taskid(\"t\")), check: 0 }
        t done
        ended: Done",
    );
}

#[test]
fn a_person_approves_the_plan_and_each_write_at_level_two() {
    let mut goal = Goal::new("Go.");
    goal.autonomy = Autonomy::L2;
    let mut writing = task("t", "coder");
    writing.writes = vec!["**".into()];
    let plan = Plan {
        tasks: vec![writing],
        answer: None,
    };
    let write = || call("write_file", json!({"path": "a.md", "content": "x"}));
    let mut world = World::new([write(), write(), text("done")]);
    world.answers.extend([
        Answer::Allow,
        Answer::Deny {
            reason: "not yet".into(),
        },
    ]);
    let world = world.go(start(goal, Some(plan), &[]));
    check(
        &world,
        "
        plan 0: t
        q0 asked
        a0 coder starts: task t attempt 1
        a0.t1.c0 write_file Ask
        q1 asked
        a0.t1.c0 fails: Declined
        a0.t2.c0 write_file Ask
        q2 asked
        stop: WaitingForPerson Stop
        suspended: WaitingForPerson",
    );
    assert!(world.prompts[1].contains("not yet"));
}

#[test]
fn a_run_that_found_no_model_goes_on_where_it_stood() {
    let fault = ModelFault {
        kind: ModelFaultKind::Unreachable,
        message: "no".into(),
        retry_after_ms: None,
    };
    let plan = Plan {
        tasks: vec![task("a", "writer"), task("b", "writer")],
        answer: Some(TaskId::new("b").unwrap()),
    };
    let mut world =
        World::new([text("one"), Err(fault)]).go(start(Goal::new("Go."), Some(plan), &[]));
    assert_eq!(world.kind(), OutcomeKind::ModelUnreachable);
    world.replies.push_back(text("two"));
    let mut inputs = VecDeque::from([Input::Resume]);
    while let Some(input) = inputs.pop_front() {
        let actions = world.take(input);
        inputs.extend(
            actions
                .into_iter()
                .filter_map(|action| world.carry_out(action)),
        );
    }
    assert_eq!(
        (
            world.kind(),
            world.outcome.as_ref().unwrap().answer.as_str()
        ),
        (OutcomeKind::Done, "two")
    );
    replays(&world.journal);
}

#[test]
fn a_spent_budget_stops_the_run_resumable() {
    let mut goal = Goal::new("Go.");
    goal.budget = Budget {
        tool_calls_max: Some(1),
        ..Budget::default()
    };
    let plan = Plan {
        tasks: vec![task("t", "writer")],
        answer: None,
    };
    let world = World::new([call("read_file", json!({"path": "a"}))])
        .file("a", "a")
        .go(start(goal, Some(plan), &[]));
    assert_eq!(world.kind(), OutcomeKind::BudgetSpent);
}

#[test]
fn outputs_of_a_task_become_tasks_of_their_own() {
    let mut list = task("list", "writer");
    list.title = "List".into();
    let mut each = task("each", "writer");
    each.depends_on = vec![list.id.clone()];
    each.for_each = Some(leadhand_protocol::ForEach {
        items_of: list.id.clone(),
        items_max: 5,
    });
    let mut end = task("end", "writer");
    end.depends_on = vec![each.id.clone()];
    let plan = Plan {
        tasks: vec![list, each, end],
        answer: None,
    };
    let world = World::new([
        text("- red\n- blue"),
        text("RED"),
        text("BLUE"),
        text("both"),
    ])
    .go(start(Goal::new("Go."), Some(plan), &[]));
    check(
        &world,
        "
        plan 0: list each end
        a0 writer starts: task list attempt 1
        list done
        plan 0: list each-1 each-2 end
        a1 writer starts: task each-1 attempt 1
        a2 writer starts: task each-2 attempt 1
        each-1 done
        each-2 done
        a3 writer starts: task end attempt 1
        end done
        ended: Done",
    );
    assert!(world.prompts[1].contains("red") && world.prompts[3].contains("BLUE"));
}

#[test]
fn an_input_file_is_read_before_the_first_turn() {
    let mut reading = task("t", "writer");
    reading.inputs = vec![TaskInput {
        name: "n".into(),
        from: TaskSource::File("a.md".into()),
        schema: None,
    }];
    let plan = Plan {
        tasks: vec![reading],
        answer: None,
    };
    let world =
        World::new([text("ok")])
            .file("a.md", "alpha")
            .go(start(Goal::new("Go."), Some(plan), &[]));
    assert_eq!(world.kind(), OutcomeKind::Done);
    assert!(world.prompts[0].contains("alpha") && world.prompts[0].trim_end().ends_with("Do it."));
}

#[test]
fn an_output_file_that_policy_refuses_ends_the_run_as_refused() {
    let mut writing = task("t", "writer");
    writing.output_file = Some("secret/a.md".into());
    let mut start = start(
        Goal::new("Go."),
        Some(Plan {
            tasks: vec![writing],
            answer: None,
        }),
        &[],
    );
    start.rules.push(leadhand_protocol::Rule {
        resource: "secret/**".into(),
        source: "test".into(),
        ..leadhand_protocol::Rule::any(leadhand_protocol::Decision::Deny)
    });
    let world = World::new([text("content")]).go(start);
    assert_eq!(world.kind(), OutcomeKind::Refused);
    assert!(world.files.is_empty());
}

#[test]
fn what_the_goal_asks_of_a_file_is_told_to_the_worker_who_writes_it() {
    let goal = Goal {
        acceptance: vec![Check::FileMatches {
            path: "out.md".into(),
            pattern: "port 9090".into(),
        }],
        ..Goal::new("Write out.md.")
    };
    let plan = drafted(&json!([draft("t1", "writer", &[], false, &[], "out.md")]));
    let world = World::new([plan, text("all well"), text("port 9090")]).go(start(goal, None, &[]));
    check(
        &world,
        "
        a0 manager starts: plan
        plan 0: t1
        a1 writer starts: task t1 attempt 1
        a1.t1.c0 write_file Allow
        a1 is told a fault
        a1.t2.c0 write_file Allow
        t1 done
        ended: Done",
    );
    assert_eq!(world.files["out.md"], "port 9090\n");
}

#[test]
fn a_revision_may_write_anew_what_a_finished_task_wrote_and_sees_it() {
    let goal = Goal {
        acceptance: vec![Check::OutputMatches {
            pattern: "better".into(),
        }],
        ..Goal::new("Write out.md.")
    };
    let once = |id: &str| drafted(&json!([draft(id, "writer", &[], false, &[], "out.md")]));
    let world = World::new([once("t1"), text("first"), once("t2"), text("better")]).go(start(
        goal,
        None,
        &["out.md"],
    ));
    check(
        &world,
        "
        a0 manager starts: plan
        plan 0: t1
        a1 writer starts: task t1 attempt 1
        a1.t1.c0 write_file Allow
        t1 done
        a2 manager starts: revise
        plan 1: t1 t2
        a3 writer starts: task t2 attempt 1
        a3.t1.c0 write_file Allow
        t2 done
        ended: Done",
    );
    assert!(world.prompts[3].contains("first"), "{}", world.prompts[3]);
}

#[test]
fn a_tool_call_that_checks_an_output_is_held_against_its_pattern() {
    let mut checked = task("t", "writer");
    checked.acceptance = vec![Check::ToolPasses {
        call: leadhand_protocol::ToolTemplate {
            tool: "read_file".into(),
            arguments: json!({"path": "state.md"}),
        },
        pattern: "^ready$".into(),
    }];
    checked.attempts_max = 1;
    let plan = Plan {
        tasks: vec![checked],
        answer: None,
    };
    let run = |state: &str| {
        let mut start = start(Goal::new("Go."), Some(plan.clone()), &[]);
        start.limits.faults_in_a_row_max = 1;
        let world = World::new([text("one")]).file("state.md", state);
        world.go(start).kind()
    };
    assert_eq!(run("ready"), OutcomeKind::Done);
    assert_eq!(run("not ready"), OutcomeKind::NotAchieved);
}

#[test]
fn what_a_tool_gives_for_a_task_is_held_against_the_schema_of_the_task() {
    let mut asked = task("t", "");
    asked.call = Some(leadhand_protocol::ToolTemplate {
        tool: "read_file".into(),
        arguments: json!({"path": "state.json"}),
    });
    asked.output_schema = Some(json!({"type": "object", "required": ["ready"]}));
    asked.attempts_max = 1;
    let plan = Plan {
        tasks: vec![asked],
        answer: None,
    };
    let run = |state: &str| {
        let start = start(Goal::new("Go."), Some(plan.clone()), &[]);
        let world = World::new([]).file("state.json", state);
        world.go(start).outcome.unwrap()
    };
    assert_eq!(run(r#"{"ready": true}"#).kind, OutcomeKind::Done);
    for unfit in ["{}", "ready"] {
        let outcome = run(unfit);
        assert_eq!(outcome.kind, OutcomeKind::NotAchieved, "{unfit}");
        assert!(outcome.why.contains("does not fit the task"), "{outcome:?}");
    }
}

#[test]
fn a_call_may_be_made_again_once_a_file_has_changed() {
    let mut declared = task("t", "coder");
    declared.writes = vec!["**".into()];
    let plan = Plan {
        tasks: vec![declared],
        answer: None,
    };
    let read = || call("read_file", json!({"path": "a.md"}));
    let write = call("write_file", json!({"path": "a.md", "content": "b"}));
    let world = World::new([read(), read(), write, read(), text("done")])
        .file("a.md", "a")
        .go(start(Goal::new("Go."), Some(plan), &[]));
    check(
        &world,
        "
        plan 0: t
        a0 coder starts: task t attempt 1
        a0.t1.c0 read_file Allow
        a0.t2.c0 read_file Deny
        a0.t2.c0 fails: Failed
        a0.t3.c0 write_file Allow
        a0.t4.c0 read_file Allow
        t done
        ended: Done",
    );
}

#[test]
fn a_task_that_has_spent_its_own_budget_fails_and_the_others_go_on() {
    let mut dear = task("dear", "writer");
    dear.budget.tool_calls_max = Some(1);
    let plan = Plan {
        tasks: vec![dear, task("cheap", "writer")],
        answer: None,
    };
    let world = World::new([call("read_file", json!({"path": "a"})), text("fine")])
        .file("a", "a")
        .go(start(Goal::new("Go."), Some(plan), &[]));
    check(
        &world,
        "
        plan 0: dear cheap
        a0 writer starts: task dear attempt 1
        a1 writer starts: task cheap attempt 1
        a0.t1.c0 read_file Allow
        cheap done
        dear failed
        ended: NotAchieved",
    );
}

#[test]
fn a_worker_that_says_the_same_again_is_given_up_at_once() {
    let mut start = start(
        Goal::new("Go."),
        Some(Plan {
            tasks: vec![Task {
                acceptance: vec![Check::OutputMatches {
                    pattern: "yes".into(),
                }],
                ..task("t", "writer")
            }],
            answer: None,
        }),
        &[],
    );
    start.limits.task_attempts_max = 2;
    let world = World::new([text("no"), text("no"), text("yes")]).go(start);
    check(
        &world,
        "
        plan 0: t
        a0 writer starts: task t attempt 1
        a0 is told a fault
        a1 writer starts: task t attempt 2
        t done
        ended: Done",
    );
    let told = |prompt: &String| prompt.contains("yes");
    assert!(!world.prompts.iter().any(told), "a pattern was given away");
}

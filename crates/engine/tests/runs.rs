//! Whole runs of the engine, without a runtime: the world is a script of replies and a table of
//! files. What comes out is told as one line an event and compared as a whole.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should stop"
)]

use leadhand_engine::{Run, SETTLE_ROUNDS_MAX, decide, settle};
use leadhand_policy::{built_in_rules, workspace_grants};
use leadhand_protocol::{
    Access, Action, Answer, Autonomy, Budget, Capability, Change, Check, CheckResult, ContentHash,
    Effect, Event, FileChange, Goal, Input, Isolation, Limits, ModelFault, ModelFaultKind,
    ModelReply, Outcome, OutcomeKind, PersonInput, Plan, Purpose, Record, Role, RunId, Start, Task,
    TaskId, TaskInput, TaskSource, Timed, ToolCall, ToolFault, ToolFaultKind, ToolOutput, ToolSpec,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};

/// A world that answers from a script.
struct World {
    run: Run,
    journal: Vec<Event>,
    replies: VecDeque<Result<ModelReply, ModelFault>>,
    answers: VecDeque<Answer>,
    files: BTreeMap<String, String>,
    prompts: Vec<String>,
    outcome: Option<Outcome>,
}

fn text(text: &str) -> Result<ModelReply, ModelFault> {
    Ok(ModelReply {
        text: text.to_owned(),
        ..ModelReply::default()
    })
}

fn call(name: &str, arguments: Value) -> Result<ModelReply, ModelFault> {
    let tool_calls = vec![ToolCall {
        id: "c".into(),
        name: name.into(),
        arguments,
    }];
    Ok(ModelReply {
        tool_calls,
        ..ModelReply::default()
    })
}

fn tool(name: &str, capability: Capability, effect: Effect) -> ToolSpec {
    ToolSpec {
        name: name.into(),
        description: String::new(),
        arguments: json!({"type": "object", "properties": {"path": {"type": "string"}, "content": {"type": "string"}}, "required": ["path"], "additionalProperties": false}),
        result: None,
        effect,
        accesses: vec![Access::new(capability, Some("path"))],
        isolation: Isolation::Sandboxed,
        trusted: false,
    }
}

fn role(name: &str, tools: &[&str]) -> Role {
    Role {
        name: name.into(),
        prompt: format!("You are the {name}."),
        tools: tools.iter().map(ToString::to_string).collect(),
        ..Role::default()
    }
}

fn start(goal: Goal, plan: Option<Plan>, files: &[&str]) -> Start {
    Start {
        run: RunId::new("test").unwrap(),
        goal,
        roles: vec![
            role("manager", &[]),
            role("writer", &["read_file"]),
            role("coder", &["read_file", "write_file"]),
            role("reviewer", &[]),
        ],
        tools: vec![
            tool("read_file", Capability::FsRead, Effect::Pure),
            tool("write_file", Capability::FsWrite, Effect::Idempotent),
        ],
        rules: built_in_rules(),
        grants: workspace_grants(),
        approvals: Vec::new(),
        labels: Vec::new(),
        limits: Limits::default(),
        plan,
        files: files.iter().map(ToString::to_string).collect(),
        files_left_out: 0,
        instructions: String::new(),
        seed: 0,
    }
}

impl World {
    fn new(replies: impl IntoIterator<Item = Result<ModelReply, ModelFault>>) -> Self {
        Self {
            run: Run::new(),
            journal: Vec::new(),
            replies: replies.into_iter().collect(),
            answers: VecDeque::new(),
            files: BTreeMap::new(),
            prompts: Vec::new(),
            outcome: None,
        }
    }

    fn file(mut self, path: &str, content: &str) -> Self {
        self.files.insert(path.into(), content.into());
        self
    }

    fn go(mut self, start: Start) -> Self {
        let mut inputs = VecDeque::from([Input::Start(Box::new(start))]);
        while let Some(input) = inputs.pop_front() {
            let actions = self.take(input);
            inputs.extend(
                actions
                    .into_iter()
                    .filter_map(|action| self.carry_out(action)),
            );
        }
        self
    }

    fn take(&mut self, input: Input) -> Vec<Action> {
        let mut actions = Vec::new();
        let mut events = decide(&self.run, &Timed { at_ms: 0, input });
        for _ in 0..SETTLE_ROUNDS_MAX {
            if events.is_empty() {
                return actions;
            }
            for event in events {
                actions.extend(self.run.apply(&recorded(&event)));
                self.journal.push(event);
            }
            events = settle(&self.run);
        }
        panic!(
            "the run does not settle: {:?}",
            &self.journal[self.journal.len() - 5..]
        );
    }

    fn carry_out(&mut self, action: Action) -> Option<Input> {
        match action {
            Action::CallModel {
                agent,
                turn,
                request,
            } => {
                let prompt: Vec<&str> = request.messages.iter().map(|entry| entry.text()).collect();
                self.prompts.push(prompt.join("\n---\n"));
                Some(
                    match self
                        .replies
                        .pop_front()
                        .expect("the script has a reply left")
                    {
                        Ok(reply) => Input::ModelReplied {
                            agent,
                            turn,
                            reply: Box::new(reply),
                        },
                        Err(fault) => Input::ModelFailed { agent, turn, fault },
                    },
                )
            }
            Action::CallTool {
                call, tool_call, ..
            } => {
                let outcome = self.tool(&tool_call);
                Some(Input::ToolFinished { call, outcome })
            }
            Action::RunChecks {
                task,
                checks,
                changed,
            } => {
                let look = |check: Check| {
                    let passed = match &check {
                        Check::FileChanged { path } => changed.contains(path),
                        Check::FileExists { path } => self.files.contains_key(path),
                        Check::FileMatches { path, pattern } => self
                            .files
                            .get(path)
                            .is_some_and(|text| text.contains(pattern)),
                        _ => false,
                    };
                    CheckResult {
                        check,
                        passed,
                        evidence: format!("passed: {passed}"),
                    }
                };
                Some(Input::ChecksFinished {
                    task,
                    results: checks.into_iter().map(look).collect(),
                })
            }
            Action::AskPerson { request, .. } => {
                Some(Input::Person(match self.answers.pop_front() {
                    Some(answer) => PersonInput::Answers { request, answer },
                    None => PersonInput::Absent { request },
                }))
            }
            Action::Finish(outcome) => {
                self.outcome = Some(*outcome);
                None
            }
            Action::StartAgent { .. } | Action::CancelModel { .. } | Action::EndAgent { .. } => {
                None
            }
        }
    }

    fn tool(&mut self, call: &ToolCall) -> Result<ToolOutput, ToolFault> {
        let path = call.arguments["path"].as_str().unwrap().to_owned();
        if call.name == "read_file" {
            let text = self.files.get(&path).cloned();
            let missing = ToolFault {
                kind: ToolFaultKind::NotFound,
                message: format!("`{path}` does not exist"),
                retryable: false,
            };
            return text.map(ToolOutput::text).ok_or(missing);
        }
        let content = call.arguments["content"].as_str().unwrap().to_owned();
        let file = FileChange {
            path: path.clone(),
            change: Change::Created,
            hash: Some(ContentHash::of(content.as_bytes())),
            bytes: content.len() as u64,
        };
        self.files.insert(path, content);
        Ok(ToolOutput {
            files: vec![file],
            ..ToolOutput::text("written")
        })
    }

    fn told(&self) -> String {
        self.journal
            .iter()
            .filter_map(told)
            .map(|line| line + "\n")
            .collect()
    }

    fn kind(&self) -> OutcomeKind {
        self.outcome.as_ref().expect("the run ended").kind
    }
}

fn told(event: &Event) -> Option<String> {
    Some(match event {
        Event::PlanAccepted { revision, plan } => {
            let ids: Vec<&str> = plan.tasks.iter().map(|task| task.id.as_str()).collect();
            format!("plan {revision}: {}", ids.join(" "))
        }
        Event::AgentStarted {
            agent,
            role,
            purpose,
            attempt,
            ..
        } => {
            let purpose = match purpose {
                Purpose::Task(id) => format!("task {id} attempt {attempt}"),
                other => format!("{other:?}").to_lowercase(),
            };
            format!("{agent} {role} starts: {purpose}")
        }
        Event::ToolCalled {
            call,
            tool_call,
            verdict,
            ..
        } => {
            format!("{call} {} {:?}", tool_call.name, verdict.decision)
        }
        Event::ToolFinished {
            call,
            outcome: Err(fault),
        } => format!("{call} fails: {:?}", fault.kind),
        Event::Told {
            agent, fault: true, ..
        } => format!("{agent} is told a fault"),
        Event::TaskDone { task, .. } => format!("{task} done"),
        Event::TaskFailed { task, .. } => format!("{task} failed"),
        Event::Found(finding) => format!("{finding:?}"),
        Event::PersonAsked { request, .. } => format!("{request} asked"),
        Event::RunSuspended(outcome) => format!("suspended: {:?}", outcome.kind),
        Event::RunEnded(outcome) => format!("ended: {:?}", outcome.kind),
        _ => return None,
    })
}

fn check(world: &World, expected: &str) {
    let expected: String = expected
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .map(|l| format!("{l}\n"))
        .collect();
    assert_eq!(world.told(), expected, "outcome: {:?}", world.outcome);
    replays(&world.journal);
}

fn recorded(event: &Event) -> Record {
    Record {
        seq: 0,
        at_ms: 0,
        event: event.clone(),
    }
}

/// Applying the journal again gives a run with nothing left to do, after every event.
fn replays(journal: &[Event]) {
    let mut run = Run::new();
    for event in journal {
        run.apply(&recorded(event));
        let text = serde_json::to_string(event).unwrap();
        let read: Event = serde_json::from_str(&text).unwrap();
        assert_eq!(&read, event, "an event does not survive being written");
    }
    assert_eq!(settle(&run), [], "the journal does not stand by itself");
}

fn drafted(tasks: &Value) -> Result<ModelReply, ModelFault> {
    text(&json!({ "approach": "short", "tasks": tasks }).to_string())
}

fn draft(id: &str, role: &str, files: &[&str], each: bool, after: &[&str], file: &str) -> Value {
    json!({"id": id, "title": id, "files": files, "one_worker_per_file": each,
           "instruction": "Do it.", "depends_on": after, "output_file": file, "changes_files": role == "coder", "role": role})
}

fn task(id: &str, role: &str) -> Task {
    Task::new(TaskId::new(id).unwrap(), role, "Do it.")
}

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
        a1 is told a fault
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
        a0.t2.c0 write_file Deny
        a0.t2.c0 fails: Denied
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
        world.prompts[3].contains("\"path\" is a required property"),
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
    let world = World::new([text("I wrote out.md.")]).go(start(goal, Some(plan), &[]));
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
        a0 is told a fault
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
    let world = World::new([call("read_file", json!({"path": "a"})), text("done")])
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

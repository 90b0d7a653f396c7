//! A world that answers from a script: replies of models, a table of files, answers of people.

use leadhand_engine::{Run, SETTLE_ROUNDS_MAX, decide, replay, settle};
use leadhand_policy::{built_in_rules, workspace_grants};
use leadhand_protocol::{
    Access, Action, Answer, Capability, Change, Check, CheckResult, ContentHash, Effect, Event,
    FileChange, Finding, Goal, Input, Isolation, Limits, ModelFault, ModelReply, Outcome,
    OutcomeKind, PersonInput, Plan, Purpose, Record, Role, RunId, Start, Task, TaskId, Timed,
    ToolCall, ToolFault, ToolFaultKind, ToolOutput, ToolSpec,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A world that answers from a script.
pub(crate) struct World {
    pub(crate) run: Run,
    pub(crate) journal: Vec<Event>,
    /// The same with the times at which they came.
    pub(crate) records: Vec<Record>,
    pub(crate) replies: VecDeque<Result<ModelReply, ModelFault>>,
    pub(crate) answers: VecDeque<Answer>,
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) prompts: Vec<String>,
    /// Calls of tools that touch no files, by name.
    pub(crate) made: Vec<String>,
    pub(crate) outcome: Option<Outcome>,
    /// The time of what comes next, in milliseconds.
    pub(crate) at_ms: u64,
    /// What was ordered and is not carried out yet.
    pub(crate) pending: VecDeque<Action>,
    /// What tools that touch no files answer, by name; `done` unless given.
    pub(crate) results: BTreeMap<String, Result<String, ToolFault>>,
    /// Files that such tools change, by name.
    pub(crate) changes: BTreeMap<String, Vec<String>>,
}

pub(crate) fn text(text: &str) -> Result<ModelReply, ModelFault> {
    Ok(ModelReply {
        text: text.to_owned(),
        ..ModelReply::default()
    })
}

pub(crate) fn call(name: &str, arguments: Value) -> Result<ModelReply, ModelFault> {
    let tool_calls = vec![Arc::new(ToolCall {
        id: "c".into(),
        name: name.into(),
        arguments,
    })];
    Ok(ModelReply {
        tool_calls,
        ..ModelReply::default()
    })
}

pub(crate) fn tool(name: &str, capability: Capability, effect: Effect) -> ToolSpec {
    ToolSpec {
        name: name.into(),
        description: String::new(),
        arguments: Arc::new(
            json!({"type": "object", "properties": {"path": {"type": "string"}, "content": {"type": "string"}}, "required": ["path"], "additionalProperties": false}),
        ),
        result: None,
        effect,
        accesses: vec![Access::new(capability, Some("path"))],
        probe: None,
        undo: None,
        isolation: Isolation::Sandboxed,
        trusted: false,
        equal_by: Vec::new(),
        poll_every_ms: None,
    }
}

pub(crate) fn role(name: &str, tools: &[&str]) -> Role {
    Role {
        name: name.into(),
        prompt: format!("You are the {name}."),
        tools: tools.iter().map(ToString::to_string).collect(),
        ..Role::default()
    }
}

pub(crate) fn start(goal: Goal, plan: Option<Plan>, files: &[&str]) -> Start {
    Start {
        run: RunId::new("test").unwrap(),
        goal,
        roles: Arc::new(vec![
            role("manager", &[]),
            role("writer", &["read_file"]),
            role("coder", &["read_file", "write_file"]),
            role("reviewer", &[]),
        ]),
        tools: Arc::new(vec![
            tool("read_file", Capability::FsRead, Effect::Pure),
            tool("write_file", Capability::FsWrite, Effect::Idempotent),
        ]),
        rules: built_in_rules(),
        grants: workspace_grants(),
        approvals: Vec::new(),
        labels: Vec::new(),
        limits: Limits::default(),
        plan: plan.map(Into::into),
        files: files.iter().map(ToString::to_string).collect(),
        files_left_out: 0,
        instructions: String::new(),
        seed: 0,
        prices: Default::default(),
        message_types: Vec::new(),
        permits: BTreeMap::new(),
        default_model: String::new(),
    }
}

impl World {
    pub(crate) fn new(replies: impl IntoIterator<Item = Result<ModelReply, ModelFault>>) -> Self {
        Self {
            run: Run::new(),
            journal: Vec::new(),
            records: Vec::new(),
            replies: replies.into_iter().collect(),
            answers: VecDeque::new(),
            files: BTreeMap::new(),
            prompts: Vec::new(),
            made: Vec::new(),
            outcome: None,
            at_ms: 0,
            pending: VecDeque::new(),
            results: BTreeMap::new(),
            changes: BTreeMap::new(),
        }
    }

    pub(crate) fn file(mut self, path: &str, content: &str) -> Self {
        self.files.insert(path.into(), content.into());
        self
    }

    pub(crate) fn go(mut self, start: Start) -> Self {
        self.give(Input::Start(Arc::new(start)));
        self.carry_on();
        self
    }

    /// Takes an input; what it orders is not carried out yet.
    pub(crate) fn give(&mut self, input: Input) {
        let actions = self.take(input);
        self.pending.extend(actions);
    }

    /// Carries out what was ordered, and what that orders, to the end.
    pub(crate) fn carry_on(&mut self) {
        while let Some(action) = self.pending.pop_front() {
            if let Some(input) = self.carry_out(action) {
                self.give(input);
            }
        }
    }

    /// Carries on until a tool of this name is to be called; the call is left pending.
    pub(crate) fn carry_on_until(&mut self, name: &str) {
        let is_it = |action: &Action| matches!(action, Action::CallTool { tool_call, .. } if tool_call.name == name);
        while !self.pending.iter().any(is_it) {
            let action = self.pending.pop_front().expect("the tool is called");
            if let Some(input) = self.carry_out(action) {
                self.give(input);
            }
        }
    }

    /// The process ends and the run is taken up again.
    pub(crate) fn crash_and_resume(&mut self) {
        self.pending.clear();
        let at_ms = self.at_ms;
        for event in decide(
            &self.run,
            &Timed {
                at_ms,
                input: Input::Resume,
            },
        )
        .unwrap()
        {
            self.record(event);
        }
        self.pending.extend(self.run.outstanding());
        let actions = self.follow();
        self.pending.extend(actions);
    }

    /// Gives an order, or says why it is refused.
    pub(crate) fn order(&mut self, order: PersonInput) -> Result<(), String> {
        let input = Input::Person(order);
        decide(
            &self.run,
            &Timed {
                at_ms: self.at_ms,
                input: input.clone(),
            },
        )
        .map_err(|refusal| refusal.to_string())?;
        self.give(input);
        Ok(())
    }

    pub(crate) fn take(&mut self, input: Input) -> Vec<Action> {
        let at_ms = self.at_ms;
        let mut actions = Vec::new();
        for event in decide(&self.run, &Timed { at_ms, input }).unwrap() {
            actions.extend(self.record(event));
        }
        actions.extend(self.follow());
        actions
    }

    fn record(&mut self, event: Event) -> Vec<Action> {
        let record = Record {
            seq: self.records.len() as u64,
            at_ms: self.at_ms,
            event: Arc::new(event.clone()),
        };
        let actions = self.run.apply(&record);
        self.records.push(record);
        self.journal.push(event);
        actions
    }

    fn follow(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        for _ in 0..SETTLE_ROUNDS_MAX {
            let events = settle(&self.run);
            if events.is_empty() {
                return actions;
            }
            for event in events {
                actions.extend(self.record(event));
            }
        }
        panic!(
            "the run does not settle: {:?}",
            &self.journal[self.journal.len() - 5..]
        );
    }

    pub(crate) fn carry_out(&mut self, action: Action) -> Option<Input> {
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
                        .unwrap_or_else(|| panic!("the script is at its end:\n{}", self.told()))
                    {
                        Ok(reply) => Input::ModelReplied {
                            agent,
                            turn,
                            reply: Arc::new(reply),
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
                let look = |check: Check| self.look(check, &changed);
                Some(Input::ChecksFinished {
                    task,
                    results: checks.into_iter().map(look).collect(),
                })
            }
            Action::AskPerson { request, .. } => {
                Some(Input::Person(match self.answers.pop_front() {
                    Some(answer) => PersonInput::Answers {
                        request,
                        answer,
                        shown: None,
                    },
                    None => PersonInput::Absent { request },
                }))
            }
            Action::Finish(outcome) => {
                self.outcome = Some(Arc::unwrap_or_clone(outcome));
                None
            }
            Action::StartAgent { .. }
            | Action::CancelModel { .. }
            | Action::Tell { .. }
            | Action::Steer { .. }
            | Action::EndAgent { .. } => None,
        }
    }

    fn look(&self, check: Check, changed: &[String]) -> CheckResult {
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
    }

    pub(crate) fn tool(&mut self, call: &ToolCall) -> Result<ToolOutput, ToolFault> {
        if !matches!(call.name.as_str(), "read_file" | "write_file") {
            self.made.push(call.name.clone());
            let result = self.results.get(&call.name).cloned();
            let changed = self.changes.get(&call.name).into_iter().flatten();
            let files: Vec<FileChange> = changed.map(|path| created(path, "")).collect();
            let text = result.unwrap_or(Ok("done".to_owned()));
            return text.map(|text| ToolOutput {
                files,
                ..ToolOutput::text(text)
            });
        }
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
        let file = created(&path, &content);
        self.files.insert(path, content);
        Ok(ToolOutput {
            files: vec![file],
            ..ToolOutput::text("written")
        })
    }

    pub(crate) fn told(&self) -> String {
        let started = |event: &Event| match event {
            Event::RunStarted(start) => start.plan.clone(),
            _ => None,
        };
        let ready = self.journal.iter().find_map(started);
        self.journal
            .iter()
            .filter_map(|event| told(event, ready.as_deref()))
            .map(|line| line + "\n")
            .collect()
    }

    pub(crate) fn kind(&self) -> OutcomeKind {
        self.outcome.as_ref().expect("the run ended").kind
    }
}

fn created(path: &str, content: &str) -> FileChange {
    FileChange {
        path: path.to_owned(),
        change: Change::Created,
        hash: Some(ContentHash::of(content.as_bytes())),
        bytes: content.len() as u64,
    }
}

pub(crate) fn told(event: &Event, ready: Option<&Plan>) -> Option<String> {
    Some(match event {
        Event::PlanAccepted { revision, plan } => {
            let tasks = &plan.as_deref().or(ready)?.tasks;
            let ids: Vec<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
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
        Event::CallStarted { call } => format!("{call} is made"),
        Event::CallInDoubt { call, .. } => format!("{call} is in doubt"),
        Event::ProbeOrdered {
            call, tool_call, ..
        } => format!("{call} is asked for by {}", tool_call.name),
        Event::CallEdited {
            call, tool_call, ..
        } => format!("{call} becomes {}", tool_call.arguments),
        Event::StopOrdered { kind, grade, .. } => format!("stop: {kind:?} {grade:?}"),
        Event::TaskDone { task, .. } => format!("{task} done"),
        Event::TaskFailed { task, .. } => format!("{task} failed"),
        Event::Found(Finding::Divergence(found)) => {
            format!("left the plan: {}", found.rule.name())
        }
        Event::Found(finding) => format!("{finding:?}"),
        Event::PersonAsked { request, .. } => format!("{request} asked"),
        Event::RunSuspended(outcome) => format!("suspended: {:?}", outcome.kind),
        Event::RunEnded(outcome) => format!("ended: {:?}", outcome.kind),
        _ => return None,
    })
}

pub(crate) fn check(world: &World, expected: &str) {
    let expected: String = expected
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .map(|l| format!("{l}\n"))
        .collect();
    assert_eq!(world.told(), expected, "outcome: {:?}", world.outcome);
    replays(&world.journal);
}

pub(crate) fn recorded(event: &Event) -> Record {
    Record {
        seq: 0,
        at_ms: 0,
        event: Arc::new(event.clone()),
    }
}

/// Applying the journal again gives a run with nothing left to do, after every event.
pub(crate) fn replays(journal: &[Event]) {
    let mut run = Run::new();
    for event in journal {
        run.apply(&recorded(event));
        let text = serde_json::to_string(event).unwrap();
        let read: Event = serde_json::from_str(&text).unwrap();
        assert_eq!(&read, event, "an event does not survive being written");
        let snapshot = run.to_snapshot().unwrap();
        let restored = Run::from_snapshot(&snapshot).unwrap();
        assert!(
            restored.to_snapshot().unwrap() == snapshot && settle(&restored) == settle(&run),
            "a state does not survive being written after {event:?}"
        );
    }
    assert_eq!(settle(&run), [], "the journal does not stand by itself");
    let record = |(seq, event): (u64, &Event)| Record {
        seq,
        ..recorded(event)
    };
    let records: Vec<Record> = (0..).zip(journal).map(record).collect();
    let replayed = replay(&records).unwrap_or_else(|difference| panic!("{difference}"));
    assert_eq!(replayed.inputs + replayed.derived, records.len());
}

pub(crate) fn drafted(tasks: &Value) -> Result<ModelReply, ModelFault> {
    text(&json!({ "approach": "short", "tasks": tasks }).to_string())
}

pub(crate) fn draft(
    id: &str,
    role: &str,
    files: &[&str],
    each: bool,
    after: &[&str],
    file: &str,
) -> Value {
    json!({"id": id, "title": id, "files": files, "one_worker_per_file": each,
           "instruction": "Do it.", "depends_on": after, "output_file": file, "changes_files": role == "coder", "role": role})
}

pub(crate) fn task(id: &str, role: &str) -> Task {
    Task::new(TaskId::new(id).unwrap(), role, "Do it.")
}

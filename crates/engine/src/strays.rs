//! Work that leaves the plan, as it shows: in the calls of a turn, in an output, in a file that
//! somebody else works from. The rules are those of `detectors`; here stands what a run knows of
//! what they ask.

use crate::agent::{Agent, CallStatus, PendingCall};
use crate::draft::{self, acts_outside};
use crate::run::Run;
use leadhand_detectors::divergence::{
    Backing, Declared, InputHash, Place, Spent, Touched, empty_claim, missing_write, off_contract,
    over_estimate, stale_input, undeclared, unplanned_write,
};
use leadhand_detectors::open_work;
use leadhand_protocol::{
    Access, AgentId, Capability, Divergence, EVIDENCE_CHARS_MAX, Effect, Event, FileChange,
    Finding, LoopFinding, LoopRule, Purpose, Task, TaskSource, ToolCall, ToolFault, ToolFaultKind,
    ToolSpec,
};
use serde_json::Value;

impl Run {
    /// The plan of the task that an agent carries out; none for one that is a single tool call,
    /// which the plan holds as it stands.
    fn task_of(&self, agent: &Agent) -> Option<&Task> {
        let task = self.graph()?.task(agent.task()?)?;
        (!agent.role.is_empty()).then_some(task)
    }

    fn place<'a>(&self, agent: &Agent, task: &'a Task) -> Place<'a> {
        Place {
            agent: agent.id,
            task: Some(&task.id),
            step: Some(self.watch.loops.steps()),
        }
    }

    /// The calls of a turn are over.
    pub(crate) fn strays_by_calls(&self, agent: &Agent, calls: &[PendingCall]) -> Vec<Finding> {
        let Some(task) = self.task_of(agent) else {
            return Vec::new();
        };
        let place = self.place(agent, task);
        let mut found = Vec::new();
        for pending in calls {
            if let Some(tool) = self.started().tool(&pending.call.name) {
                found.extend(beside_the_task(place, task, tool, pending));
            }
        }
        let record = self.task(&task.id);
        let before_ms = record.map_or(0, |record| record.at_work_ms);
        let own_ms = self.at_work.ms.saturating_sub(agent.began_ms);
        found.extend(over_estimate(
            place,
            Spent {
                seconds: before_ms.saturating_add(own_ms) / 1_000,
                estimate_seconds: u64::from(task.estimate_seconds),
                told: record.map_or(0, |record| record.over_estimate),
                ..Spent::default()
            },
        ));
        found.into_iter().map(Finding::Divergence).collect()
    }

    /// An output was given.
    pub(crate) fn strays_by_output(&self, agent: &Agent, output: &str) -> Vec<Finding> {
        let Some(task) = self.task_of(agent) else {
            return Vec::new();
        };
        let place = self.place(agent, task);
        let backing = Backing {
            calls: agent.spent.tool_calls,
            could_act: agent.equipment.tools.iter().any(reaches_out),
        };
        let claim = empty_claim(place, output, backing).into_iter();
        let missing = missing_write(place, &task.writes, &self.there_of(task));
        let found = claim.chain(missing);
        found.map(Finding::Divergence).collect()
    }

    /// Of the files that a task is to write those that are there: written by now, or from the
    /// beginning, when they may well need no change. Where not all files are known, all of them.
    fn there_of(&self, task: &Task) -> Vec<String> {
        let start = &self.started().start;
        if start.files_left_out > 0 {
            return task.writes.clone();
        }
        let is_meant = |path: &&String| {
            let mut writes = task.writes.iter();
            writes.any(|own| path.starts_with(own.trim_start_matches("./")))
        };
        let there = self
            .written
            .iter()
            .chain(&task.output_file)
            .chain(&start.files);
        there.filter(is_meant).cloned().collect()
    }

    /// A file has another content, or is gone: who works from what it was.
    pub(crate) fn strays_by_file(&self, by: AgentId, file: &FileChange) -> Vec<Finding> {
        let before = self.files.get(&file.path).and_then(|before| before.hash);
        let others = self
            .agents
            .values()
            .filter(|agent| agent.id != by && agent.turns > 0);
        let found = others.filter_map(|agent| {
            let task = self.task_of(agent)?;
            let name = input_from(self, task, &file.path)?;
            let input = InputHash {
                name,
                begun: before,
                now: file.hash,
            };
            stale_input(self.place(agent, task), &[input])
        });
        found.map(Finding::Divergence).collect()
    }
}

/// A revision that leaves to do what was left before; none for another one.
pub(crate) fn same_work_again(run: &Run, agent: &Agent, output: &str) -> Option<Finding> {
    if agent.purpose != Purpose::Revise {
        return None;
    }
    let (_, plan) = draft::accept(run, &agent.purpose, output).ok()?;
    let left: Vec<&Task> = plan
        .tasks
        .iter()
        .filter(|task| run.output_of(&task.id).is_none())
        .collect();
    let identity = open_work(left.iter().copied());
    let titles: Vec<&str> = left.iter().map(|task| task.title.as_str()).collect();
    let evidence = format!("the new plan is one that was tried: {}", titles.join("; "));
    let step = run.watch.loops.steps();
    run.plan.open_work.contains(&identity).then(|| {
        Finding::Loop(LoopFinding {
            agent: agent.id,
            rule: LoopRule::Revision,
            identity,
            since: step,
            period: 1,
            times: run.plan.revised.saturating_add(2),
            evidence: evidence.chars().take(EVIDENCE_CHARS_MAX).collect(),
        })
    })
}

impl Run {
    /// What is left to do as the plan stands.
    pub(crate) fn notes_open_work(&mut self) {
        // A plan that was given is never revised.
        let given = self.started().start.plan.is_some();
        let Some(graph) = self.plan.graph.as_ref().filter(|_| !given) else {
            return;
        };
        let left = graph.plan().tasks.iter();
        let left = left.filter(|task| self.output_of(&task.id).is_none());
        let name = open_work(left);
        self.plan.open_work.insert(name);
    }
}

/// Whether a tool does or looks at anything beyond what it is told.
fn reaches_out(tool: &ToolSpec) -> bool {
    tool.effect != Effect::Pure || !tool.accesses.is_empty()
}

/// What the task calls the file that it was given, if it was given it.
fn input_from<'a>(run: &'a Run, task: &'a Task, path: &'a str) -> Option<&'a str> {
    let by_file = task.inputs.iter().find_map(|input| match &input.from {
        TaskSource::File(file) if file == path => Some(input.name.as_str()),
        _ => None,
    });
    let by_task = || {
        let mut artifacts = task.depends_on.iter().filter_map(|id| {
            let (artifact, _) = run.task(id)?.output.as_ref()?;
            artifact.path.as_deref()
        });
        artifacts.any(|artifact| artifact == path).then_some(path)
    };
    by_file.or_else(by_task)
}

/// What a call touched, or was to, that is not in the task.
fn beside_the_task(
    place: Place<'_>,
    task: &Task,
    tool: &ToolSpec,
    pending: &PendingCall,
) -> Vec<Divergence> {
    let call = &pending.call;
    // One that could not have been made does not say what it is for.
    if matches!(
        &pending.status,
        CallStatus::Finished(Err(ToolFault {
            kind: ToolFaultKind::UnknownTool | ToolFaultKind::InvalidArguments,
            ..
        }))
    ) {
        return Vec::new();
    }
    let paths = named(tool, call, |capability| capability == Capability::FsWrite);
    let changed: Vec<String> = match &pending.status {
        CallStatus::Finished(Ok(output)) => {
            output.files.iter().map(|file| file.path.clone()).collect()
        }
        _ => Vec::new(),
    };
    let calls_beside = !task.effects.is_empty()
        && acts_outside(tool)
        && !leadhand_policy::declares(task, tool, call);
    if paths.is_empty() && changed.is_empty() && !calls_beside {
        return Vec::new();
    }
    let mut writes = task.writes.clone();
    writes.extend(task.output_file.clone());
    let tools: Vec<String> = task.effects.iter().map(|it| it.tool.clone()).collect();
    let mut reached = named(tool, call, |capability| capability != Capability::FsWrite);
    if reached.is_empty() {
        reached.push(call.arguments.to_string());
    }
    let declared = Declared {
        tools: calls_beside.then_some(&tools),
        paths: Some(&writes),
        resources: (calls_beside && tools.contains(&tool.name)).then_some(&[]),
    };
    let touched = Touched {
        tool: &tool.name,
        paths: &paths,
        resources: &reached,
    };
    let mut found = undeclared(place, declared, touched);
    // What it named beside the task is told already.
    let unnamed: Vec<String> = changed
        .into_iter()
        .filter(|path| !paths.contains(path))
        .collect();
    found.extend(unplanned_write(place, &writes, &unnamed));
    found
}

/// What the arguments of a call name of such a kind.
fn named(tool: &ToolSpec, call: &ToolCall, wanted: fn(Capability) -> bool) -> Vec<String> {
    let accesses = tool.accesses.iter();
    let arguments = accesses
        .filter(|access: &&Access| wanted(access.capability))
        .filter_map(|access| call.arguments.get(access.argument.as_ref()?));
    let texts = arguments.flat_map(|value| match value {
        Value::Array(values) => values.iter().collect(),
        value => vec![value],
    });
    let texts = texts.filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// What follows from an output off its contract: where it ends the last attempt, that it was so
/// is on record before.
pub(crate) fn with_off_contract(
    run: &Run,
    agent: &Agent,
    faults: &[String],
    mut events: Vec<Event>,
) -> Vec<Event> {
    let failed = |event: &Event| matches!(event, Event::TaskFailed { .. });
    let attempts_left = u32::from(!events.iter().any(failed));
    let task = agent.task().and_then(|id| run.graph()?.task(id));
    let found = task.and_then(|task| off_contract(run.place(agent, task), faults, attempts_left));
    if let Some(found) = found {
        events.insert(0, Event::Found(Finding::Divergence(found)));
    }
    events
}

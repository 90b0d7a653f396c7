//! Where values came from, followed through a run: into an agent's context with all it is given,
//! into what it makes, and into files, from which they are read again. Nothing is ever taken off
//! a label; what a label closes is policy's to say.

use crate::agent::{Agent, PendingCall};
use crate::run::Run;
use leadhand_protocol::coordination::PrimitiveKind;
use leadhand_protocol::{
    AgentId, Autonomy, Capability, Change, FileChange, Grant, Label, Plan, Purpose, Source, Task,
    TaskId, ToolSpec,
};
use leadhand_resource::{Kind, Pattern, Resource};
use leadhand_task_graph::TaskGraph;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What an agent is told when it begins.
pub(crate) fn of_opening(run: &Run, purpose: &Purpose) -> Label {
    let given = Label::from(Source::User).join(&run.plan.label);
    match purpose {
        Purpose::Plan => given,
        Purpose::Task(id) => {
            let task = run.graph().and_then(|graph| graph.task(id));
            let depends_on = task.into_iter().flat_map(|task| &task.depends_on);
            depends_on
                .chain([id])
                .fold(given, |label, id| label.join(&of_task(run, id)))
        }
        Purpose::Drift { task, .. } => given.join(&of_task(run, task)),
        Purpose::Judge { task, .. } => match task {
            Some(id) => given.join(&of_task(run, id)),
            None => of_all_tasks(run, given),
        },
        Purpose::Reply { question } => {
            let asked = run.label_of(PrimitiveKind::Question, &(*question).into());
            of_all_tasks(run, given).join(&asked)
        }
        Purpose::Revise | Purpose::Answer | Purpose::RollBack => of_all_tasks(run, given),
    }
}

fn of_task(run: &Run, id: &TaskId) -> Label {
    run.task(id)
        .map_or_else(Label::default, |record| record.label.clone())
}

fn of_all_tasks(run: &Run, given: Label) -> Label {
    run.tasks
        .values()
        .fold(given, |label, record| label.join(&record.label))
}

/// Where that comes from what a call gave, its fault included: a tool can write whatever it
/// likes into either.
///
/// A call that was refused has read nothing.
pub(crate) fn of_result(run: &Run, pending: &PendingCall) -> Label {
    let (call, permit) = (&pending.call, &pending.permit);
    if !pending.status.is_in_flight() {
        return Label::default();
    }
    let Some(tool) = run.started().tool(&call.name) else {
        return Label::default();
    };
    let reading = permit
        .grants
        .iter()
        .filter(|grant| grant.capability == Capability::FsRead);
    let label = reading.fold(tool.label(), |label, grant| {
        label.join(&of_files(run, grant))
    });
    let may_use_secrets = permit
        .grants
        .iter()
        .any(|grant| grant.capability == Capability::Secret);
    if reaches_out(tool) && may_use_secrets {
        return label.join(&Label::from(Source::Secret));
    }
    label
}

fn reaches_out(tool: &ToolSpec) -> bool {
    tool.wants(Capability::Net) || tool.wants(Capability::NetInternal)
}

/// What files hold that a grant of a call's own permit opens: those that the call names.
fn of_files(run: &Run, grant: &Grant) -> Label {
    let Ok(pattern) = Pattern::parse(Kind::Path, &grant.resource) else {
        return Label::default();
    };
    let covers = |file: &str| {
        Resource::parse(Kind::Path, file).is_ok_and(|file| pattern.covers(&file, None))
    };
    let written = run.file_labels.iter().filter(|(file, _)| covers(file));
    let unwritten = run.started().path_labels.of(&pattern);
    written.fold(unwritten, |label, (_, own)| label.join(own))
}

impl Run {
    /// What an agent has read goes into all it makes from then on.
    pub(crate) fn taints(&mut self, id: AgentId, label: &Label) {
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        agent.label = std::mem::take(&mut agent.label).join(label);
        let label = agent.label.clone();
        if let Some(task) = agent.task().cloned() {
            let record = self.tasks.entry(task).or_default();
            record.label = std::mem::take(&mut record.label).join(&label);
        }
    }

    /// A plan holds what its manager knew. Of tasks that it newly names only those are sound
    /// that were written before anything untrusted was read, or by a person.
    pub(crate) fn label_plan(&mut self, plan: &Plan, by_person: bool) {
        if by_person {
            let before = self.plan.graph.as_ref().map(TaskGraph::plan);
            let own = plan
                .tasks
                .iter()
                .filter(|task| !before.is_some_and(|before| before.tasks.contains(task)))
                .map(|task| task.id.clone());
            self.plan.sound.extend(own);
            return;
        }
        let mut planners = self
            .agents
            .values()
            .filter(|agent| matches!(agent.purpose, Purpose::Plan | Purpose::Revise));
        let label = planners.next().map(|agent| agent.label.clone());
        let label = label.unwrap_or_default();
        if label.is_untrusted() {
            let before = self.plan.graph.as_ref().map(TaskGraph::plan);
            let kept = |task: &&Task| before.is_some_and(|before| before.tasks.contains(task));
            let kept: BTreeSet<TaskId> = plan
                .tasks
                .iter()
                .filter(kept)
                .map(|task| task.id.clone())
                .collect();
            self.plan.sound.retain(|id| kept.contains(id));
        } else {
            self.plan.sound = plan.tasks.iter().map(|task| task.id.clone()).collect();
        }
        self.plan.label = std::mem::take(&mut self.plan.label).join(&label);
    }

    /// Files that a call changed hold what its agent knew, and what any of them held before: one
    /// that is moved keeps where it came from.
    pub(crate) fn label_files(&mut self, id: AgentId, files: &[FileChange]) {
        let Some(agent) = self.agents.get(&id) else {
            return;
        };
        let mut label = agent.label.clone().written_by(id);
        for file in files {
            if let Some(own) = self.file_labels.get(&file.path) {
                label = label.join(own);
            }
        }
        for file in files {
            match file.change {
                Change::Created | Change::Modified => {
                    self.file_labels.insert(file.path.clone(), label.clone());
                }
                Change::Removed => {
                    self.file_labels.remove(&file.path);
                }
            }
        }
    }
}

/// What its task declared before anything untrusted was read, as the task of a verdict. What a
/// manager wrote that had read untrusted content, or that opens the whole workspace, declares
/// nothing: whoever steers the content would declare what it is to cause.
pub(crate) fn declared<'a>(run: &Run, task: &'a Task) -> Cow<'a, Task> {
    let mut declared = Cow::Borrowed(task);
    if !is_sound(run, &task.id) {
        let declared = declared.to_mut();
        declared.writes.clear();
        declared.effects.clear();
        declared.output_file = None;
    }
    if run.started().start.plan.is_none() {
        declared.to_mut().writes.retain(|glob| glob != "**");
    }
    declared
}

/// Whether a task was planned by people, or by a manager before it read anything untrusted.
pub(crate) fn is_sound(run: &Run, task: &TaskId) -> bool {
    run.started().start.plan.is_some() || run.plan.sound.contains(task)
}

/// The level that holds for an agent: the lower of the run's and its role's, and lower still
/// when something was found about how it works.
pub(crate) fn autonomy(run: &Run, agent: &Agent) -> Autonomy {
    let setting = run.started();
    let of_run = setting.start.goal.autonomy;
    let of_role = setting.role(&agent.role).and_then(|role| role.autonomy);
    let level = of_role.map_or(of_run, |own| own.min(of_run));
    if run.is_found(agent) {
        level.min(Autonomy::L3)
    } else {
        level
    }
}

//! A draft becomes a plan: files are looked up, workers fanned out, and what the goal asks goes to
//! the task that has to see to it.

use super::{Draft, DraftTask, FILES_PER_TASK_MAX, done_tasks, files_now, kind_of};
use crate::run::Run;
use crate::schedule::known;
use leadhand_protocol::{
    Check, DeclaredCall, Plan, Purpose, Task, TaskId, TaskInput, TaskSource, ToolTemplate,
};
use leadhand_task_graph::{revise, validate};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The plan that follows from the manager's draft, with its revision number, or all its faults.
pub(crate) fn accept(
    run: &Run,
    purpose: &Purpose,
    content: &str,
) -> Result<(u32, Plan), Vec<String>> {
    let draft: Draft = serde_json::from_str(content).map_err(|error| vec![error.to_string()])?;
    let mut copies: BTreeMap<TaskId, Vec<TaskId>> = BTreeMap::new();
    let mut tasks = Vec::new();
    for drafted in draft.tasks {
        let made = make(run, &drafted, &copies).map_err(|fault| vec![fault])?;
        copies.insert(
            drafted.id,
            made.iter().map(|task| task.id.clone()).collect(),
        );
        tasks.extend(made);
    }
    if let [alone] = tasks.as_mut_slice()
        && *purpose == Purpose::Plan
        && alone.output_file.is_none()
    {
        alone.acceptance.extend(asked_of_answer(run));
    }
    let mut plan = Plan {
        tasks,
        answer: None,
    };
    let mut revision = 0;
    if *purpose == Purpose::Revise
        && let Some(graph) = run.graph()
    {
        revision = run.plan.revision + 1;
        let done = done_tasks(run);
        build_on_what_is_done(graph.plan(), &done, &mut plan);
        plan = revise(graph.plan(), &done, plan).map_err(|error| vec![error.to_string()])?;
    }
    let faults = validate(&plan, &known(run), &run.started().start.limits);
    if faults.is_empty() {
        return Ok((revision, plan));
    }
    Err(faults
        .into_iter()
        .map(|fault| format!("{} {}", fault.at, fault.message))
        .collect())
}

/// A task that writes a file which a task before the revision wrote is to do it better: it comes
/// after that task and is given its result.
fn build_on_what_is_done(current: &Plan, done: &BTreeSet<TaskId>, revised: &mut Plan) {
    for task in &mut revised.tasks {
        let before = current.tasks.iter().filter(|before| {
            done.contains(&before.id)
                && task.output_file.is_some()
                && before.output_file == task.output_file
        });
        for before in before {
            if before.id != task.id && !task.depends_on.contains(&before.id) {
                task.depends_on.push(before.id.clone());
            }
        }
    }
}

/// One task, or one for each file when the manager wants a worker per file.
fn make(
    run: &Run,
    drafted: &DraftTask,
    copies: &BTreeMap<TaskId, Vec<TaskId>>,
) -> Result<Vec<Task>, String> {
    let mut files: Vec<String> = Vec::new();
    for path in drafted.files.iter().flat_map(|choice| resolve(run, choice)) {
        if !files.contains(&path) {
            files.push(path);
        }
    }
    let mut depends_on: Vec<TaskId> = Vec::new();
    for id in &drafted.depends_on {
        let ids = copies.get(id).cloned().unwrap_or_else(|| vec![id.clone()]);
        depends_on.extend(
            ids.into_iter()
                .filter(|id| !depends_on.contains(id))
                .collect::<Vec<_>>(),
        );
    }
    let base = |id: TaskId, files: &[String]| {
        let mut task = Task::new(id, &drafted.role, &drafted.instruction);
        task.title = drafted.title.clone();
        task.depends_on = depends_on.clone();
        task.inputs = files.iter().map(|path| file_input(path)).collect();
        let calls = drafted.may_call.iter().cloned();
        task.effects = calls.map(DeclaredCall::any_of).collect();
        // Where in the workspace it may then write is policy's to say.
        if drafted.changes_files {
            task.writes = vec!["**".to_owned()];
        }
        task
    };
    let output_file = drafted.output_file.trim().trim_start_matches("./");
    let output_file = Some(output_file)
        .filter(|path| !path.is_empty() && !path.eq_ignore_ascii_case("none"))
        .map(str::to_owned);
    if drafted.one_worker_per_file && files.len() > 1 {
        let mut tasks = Vec::new();
        for (place, path) in files.iter().enumerate() {
            let id = TaskId::new(format!("{}-{}", drafted.id, place + 1));
            let mut task = base(
                id.map_err(|error| error.to_string())?,
                std::slice::from_ref(path),
            );
            task.title = format!("{} ({path})", drafted.title);
            tasks.push(task);
        }
        tasks.extend(output_file.map(|path| joined(run, drafted, &tasks, &path)));
        return Ok(tasks);
    }
    if files.len() > FILES_PER_TASK_MAX {
        return Err(format!(
            "{} is given {} files and {FILES_PER_TASK_MAX} are allowed: set `one_worker_per_file`, or give it fewer",
            drafted.id,
            files.len()
        ));
    }
    let mut task = base(drafted.id.clone(), &files);
    match output_file {
        Some(path) => {
            if path.ends_with(".json") {
                task.output_schema = Some(json!({ "type": ["object", "array"] }));
            }
            task.acceptance = checks_of(run, &path);
            task.output_file = Some(path);
        }
        None if !task.writes.is_empty() => {
            let files = files.iter().map(String::as_str);
            task.acceptance = files.flat_map(|path| asked_of(run, path)).collect();
        }
        None => {}
    }
    Ok(vec![task])
}

/// The task that saves what the workers for each file gave, one result after the other.
fn joined(run: &Run, drafted: &DraftTask, workers: &[Task], path: &str) -> Task {
    let mut task = Task::new(drafted.id.clone(), "", "");
    task.title = format!("Save {path}");
    task.depends_on = workers.iter().map(|worker| worker.id.clone()).collect();
    task.acceptance = checks_of(run, path);
    let content = format!("{{{{{}-*}}}}", drafted.id);
    task.writes = vec![path.to_owned()];
    task.call = Some(ToolTemplate {
        tool: crate::turn::WRITE_TOOL.to_owned(),
        arguments: json!({ "path": path, "content": content }),
    });
    task
}

/// What must hold of a file for the task that writes it to be done: it was written, it is what
/// its name says, and it is what the goal asks of it. So a worker learns at once what is wrong
/// with its file, while it still knows what it did, and not the manager at the end.
fn checks_of(run: &Run, path: &str) -> Vec<Check> {
    let mut checks = vec![Check::FileChanged {
        path: path.to_owned(),
    }];
    if path.ends_with(".json") {
        checks.push(Check::FileFits {
            path: path.to_owned(),
            schema: Value::Bool(true),
        });
    }
    let asked: Vec<Check> = asked_of(run, path)
        .filter(|check| !checks.contains(check))
        .collect();
    checks.extend(asked);
    checks
}

/// What the goal asks of the answer, as far as it can be seen without asking a model: what a task
/// that is alone gives becomes the answer as it stands.
fn asked_of_answer(run: &Run) -> impl Iterator<Item = Check> {
    let acceptance = &run.started().start.goal.acceptance;
    let seen = |check: &&Check| matches!(check, Check::OutputMatches { .. });
    acceptance.iter().filter(seen).cloned()
}

/// What the goal asks of a file.
fn asked_of(run: &Run, path: &str) -> impl Iterator<Item = Check> {
    let acceptance = &run.started().start.goal.acceptance;
    let about = move |check: &&Check| check.file() == Some(path);
    acceptance.iter().filter(about).cloned()
}

fn file_input(path: &str) -> TaskInput {
    TaskInput {
        name: path.to_owned(),
        from: TaskSource::File(path.to_owned()),
        schema: None,
    }
}

fn resolve(run: &Run, choice: &str) -> Vec<String> {
    let files = files_now(run);
    let of_kind = |path: &&str| *path == choice || kind_of(path) == choice;
    files
        .into_iter()
        .filter(of_kind)
        .map(str::to_owned)
        .collect()
}

//! The plan as the manager writes it: a short form whose JSON Schema makes a cycle impossible,
//! since task number i can only name tasks before it.

mod plan;

pub(crate) use plan::accept;

use crate::run::Run;
use crate::schedule::known;
use leadhand_protocol::{Access, Capability, Change, Effect, TaskId, ToolSpec};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Files handed to one task at most.
const FILES_PER_TASK_MAX: usize = 24;
const APPROACH_CHARS_MAX: usize = 240;
const TITLE_CHARS_MAX: usize = 70;
const INSTRUCTION_CHARS_MAX: usize = 500;
const OUTPUT_FILE_CHARS_MAX: usize = 80;

#[derive(Debug, Deserialize)]
struct Draft {
    #[serde(default)]
    #[expect(dead_code, reason = "it makes the model think before it plans")]
    approach: String,
    tasks: Vec<DraftTask>,
}

#[derive(Debug, Deserialize)]
struct DraftTask {
    id: TaskId,
    #[serde(default)]
    title: String,
    role: String,
    #[serde(default)]
    files: Vec<String>,
    #[serde(default)]
    one_worker_per_file: bool,
    instruction: String,
    #[serde(default)]
    depends_on: Vec<TaskId>,
    #[serde(default)]
    output_file: String,
    #[serde(default)]
    changes_files: bool,
    #[serde(default)]
    may_call: Vec<String>,
}

/// The schema of the manager's plan in the state `run`: ids are fixed, dependencies can only
/// name done tasks and earlier ones, roles and files only those there are.
pub(crate) fn schema(run: &Run) -> Value {
    let start = &run.started().start;
    let roles = Roles::of(run);
    let files = choices(run);
    let calls: Vec<String> = effectful(run)
        .into_iter()
        .map(|tool| tool.name.clone())
        .collect();
    let done: Vec<String> = done_tasks(run).iter().map(ToString::to_string).collect();
    let first = next_number(run);
    let tasks = (0..start.limits.planned_tasks_max).map(|place| {
        let mut earlier = done.clone();
        earlier.extend((0..place).map(|place| format!("t{}", first + place)));
        draft_schema(
            &format!("t{}", first + place),
            &roles,
            &files,
            &calls,
            &earlier,
        )
    });
    json!({
        "type": "object",
        "properties": {
            "approach": {"type": "string", "maxLength": APPROACH_CHARS_MAX},
            "tasks": {
                "type": "array",
                "minItems": 1,
                "prefixItems": tasks.collect::<Vec<_>>(),
                "items": false,
            },
        },
        "required": ["approach", "tasks"],
        "additionalProperties": false,
    })
}

fn draft_schema(
    id: &str,
    roles: &Roles<'_>,
    files: &[String],
    calls: &[String],
    earlier: &[String],
) -> Value {
    let one_of = |names: &[String], items_max: usize| {
        if names.is_empty() {
            json!({"type": "array", "maxItems": 0})
        } else {
            json!({"type": "array", "items": {"enum": names}, "maxItems": items_max.min(names.len())})
        }
    };
    let of_kind = |changes_files: bool, roles: &[&str]| {
        let mut schema = json!({
            "type": "object",
            "properties": {
                "id": {"const": id},
                "title": {"type": "string", "minLength": 1, "maxLength": TITLE_CHARS_MAX},
                "files": one_of(files, FILES_PER_TASK_MAX),
                "one_worker_per_file": {"type": "boolean"},
                "instruction": {"type": "string", "minLength": 1, "maxLength": INSTRUCTION_CHARS_MAX},
                "depends_on": one_of(earlier, earlier.len()),
                "output_file": {"type": "string", "maxLength": OUTPUT_FILE_CHARS_MAX},
                "changes_files": {"const": changes_files},
                "role": {"enum": roles},
            },
            "required": ["id", "title", "files", "one_worker_per_file", "instruction", "depends_on", "output_file", "changes_files", "role"],
            "additionalProperties": false,
        });
        if !calls.is_empty() {
            schema["properties"]["may_call"] = one_of(calls, calls.len());
        }
        schema
    };
    match (roles.changing.as_slice(), roles.other.as_slice()) {
        ([], other) => of_kind(false, other),
        (changing, []) => of_kind(true, changing),
        (changing, other) => json!({"anyOf": [of_kind(false, other), of_kind(true, changing)]}),
    }
}

/// Tools of the workers' roles that do something outside of the workspace: which of them a task
/// may call is said in the plan, before anything untrusted is read.
pub(crate) fn effectful(run: &Run) -> Vec<&ToolSpec> {
    let setting = run.started();
    let roles = known(run).roles;
    let names = roles.iter().filter_map(|name| setting.role(name));
    let names: BTreeSet<&String> = names.flat_map(|role| &role.tools).collect();
    let tools = names.into_iter().filter_map(|name| setting.tool(name));
    tools.filter(|tool| acts_outside(tool)).collect()
}

/// Whether calls of a tool have an effect outside of the workspace.
pub(crate) fn acts_outside(tool: &ToolSpec) -> bool {
    let of_files =
        |access: &Access| matches!(access.capability, Capability::FsRead | Capability::FsWrite);
    tool.effect != Effect::Pure && (tool.accesses.is_empty() || !tool.accesses.iter().all(of_files))
}

/// The roles of workers: those that have tools which change files, and the others. What a small
/// model would get wrong by the name of a role, it gets right when asked what the task does.
#[derive(Default)]
struct Roles<'a> {
    changing: Vec<&'a str>,
    other: Vec<&'a str>,
}

impl<'a> Roles<'a> {
    fn of(run: &'a Run) -> Self {
        let mut roles = Self::default();
        for name in known(run).roles {
            let group = if changes_files(run, name) {
                &mut roles.changing
            } else {
                &mut roles.other
            };
            group.push(name);
        }
        roles
    }
}

fn done_tasks(run: &Run) -> BTreeSet<TaskId> {
    let done = run
        .tasks
        .iter()
        .filter(|(_, record)| record.output.is_some());
    done.map(|(id, _)| id.clone()).collect()
}

/// New tasks of a revision never take up an old id.
fn next_number(run: &Run) -> usize {
    let ids = run.tasks.keys().filter_map(|id| {
        id.as_str()
            .strip_prefix('t')?
            .split('-')
            .next()?
            .parse::<usize>()
            .ok()
    });
    ids.max().unwrap_or(0) + 1
}

/// What the manager may name as files: the files themselves, and patterns for several of one
/// kind in one folder.
fn choices(run: &Run) -> Vec<String> {
    let files = files_now(run);
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for path in &files {
        *kinds.entry(kind_of(path)).or_default() += 1;
    }
    let patterns = kinds
        .into_iter()
        .filter(|(kind, count)| *count > 1 && !kind.is_empty());
    patterns
        .map(|(kind, _)| kind)
        .chain(files.into_iter().map(str::to_owned))
        .collect()
}

/// The files the run was started with, as far as its own work has left them in place, and then
/// those it has made since.
pub(crate) fn files_now(run: &Run) -> Vec<&str> {
    let change_of = |path: &str| run.files.get(path).map(|file| file.change);
    let listed = &run.started().start.files;
    let left = listed
        .iter()
        .filter(|path| change_of(path) != Some(Change::Removed));
    let made = run
        .files
        .values()
        .filter(|file| file.change != Change::Removed && !listed.contains(&file.path));
    left.map(String::as_str)
        .chain(made.map(|file| file.path.as_str()))
        .collect()
}

/// `docs/a.md` is of the kind `docs/*.md`.
fn kind_of(path: &str) -> String {
    let (folder, name) = path
        .rsplit_once('/')
        .map_or(("", path), |(folder, name)| (folder, name));
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && folder.is_empty() => {
            format!("*.{extension}")
        }
        Some((stem, extension)) if !stem.is_empty() => format!("{folder}/*.{extension}"),
        _ => String::new(),
    }
}

/// Whether a role has tools that change files.
fn changes_files(run: &Run, role: &str) -> bool {
    let setting = run.started();
    setting.role(role).is_some_and(|role| {
        let tools = role.tools.iter().filter_map(|name| setting.tool(name));
        tools.into_iter().any(crate::equip::writes_files)
    })
}

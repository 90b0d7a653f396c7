//! What is wrong with a plan, all of it at once, in words a model or a person can act on.

use crate::placeholders;
use leadhand_protocol::coordination::{LOCKS_PER_REQUEST_MAX, PrimitiveName};
use leadhand_protocol::{Check, Fault, Limits, Plan, Task, TaskId, TaskSource};
use petgraph::algo::kosaraju_scc;
use petgraph::graph::DiGraph;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Tasks of one circle that are named.
const CIRCLE_NAMED_MAX: usize = 32;

/// What a plan may refer to.
#[derive(Debug, Clone, Default)]
pub struct Known<'a> {
    /// Roles that workers can have.
    pub roles: BTreeSet<&'a str>,
    /// Tools that tasks can call.
    pub tools: BTreeSet<&'a str>,
}

/// Every fault of `plan`; none means it can be carried out.
///
/// Checked: number of tasks, duplicate ids, dangling and circular dependencies (naming the
/// circle), roles and tools, instructions, inputs that come from no dependency or cannot fit
/// their schema, placeholders, paths outside the workspace, names of locks, files with two
/// writers of which neither builds on the other, and the answer's task.
#[must_use]
pub fn validate(plan: &Plan, known: &Known<'_>, limits: &Limits) -> Vec<Fault> {
    let mut faults = Vec::new();
    if plan.tasks.is_empty() {
        faults.push(fault("plan", "has no tasks: give at least one"));
    }
    if plan.tasks.len() > limits.tasks_max {
        faults.push(fault(
            "plan",
            format!(
                "has {} tasks and {} are allowed",
                plan.tasks.len(),
                limits.tasks_max
            ),
        ));
        return faults;
    }
    let by_id = index(plan, &mut faults);
    for task in &plan.tasks {
        check_work(task, known, limits, &mut faults);
        check_dependencies(task, &by_id, &mut faults);
        check_inputs(task, &by_id, &mut faults);
        check_placeholders(task, &mut faults);
        check_paths(task, &mut faults);
        check_locks(task, &mut faults);
    }
    check_writers(plan, &by_id, &mut faults);
    check_circles(plan, &by_id, &mut faults);
    if let Some(answer) = &plan.answer
        && !by_id.contains_key(answer)
    {
        faults.push(fault(
            "answer",
            format!("names the task `{answer}`, which is not in the plan"),
        ));
    }
    faults
}

fn fault(at: impl AsRef<str>, message: impl Into<String>) -> Fault {
    Fault {
        at: at.as_ref().to_owned(),
        message: message.into(),
    }
}

fn index<'a>(plan: &'a Plan, faults: &mut Vec<Fault>) -> HashMap<&'a TaskId, &'a Task> {
    let mut by_id = HashMap::with_capacity(plan.tasks.len());
    for task in &plan.tasks {
        if by_id.insert(&task.id, task).is_some() {
            faults.push(fault(&task.id, "stands twice: give every task its own id"));
        }
    }
    by_id
}

fn check_work(task: &Task, known: &Known<'_>, limits: &Limits, faults: &mut Vec<Fault>) {
    if task.budget.revisions_max.is_some() {
        faults.push(fault(
            &task.id,
            "has a budget of revisions: those are bounded for the whole run only",
        ));
    }
    if let Some(call) = &task.call {
        if task.output_file.is_some() {
            faults.push(fault(
                &task.id,
                "is one tool call and cannot have an output file: let the tool write it",
            ));
        }
        if !known.tools.contains(call.tool.as_str()) {
            let tools = names(&known.tools);
            faults.push(fault(
                &task.id,
                format!(
                    "calls the tool `{}`, which does not exist; tools: {tools}",
                    call.tool
                ),
            ));
        }
        return;
    }
    if !known.roles.contains(task.role.as_str()) {
        let roles = names(&known.roles);
        faults.push(fault(
            &task.id,
            format!(
                "has the role `{}`, which does not exist; roles: {roles}",
                task.role
            ),
        ));
    }
    if task.instruction.trim().is_empty() {
        faults.push(fault(
            &task.id,
            "has no instruction: say what is to be done",
        ));
    }
    let chars = task.instruction.chars().count();
    if chars > limits.instruction_chars_max {
        faults.push(fault(
            &task.id,
            format!(
                "has an instruction of {chars} characters and {} are allowed",
                limits.instruction_chars_max
            ),
        ));
    }
}

fn names(known: &BTreeSet<&str>) -> String {
    known.iter().copied().collect::<Vec<_>>().join(", ")
}

fn check_dependencies(task: &Task, by_id: &HashMap<&TaskId, &Task>, faults: &mut Vec<Fault>) {
    let mut seen = BTreeSet::new();
    for dependency in &task.depends_on {
        if dependency == &task.id {
            faults.push(fault(&task.id, "depends on itself"));
        } else if !by_id.contains_key(dependency) {
            faults.push(fault(
                &task.id,
                format!("depends on `{dependency}`, which is not in the plan"),
            ));
        }
        if !seen.insert(dependency) {
            faults.push(fault(
                &task.id,
                format!("names the dependency `{dependency}` twice"),
            ));
        }
    }
    if let Some(for_each) = &task.for_each
        && !task.depends_on.contains(&for_each.items_of)
    {
        let items_of = &for_each.items_of;
        faults.push(fault(
            &task.id,
            format!("fans out over `{items_of}`, which it does not depend on"),
        ));
    }
}

fn check_inputs(task: &Task, by_id: &HashMap<&TaskId, &Task>, faults: &mut Vec<Fault>) {
    for input in &task.inputs {
        let name = &input.name;
        match &input.from {
            TaskSource::Task(source) => {
                if !task.depends_on.contains(source) {
                    faults.push(fault(
                        &task.id,
                        format!(
                            "takes the input `{name}` from `{source}`, which it does not depend on"
                        ),
                    ));
                }
                let given = by_id
                    .get(source)
                    .and_then(|task| task.output_schema.as_ref());
                if let Some(mismatch) = schema_mismatch(input.schema.as_ref(), given) {
                    faults.push(fault(
                        &task.id,
                        format!("cannot take the input `{name}` from `{source}`: {mismatch}"),
                    ));
                }
            }
            TaskSource::File(path) => {
                if let Some(why) = path_fault(path) {
                    faults.push(fault(
                        &task.id,
                        format!("takes the input `{name}` from a file: {why}"),
                    ));
                }
            }
            TaskSource::Text(_) => {}
        }
    }
}

/// Two schemas cannot fit when both state types and share none, or when the one insists on a
/// field that the other, being closed, cannot have.
fn schema_mismatch(wanted: Option<&Value>, given: Option<&Value>) -> Option<String> {
    let wanted = wanted?;
    let Some(given) = given else {
        let types = schema_types(wanted)?;
        return (!types.contains("string"))
            .then(|| format!("it gives text, and {} is wanted", join(&types)));
    };
    if let (Some(wants), Some(gives)) = (schema_types(wanted), schema_types(given))
        && wants.is_disjoint(&gives)
        && !(wants.contains("number") && gives.contains("integer"))
    {
        return Some(format!(
            "it gives {}, and {} is wanted",
            join(&gives),
            join(&wants)
        ));
    }
    let required = wanted.get("required").and_then(Value::as_array)?;
    let fields = given.get("properties").and_then(Value::as_object)?;
    let closed = given.get("additionalProperties") == Some(&Value::Bool(false));
    let missing = required
        .iter()
        .filter_map(Value::as_str)
        .find(|name| closed && !fields.contains_key(*name))?;
    Some(format!("it has no field `{missing}`, which is required"))
}

fn schema_types(schema: &Value) -> Option<BTreeSet<&str>> {
    match schema.get("type")? {
        Value::String(one) => Some(BTreeSet::from([one.as_str()])),
        Value::Array(many) => Some(many.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

fn join(types: &BTreeSet<&str>) -> String {
    types.iter().copied().collect::<Vec<_>>().join(" or ")
}

fn check_placeholders(task: &Task, faults: &mut Vec<Fault>) {
    let Some(call) = &task.call else { return };
    for name in placeholders(&call.arguments) {
        let resolves = match name.strip_suffix('*') {
            Some(prefix) => task
                .depends_on
                .iter()
                .any(|id| id.as_str().starts_with(prefix)),
            None => task.depends_on.iter().any(|id| id.as_str() == name),
        };
        if !resolves {
            faults.push(fault(
                &task.id,
                format!("uses `{{{{{name}}}}}`, which is no task it depends on"),
            ));
        }
    }
}

fn check_paths(task: &Task, faults: &mut Vec<Fault>) {
    let from_checks = task.acceptance.iter().filter_map(Check::file);
    let own = task.output_file.iter().chain(&task.writes);
    for path in own.map(String::as_str).chain(from_checks) {
        if let Some(why) = path_fault(path) {
            faults.push(fault(&task.id, why));
        }
    }
}

fn check_locks(task: &Task, faults: &mut Vec<Fault>) {
    let mut seen = BTreeSet::new();
    for lock in &task.locks {
        if let Err(error) = PrimitiveName::new(&lock.name) {
            faults.push(fault(&task.id, format!("wants a lock: {error}")));
        } else if !seen.insert(&lock.name) {
            let why = format!("names the lock `{}` twice", lock.name);
            faults.push(fault(&task.id, why));
        }
    }
    if task.locks.len() > LOCKS_PER_REQUEST_MAX {
        let count = task.locks.len();
        let why = format!("names {count} locks and {LOCKS_PER_REQUEST_MAX} are allowed");
        faults.push(fault(&task.id, why));
    }
}

/// Why `path` is not a path within the workspace; `None` when it is one.
///
/// Only the text is looked at: whether a symbolic link leads outside is the sandbox's to find.
#[must_use]
pub fn path_fault(path: &str) -> Option<String> {
    let windows_root = path.as_bytes().get(1) == Some(&b':');
    let why = if path.is_empty() {
        "is empty"
    } else if path.starts_with('/') || path.starts_with('\\') || windows_root {
        "is absolute: use a path within the workspace"
    } else if path.split(['/', '\\']).any(|part| part == "..") {
        "leads out of the folder with `..`: use a path within the workspace"
    } else if path.chars().any(char::is_control) {
        "holds a control character"
    } else {
        return None;
    };
    Some(format!("the path `{}` {why}", path.escape_debug()))
}

/// Two tasks may write one file only when the one builds on the other.
fn check_writers(plan: &Plan, by_id: &HashMap<&TaskId, &Task>, faults: &mut Vec<Fault>) {
    let mut writers: BTreeMap<&str, &Task> = BTreeMap::new();
    for task in &plan.tasks {
        let Some(path) = &task.output_file else {
            continue;
        };
        let Some(first) = writers.insert(path, task) else {
            continue;
        };
        if !builds_on(task, &first.id, by_id) && !builds_on(first, &task.id, by_id) {
            faults.push(fault(
                &task.id,
                format!(
                    "writes its output to `{path}`, as `{}` does: one would be lost",
                    first.id
                ),
            ));
        }
    }
}

/// Whether `task` comes after the task `other`, at however many steps.
fn builds_on(task: &Task, other: &TaskId, by_id: &HashMap<&TaskId, &Task>) -> bool {
    let mut seen: BTreeSet<&TaskId> = BTreeSet::new();
    let mut next: Vec<&TaskId> = task.depends_on.iter().collect();
    while let Some(id) = next.pop() {
        if id == other {
            return true;
        }
        if seen.insert(id) {
            let before = by_id.get(id).map(|task| &task.depends_on);
            next.extend(before.into_iter().flatten());
        }
    }
    false
}

fn check_circles(plan: &Plan, by_id: &HashMap<&TaskId, &Task>, faults: &mut Vec<Fault>) {
    let mut graph = DiGraph::<&TaskId, ()>::with_capacity(plan.tasks.len(), plan.tasks.len() * 2);
    let nodes: HashMap<&TaskId, _> = plan
        .tasks
        .iter()
        .map(|task| (&task.id, graph.add_node(&task.id)))
        .collect();
    for task in by_id.values() {
        for dependency in task.depends_on.iter().filter(|id| **id != task.id) {
            if let Some(from) = nodes.get(dependency) {
                graph.add_edge(*from, nodes[&task.id], ());
            }
        }
    }
    // In the order of their names: what is said of a plan is the same each time.
    // This way of finding them needs no stack that grows with the plan.
    let circles = kosaraju_scc(&graph).into_iter();
    let mut circles: Vec<Vec<&str>> = circles
        .filter(|circle| circle.len() > 1)
        .map(|circle| {
            let mut ids: Vec<&str> = circle.iter().map(|node| graph[*node].as_str()).collect();
            ids.sort_unstable();
            ids
        })
        .collect();
    circles.sort_unstable();
    for ids in circles {
        let named = ids.len().min(CIRCLE_NAMED_MAX);
        let more = match ids.len() - named {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named = ids[..named].join(", ");
        faults.push(fault(
            ids[0],
            format!("is part of a circle of dependencies: {named}{more}"),
        ));
    }
}

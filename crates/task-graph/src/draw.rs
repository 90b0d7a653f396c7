//! A plan as a picture: Graphviz DOT for tools, an indented tree for a terminal.

use leadhand_protocol::{Plan, Task};
use std::collections::BTreeSet;
use std::fmt::Write;

/// The plan in the DOT language of Graphviz, with all texts escaped.
///
/// ```
/// use leadhand_protocol::{Plan, Task, TaskId};
/// let plan = Plan { tasks: vec![Task::new(TaskId::new("a")?, "writer", "Write.")], answer: None };
/// assert!(leadhand_task_graph::to_dot(&plan).starts_with("digraph plan {"));
/// # Ok::<(), leadhand_protocol::IdError>(())
/// ```
#[must_use]
pub fn to_dot(plan: &Plan) -> String {
    let mut dot = String::from("digraph plan {\n  rankdir=LR;\n  node [shape=box];\n");
    for task in &plan.tasks {
        let label = format!("{}\n{}\n{}", task.id, worker(task), task.title);
        let _ = writeln!(
            dot,
            "  {} [label={}];",
            quoted(task.id.as_str()),
            quoted(&label)
        );
        for dependency in &task.depends_on {
            let _ = writeln!(
                dot,
                "  {} -> {};",
                quoted(dependency.as_str()),
                quoted(task.id.as_str())
            );
        }
    }
    dot.push_str("}\n");
    dot
}

fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    )
}

fn worker(task: &Task) -> &str {
    task.call.as_ref().map_or(&task.role, |call| &call.tool)
}

/// The plan as lines, each task after all it depends on, with what it waits for, reads and
/// writes. Control characters are shown, never sent to the terminal.
#[must_use]
pub fn to_text(plan: &Plan) -> String {
    let mut text = String::new();
    let mut shown: BTreeSet<&str> = BTreeSet::new();
    let mut rest: Vec<&Task> = plan.tasks.iter().collect();
    while !rest.is_empty() {
        let (next, later): (Vec<&Task>, Vec<&Task>) = rest
            .iter()
            .partition(|task| task.depends_on.iter().all(|id| shown.contains(id.as_str())));
        if next.is_empty() {
            later.iter().for_each(|task| line(&mut text, task));
            break;
        }
        for task in next {
            line(&mut text, task);
            shown.insert(task.id.as_str());
        }
        rest = later;
    }
    text
}

fn line(text: &mut String, task: &Task) {
    let title = if task.title.is_empty() {
        &task.instruction
    } else {
        &task.title
    };
    let title: String = title
        .chars()
        .take(80)
        .flat_map(char::escape_debug)
        .collect();
    let _ = write!(
        text,
        "{}  [{}]  {}",
        task.id,
        worker(task),
        title.replace("\\'", "'")
    );
    if !task.depends_on.is_empty() {
        let ids: Vec<&str> = task
            .depends_on
            .iter()
            .map(leadhand_protocol::TaskId::as_str)
            .collect();
        let _ = write!(text, "  after {}", ids.join(", "));
    }
    if let Some(path) = &task.output_file {
        let _ = write!(text, "  writes {}", path.escape_debug());
    }
    text.push('\n');
}

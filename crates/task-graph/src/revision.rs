//! How a plan changes after it was accepted. What is done stays done: a revision replaces the
//! tasks that are not, and may build on those that are.

use leadhand_protocol::{Plan, Task, TaskId};
use std::collections::BTreeSet;

/// Why a revision is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevisionError {
    /// It changes nothing that matters.
    #[error(
        "the revision changes nothing: give a task another instruction, role or input, or other tasks"
    )]
    NothingChanged,
    /// It uses the id of a task that is already done for other work.
    #[error("`{task}` is done and cannot be given other work: choose a new id")]
    DoneTaskChanged {
        /// The task.
        task: TaskId,
    },
}

/// The plan that follows from `current` when all tasks but those in `done` are replaced by
/// `replacement`. Titles, estimates and budgets do not count as a change.
///
/// # Errors
/// [`RevisionError`] when nothing that matters changes, or when a done task would.
pub fn revise(
    current: &Plan,
    done: &BTreeSet<TaskId>,
    replacement: Plan,
) -> Result<Plan, RevisionError> {
    let mut tasks: Vec<Task> = current
        .tasks
        .iter()
        .filter(|task| done.contains(&task.id))
        .cloned()
        .collect();
    for task in replacement.tasks {
        match tasks.iter().find(|kept| kept.id == task.id) {
            Some(kept) if matters(kept) != matters(&task) => {
                return Err(RevisionError::DoneTaskChanged { task: task.id });
            }
            Some(_) => {}
            None => tasks.push(task),
        }
    }
    let open = |tasks: &[Task]| -> BTreeSet<String> {
        tasks
            .iter()
            .filter(|task| !done.contains(&task.id))
            .map(matters)
            .collect()
    };
    if open(&tasks) == open(&current.tasks) {
        return Err(RevisionError::NothingChanged);
    }
    Ok(Plan {
        tasks,
        answer: replacement.answer,
    })
}

/// What makes a task another task, as text; its id is only a name.
fn matters(task: &Task) -> String {
    let mut task = task.clone();
    task.title = String::new();
    task.estimate_seconds = 0;
    task.budget = leadhand_protocol::Budget::default();
    serde_json::to_string(&task).expect("a task is plain data and always serializes")
}

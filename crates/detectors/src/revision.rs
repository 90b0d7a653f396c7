//! A revision loop: the plan is made anew, and what is left to do is what it was before.

use leadhand_protocol::{ContentHash, Identity, Task, TaskId, TaskSource};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// The name of the work that is left: equal for plans that leave the same to do, whatever their
/// tasks are called, in which order they stand, and how their instructions are spaced, cased and
/// punctuated. What they wait for of each other does not count, which says when and not what; how
/// many others they are given the results of does.
///
/// ```
/// use leadhand_detectors::open_work;
/// use leadhand_protocol::{Task, TaskId};
///
/// let task = |id: &str, text: &str| Task::new(TaskId::new(id).unwrap(), "writer", text);
/// let before = [task("t1", "Sum up a."), task("t2", "Sum up b.")];
/// let after = [task("t3", "sum up  b"), task("t4", "Sum up a")];
/// assert_eq!(open_work(&before), open_work(&after));
/// assert_ne!(open_work(&before), open_work(&after[..1]));
/// ```
#[must_use]
pub fn open_work<'a>(tasks: impl IntoIterator<Item = &'a Task>) -> Identity {
    let tasks: Vec<&Task> = tasks.into_iter().collect();
    let ids: BTreeSet<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
    let mut each: Vec<[u8; 32]> = tasks.iter().map(|task| name(task, &ids)).collect();
    each.sort_unstable();
    let mut hash = Sha256::new();
    each.iter().for_each(|one| hash.update(one));
    ContentHash::from_digest(hash.finalize().into()).into()
}

fn name(task: &Task, ids: &BTreeSet<&str>) -> [u8; 32] {
    let mut hash = Sha256::new();
    // The length goes first, so that parts cannot run into each other.
    let mut part = |kind: &str, text: &str| {
        for text in [kind, text] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
    };
    part("role", &task.role);
    for word in words(&task.instruction) {
        // A new plan has new ids, and its instructions name those.
        let is_id = ids.contains(word.as_str());
        part("word", if is_id { "#" } else { &word });
    }
    for input in &task.inputs {
        match &input.from {
            TaskSource::Task(_) => {}
            TaskSource::File(path) => part("file", path),
            TaskSource::Text(text) => part("text", text),
        }
    }
    for path in task.output_file.iter().chain(&task.writes) {
        part("write", path);
    }
    let is_given = |id: &&TaskId| !ids.contains(id.as_str());
    let given = task.depends_on.iter().filter(is_given).count();
    part("given", &given.to_string());
    for effect in &task.effects {
        part("effect", &effect.tool);
    }
    if let Some(call) = &task.call {
        part("call", &call.tool);
        part("arguments", &call.arguments.to_string());
    }
    hash.finalize().into()
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let parts = text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '/' | '.')));
    parts
        .map(|word| word.trim_matches('.').to_lowercase())
        .filter(|word| !word.is_empty())
}

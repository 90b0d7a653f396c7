//! A task with `for_each` is a template: once its items are known, it is replaced by one task
//! an item, and whoever depended on the template depends on all of them.

use leadhand_protocol::{ForEach, Plan, Task, TaskId, TaskInput, TaskSource};
use serde_json::Value;

/// The items in the output of a task: the elements of a JSON array, or the lines of a text that
/// are not empty.
///
/// ```
/// use leadhand_task_graph::items_of;
/// assert_eq!(items_of(r#"["a", 2]"#), ["a", "2"]);
/// assert_eq!(items_of("- a\n\n* b\n"), ["a", "b"]);
/// ```
#[must_use]
pub fn items_of(output: &str) -> Vec<String> {
    match serde_json::from_str::<Value>(output) {
        Ok(Value::Array(items)) => items.iter().map(item_text).collect(),
        Ok(Value::Object(fields)) if fields.len() == 1 => match fields.values().next() {
            Some(Value::Array(items)) => items.iter().map(item_text).collect(),
            _ => lines_of(output),
        },
        _ => lines_of(output),
    }
}

fn item_text(item: &Value) -> String {
    item.as_str()
        .map_or_else(|| item.to_string(), str::to_owned)
}

fn lines_of(output: &str) -> Vec<String> {
    let lines = output
        .lines()
        .map(|line| line.trim().trim_start_matches(['-', '*']).trim());
    lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Replaces the template `template` by one task for each of `items`.
///
/// # Errors
/// In words, when there are no items, or more than the template allows.
pub fn expand(plan: &Plan, template: &TaskId, items: &[String]) -> Result<Plan, String> {
    let Some((task, for_each)) = find(plan, template) else {
        return Err(format!("`{template}` is not a task that fans out"));
    };
    if items.is_empty() {
        return Err(format!(
            "`{}` gave no items for `{template}`",
            for_each.items_of
        ));
    }
    if items.len() > for_each.items_max {
        return Err(format!(
            "`{}` gave {} items for `{template}` and {} are allowed",
            for_each.items_of,
            items.len(),
            for_each.items_max
        ));
    }
    let mut copies = Vec::with_capacity(items.len());
    for (place, item) in items.iter().enumerate() {
        copies.push(copy_for(task, item, place + 1)?);
    }
    let ids: Vec<TaskId> = copies.iter().map(|copy| copy.id.clone()).collect();
    let mut tasks = Vec::with_capacity(plan.tasks.len() + copies.len());
    for other in &plan.tasks {
        if other.id == *template {
            tasks.append(&mut copies);
            continue;
        }
        let mut other = other.clone();
        if let Some(at) = other.depends_on.iter().position(|id| id == template) {
            other.depends_on.splice(at..=at, ids.iter().cloned());
        }
        tasks.push(other);
    }
    Ok(Plan {
        tasks,
        answer: plan.answer.clone(),
    })
}

fn find<'a>(plan: &'a Plan, template: &TaskId) -> Option<(&'a Task, &'a ForEach)> {
    let task = plan.tasks.iter().find(|task| task.id == *template)?;
    Some((task, task.for_each.as_ref()?))
}

fn copy_for(template: &Task, item: &str, number: usize) -> Result<Task, String> {
    let mut copy = template.clone();
    copy.for_each = None;
    copy.id =
        TaskId::new(format!("{}-{number}", template.id)).map_err(|error| error.to_string())?;
    copy.title = format!("{} {number}", template.title).trim().to_owned();
    copy.inputs.push(TaskInput {
        name: "item".to_owned(),
        from: TaskSource::Text(item.to_owned()),
        schema: None,
    });
    Ok(copy)
}

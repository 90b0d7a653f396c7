//! The plan that the simulated manager drafts: the tasks of the script, under the ids that the
//! schema of the draft gives out; when it is to revise, one more task that mends.

use crate::script::TaskScript;
use leadhand_protocol::ChatMessage;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the instruction of a task says to the scripted model.
pub(crate) fn instruction(task: &TaskScript) -> String {
    let together = if task.together { "together" } else { "" };
    format!("[[{}|{}|{together}]]", task.id, task.uses.join(","))
}

/// What the goal says to the scripted manager: the tasks themselves.
pub(crate) fn goal_text(tasks: &[TaskScript]) -> String {
    let json = serde_json::to_string(tasks).unwrap_or_default();
    format!("Do this.\nTASKS {json}\n")
}

pub(crate) fn draft(messages: &[Arc<ChatMessage>], schema: &Value) -> Value {
    let asked = messages.iter().find_map(|message| match &**message {
        ChatMessage::User { text } => Some(text.as_str()),
        _ => None,
    });
    let asked = asked.unwrap_or_default();
    let tasks: Vec<TaskScript> = if asked.contains("What went wrong:") {
        vec![TaskScript {
            id: "mend".to_owned(),
            ..TaskScript::default()
        }]
    } else {
        let json = asked.lines().find_map(|line| line.strip_prefix("TASKS "));
        json.and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_default()
    };
    let slots = schema["properties"]["tasks"]["prefixItems"].as_array();
    let slots = slots.map(Vec::as_slice).unwrap_or_default();
    let ids: BTreeMap<&str, &Value> = tasks
        .iter()
        .zip(slots)
        .map(|(task, slot)| {
            (
                task.id.as_str(),
                &form(slot, false)["properties"]["id"]["const"],
            )
        })
        .collect();
    let drafted = tasks.iter().zip(slots).map(|(task, slot)| {
        let wanted = task.uses.iter().any(|tool| tool == "write_file");
        let form = form(slot, wanted);
        let properties = &form["properties"];
        let after = task.after.iter().filter_map(|id| ids.get(id.as_str()));
        let mut drafted = json!({
            "id": properties["id"]["const"],
            "title": format!("do {}", task.id),
            "files": [],
            "one_worker_per_file": false,
            "instruction": instruction(task),
            "depends_on": after.collect::<Vec<_>>(),
            "output_file": task.output_file.clone().unwrap_or_default(),
            "changes_files": properties["changes_files"]["const"],
            "role": properties["role"]["enum"][0],
        });
        if task.declares
            && let Some(calls) = properties["may_call"]["items"]["enum"].as_array()
        {
            let named = |call: &&Value| {
                task.uses
                    .iter()
                    .any(|tool| Some(tool.as_str()) == call.as_str())
            };
            drafted["may_call"] = calls.iter().filter(named).cloned().collect();
        }
        drafted
    });
    json!({"approach": "as told", "tasks": drafted.collect::<Vec<_>>()})
}

/// The form of a task that changes files, or not, where there are both.
fn form(slot: &Value, changes_files: bool) -> &Value {
    let forms = slot["anyOf"].as_array();
    let fitting = forms
        .into_iter()
        .flatten()
        .find(|form| form["properties"]["changes_files"]["const"] == Value::Bool(changes_files));
    fitting.unwrap_or(slot)
}

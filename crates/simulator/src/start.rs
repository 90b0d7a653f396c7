//! What a script's run is started with.

use crate::draft::{goal_text, instruction};
use crate::mind::{MODEL, OTHER_MODEL, PRICE};
use crate::script::{Script, TaskScript};
use crate::service::specs;
use leadhand_protocol::{
    Capability, Decision, DeclaredCall, ForEach, Goal, Grant, Lock, Plan, Role, Rule, RunId, Start,
    Task, TaskId, ToolTemplate,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// Most tasks that a fan-out may come to.
const ITEMS_MAX: usize = 4;

pub(crate) fn start(script: &Script, run: &RunId) -> Start {
    let tools = specs(&script.tools);
    let plan = Plan {
        tasks: script.tasks.iter().filter_map(task).collect(),
        answer: None,
    };
    let text = if script.manager {
        goal_text(&script.tasks)
    } else {
        "Do this.".to_owned()
    };
    Start {
        run: run.clone(),
        goal: Goal {
            acceptance: script.acceptance.clone(),
            autonomy: script.terms.autonomy,
            budget: script.terms.budget,
            ..Goal::new(text)
        },
        roles: Arc::new(roles(script)),
        tools: Arc::new(tools),
        rules: [Capability::FsRead, Capability::FsWrite]
            .into_iter()
            .map(|capability| Rule {
                capability: Some(capability),
                ..Rule::any(Decision::Allow)
            })
            .chain(script.terms.rules.iter().cloned())
            .collect(),
        grants: [Capability::FsRead, Capability::FsWrite]
            .into_iter()
            .map(|capability| Grant {
                capability,
                resource: "**".to_owned(),
            })
            .collect(),
        approvals: Vec::new(),
        labels: Vec::new(),
        limits: script.terms.limits.clone(),
        plan: (!script.manager).then(|| plan.into()),
        files: Vec::new(),
        files_left_out: 0,
        instructions: String::new(),
        prices: [MODEL, OTHER_MODEL]
            .map(|name| (name.to_owned(), PRICE))
            .into(),
        message_types: Vec::new(),
        permits: script.terms.permits.clone(),
        default_model: MODEL.to_owned(),
        // The scripted model reads from a request's seed whose turn it is.
        seed: 0,
    }
}

fn roles(script: &Script) -> Vec<Role> {
    let acting: Vec<String> = script.tools.iter().map(|tool| tool.name.clone()).collect();
    let with = |file_tools: &[&str]| {
        let files = file_tools.iter().map(|name| (*name).to_owned());
        acting.iter().cloned().chain(files).collect::<Vec<_>>()
    };
    let role = |name: &str, tools: Vec<String>| Role {
        name: name.to_owned(),
        description: format!("is a {name}"),
        prompt: format!("You are a {name}."),
        models: vec![MODEL.to_owned()],
        tools,
        ..Role::default()
    };
    vec![
        role("manager", Vec::new()),
        Role {
            budget: script.terms.clerk_budget,
            ..role("clerk", with(&["read_file"]))
        },
        role("writer", with(&["read_file", "write_file"])),
        role("reviewer", Vec::new()),
    ]
}

/// A task of a ready plan; none if its names are no names.
fn task(script: &TaskScript) -> Option<Task> {
    let id = |text: &String| TaskId::new(text).ok();
    let writes = script.uses.iter().any(|tool| tool == "write_file");
    let role = if writes { "writer" } else { "clerk" };
    let mut task = Task::new(id(&script.id)?, role, instruction(script));
    task.title = format!("do {}", script.id);
    task.depends_on = script.after.iter().filter_map(id).collect();
    task.output_schema = script.schema.then(schema);
    task.output_file.clone_from(&script.output_file);
    task.acceptance.clone_from(&script.checks);
    if writes {
        task.writes = vec!["**".to_owned()];
    }
    if script.declares {
        let uses = script.uses.iter().cloned();
        task.effects = uses.map(DeclaredCall::any_of).collect();
    }
    let lock = |name: &String| Lock {
        name: name.clone(),
        shared: false,
    };
    task.locks = script.lock.iter().map(lock).collect();
    task.budget = script.budget;
    task.attempts_max = script.attempts_max;
    if let (true, Some(tool)) = (script.template, script.uses.first()) {
        task.call = Some(ToolTemplate {
            tool: tool.clone(),
            arguments: crate::mind::arguments_of(tool, &script.id),
        });
    }
    task.for_each = script.for_each.as_ref().and_then(|of| {
        Some(ForEach {
            items_of: id(of)?,
            items_max: ITEMS_MAX,
        })
    });
    Some(task)
}

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
    })
}

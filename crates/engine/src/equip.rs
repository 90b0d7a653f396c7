//! What an agent works with: its tools, its grants, its bounds and the form of its output.

use crate::agent::Equipment;
use crate::draft;
use crate::run::{Run, Setting};
use leadhand_policy::task_grants;
use leadhand_protocol::{Capability, Grant, OutputFormat, Purpose, Role, Task, ToolSpec};
use serde_json::json;

/// How much warmer each further attempt at a task is, in thousandths.
const WARMER_MILLI_PER_ATTEMPT: u32 = 400;
/// The temperature that this leads to at most, in thousandths.
const TEMPERATURE_MILLI_MAX: u32 = 900;

impl Run {
    pub(crate) fn equip(&self, role_name: &str, purpose: &Purpose, attempt: u32) -> Equipment {
        let setting = self.started();
        let limits = &setting.start.limits;
        let role = setting.role(role_name);
        let task = match purpose {
            Purpose::Task(id) => self.graph().and_then(|graph| graph.task(id)),
            _ => None,
        };
        let grants = match (purpose, task) {
            // A person ordered it, and nobody else is there to be granted less.
            (Purpose::RollBack, _) => setting.start.grants.clone(),
            (_, Some(task)) => grants_of(setting, role_name, task),
            (_, None) => Vec::new(),
        };
        let may_write = grants
            .iter()
            .any(|grant| grant.capability == Capability::FsWrite)
            && task.is_some_and(|task| !task.writes.is_empty());
        let offered = role
            .into_iter()
            .flat_map(|role| &role.tools)
            .filter_map(|name| setting.tool(name));
        let handed = task.is_some_and(|task| is_handed_all(setting, task));
        let wanted = |tool: &&ToolSpec| {
            if handed {
                tool.accesses.is_empty()
            } else {
                may_write || !writes_files(tool)
            }
        };
        let tools: Vec<ToolSpec> = match task {
            Some(_) => offered.filter(wanted).cloned().collect(),
            None => Vec::new(),
        };
        let own = |value: u32, limit: u32| if value == 0 { limit } else { value.min(limit) };
        Equipment {
            models: role.map(|role| role.models.clone()).unwrap_or_default(),
            tools: tools.into(),
            output: self.output_of_purpose(purpose, task),
            grants,
            turns_max: own(
                role.map_or(0, |role| role.turns_max),
                limits.turns_per_agent_max,
            ),
            output_tokens_max: own(
                role.map_or(0, |role| role.output_tokens_max),
                limits.output_tokens_per_turn_max,
            ),
            temperature_milli: warmed(role.map_or(0, |role| role.temperature_milli), attempt),
        }
    }

    fn output_of_purpose(&self, purpose: &Purpose, task: Option<&Task>) -> OutputFormat {
        let json = |name: &str, schema| OutputFormat::Json {
            name: name.to_owned(),
            schema,
        };
        match purpose {
            Purpose::Plan | Purpose::Revise => json("plan", draft::schema(self)),
            Purpose::Judge { .. } => json(
                "verdict",
                json!({
                    "type": "object",
                    "properties": {
                        "reason": {"type": "string", "maxLength": 300},
                        "passed": {"type": "boolean"},
                    },
                    "required": ["reason", "passed"],
                    "additionalProperties": false,
                }),
            ),
            Purpose::RollBack => OutputFormat::Text,
            Purpose::Answer => match &self.started().start.goal.output_schema {
                Some(schema) => json("answer", schema.clone()),
                None => OutputFormat::Text,
            },
            Purpose::Task(_) => match task.and_then(|task| task.output_schema.clone()) {
                Some(schema) => json("output", schema),
                None => OutputFormat::Text,
            },
        }
    }
}

/// Whether a worker is handed its material and has no use for tools that touch files: its result
/// is saved by the program, or it stands in a plan of the manager, who names every file that the
/// task needs. Small models read again what they have, for as long as they are let.
fn is_handed_all(setting: &Setting, task: &Task) -> bool {
    let planned = setting.start.plan.is_none() && task.writes.is_empty();
    match task.output_file {
        Some(_) => !(task.inputs.is_empty() && task.depends_on.is_empty()),
        None => planned && !task.inputs.is_empty(),
    }
}

/// The temperature of an attempt: a model that always takes the likeliest word would do in the
/// second what failed in the first.
fn warmed(own: u32, attempt: u32) -> u32 {
    let warmer = own.saturating_add(WARMER_MILLI_PER_ATTEMPT * attempt.saturating_sub(1));
    warmer.min(own.max(TEMPERATURE_MILLI_MAX))
}

/// Whether a tool is there to change files: no call of it does without.
pub(crate) fn writes_files(tool: &ToolSpec) -> bool {
    let required = |argument: &String| {
        let names = tool.arguments["required"].as_array();
        names.is_some_and(|names| names.iter().any(|name| name == argument))
    };
    tool.accesses.iter().any(|access| {
        access.capability == Capability::FsWrite && access.argument.as_ref().is_none_or(required)
    })
}

/// What the agent of a task may touch: what its role is granted, and of writing only what the
/// task declares. A task that is one tool call declares by it what it writes.
fn grants_of(setting: &Setting, role: &str, task: &Task) -> Vec<Grant> {
    let nobody = Role::default();
    let role = setting.role(role).unwrap_or(&nobody);
    let named = task
        .call
        .as_ref()
        .and_then(|call| call.arguments.get("path")?.as_str());
    match named.filter(|_| task.writes.is_empty()) {
        None => task_grants(&setting.start.grants, role, task),
        Some(path) => {
            let declaring = Task {
                output_file: Some(path.to_owned()),
                ..task.clone()
            };
            task_grants(&setting.start.grants, role, &declaring)
        }
    }
}

//! What an agent works with: its tools, its grants, its bounds and the form of its output.

use crate::agent::Equipment;
use crate::draft;
use crate::drift;
use crate::run::{Run, Setting};
use leadhand_policy::{task_grants, undeclared_grants};
use leadhand_protocol::{Capability, Grant, OutputFormat, Purpose, Role, Start, Task, ToolSpec};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// How much warmer each further attempt at a task is, in thousandths.
const WARMER_MILLI_PER_ATTEMPT: u32 = 400;
/// The temperature that this leads to at most, in thousandths.
const TEMPERATURE_MILLI_MAX: u32 = 900;

/// What agents of one role work with whatever their task is: made when the first of them starts,
/// and shared by all.
#[derive(Debug)]
struct Kit {
    /// All tools of the role.
    tools: Arc<[ToolSpec]>,
    /// Those without which no file is changed.
    looking: Arc<[ToolSpec]>,
    /// Those that touch nothing.
    thinking: Arc<[ToolSpec]>,
    /// What a task may touch that declares no writes.
    grants: Arc<[Grant]>,
}

impl Kit {
    fn of(start: &Start, role: &Role) -> Self {
        let named = |name: &String| start.tools.iter().find(|tool| tool.name == *name);
        let tools: Vec<&ToolSpec> = role.tools.iter().filter_map(named).collect();
        let those = |wanted: &dyn Fn(&ToolSpec) -> bool| {
            let tools = tools.iter().copied().filter(|tool| wanted(tool));
            tools.cloned().collect()
        };
        Self {
            tools: those(&|_| true),
            looking: those(&|tool| !writes_files(tool)),
            thinking: those(&|tool| tool.accesses.is_empty()),
            grants: undeclared_grants(&start.grants, role).into(),
        }
    }
}

/// The kits of the roles of a run.
#[derive(Debug)]
pub(crate) struct Kits(BTreeMap<String, OnceLock<Kit>>, OnceLock<Kit>);

impl Kits {
    pub(crate) fn new(roles: &[Role]) -> Self {
        let names = roles.iter().map(|role| role.name.clone());
        let kits = names.map(|name| (name, OnceLock::new())).collect();
        Self(kits, OnceLock::new())
    }
}

impl Setting {
    /// The kit of this role; of no role where there is none of this name.
    fn kit(&self, name: &str) -> &Kit {
        match (self.kits.0.get(name), self.role(name)) {
            (Some(kit), Some(role)) => kit.get_or_init(|| Kit::of(&self.start, role)),
            _ => {
                let nobody = || Kit::of(&self.start, &Role::default());
                self.kits.1.get_or_init(nobody)
            }
        }
    }
}

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
            (Purpose::RollBack, _) => setting.start.grants.as_slice().into(),
            (_, Some(task)) => grants_of(setting, role_name, task),
            (_, None) => Arc::default(),
        };
        let may_write = grants
            .iter()
            .any(|grant| grant.capability == Capability::FsWrite)
            && task.is_some_and(|task| !task.writes.is_empty());
        let kit = setting.kit(role_name);
        let tools = match task {
            None => Arc::default(),
            Some(task) if is_handed_all(setting, task) => Arc::clone(&kit.thinking),
            Some(_) if may_write => Arc::clone(&kit.tools),
            Some(_) => Arc::clone(&kit.looking),
        };
        let own = |value: u32, limit: u32| if value == 0 { limit } else { value.min(limit) };
        Equipment {
            models: role.map(|role| role.models.clone()).unwrap_or_default(),
            tools,
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
            history_max: role.map_or(0, |role| role.history_max),
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
            Purpose::Drift { .. } => json("drift", drift::schema()),
            Purpose::Reply { .. } | Purpose::RollBack => OutputFormat::Text,
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
fn grants_of(setting: &Setting, name: &str, task: &Task) -> Arc<[Grant]> {
    let nobody = Role::default();
    let role = setting.role(name).unwrap_or(&nobody);
    let named = task
        .call
        .as_ref()
        .and_then(|call| call.arguments.get("path")?.as_str());
    match named.filter(|_| task.writes.is_empty()) {
        None if task.writes.is_empty() && task.output_file.is_none() => {
            Arc::clone(&setting.kit(name).grants)
        }
        None => task_grants(&setting.start.grants, role, task).into(),
        Some(path) => {
            let declaring = Task {
                output_file: Some(path.to_owned()),
                ..task.clone()
            };
            task_grants(&setting.start.grants, role, &declaring).into()
        }
    }
}

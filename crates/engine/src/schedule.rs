//! The run machine: when there is no plan, one is made; what is ready is handed out; when nothing
//! is left, the answer is given and checked; when something failed for good, the manager
//! revises the plan from the evidence.

use crate::hand_out::start_ready;
use crate::run::Run;
use crate::settle::ended;
use crate::{brief, budget, checks};
use leadhand_protocol::{
    AgentId, Ask, Autonomy, Event, OutcomeKind, Purpose, RequestId, Task, TaskSource,
};
use leadhand_task_graph::{Known, TaskGraph, expand, fill, items_of, validate};
use serde_json::Value;

/// The role that plans, revises and answers.
pub(crate) const MANAGER: &str = "manager";

pub(crate) fn settle(run: &Run) -> Vec<Event> {
    let Some(graph) = run.graph() else {
        return plan(run);
    };
    if !run.plan.approved {
        return approve(run, graph);
    }
    if let Some(events) = graph
        .ready_template()
        .and_then(|task| expand_template(run, graph, task))
    {
        return events;
    }
    let started = start_ready(run, graph);
    if !started.is_empty() || !run.agents.is_empty() {
        return started;
    }
    if let Some(events) = wait_for_person(run, graph) {
        return events;
    }
    let failed: Vec<&Task> = graph.failed().collect();
    if !failed.is_empty() || graph.open() > 0 {
        let why = failed
            .iter()
            .map(|task| failure(run, task))
            .collect::<Vec<_>>()
            .join("; ");
        return revise_or_end(run, &why);
    }
    answer(run, graph)
}

fn failure(run: &Run, task: &Task) -> String {
    let why = run
        .task(&task.id)
        .and_then(|record| record.failure.as_deref());
    format!(
        "{} failed: {}",
        task.id,
        why.unwrap_or("no reason is known")
    )
}

/// What the tasks of a plan may refer to.
pub(crate) fn known(run: &Run) -> Known<'_> {
    let start = &run.started().start;
    let workers = start.roles.iter().filter(|role| role.name != MANAGER);
    Known {
        roles: workers.map(|role| role.name.as_str()).collect(),
        tools: start.tools.iter().map(|tool| tool.name.as_str()).collect(),
    }
}

fn plan(run: &Run) -> Vec<Event> {
    let start = &run.started().start;
    if let Some(why) = &run.plan.given_up {
        return vec![ended(
            run,
            OutcomeKind::NotAchieved,
            &format!("no plan could be made: {why}"),
        )];
    }
    if let Some(plan) = &start.plan {
        let faults = validate(plan, &known(run), &start.limits);
        if faults.is_empty() {
            return vec![Event::PlanAccepted {
                revision: 0,
                plan: None,
            }];
        }
        let faults: Vec<String> = faults
            .iter()
            .map(|f| format!("{} {}", f.at, f.message))
            .collect();
        let why = format!("the plan cannot be carried out: {}", faults.join("; "));
        return vec![ended(run, OutcomeKind::NotAchieved, &why)];
    }
    if run.agents.is_empty() {
        vec![manager(run, Purpose::Plan, brief::plan(run))]
    } else {
        Vec::new()
    }
}

pub(crate) fn manager(run: &Run, purpose: Purpose, opening: String) -> Event {
    Event::AgentStarted {
        agent: AgentId(run.agents_started),
        role: MANAGER.into(),
        purpose,
        attempt: 1,
        opening: Some(opening),
    }
}

fn approve(run: &Run, graph: &TaskGraph) -> Vec<Event> {
    if let Some(why) = &run.people.refusal {
        let why = format!("the plan was not approved: {why}");
        return vec![ended(run, OutcomeKind::NotAchieved, &why)];
    }
    if run.started().start.goal.autonomy == Autonomy::L0 {
        return vec![ended(run, OutcomeKind::Planned, "")];
    }
    let asked = run
        .people
        .open
        .values()
        .any(|ask| matches!(ask, Ask::Plan { .. }));
    if asked || !run.agents.is_empty() {
        return Vec::new();
    }
    let request = RequestId(run.people.asked);
    vec![Event::PersonAsked {
        request,
        ask: Ask::Plan {
            plan: graph.plan().clone(),
            forecast: budget::forecast(run, graph.plan()),
        },
    }]
}

/// Replaces a template whose items are known by one task an item.
fn expand_template(run: &Run, graph: &TaskGraph, task: &Task) -> Option<Vec<Event>> {
    let for_each = task.for_each.as_ref()?;
    let items = items_of(run.output_of(&for_each.items_of).unwrap_or_default());
    let expanded = expand(graph.plan(), &task.id, &items).and_then(|plan| {
        let faults = validate(&plan, &known(run), &run.started().start.limits);
        match faults.first() {
            None => Ok(plan),
            Some(fault) => Err(format!("{} {}", fault.at, fault.message)),
        }
    });
    Some(match expanded {
        Ok(plan) => vec![Event::PlanAccepted {
            revision: run.plan.revision,
            plan: Some(plan.into()),
        }],
        Err(why) => vec![Event::TaskFailed {
            task: task.id.clone(),
            why,
        }],
    })
}

/// Nobody is at work, and a task that could begin is held or waits for an answer.
fn wait_for_person(run: &Run, graph: &TaskGraph) -> Option<Vec<Event>> {
    if run
        .people
        .open
        .values()
        .any(|ask| matches!(ask, Ask::Task { .. }))
    {
        return Some(Vec::new());
    }
    let held: Vec<&str> = graph
        .ready()
        .filter(|task| run.plan.held.contains(&task.id))
        .map(|task| task.id.as_str())
        .collect();
    if held.is_empty() {
        return None;
    }
    let why = format!("a person holds {}", held.join(", "));
    Some(vec![ended(run, OutcomeKind::WaitingForPerson, &why)])
}

/// The arguments of a task's tool call with the outputs it waits for put in.
pub(crate) fn filled(run: &Run, task: &Task, arguments: &Value) -> Value {
    let text_inputs = |name: &str| {
        task.inputs.iter().find_map(|input| match &input.from {
            TaskSource::Text(text) if input.name == name => Some(text.clone()),
            _ => None,
        })
    };
    fill(arguments, &|name| {
        if let Some(prefix) = name.strip_suffix('*') {
            let matching = task
                .depends_on
                .iter()
                .filter(|id| id.as_str().starts_with(prefix));
            let outputs: Vec<&str> = matching.filter_map(|id| run.output_of(id)).collect();
            return Some(outputs.join("\n\n"));
        }
        let id = task.depends_on.iter().find(|id| id.as_str() == name);
        id.and_then(|id| run.output_of(id))
            .map(str::to_owned)
            .or_else(|| text_inputs(name))
    })
}

fn revise_or_end(run: &Run, why: &str) -> Vec<Event> {
    let revisable = run.may_revise();
    match &run.plan.given_up {
        Some(given_up) => {
            let why = format!("{why}; the plan could not be revised: {given_up}");
            vec![ended(run, OutcomeKind::NotAchieved, &why)]
        }
        None if revisable => vec![manager(run, Purpose::Revise, brief::revise(run, why))],
        None => vec![ended(run, OutcomeKind::NotAchieved, why)],
    }
}

impl Run {
    /// Whether the manager may revise the plan once more.
    pub(crate) fn may_revise(&self) -> bool {
        let start = &self.started().start;
        let limit = u64::from(start.limits.revisions_max);
        let own = start.goal.budget.revisions_max;
        let revisions_max = own.map_or(limit, |own| own.min(limit));
        start.plan.is_none() && u64::from(self.plan.revised) < revisions_max
    }
}

fn answer(run: &Run, graph: &TaskGraph) -> Vec<Event> {
    let Some(content) = &run.answer.content else {
        if let Some(why) = &run.plan.given_up {
            return vec![ended(
                run,
                OutcomeKind::NotAchieved,
                &format!("no answer was written: {why}"),
            )];
        }
        return match by_reference(run, graph) {
            Some(content) => vec![Event::AnswerGiven { content }],
            None => vec![manager(run, Purpose::Answer, brief::answer(run))],
        };
    };
    if let Some(events) = checks::check_answer(run, &run.answer, content) {
        return events;
    }
    let failed = checks::failures(&run.answer.checks);
    if failed.is_empty() {
        return vec![ended(run, OutcomeKind::Done, "")];
    }
    revise_or_end(run, &format!("the goal is not met: {}", failed.join("; ")))
}

/// The answer is passed on as it stands when the plan says whose output it is, or when all work
/// ends in one task: the only one, one that makes a file, or the last of a plan that people made.
/// Else the manager puts it into words; what ends its own plan need not tell all that was found
/// on the way.
fn by_reference(run: &Run, graph: &TaskGraph) -> Option<String> {
    let schema = &run.started().start.goal.output_schema;
    let mut sinks = graph.sinks();
    let given = run.started().start.plan.is_some();
    let meant = given || graph.plan().tasks.len() == 1;
    let task = match &graph.plan().answer {
        Some(id) => graph.task(id)?,
        None => sinks
            .next()
            .filter(|task| meant || task.output_file.is_some() || task.call.is_some())
            .filter(|_| sinks.next().is_none())?,
    };
    if schema.is_some() && *schema != task.output_schema {
        return None;
    }
    let content = run.output_of(&task.id)?;
    Some(
        match task
            .output_file
            .as_ref()
            .and_then(|path| run.files.get(path))
        {
            Some(file) => format!(
                "`{}` is written ({} bytes):\n\n{}",
                file.path,
                file.bytes,
                content.trim_end()
            ),
            None => content.to_owned(),
        },
    )
}

//! A task counts as done on evidence alone: its output fits its schema, all of its checks are on
//! record as passed for this very output, and its file was really written.

use crate::trace::Trace;
use leadhand_engine::schema_faults;
use leadhand_protocol::{
    AgentId, Artifact, CallId, Check, CheckResult, Event, Origin, Plan, Purpose, Task, TaskId,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is on record of an agent's last output.
#[derive(Default)]
struct Evidence {
    checks: Vec<CheckResult>,
    /// Calls that check, and whether they succeeded.
    calls: BTreeMap<CallId, bool>,
}

#[derive(Default)]
struct Reader {
    plan: Arc<Plan>,
    agents: BTreeMap<TaskId, AgentId>,
    evidence: BTreeMap<AgentId, Evidence>,
    checking: BTreeMap<CallId, AgentId>,
}

pub(super) fn check(trace: &Trace) -> Result<(), String> {
    let mut reader = Reader::default();
    for record in &trace.records {
        if let Event::TaskDone {
            task,
            artifact,
            content,
        } = &*record.event
        {
            let done = Done {
                task,
                artifact,
                content,
            };
            reader
                .done(trace, &done)
                .map_err(|why| format!("{task} is done (record {}), but {why}", record.seq))?;
        }
        reader.read(&record.event);
    }
    Ok(())
}

struct Done<'a> {
    task: &'a TaskId,
    artifact: &'a Artifact,
    content: &'a str,
}

impl Reader {
    fn read(&mut self, event: &Event) {
        match event {
            Event::RunStarted(start) => self.plan = start.plan.clone().unwrap_or_default(),
            Event::PlanAccepted {
                plan: Some(plan), ..
            } => self.plan = plan.clone(),
            Event::AgentStarted {
                agent,
                purpose: Purpose::Task(task),
                ..
            } => {
                self.agents.insert(task.clone(), *agent);
                self.evidence.insert(*agent, Evidence::default());
            }
            Event::OutputGiven { agent, .. } => {
                self.evidence.insert(*agent, Evidence::default());
            }
            Event::ToolCalled {
                call,
                origin: Origin::Check,
                ..
            } => {
                self.checking.insert(*call, call.agent);
            }
            Event::ToolFinished { call, outcome } => {
                let of_agent = self.checking.get(call);
                if let Some(evidence) = of_agent.and_then(|agent| self.evidence.get_mut(agent)) {
                    evidence.calls.insert(*call, outcome.is_ok());
                }
            }
            Event::ChecksFinished {
                task: Some(task),
                results,
            } => {
                let agent = self.agents.get(task);
                if let Some(evidence) = agent.and_then(|agent| self.evidence.get_mut(agent)) {
                    evidence.checks.extend_from_slice(results);
                }
            }
            _ => {}
        }
    }

    fn done(&self, trace: &Trace, done: &Done<'_>) -> Result<(), String> {
        let planned = self.plan.tasks.iter().find(|task| task.id == *done.task);
        let task = planned.ok_or("it is not in the plan")?;
        let agent = self.agents.get(done.task).ok_or("nobody was at it")?;
        let nothing = Evidence::default();
        let evidence = self.evidence.get(agent).unwrap_or(&nothing);
        if let Some(schema) = &task.output_schema {
            let value = serde_json::from_str(done.content)
                .map_err(|error| format!("its output is no JSON: {error}"))?;
            let faults = schema_faults(schema, &value);
            if !faults.is_empty() {
                return Err(format!("its output does not fit: {}", faults.join("; ")));
            }
        }
        if let Some(path) = &task.output_file {
            let written = trace.written.get(path);
            if !written.is_some_and(|hashes| hashes.contains(&done.artifact.hash)) {
                return Err(format!("`{path}` was never written with its output"));
            }
        }
        checked(task, evidence)
    }
}

fn checked(task: &Task, evidence: &Evidence) -> Result<(), String> {
    let mut results = evidence.checks.iter();
    let calls = task
        .acceptance
        .iter()
        .filter(|check| matches!(check, Check::ToolPasses { .. }));
    let passed = evidence.calls.values().filter(|ok| **ok).count();
    if passed < calls.count() {
        return Err("a call that checks it did not succeed".to_owned());
    }
    for check in &task.acceptance {
        if matches!(check, Check::ToolPasses { .. }) {
            continue;
        }
        match results.next() {
            Some(result) if result.check == *check && result.passed => {}
            Some(result) => return Err(format!("{check:?} is wanted, and found is {result:?}")),
            None => return Err(format!("{check:?} was never made")),
        }
    }
    Ok(())
}

//! What goes on at once, counted from where agents stand and not from what the run has given out.

use crate::trace::Trace;
use leadhand_engine::{Agent, AgentState, CallStatus, Run};
use leadhand_protocol::{AgentId, Event, Purpose, ToolCall};
use std::collections::BTreeMap;

pub(super) fn check(trace: &Trace) -> Result<(), String> {
    let mut run = Run::new();
    let mut models = BTreeMap::new();
    for record in &trace.records {
        run.apply(record);
        called(&run, &record.event, &mut models);
        let Some(setting) = run.setting() else {
            continue;
        };
        if setting.start.permits.is_empty() {
            return Ok(());
        }
        let at_work = at_work(&run, &models);
        for (name, permits) in &setting.start.permits {
            let count = at_work.get(name.as_str()).copied().unwrap_or(0);
            if count > *permits {
                return Err(format!(
                    "record {}: {count} of `{name}` go on, and there are {permits} permits",
                    record.seq
                ));
            }
        }
    }
    Ok(())
}

/// Whether the run keeps permits for the tool of a call.
pub(super) fn are_kept(run: &Run, call: &ToolCall) -> bool {
    let tool = format!("tool/{}", call.name);
    run.setting().is_some_and(|setting| {
        let mut names = setting.start.permits.keys();
        names.any(|name| name.as_str() == tool)
    })
}

/// Notes which model is called: that of the role when the turn begins, or is taken again.
fn called(run: &Run, event: &Event, models: &mut BTreeMap<AgentId, String>) {
    let calls = |agent: &&Agent| match event {
        Event::TurnStarted { agent: it, .. } => agent.id == *it,
        Event::RunResumed => matches!(agent.state, AgentState::Thinking),
        _ => false,
    };
    for agent in run.agents().filter(calls) {
        let Some(setting) = run.setting() else { return };
        let models_of_role = setting.role(&agent.role).map(|role| &role.models);
        let first = models_of_role.and_then(|models| models.first());
        let model = first.unwrap_or(&setting.start.default_model);
        models.insert(agent.id, model.clone());
    }
}

fn at_work(run: &Run, models: &BTreeMap<AgentId, String>) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    let mut count = |name: String| *counts.entry(name).or_insert(0) += 1;
    for agent in run.agents() {
        if matches!(agent.purpose, Purpose::Task(_)) {
            count(format!("role/{}", agent.role));
        }
        if let (AgentState::Thinking, Some(model)) = (&agent.state, models.get(&agent.id)) {
            count(format!("model/{model}"));
        }
        for call in agent.calls() {
            match &call.status {
                CallStatus::Running => count(format!("tool/{}", call.call.name)),
                CallStatus::Probing { probe, .. } => count(format!("tool/{}", probe.0.name)),
                _ => {}
            }
        }
    }
    counts
}

//! The turn machine: what an agent does next. It owes a turn, thinks, its reply is read, its
//! tools are called, and so on until it gives an output or gives up.

use crate::agent::{Agent, AgentState, CallStatus, PendingCall};
use crate::budget::{self, Admission};
use crate::calls::{called, step_call};
use crate::run::Run;
use crate::strays::with_off_contract;
use crate::{again, brief, checks, coordination, delivery, drift, permits, schedule, schema};
use leadhand_protocol::{
    Event, Finding, FinishReason, ModelReply, Origin, OutputFormat, Purpose, TaskId, TaskSource,
    ToolCall, ToolFaultKind,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// The tool through which input files are read.
pub(crate) const READ_TOOL: &str = "read_file";
/// The tool through which output files are written.
pub(crate) const WRITE_TOOL: &str = "write_file";

pub(crate) fn settle(run: &Run, agent: &Agent) -> Vec<Event> {
    match &agent.state {
        AgentState::Preparing => prepare(run, agent),
        AgentState::Prepared(calls) => prepared(run, agent, calls),
        AgentState::Due => begin(run, agent),
        AgentState::Unanswered(why) => give_up(run, agent, why),
        AgentState::Replied(reply) => read(run, agent, reply),
        AgentState::Acting(calls) => calls
            .iter()
            .find_map(|call| step_call(run, agent, call))
            .into_iter()
            .collect(),
        AgentState::Thinking | AgentState::Delivered(_) => Vec::new(),
    }
}

/// The one tool call of the task, or one call for each file it is given.
fn prepare(run: &Run, agent: &Agent) -> Vec<Event> {
    let Some(task) = agent.task().and_then(|id| run.graph()?.task(id)) else {
        return give_up(run, agent, "its task is no longer in the plan");
    };
    let files = task.inputs.iter().filter_map(|input| match &input.from {
        TaskSource::File(path) => Some(path),
        _ => None,
    });
    let count = task.call.as_ref().map_or(files.clone().count(), |_| 1);
    if let Some(events) = budget::instead_of_calls(run, agent, count) {
        return events;
    }
    if let Some(template) = &task.call {
        let arguments = schedule::filled(run, task, &template.arguments);
        let call = ToolCall {
            id: "template".into(),
            name: template.tool.clone(),
            arguments,
        };
        return called(run, agent, Origin::Template, 0, call);
    }
    let mut events = Vec::new();
    let mut faults = Vec::new();
    for (index, path) in (0..).zip(files) {
        let arguments = json!({ "path": path });
        let call = ToolCall {
            id: format!("input-{index}"),
            name: READ_TOOL.into(),
            arguments,
        };
        let mut ordered = called(run, agent, Origin::Input, index, call).into_iter();
        events.extend(ordered.next());
        faults.extend(ordered);
    }
    events.extend(faults);
    events
}

/// Its input files were read: tell it what it is here for, or give up when one is not there.
fn prepared(run: &Run, agent: &Agent, calls: &[PendingCall]) -> Vec<Event> {
    for pending in calls {
        if let CallStatus::Finished(Err(fault)) = &pending.status {
            if fault.kind == ToolFaultKind::Denied {
                return delivery::refuse(run, agent, &fault.message);
            }
            let why = match pending.origin {
                Origin::Template => format!("{} failed: {}", pending.call.name, fault.message),
                _ => format!("an input could not be read: {}", fault.message),
            };
            return give_up(run, agent, &why);
        }
    }
    let Some(task) = agent.task().and_then(|id| run.graph()?.task(id)) else {
        return give_up(run, agent, "its task is no longer in the plan");
    };
    let text = brief::task(run, task, agent, calls);
    vec![Event::Told {
        agent: agent.id,
        fault: false,
        text,
    }]
}

fn begin(run: &Run, agent: &Agent) -> Vec<Event> {
    let mail = coordination::mail(run, agent);
    if !mail.is_empty() {
        return mail;
    }
    let reserved = match budget::admit(run, agent) {
        Admission::Granted(reserved) => reserved,
        denied => return denied.instead(run, agent).unwrap_or_default(),
    };
    if agent.turns >= agent.equipment.turns_max {
        let finding = Finding::TurnsSpent {
            agent: agent.id,
            turns: agent.turns,
        };
        let why = format!("it used up its {} turns without a result", agent.turns);
        let mut events = vec![Event::Found(finding)];
        events.extend(give_up(run, agent, &why));
        return events;
    }
    if let Some(judge) = drift::due(run, agent) {
        return vec![judge];
    }
    if !permits::may_begin(run, agent, None) {
        return Vec::new();
    }
    vec![Event::TurnStarted {
        agent: agent.id,
        turn: agent.turns + 1,
        reserved,
    }]
}

/// Ends a task for good, and the agent with it that would have gone on.
pub(crate) fn fail_task(agent: &Agent, task: TaskId, why: String) -> Vec<Event> {
    let mut events = vec![Event::AgentEnded {
        agent: agent.id,
        failure: Some(why.clone()),
    }];
    if agent.task() == Some(&task) {
        events.push(Event::TaskFailed { task, why });
    }
    events
}

/// A reply is a call for tools, an output, or something the model must mend.
fn read(run: &Run, agent: &Agent, reply: &ModelReply) -> Vec<Event> {
    if let Some(what) = &reply.malformed {
        return tell_fault(run, agent, what);
    }
    if !reply.tool_calls.is_empty() {
        return read_calls(run, agent, reply);
    }
    match reply.finish {
        FinishReason::Length => {
            let max = agent.equipment.output_tokens_max;
            let text = format!("Your reply was cut off after {max} tokens. Give a shorter one.");
            return tell_fault(run, agent, &text);
        }
        FinishReason::ContentFilter => {
            return give_up(run, agent, "the provider of the model held its reply back");
        }
        FinishReason::Stop | FinishReason::ToolCalls => {}
    }
    let text = reply.text.trim();
    if text.is_empty() {
        return tell_fault(run, agent, "Your reply was empty. Give the result.");
    }
    let OutputFormat::Json { schema, .. } = &agent.equipment.output else {
        return vec![Event::OutputGiven {
            agent: agent.id,
            content: text.to_owned(),
        }];
    };
    match serde_json::from_str::<Value>(text) {
        Err(error) => {
            let text = format!("Your reply is not JSON: {error}. Reply with JSON only.");
            let faults = [format!("it is not JSON: {error}")];
            with_off_contract(run, agent, &faults, tell_fault(run, agent, &text))
        }
        Ok(value) => match schema::schema_faults(schema, &value) {
            faults if faults.is_empty() => {
                vec![Event::OutputGiven {
                    agent: agent.id,
                    content: value.to_string(),
                }]
            }
            faults => {
                let text = format!("Your JSON does not fit: {}. Mend it.", faults.join("; "));
                with_off_contract(run, agent, &faults, tell_fault(run, agent, &text))
            }
        },
    }
}

fn read_calls(run: &Run, agent: &Agent, reply: &ModelReply) -> Vec<Event> {
    let calls_max = run.started().start.limits.tool_calls_per_turn_max;
    let calls = &reply.tool_calls[..reply.tool_calls.len().min(calls_max)];
    if let Some(events) = budget::instead_of_calls(run, agent, calls.len()) {
        return events;
    }
    let mut events = Vec::new();
    let mut faults = Vec::new();
    for (index, call) in (0..).zip(calls) {
        let mut ordered = called(run, agent, Origin::Model, index, Arc::clone(call)).into_iter();
        events.extend(ordered.next());
        faults.extend(ordered);
    }
    // All calls of a turn stand before the first result, so that the turn is over only when
    // the last of them is.
    events.extend(faults);
    if reply.tool_calls.len() > calls_max {
        let text = format!("Only the first {calls_max} tool calls of a reply are carried out.");
        events.push(Event::Told {
            agent: agent.id,
            fault: false,
            text,
        });
    }
    events
}

/// Tells the agent what was wrong with its reply, or ends it when that happened too often.
pub(crate) fn tell_fault(run: &Run, agent: &Agent, text: &str) -> Vec<Event> {
    let times = agent.faults_in_a_row + 1;
    let limits = &run.started().start.limits;
    let times_max = match agent.purpose {
        Purpose::Plan | Purpose::Revise => limits.plan_attempts_max,
        _ => limits.faults_in_a_row_max,
    };
    if agent.faults_in_a_row > 0 && agent.repeats_itself() {
        return again::says_again(run, agent, text);
    }
    if times < times_max {
        return vec![Event::Told {
            agent: agent.id,
            fault: true,
            text: text.to_owned(),
        }];
    }
    let mut events = vec![Event::Found(Finding::FaultsInARow {
        agent: agent.id,
        times,
    })];
    let why = format!("{times} replies in a row could not be used; the last one: {text}");
    events.extend(give_up(run, agent, &why));
    events
}

/// How often a task is tried from the beginning.
pub(crate) fn attempts_max(run: &Run, id: &TaskId) -> u32 {
    let task = run.graph().and_then(|graph| graph.task(id));
    match task.map_or(0, |task| task.attempts_max) {
        0 => run.started().start.limits.task_attempts_max,
        own => own,
    }
}

/// Ends an agent that cannot go on, and its task with it when that was the last attempt.
pub(crate) fn give_up(run: &Run, agent: &Agent, why: &str) -> Vec<Event> {
    let mut events = vec![Event::AgentEnded {
        agent: agent.id,
        failure: Some(why.to_owned()),
    }];
    if let Some(id) = agent.task()
        && agent.attempt >= attempts_max(run, id)
    {
        events.push(Event::TaskFailed {
            task: id.clone(),
            why: why.to_owned(),
        });
    }
    if let Purpose::Reply { question } = &agent.purpose {
        events.extend(coordination::unanswered(run, *question));
    }
    if let Purpose::Judge { task, .. } = &agent.purpose {
        let check = checks::judged_check(run, agent);
        let results = check
            .map(|check| leadhand_protocol::CheckResult {
                check,
                passed: false,
                evidence: format!("the judge gave no verdict: {why}"),
            })
            .into_iter()
            .collect();
        events.push(Event::ChecksFinished {
            task: task.clone(),
            results,
        });
    }
    events
}

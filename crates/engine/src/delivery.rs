//! From an output that was given to one that is accepted: it is written to its file, checked
//! on evidence, and only then does it count. What an agent says it did counts for nothing.

use crate::agent::{Agent, AgentState, CallStatus, Delivery};
use crate::budget;
use crate::calls::{called, step_call};
use crate::checks::{Subject, failures, judged_check, next_check, unresolved_citations};
use crate::coordination;
use crate::decide::stop;
use crate::draft;
use crate::drift;
use crate::run::Run;
use crate::schema::schema_faults;
use crate::strays::with_off_contract;
use crate::turn::{WRITE_TOOL, give_up, tell_fault};
use leadhand_protocol::{
    Artifact, CheckResult, ContentHash, Event, Origin, OutcomeKind, Purpose, Task, TaskId,
    ToolCall, ToolFaultKind,
};
use serde_json::{Value, json};

pub(crate) fn settle(run: &Run, agent: &Agent) -> Vec<Event> {
    let AgentState::Delivered(delivery) = &agent.state else {
        return Vec::new();
    };
    match &agent.purpose {
        Purpose::Plan | Purpose::Revise => accept_plan(run, agent, delivery),
        Purpose::Task(id) => match run.graph().and_then(|graph| graph.task(id)) {
            Some(task) => accept_output(run, agent, task, delivery),
            None => give_up(run, agent, "its task is no longer in the plan"),
        },
        Purpose::Judge { task, .. } => accept_verdict(run, agent, task.as_ref(), delivery),
        Purpose::Drift { .. } => drift::accept(run, agent, delivery),
        Purpose::Reply { question } => {
            coordination::reply(run, agent, *question, &delivery.content)
        }
        // It gives no output: what it does stands in the account.
        Purpose::RollBack => Vec::new(),
        Purpose::Answer => match unresolved_citations(run, &delivery.content) {
            ids if ids.is_empty() => vec![
                Event::AnswerGiven {
                    content: delivery.content.clone(),
                },
                Event::AgentEnded {
                    agent: agent.id,
                    failure: None,
                },
            ],
            ids => {
                let text = format!(
                    "There is no finished task {}: cite only those given.",
                    ids.join(", ")
                );
                tell_fault(run, agent, &text)
            }
        },
    }
}

fn accept_plan(run: &Run, agent: &Agent, delivery: &Delivery) -> Vec<Event> {
    match draft::accept(run, &agent.purpose, &delivery.content) {
        Ok((revision, plan)) => vec![
            Event::PlanAccepted {
                revision,
                plan: Some(plan.into()),
            },
            Event::AgentEnded {
                agent: agent.id,
                failure: None,
            },
        ],
        Err(faults) => {
            let text = format!(
                "The plan cannot be carried out: {}. Give a plan without these faults.",
                faults.join("; ")
            );
            tell_fault(run, agent, &text)
        }
    }
}

fn accept_output(run: &Run, agent: &Agent, task: &Task, delivery: &Delivery) -> Vec<Event> {
    if let Some(pending) = &delivery.call {
        return match &pending.status {
            CallStatus::Finished(Err(fault)) if fault.kind == ToolFaultKind::Denied => {
                refuse(run, agent, &fault.message)
            }
            CallStatus::Finished(Err(fault)) => {
                let text = format!("Your output could not be written: {}", fault.message);
                tell_fault(run, agent, &text)
            }
            _ => step_call(run, agent, pending).into_iter().collect(),
        };
    }
    if let Some(faults) = unfit(agent, task, delivery) {
        let why = format!("its output does not fit the task: {}", faults.join("; "));
        return with_off_contract(run, agent, &faults, give_up(run, agent, &why));
    }
    if let (Some(path), false) = (&task.output_file, delivery.written) {
        if let Some(events) = budget::instead_of_calls(run, agent, 1) {
            return events;
        }
        let arguments = json!({ "path": path, "content": as_file(task, &delivery.content) });
        let call = ToolCall {
            id: "output".into(),
            name: WRITE_TOOL.into(),
            arguments,
        };
        return called(run, agent, Origin::OutputFile, 0, call);
    }
    if delivery.checking {
        return Vec::new();
    }
    let subject = Subject {
        task: Some(&task.id),
        checks: &task.acceptance,
        output: &delivery.content,
    };
    if let Some(events) = next_check(run, &subject, delivery.checks.len(), Some(agent)) {
        return events;
    }
    let failed = failures(&delivery.checks);
    if failed.is_empty() {
        let content = match &task.output_file {
            Some(_) => as_file(task, &delivery.content),
            None => delivery.content.clone(),
        };
        return vec![
            Event::TaskDone {
                task: task.id.clone(),
                artifact: artifact(run, agent, task, &content),
                content,
            },
            Event::AgentEnded {
                agent: agent.id,
                failure: None,
            },
        ];
    }
    let text = format!(
        "Your result was checked and is not accepted: {}. Compare it with your task, do what is missing, then give the complete result again.",
        failed.join("; ")
    );
    if agent.role.is_empty() {
        give_up(run, agent, &text)
    } else {
        tell_fault(run, agent, &text)
    }
}

/// What is wrong with an output that was held against no schema yet: it is that of a task that is
/// one tool call, or a person had something else written.
fn unfit(agent: &Agent, task: &Task, delivery: &Delivery) -> Option<Vec<String>> {
    let schema = task
        .output_schema
        .as_ref()
        .filter(|_| agent.role.is_empty() || delivery.edited)?;
    let faults = match serde_json::from_str(&delivery.content) {
        Ok(value) => schema_faults(schema, &value),
        Err(error) => vec![format!("it is not JSON: {error}")],
    };
    (!faults.is_empty()).then_some(faults)
}

/// What a task must do was not allowed: no other words of the model would change that.
pub(crate) fn refuse(run: &Run, agent: &Agent, why: &str) -> Vec<Event> {
    let mut events = give_up(run, agent, why);
    events.push(stop(OutcomeKind::Refused, why.to_owned()));
    events
}

/// An output as the content of a file: JSON is laid out for people; of other text a code fence
/// around the whole, which models like to add, is no part; and a text file ends with a newline.
fn as_file(task: &Task, content: &str) -> String {
    let value = task
        .output_schema
        .as_ref()
        .and_then(|_| serde_json::from_str(content).ok());
    if let Some(pretty) = value.and_then(|value: Value| serde_json::to_string_pretty(&value).ok()) {
        return pretty + "\n";
    }
    format!("{}\n", without_fence(content).trim_end_matches('\n'))
}

fn without_fence(content: &str) -> &str {
    let inside = content
        .strip_prefix("```")
        .and_then(|rest| rest.strip_suffix("```"));
    let inside = inside
        .and_then(|rest| rest.split_once('\n'))
        .map(|(_, inside)| inside);
    inside
        .filter(|inside| !inside.contains("\n```"))
        .unwrap_or(content)
}

fn artifact(run: &Run, agent: &Agent, task: &Task, content: &str) -> Artifact {
    let written = task
        .output_file
        .as_ref()
        .and_then(|path| run.files.get(path));
    Artifact {
        hash: written
            .and_then(|file| file.hash)
            .unwrap_or_else(|| ContentHash::of(content.as_bytes())),
        bytes: written.map_or(content.len() as u64, |file| file.bytes),
        media_type: if task.output_schema.is_some() {
            "application/json"
        } else {
            "text/plain"
        }
        .into(),
        path: task.output_file.clone(),
        label: agent.label.clone().written_by(agent.id),
    }
}

fn accept_verdict(
    run: &Run,
    agent: &Agent,
    task: Option<&TaskId>,
    delivery: &Delivery,
) -> Vec<Event> {
    let verdict: Value = serde_json::from_str(&delivery.content).unwrap_or(Value::Null);
    let passed = verdict.get("passed") == Some(&Value::Bool(true));
    let reason = verdict
        .get("reason")
        .and_then(Value::as_str)
        .unwrap_or("no reason given");
    let results = judged_check(run, agent).map(|check| CheckResult {
        check,
        passed,
        evidence: reason.to_owned(),
    });
    vec![
        Event::ChecksFinished {
            task: task.cloned(),
            results: results.into_iter().collect(),
        },
        Event::AgentEnded {
            agent: agent.id,
            failure: None,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::without_fence;

    #[test]
    fn a_fence_around_a_whole_file_is_no_part_of_it() {
        for (content, file) in [
            ("# A", "# A"),
            ("```json\n{}\n```", "{}\n"),
            (
                "```\na\n```\nand\n```\nb\n```",
                "```\na\n```\nand\n```\nb\n```",
            ),
            ("text\n```\na\n```\n", "text\n```\na\n```\n"),
        ] {
            assert_eq!(without_fence(content), file);
        }
    }
}

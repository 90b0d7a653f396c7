//! Any event in one line, for people. Texts in it are of foreign origin, and escaped.

use crate::coordinated::Holders;
use crate::escape;
use crate::words;
use leadhand_protocol::{Ask, Decision, Event, Origin, Outcome, Purpose};

/// Characters of a text that are shown in a line.
const TEXT_CHARS_MAX: usize = 160;

/// What an event says.
#[must_use]
pub fn said(event: &Event) -> String {
    of_agent(event)
        .or_else(|| of_call(event))
        .or_else(|| of_task(event))
        .unwrap_or_else(|| of_run(event))
}

fn shown(text: &str) -> String {
    escape::line(text, TEXT_CHARS_MAX)
}

fn of_agent(event: &Event) -> Option<String> {
    Some(match event {
        Event::AgentStarted {
            agent,
            role,
            purpose,
            attempt,
            ..
        } => {
            let role = if role.is_empty() { "no model" } else { role };
            let purpose = purposed(purpose);
            let again = if *attempt > 1 {
                format!(", attempt {attempt}")
            } else {
                String::new()
            };
            format!("{agent} ({}) begins: {purpose}{again}", shown(role))
        }
        Event::TurnStarted { agent, turn, .. } => format!("{agent} asks its model, turn {turn}"),
        Event::ModelReplied { agent, reply, .. } => {
            let tools = reply.tool_calls.iter().map(|call| shown(&call.name));
            let tools: Vec<String> = tools.collect();
            let wants = if tools.is_empty() {
                String::new()
            } else {
                format!(" and wants {}", tools.join(", "))
            };
            format!("{agent} is answered: `{}`{wants}", shown(&reply.text))
        }
        Event::ModelFailed { agent, fault, .. } => {
            format!("{agent} is not answered: {}", shown(&fault.message))
        }
        Event::Told { agent, fault, text } => {
            let word = if *fault { "is sent back" } else { "is told" };
            format!("{agent} {word}: {}", shown(text))
        }
        Event::OutputGiven { agent, content } => {
            format!("{agent} gives its output: {}", shown(content))
        }
        Event::AgentEnded { agent, failure } => match failure {
            None => format!("{agent} is through"),
            Some(why) => format!("{agent} gives up: {}", shown(why)),
        },
        Event::Requested { asker, .. } => format!("{} asks something of the run", asker.party),
        Event::RequestRefused { asker, why } => {
            format!("{} is refused: {}", asker.party, shown(why))
        }
        _ => return None,
    })
}

fn of_call(event: &Event) -> Option<String> {
    Some(match event {
        Event::ToolCalled {
            call,
            origin,
            tool_call,
            verdict,
            ..
        } => {
            let who = match origin {
                Origin::Model => format!("{} calls", call.agent),
                Origin::Input => "an input file is read with".to_owned(),
                Origin::OutputFile => "the output is written with".to_owned(),
                Origin::Template => "the task is the call".to_owned(),
                Origin::Check => "a check calls".to_owned(),
                Origin::Undo => "a call is undone with".to_owned(),
            };
            let decision = match verdict.decision {
                Decision::Allow => "allowed",
                Decision::Ask => "a person is asked",
                Decision::Deny => "denied",
            };
            format!(
                "{who} {} {}: {decision}, {}",
                shown(&tool_call.name),
                shown(&tool_call.arguments.to_string()),
                shown(&verdict.because)
            )
        }
        Event::CallEdited { call, .. } => format!("a person changes call {call}"),
        Event::CallStarted { call } => format!("call {call} is made"),
        Event::CallInDoubt { call, why } => format!("call {call} is in doubt: {}", shown(why)),
        Event::ProbeOrdered { call, .. } => {
            format!("it is asked whether call {call} took effect")
        }
        Event::ToolFinished { call, outcome } => match outcome {
            Ok(output) => format!("call {call} brings: {}", shown(&output.text)),
            Err(fault) => format!("call {call} fails: {}", shown(&fault.message)),
        },
        _ => return None,
    })
}

fn of_task(event: &Event) -> Option<String> {
    Some(match event {
        Event::ChecksOrdered { task, checks } => {
            let of = task
                .as_ref()
                .map_or("the answer".to_owned(), |task| format!("task {task}"));
            format!("{} of {of} begin", words::count(checks.len(), "check"))
        }
        Event::ChecksFinished { results, .. } => {
            let failed = results.iter().filter(|result| !result.passed);
            let failed: Vec<String> = failed.map(|result| shown(&result.evidence)).collect();
            if failed.is_empty() {
                "all checks hold".to_owned()
            } else {
                format!("checks do not hold: {}", failed.join("; "))
            }
        }
        Event::TaskDone { task, artifact, .. } => {
            format!("task {task} is done, output {}", artifact.hash.short())
        }
        Event::TaskFailed { task, why } => format!("task {task} failed: {}", shown(why)),
        Event::AnswerGiven { content } => format!("the answer stands: {}", shown(content)),
        _ => return None,
    })
}

fn of_run(event: &Event) -> String {
    match event {
        Event::RunStarted(start) => format!("the goal: {}", shown(&start.goal.text)),
        Event::TraceImported { parts, .. } => format!(
            "a trace of others, with {}; what it was for is not written down",
            words::count(parts.len(), "part")
        ),
        Event::RunResumed => "the run goes on".to_owned(),
        Event::PlanAccepted { revision: 0, plan } => planned("the plan is accepted", plan.as_ref()),
        Event::PlanAccepted { revision, plan } => planned(
            &format!("revision {revision} of the plan is accepted"),
            plan.as_ref(),
        ),
        Event::PersonAsked { request, ask } => {
            let about = match ask {
                Ask::Plan { .. } => "may this plan be carried out?".to_owned(),
                Ask::Tool {
                    tool_call, because, ..
                } => format!(
                    "may {} be called? {}",
                    shown(&tool_call.name),
                    shown(because)
                ),
                Ask::Outcome { call, .. } => format!("did call {call} take effect?"),
                Ask::Task { task } => format!("may task {} begin?", task.id),
                Ask::Finding { finding, .. } => {
                    let found = words::finding(finding, |agent| agent.to_string());
                    format!("may it go on? {found}")
                }
            };
            format!("question {request}: {about}")
        }
        Event::PersonAnswered { request, .. } => format!("a person answers question {request}"),
        Event::Steered { text, .. } => format!("a person steers: {}", shown(text)),
        Event::PersonOrdered { order } => {
            words::order(order).map_or("a person orders".to_owned(), |text| shown(&text))
        }
        Event::TimeUp => "the time allowed is over".to_owned(),
        Event::Forked { from } => format!("a branch of run {from} from here on"),
        Event::Coordinated { fact } => Holders::default()
            .take(fact, |agent| agent.to_string())
            .map_or("permits change hands".to_owned(), |(_, text)| shown(&text)),
        Event::Found(finding) => words::finding(finding, |agent| agent.to_string()),
        Event::StopOrdered { why, .. } => format!("the run is to stop: {}", shown(why)),
        Event::RunSuspended(outcome) => ended("stands still", outcome),
        Event::RunEnded(outcome) => ended("is over", outcome),
        _ => String::new(),
    }
}

fn planned(what: &str, plan: Option<&std::sync::Arc<leadhand_protocol::Plan>>) -> String {
    plan.map_or_else(
        || what.to_owned(),
        |plan| format!("{what}, {}", words::count(plan.tasks.len(), "task")),
    )
}

fn ended(what: &str, outcome: &Outcome) -> String {
    let kind = crate::account::ending(outcome.kind);
    if outcome.why.is_empty() {
        format!("the run {what}: {kind}")
    } else {
        format!("the run {what}: {kind}, {}", shown(&outcome.why))
    }
}

/// What an agent is there for.
pub(crate) fn purposed(purpose: &Purpose) -> String {
    match purpose {
        Purpose::Plan => "plan".to_owned(),
        Purpose::Revise => "revise the plan".to_owned(),
        Purpose::Task(task) => format!("task {task}"),
        Purpose::Judge {
            task: Some(task), ..
        } => format!("judge {task}"),
        Purpose::Judge { task: None, .. } => "judge the answer".to_owned(),
        Purpose::Drift { task, .. } => format!("judge whether the work at {task} drifts"),
        Purpose::Answer => "answer".to_owned(),
        Purpose::Reply { question } => format!("answer to question {question}"),
        Purpose::RollBack => "roll back".to_owned(),
    }
}

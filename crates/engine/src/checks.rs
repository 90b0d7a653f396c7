//! Acceptance checks of a task's output and of the goal's answer. Those that look at files are
//! carried out by the runtime, those that ask a model or a tool become agents and calls, and the
//! others are decided here.

use crate::agent::Agent;
use crate::brief;
use crate::budget;
use crate::calls::called;
use crate::run::{AnswerRecord, Run};
use leadhand_protocol::{
    AgentId, Check, CheckResult, Event, Origin, Purpose, TaskId, ToolCall, ToolFault, ToolOutput,
};

/// Of what a checking tool call gave, that much is kept as evidence.
const EVIDENCE_CHARS_MAX: usize = 500;

/// What the checks that failed have shown, each thing once.
pub(crate) fn failures(checks: &[CheckResult]) -> Vec<&str> {
    let failed = checks.iter().filter(|result| !result.passed);
    let mut shown: Vec<&str> = failed.map(|result| result.evidence.as_str()).collect();
    shown.dedup();
    shown
}

/// What is checked: a task's output, or the goal's answer.
pub(crate) struct Subject<'a> {
    pub(crate) task: Option<&'a TaskId>,
    pub(crate) checks: &'a [Check],
    pub(crate) output: &'a str,
}

/// The events that carry out the check number `next`, or `None` when all are done. Checks are
/// taken in order; neighbours that look at files go to the runtime together.
pub(crate) fn next_check(
    run: &Run,
    subject: &Subject<'_>,
    next: usize,
    agent: Option<&Agent>,
) -> Option<Vec<Event>> {
    let check = subject.checks.get(next)?;
    let found = |passed: bool, evidence: String| {
        let results = vec![CheckResult {
            check: check.clone(),
            passed,
            evidence,
        }];
        vec![Event::ChecksFinished {
            task: subject.task.cloned(),
            results,
        }]
    };
    Some(match check {
        Check::OutputMatches { pattern } => match regex::Regex::new(pattern) {
            Ok(expression) if expression.is_match(subject.output) => {
                found(true, "it holds what is asked for".into())
            }
            // Evidence does not quote the pattern: a model that is told it may just say it.
            Ok(_) => found(
                false,
                "it does not hold everything that is asked for".into(),
            ),
            Err(error) => found(false, unreadable(pattern, &error)),
        },
        Check::CitationsResolve => match unresolved_citations(run, subject.output) {
            ids if ids.is_empty() => found(true, "every citation names a finished task".into()),
            ids => found(
                false,
                format!("there is no finished task {}", ids.join(", ")),
            ),
        },
        Check::ToolPasses { call, .. } => match agent {
            Some(agent) => {
                if let Some(events) = budget::instead_of_calls(run, agent, 1) {
                    return Some(events);
                }
                let index = u32::try_from(next).unwrap_or(u32::MAX).saturating_add(1);
                let call = ToolCall {
                    id: format!("check-{next}"),
                    name: call.tool.clone(),
                    arguments: call.arguments.clone(),
                };
                called(run, agent, Origin::Check, index, call)
            }
            None => found(
                false,
                "a tool call can check a task, not the goal: move it to a task".into(),
            ),
        },
        Check::Judged { criteria } => start_judge(run, subject, next, criteria),
        Check::FileExists { .. }
        | Check::FileAbsent { .. }
        | Check::FileChanged { .. }
        | Check::FileUnchanged { .. }
        | Check::FileMatches { .. }
        | Check::FileLacks { .. }
        | Check::FileFits { .. } => {
            let files = subject.checks[next..]
                .iter()
                .take_while(|check| check.file().is_some());
            vec![Event::ChecksOrdered {
                task: subject.task.cloned(),
                checks: files.cloned().collect(),
            }]
        }
    })
}

/// What a tool call that checks an output has shown: it passes when the call succeeds and what
/// it gave matches the pattern; the empty pattern matches everything.
pub(crate) fn by_tool(check: Check, outcome: &Result<ToolOutput, ToolFault>) -> CheckResult {
    let Check::ToolPasses { call, pattern } = &check else {
        let evidence = "the check was made by a tool call, which is not its kind".to_owned();
        return CheckResult {
            check,
            passed: false,
            evidence,
        };
    };
    let (passed, evidence) = match outcome {
        Err(fault) => (false, format!("`{}` failed: {}", call.tool, fault.message)),
        Ok(output) => {
            let shown = brief::cut(&output.text, EVIDENCE_CHARS_MAX);
            match regex::Regex::new(pattern) {
                Ok(expression) if expression.is_match(&output.text) => {
                    (true, format!("`{}` gave: {shown}", call.tool))
                }
                Ok(_) => (
                    false,
                    format!(
                        "what `{}` gave is not what is asked for: {shown}",
                        call.tool
                    ),
                ),
                Err(error) => (false, unreadable(pattern, &error)),
            }
        }
    };
    CheckResult {
        check,
        passed,
        evidence,
    }
}

fn unreadable(pattern: &str, error: &regex::Error) -> String {
    format!("the pattern `{pattern}` cannot be read: {error}")
}

fn start_judge(run: &Run, subject: &Subject<'_>, check: usize, criteria: &str) -> Vec<Event> {
    let check = u32::try_from(check).unwrap_or(u32::MAX);
    let purpose = Purpose::Judge {
        task: subject.task.cloned(),
        check,
    };
    if run.agents.values().any(|agent| agent.purpose == purpose) {
        return Vec::new();
    }
    vec![Event::AgentStarted {
        agent: AgentId(run.agents_started),
        role: brief::JUDGE_ROLE.into(),
        purpose,
        attempt: 1,
        opening: Some(brief::judge(run, criteria, subject.output)),
    }]
}

/// The check that a judging agent is there for.
pub(crate) fn judged_check(run: &Run, agent: &Agent) -> Option<Check> {
    let Purpose::Judge { task, check } = &agent.purpose else {
        return None;
    };
    let checks = match task {
        Some(id) => &run.graph()?.task(id)?.acceptance,
        None => &run.started().start.goal.acceptance,
    };
    checks.get(*check as usize).cloned()
}

/// Citations look like `[task-id]`. Only those that could be ids of this plan are looked at (a
/// number behind the beginning of some task's id), so that Markdown links and footnotes are left
/// alone.
pub(crate) fn unresolved_citations(run: &Run, text: &str) -> Vec<String> {
    let Some(graph) = run.graph() else {
        return Vec::new();
    };
    let stem = |id: &str| id.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    let tasks = &graph.plan().tasks;
    let unresolved = text.split('[').skip(1).filter_map(|rest| {
        let (name, after) = rest.split_once(']')?;
        let like_an_id = stem(name).len() < name.len()
            && tasks
                .iter()
                .any(|task| stem(task.id.as_str()) == stem(name) && !stem(name).is_empty());
        let done = tasks
            .iter()
            .any(|task| task.id.as_str() == name && run.output_of(&task.id).is_some());
        (like_an_id && !done && !after.starts_with('(')).then(|| name.to_owned())
    });
    unresolved.collect()
}

/// The next step of checking the answer against the goal; `None` when it is checked.
pub(crate) fn check_answer(run: &Run, answer: &AnswerRecord, content: &str) -> Option<Vec<Event>> {
    if answer.checking {
        return Some(Vec::new());
    }
    let checks = &run.started().start.goal.acceptance;
    let subject = Subject {
        task: None,
        checks,
        output: content,
    };
    next_check(run, &subject, answer.checks.len(), None)
}

//! Information flow: what an agent may still do once somebody who means harm may have written
//! something that it has read. Two things wait for a person then: an effect that the task did
//! not declare beforehand, and a way out for an agent that also knows something private.

use crate::judge::{Judged, Question};
use crate::policy::Policy;
use crate::wanted::{Wanted, naming_arguments};
use leadhand_protocol::{
    Capability, Decision, DeclaredCall, Effect, Isolation, Task, ToolCall, ToolSpec, Verdict,
};
use leadhand_resource::{Kind, Pattern, Resource};
use serde_json::Value;

/// Turns a verdict into a question where information flow wants one.
pub(crate) fn apply(
    policy: &Policy,
    verdict: Verdict,
    question: &Question<'_>,
    wanted: &[Wanted<'_>],
) -> Judged {
    let reason = match verdict.decision {
        Decision::Deny => None,
        Decision::Ask | Decision::Allow => reason_to_ask(policy, question, wanted),
    };
    match reason {
        None => Judged {
            verdict,
            must_ask: false,
        },
        Some(reason) => Judged {
            verdict: Verdict {
                decision: Decision::Ask,
                because: format!("{reason}; otherwise {}", verdict.because),
            },
            must_ask: true,
        },
    }
}

/// Why a person must be asked, in words.
pub(crate) fn reason_to_ask(
    policy: &Policy,
    question: &Question<'_>,
    wanted: &[Wanted<'_>],
) -> Option<String> {
    if !question.label.is_untrusted() {
        return None;
    }
    if leaks(policy, question, wanted) {
        return Some(format!(
            "this agent has read untrusted content and holds private data, and `{}` is a way out",
            question.tool.name
        ));
    }
    if has_effect(question, wanted)
        && !is_declared(question, wanted)
        && !is_open(policy, question, wanted, Wanted::is_effect)
    {
        return Some(format!(
            "this agent has read untrusted content, and its task did not declare this call of `{}` beforehand",
            question.tool.name
        ));
    }
    None
}

/// Whether the call could carry private data out of an agent that others may have told to.
pub(crate) fn leaks(policy: &Policy, question: &Question<'_>, wanted: &[Wanted<'_>]) -> bool {
    if !question.label.is_untrusted() {
        return false;
    }
    let tool = question.tool;
    let reads = wanted.iter().any(|it| it.capability == Capability::FsRead);
    // A call that reads files and reaches out holds private data all by itself.
    let is_private = question.label.is_private() || reads;
    let is_out = wanted.iter().any(Wanted::is_way_out)
        || (tool.isolation == Isolation::Native && tool.effect != Effect::Pure);
    is_private && is_out && !is_open(policy, question, wanted, Wanted::is_way_out)
}

fn has_effect(question: &Question<'_>, wanted: &[Wanted<'_>]) -> bool {
    question.tool.effect != Effect::Pure || wanted.iter().any(Wanted::is_effect)
}

/// Whether rules that hold for untrusted content cover all that matters of the call; where it
/// says of nothing what it touches, the tool itself.
fn is_open<'w>(
    policy: &Policy,
    question: &Question<'_>,
    wanted: &[Wanted<'w>],
    matters: fn(&Wanted<'w>) -> bool,
) -> bool {
    let mut concerned = wanted.iter().filter(|it| matters(it)).peekable();
    if concerned.peek().is_none() {
        return policy.is_tool_open_to_untrusted(question);
    }
    concerned.all(|it| policy.is_open_to_untrusted(question, it))
}

/// Whether the task said beforehand that it would make such a call.
fn is_declared(question: &Question<'_>, wanted: &[Wanted<'_>]) -> bool {
    let Some(task) = question.task else {
        return question.planned;
    };
    if question.planned && keeps_to_its_template(question) {
        return true;
    }
    if declares(task, question.tool, question.call) {
        return true;
    }
    let mut effects = wanted.iter().filter(|it| it.is_effect()).peekable();
    effects.peek().is_some()
        && effects.all(|it| it.capability == Capability::FsWrite && is_to_be_written(question, it))
}

/// What a template fills in may come from untrusted outputs: what the plan itself named stays
/// declared, another resource is not.
fn keeps_to_its_template(question: &Question<'_>) -> bool {
    let template = question.task.and_then(|task| task.call.as_ref());
    match template.filter(|template| template.tool == question.call.name) {
        None => true,
        Some(template) => naming_arguments(question.tool).all(|(argument, _)| {
            template.arguments.get(argument) == question.call.arguments.get(argument)
        }),
    }
}

fn is_to_be_written(question: &Question<'_>, wanted: &Wanted<'_>) -> bool {
    let Some(task) = question.task else {
        return false;
    };
    let covers = |text: &String| {
        Pattern::parse(Kind::Path, text).is_ok_and(|pattern| pattern.covers(&wanted.resource, None))
    };
    let is_output = task.output_file.as_ref().is_some_and(|file| {
        Resource::parse(Kind::Path, file).is_ok_and(|file| file == wanted.resource)
    });
    is_output || task.writes.iter().any(covers)
}

/// Whether a task says among its effects that it makes such a call.
#[must_use]
pub fn declares(task: &Task, tool: &ToolSpec, call: &ToolCall) -> bool {
    let mut effects = task.effects.iter();
    effects.any(|declared| is_such_a_call(declared, tool, call))
}

/// Arguments are compared as values; a text that names a resource may be a pattern over it.
fn is_such_a_call(declared: &DeclaredCall, tool: &ToolSpec, call: &ToolCall) -> bool {
    declared.tool == call.name
        && declared.arguments.iter().all(|(name, expected)| {
            let found = call.arguments.get(name).unwrap_or(&Value::Null);
            let mut naming = naming_arguments(tool)
                .filter(|(argument, _)| argument == name)
                .map(|(_, kind)| kind);
            found == expected || naming.any(|kind| fits(kind, expected, found))
        })
}

fn fits(kind: Kind, expected: &Value, found: &Value) -> bool {
    let Value::String(pattern) = expected else {
        return false;
    };
    let Ok(pattern) = Pattern::parse(kind, pattern) else {
        return false;
    };
    let covers = |value: &Value| {
        let text = value.as_str();
        text.and_then(|text| Resource::parse(kind, text).ok())
            .is_some_and(|resource| covers_by_any_method(&pattern, &resource))
    };
    match found {
        Value::Array(values) => !values.is_empty() && values.iter().all(covers),
        value => covers(value),
    }
}

/// A declared call names a tool, whose methods are known: those of a pattern narrow nothing.
fn covers_by_any_method(pattern: &Pattern, resource: &Resource) -> bool {
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    methods
        .into_iter()
        .map(Some)
        .chain([None])
        .any(|method| pattern.covers(resource, method))
}

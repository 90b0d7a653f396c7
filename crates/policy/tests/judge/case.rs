//! One case: everything a verdict depends on, with the usual values.

use leadhand_policy::{Policy, Question, built_in_rules, parse_rules, workspace_grants};
use leadhand_protocol::{
    Access, Approval, Autonomy, Capability, Effect, Grant, Isolation, Label, Source, Task, TaskId,
    ToolCall, ToolSpec, Verdict,
};
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) fn tool(
    name: &str,
    effect: Effect,
    accesses: &[(Capability, Option<&str>)],
) -> ToolSpec {
    let access =
        |&(capability, argument): &(Capability, Option<&str>)| Access::new(capability, argument);
    ToolSpec {
        name: name.to_owned(),
        description: String::new(),
        arguments: Arc::new(json!({"type": "object"})),
        result: None,
        effect,
        accesses: accesses.iter().map(access).collect(),
        probe: None,
        undo: None,
        isolation: Isolation::Sandboxed,
        trusted: false,
        equal_by: Vec::new(),
        poll_every_ms: None,
    }
}

pub(crate) fn read_file() -> ToolSpec {
    tool(
        "read_file",
        Effect::Pure,
        &[(Capability::FsRead, Some("path"))],
    )
}

pub(crate) fn write_file() -> ToolSpec {
    tool(
        "write_file",
        Effect::Idempotent,
        &[(Capability::FsWrite, Some("path"))],
    )
}

pub(crate) fn native(tool: ToolSpec) -> ToolSpec {
    ToolSpec {
        isolation: Isolation::Native,
        ..tool
    }
}

pub(crate) fn grants(all: &[(Capability, &str)]) -> Vec<Grant> {
    let grant = |&(capability, resource): &(Capability, &str)| Grant {
        capability,
        resource: resource.to_owned(),
    };
    all.iter().map(grant).collect()
}

pub(crate) fn fetch() -> ToolSpec {
    tool("fetch", Effect::Pure, &[(Capability::Net, Some("url"))])
}

/// A tool of the embedder's that says of nothing what it touches.
pub(crate) fn pay() -> ToolSpec {
    native(tool("pay", Effect::Once, &[]))
}

pub(crate) fn task(change: impl FnOnce(&mut Task)) -> Task {
    let mut task = Task::new(TaskId::new("t1").expect("it is an id"), "coder", "");
    change(&mut task);
    task
}

pub(crate) struct Case<'a> {
    pub(crate) rules: &'a str,
    pub(crate) tool: ToolSpec,
    pub(crate) arguments: Value,
    pub(crate) grants: Vec<Grant>,
    pub(crate) autonomy: Autonomy,
    pub(crate) planned: bool,
    pub(crate) task: Option<Task>,
    pub(crate) label: Label,
    pub(crate) approvals: Vec<Approval>,
    pub(crate) now_ms: u64,
}

impl Case<'_> {
    pub(crate) fn of(tool: ToolSpec, arguments: Value) -> Self {
        Case {
            rules: "",
            tool,
            arguments,
            grants: workspace_grants(),
            autonomy: Autonomy::L4,
            planned: false,
            task: None,
            label: Label::default(),
            approvals: Vec::new(),
            now_ms: 0,
        }
    }

    /// With content from these places in the agent's context.
    pub(crate) fn after_reading(self, sources: &[Source]) -> Self {
        Case {
            label: sources.iter().copied().collect(),
            ..self
        }
    }

    pub(crate) fn granted(self, all: &[(Capability, &str)]) -> Self {
        Case {
            grants: grants(all),
            ..self
        }
    }

    /// By the built-in rules and the case's own.
    pub(crate) fn verdict(&self) -> Verdict {
        let mut rules = built_in_rules();
        rules.extend(parse_rules("p.toml", self.rules).expect("the case's rules can be read"));
        let policy = Policy::new(&rules).expect("the case's rules are sound");
        let call = ToolCall {
            id: "1".to_owned(),
            name: self.tool.name.clone(),
            arguments: self.arguments.clone(),
        };
        policy.judge(&Question {
            tool: &self.tool,
            role: "coder",
            task: self.task.as_ref(),
            call: &call,
            grants: &self.grants,
            autonomy: self.autonomy,
            planned: self.planned,
            label: &self.label,
            approvals: &self.approvals,
            now_ms: self.now_ms,
        })
    }
}

/// What is said of the case: `decision: because`.
pub(crate) fn check(case: &Case<'_>, expected: &str) {
    let verdict = case.verdict();
    assert_eq!(
        format!("{:?}: {}", verdict.decision, verdict.because),
        expected
    );
}

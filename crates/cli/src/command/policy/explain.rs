//! `leadhand policy explain`.

use super::{now_ms, policy_of};
use crate::failure::Failure;
use crate::project::{Project, ProjectOptions};
use crate::screen;
use clap::Args;
use leadhand::rooms::inspector::escape;
use leadhand::rooms::policy::{Explanation, Question, RuleExplanation, RuleSays};
use leadhand::rooms::protocol::{Decision, Label, Source};
use leadhand::{Autonomy, Task, TaskId, ToolCall};
use serde_json::Value;
use std::fmt::Write;

const TEXT_CHARS_MAX: usize = 1_000;

/// What `policy explain` takes: a call, and who makes it.
#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// A tool of `tool list`
    tool: String,
    /// The arguments of the call, a JSON object
    #[arg(long, value_name = "JSON", default_value = "{}")]
    args: String,
    /// The role that calls
    #[arg(long, default_value = "")]
    role: String,
    /// The task that the call is made for
    #[arg(long, value_name = "ID")]
    task: Option<String>,
    /// What the task declares that it writes, as a glob; may be repeated
    #[arg(long, value_name = "GLOB", requires = "task")]
    writes: Vec<String>,
    /// The level, L0 to L5; the project's unless given
    #[arg(long, value_name = "LEVEL")]
    autonomy: Option<Autonomy>,
    /// Where that comes from what the agent has read: user, public, workspace, tool, web, secret
    #[arg(long, value_name = "SOURCE", value_delimiter = ',', value_parser = source)]
    label: Vec<Source>,
    /// Show every rule, with why it does not match
    #[arg(long)]
    all: bool,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    project: ProjectOptions,
}

fn source(word: &str) -> Result<Source, String> {
    serde_json::from_value(Value::from(word)).map_err(|_| {
        "write user, public, workspace, tool, web or secret, several with commas".to_owned()
    })
}

pub(super) fn run(arguments: &ExplainArguments, before: &ProjectOptions) -> Result<u8, Failure> {
    let project = Project::open(&arguments.project.after(before))?;
    let (policy, grants) = policy_of(&project)?;
    let host = project.components().host(project.host_builder())?;
    let named = |spec: &&leadhand::ToolSpec| spec.name == arguments.tool;
    let Some(tool) = host.specs().iter().find(named) else {
        let what = format!("there is no tool `{}`", escape::line(&arguments.tool, 80));
        return Err(Failure::usage(
            what,
            "`leadhand tool list` shows what there is",
        ));
    };
    let call = ToolCall {
        id: String::new(),
        name: arguments.tool.clone(),
        arguments: serde_json::from_str(&arguments.args).map_err(|error| {
            Failure::usage(
                format!("--args: this is no JSON: {error}"),
                "write a JSON object, such as --args '{\"path\": \"README.md\"}'",
            )
        })?,
    };
    let task = arguments
        .task
        .as_ref()
        .map(|id| task(arguments, id))
        .transpose()?;
    let explanation = policy.explain(&Question {
        tool,
        role: &arguments.role,
        task: task.as_ref(),
        call: &call,
        grants: &grants,
        autonomy: arguments
            .autonomy
            .or(project.config.autonomy)
            .unwrap_or(Autonomy::L4),
        planned: false,
        label: &arguments.label.iter().copied().collect::<Label>(),
        approvals: &[],
        now_ms: now_ms(),
    });
    if arguments.json {
        screen::out_json(&explanation);
    } else {
        screen::out(&in_words(&explanation, arguments.all));
    }
    Ok(0)
}

fn task(arguments: &ExplainArguments, id: &str) -> Result<Task, Failure> {
    let id = TaskId::new(id)
        .map_err(|error| Failure::usage(format!("--task: {error}"), "such as --task t1"))?;
    Ok(Task {
        writes: arguments.writes.clone(),
        ..Task::new(id, &arguments.role, "")
    })
}

/// The verdict first, then what it rests on.
fn in_words(explanation: &Explanation, all: bool) -> String {
    let decision = match explanation.verdict.decision {
        Decision::Allow => "allowed",
        Decision::Ask => "a person is asked",
        Decision::Deny => "denied",
    };
    let because = escape::line(&explanation.verdict.because, TEXT_CHARS_MAX);
    let mut text = format!("{decision}: {because}\n");
    for resource in &explanation.resources {
        let method = resource
            .method
            .as_ref()
            .map_or(String::new(), |method| format!(" {method}"));
        let _ = writeln!(
            text,
            "\n{}{method} {}",
            resource.capability,
            escape::line(&resource.resource, TEXT_CHARS_MAX)
        );
        let grant = resource.grant.as_ref().map_or("none".to_owned(), |grant| {
            escape::line(&grant.resource, TEXT_CHARS_MAX)
        });
        let _ = writeln!(text, "  {:<10} {grant}", "granted on");
        rules_in_words(&mut text, &resource.rules, all);
    }
    if !explanation.tool_rules.is_empty() {
        let _ = writeln!(text, "\nthe tool itself");
        rules_in_words(&mut text, &explanation.tool_rules, all);
    }
    let _ = writeln!(text, "\nautonomy {}", explanation.level);
    let further = [
        ("asks before", &explanation.level_asks_before),
        ("information flow", &explanation.information_flow),
        ("approved", &explanation.approval),
    ];
    for (what, why) in further {
        if let Some(why) = why {
            let _ = writeln!(text, "  {what}: {}", escape::line(why, TEXT_CHARS_MAX));
        }
    }
    text
}

fn rules_in_words(text: &mut String, rules: &[RuleExplanation], all: bool) {
    for rule in rules {
        let (says, matches) = match rule.says {
            RuleSays::Decides => ("decides", true),
            RuleSays::Matches => ("matches", true),
            RuleSays::Expired => ("expired", false),
            RuleSays::OtherTool => ("other tool", false),
            RuleSays::OtherRole => ("other role", false),
            RuleSays::OtherTask => ("other task", false),
            RuleSays::OtherCapability => ("other capability", false),
            RuleSays::OtherResource => ("other resource", false),
        };
        if all || matches {
            let rule = escape::line(&rule.rule, TEXT_CHARS_MAX);
            let _ = writeln!(text, "  {says:<10} {rule}");
        }
    }
}

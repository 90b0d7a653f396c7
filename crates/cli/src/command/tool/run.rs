//! `leadhand tool run`: one tool by itself, judged by policy and run in the sandbox as in a run.
//! Whoever types the command has said yes to what policy would ask about; what it denies, and
//! what no rule allows, stays denied.

use super::batch;
use super::inspect::{is_file_name, no_such_tool};
use super::outcome::{invalid_arguments, written};
use crate::failure::Failure;
use crate::files;
use crate::project::{Project, ProjectOptions};
use crate::screen;
use clap::Args;
use leadhand::rooms::engine::schema_faults;
use leadhand::rooms::inspector::escape;
use leadhand::rooms::policy::{Policy, Question, root_grants};
use leadhand::rooms::protocol::{Capability, Grant, Label, Permit, Source};
use leadhand::rooms::sandbox::{CallContext, ToolHost, Workspace};
use leadhand::{
    Autonomy, ContentHash, Decision, Rule, ToolCall, ToolFault, ToolFaultKind, ToolLimits,
    ToolOutput, ToolSpec, Verdict,
};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Largest arguments of one call, in bytes.
pub(super) const ARGUMENTS_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Exit code of a call that policy or the sandbox refused.
const REFUSED: u8 = 8;
/// Exit code of a call that failed otherwise.
const FAILED: u8 = 3;

/// Run one tool by itself, under the rules and in the sandbox
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// A tool of `tool list`, or the file of a component
    #[arg(value_name = "NAME|FILE")]
    tool: String,
    /// The tool, of a component that has several
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The arguments: a JSON object, @FILE, or - for standard input
    #[arg(long, value_name = "JSON", required_unless_present = "batch")]
    args: Option<String>,
    /// Read one JSON object a line from standard input, write one result a line
    #[arg(long, conflicts_with = "args")]
    batch: bool,
    /// Allow more for this command only, such as 'net https://example.org/**'
    #[arg(long, value_name = "CAPABILITY RESOURCE")]
    allow: Vec<String>,
    /// Write {"ok": …} or {"error": …} instead of the result's text
    #[arg(long)]
    json: bool,
}

/// A tool, and all that a call of it is judged and run by.
pub(super) struct Bench {
    pub(super) tool: ToolSpec,
    host: ToolHost,
    policy: Policy,
    grants: Vec<Grant>,
    workspace: Arc<Workspace>,
    limits: ToolLimits,
}

pub(super) async fn run(arguments: RunArguments, options: &ProjectOptions) -> Result<u8, Failure> {
    let bench = Bench::open(&arguments, &Project::open(options)?)?;
    let Some(text) = &arguments.args else {
        return batch::run(Arc::new(bench)).await;
    };
    let value = serde_json::from_str(&arguments_text(text)?).map_err(|error| {
        Failure::usage(
            format!("--args: this is no JSON: {error}"),
            "write a JSON object, such as --args '{\"path\": \"README.md\"}'",
        )
    })?;
    let outcome = bench.call(value, 0).await;
    if arguments.json {
        screen::out_json(&written(&bench.tool, &outcome));
    }
    match outcome {
        Ok(output) => {
            if !arguments.json {
                screen::out_foreign(&output.text);
            }
            Ok(0)
        }
        Err(fault) => {
            if !arguments.json {
                let message = escape::lines(&fault.message);
                screen::note(&format!("error: {}: {message}", bench.tool.name));
            }
            Ok(if fault.kind == ToolFaultKind::Denied {
                REFUSED
            } else {
                FAILED
            })
        }
    }
}

impl Bench {
    fn open(arguments: &RunArguments, project: &Project) -> Result<Self, Failure> {
        let host = if is_file_name(&arguments.tool) {
            project
                .host_builder()
                .standard_tools(false)
                .component_file(project.folder.join(&arguments.tool))
                .build()?
        } else {
            project.components().host(project.host_builder())?
        };
        let tool = chosen(&host, arguments)?;
        let mut rules = project.all_rules();
        let allowed = arguments
            .allow
            .iter()
            .map(|text| allowed(text))
            .collect::<Result<Vec<Rule>, Failure>>()?;
        rules.extend(allowed);
        Ok(Self {
            tool,
            host,
            grants: root_grants(&rules),
            policy: Policy::new(&rules).map_err(|error| Failure::Leadhand(error.into()))?,
            workspace: Arc::new(Workspace::open(&project.folder)?),
            limits: project.config.tool_limits.clone(),
        })
    }

    /// Judges a call and, when nothing is against it, makes it. `number` tells calls apart.
    pub(super) async fn call(
        &self,
        arguments: Value,
        number: u64,
    ) -> Result<ToolOutput, ToolFault> {
        let faults = schema_faults(&self.tool.arguments, &arguments);
        if !faults.is_empty() {
            let message = format!("the arguments do not fit: {}", faults.join("; "));
            return Err(invalid_arguments(message));
        }
        let call = ToolCall {
            id: number.to_string(),
            name: self.tool.name.clone(),
            arguments,
        };
        let now_ms = now_ms();
        let (verdict, permit) = self.judge(&call, now_ms);
        if verdict.decision == Decision::Deny {
            return Err(ToolFault {
                kind: ToolFaultKind::Denied,
                message: format!("refused by policy: {}", verdict.because),
                retryable: false,
            });
        }
        let context = CallContext {
            workspace: Arc::clone(&self.workspace),
            permit,
            limits: self.limits.clone(),
            call_id: format!("call-{number}"),
            agent: "a person".to_owned(),
            now_ms,
            seed: number,
            // Who makes a call twice by hand wants it twice.
            key: ContentHash::of(format!("{now_ms} {number} {}", self.tool.name).as_bytes()),
            trace: None,
        };
        self.host.call(&call, &context).await
    }

    fn judge(&self, call: &ToolCall, now_ms: u64) -> (Verdict, Permit) {
        let question = Question {
            tool: &self.tool,
            role: "",
            task: None,
            call,
            grants: &self.grants,
            autonomy: Autonomy::L5,
            planned: true,
            label: &Label::from(Source::User),
            approvals: &[],
            now_ms,
        };
        (self.policy.judge(&question), self.policy.permit(&question))
    }
}

/// The tool that is meant: of a file the only one there is, or the one that `--name` names.
fn chosen(host: &ToolHost, arguments: &RunArguments) -> Result<ToolSpec, Failure> {
    let is_file = is_file_name(&arguments.tool);
    let name = match &arguments.name {
        Some(name) => name,
        None if is_file => match host.specs() {
            [only] => return Ok(only.clone()),
            specs => {
                let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
                let names = names.join(", ");
                return Err(Failure::usage(
                    format!("{} holds several tools or none: {names}", arguments.tool),
                    "say which one with --name",
                ));
            }
        },
        None => &arguments.tool,
    };
    let found = host.specs().iter().find(|spec| spec.name == *name);
    found.cloned().ok_or_else(|| no_such_tool(name))
}

/// The rule that `--allow` stands for.
fn allowed(text: &str) -> Result<Rule, Failure> {
    let fault = |what: String| {
        Failure::usage(
            format!("--allow '{text}': {what}"),
            "write a capability and a resource, such as --allow 'fs.write out/**' or --allow \
             'net https://example.org/**'",
        )
    };
    let (capability, resource) = text
        .trim()
        .split_once(' ')
        .ok_or_else(|| fault("there is no resource".to_owned()))?;
    let capability: Capability = serde_json::from_value(Value::from(capability))
        .map_err(|_| fault(format!("there is no capability `{capability}`")))?;
    Ok(Rule {
        capability: Some(capability),
        resource: resource.trim().to_owned(),
        source: "--allow".to_owned(),
        ..Rule::any(Decision::Allow)
    })
}

fn arguments_text(given: &str) -> Result<String, Failure> {
    if given == "-" {
        return files::text_of(std::io::stdin().lock(), ARGUMENTS_BYTES_MAX)
            .map_err(|what| Failure::usage(format!("standard input: {what}"), ""));
    }
    match given.strip_prefix('@') {
        Some(path) => files::read(Path::new(path), ARGUMENTS_BYTES_MAX),
        None => Ok(given.to_owned()),
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

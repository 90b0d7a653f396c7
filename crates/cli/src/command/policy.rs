//! `leadhand policy`: why a call is allowed, asked about or denied, tables of calls with what is
//! expected of each, and rules that do nothing. All of it without making any call.

mod cases;
mod check;
mod explain;

use crate::failure::Failure;
use crate::project::{Project, ProjectOptions};
use clap::{Args, Subcommand};
use leadhand::rooms::policy::{Policy, root_grants};
use leadhand::rooms::protocol::Grant;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Exit code when a case failed or a rule does nothing.
const FOUND: u8 = 3;

/// Say what agents may do, and why
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Say which rule, from which file and line, decides about a call
    Explain(explain::ExplainArguments),
    /// Judge the cases of a file, and compare with what it expects
    Test(TestArguments),
    /// Find rules that can never decide, or contradict each other
    Check(CheckArguments),
}

/// What `policy test` takes.
#[derive(Debug, Args)]
pub(crate) struct TestArguments {
    /// TOML files of `[[cases]]`
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write a JSON array of results
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    project: ProjectOptions,
}

/// What `policy check` takes.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// Write a JSON array of findings
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    project: ProjectOptions,
}

pub(crate) fn run(command: &PolicyCommand, before: &ProjectOptions) -> Result<u8, Failure> {
    match command {
        PolicyCommand::Explain(arguments) => explain::run(arguments, before),
        PolicyCommand::Test(arguments) => {
            let project = Project::open(&arguments.project.after(before))?;
            cases::run(&arguments.files, arguments.json, &project)
        }
        PolicyCommand::Check(arguments) => {
            let project = Project::open(&arguments.project.after(before))?;
            check::run(arguments.json, &project)
        }
    }
}

/// The rules of a project, ready to judge, and the grants of a run under them.
fn policy_of(project: &Project) -> Result<(Policy, Vec<Grant>), Failure> {
    let rules = project.all_rules();
    let policy = Policy::new(&rules).map_err(|error| Failure::Leadhand(error.into()))?;
    Ok((policy, root_grants(&rules)))
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

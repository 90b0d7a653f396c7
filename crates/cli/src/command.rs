//! The commands, one file each. What they have in common is in the files beside this one.

use crate::failure::Failure;
use crate::logging::LogFormat;
use crate::project::ProjectOptions;
use clap::{Parser, Subcommand};

mod agents;
mod approve;
mod cancel;
mod check;
mod completion;
mod deny;
mod doctor;
mod edit;
mod fork;
mod gc;
mod model;
mod pause;
mod plan;
mod policy;
mod ps;
mod questions;
mod replay;
mod resume;
mod rollback;
mod run;
mod steer;
mod tool;
mod top;
mod trace;
mod ui;

/// Gives a goal to a manager agent, whose workers carry it out in a sandbox, journaled.
#[derive(Debug, Parser)]
#[command(name = "leadhand", version, propagate_version = true)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) project: ProjectOptions,
    /// How logs are written; only with LEADHAND_LOG set, such as LEADHAND_LOG=debug
    #[arg(long, value_enum, default_value_t, global = true)]
    pub(crate) log_format: LogFormat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(run::RunArguments),
    Plan(plan::PlanArguments),
    Ps(ps::PsArguments),
    Top(top::TopArguments),
    Resume(resume::ResumeArguments),
    Pause(pause::PauseArguments),
    Steer(steer::SteerArguments),
    Questions(questions::QuestionsArguments),
    Approve(approve::ApproveArguments),
    Deny(deny::DenyArguments),
    Edit(edit::EditArguments),
    Cancel(cancel::CancelArguments),
    Rollback(rollback::RollbackArguments),
    Fork(Box<fork::ForkArguments>),
    Replay(replay::ReplayArguments),
    #[command(subcommand)]
    Trace(trace::TraceCommand),
    Ui(ui::UiArguments),
    #[command(subcommand)]
    Tool(tool::ToolCommand),
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    #[command(subcommand)]
    Agents(agents::AgentsCommand),
    #[command(subcommand)]
    Model(model::ModelCommand),
    Check(check::CheckArguments),
    Gc(gc::GcArguments),
    Doctor(doctor::DoctorArguments),
    Completion(completion::CompletionArguments),
}

impl Command {
    /// Carries the command out; gives the exit code.
    ///
    /// # Errors
    /// What kept it from being carried out.
    pub(crate) async fn carry_out(self, project: &ProjectOptions) -> Result<u8, Failure> {
        match self {
            Self::Run(arguments) => run::run(arguments, project).await,
            Self::Plan(arguments) => plan::run(arguments, project).await,
            Self::Ps(arguments) => ps::run(&arguments, project),
            Self::Top(arguments) => top::run(arguments, project).await,
            Self::Resume(arguments) => resume::run(arguments, project).await,
            Self::Pause(arguments) => pause::run(arguments, project).await,
            Self::Steer(arguments) => steer::run(arguments, project).await,
            Self::Questions(arguments) => questions::run(arguments, project).await,
            Self::Approve(arguments) => approve::run(arguments, project).await,
            Self::Deny(arguments) => deny::run(arguments, project).await,
            Self::Edit(arguments) => edit::run(arguments, project).await,
            Self::Cancel(arguments) => cancel::run(arguments, project).await,
            Self::Rollback(arguments) => rollback::run(arguments, project).await,
            Self::Trace(command) => trace::run(command, project).await,
            Self::Ui(arguments) => ui::run(arguments, project).await,
            Self::Fork(arguments) => fork::run(*arguments, project).await,
            Self::Replay(arguments) => replay::run(&arguments, project).await,
            Self::Tool(command) => tool::run(command, project).await,
            Self::Policy(command) => policy::run(&command, project),
            Self::Agents(command) => agents::run(&command, project),
            Self::Model(command) => model::run(&command, project).await,
            Self::Check(arguments) => check::run(&arguments, project).await,
            Self::Gc(arguments) => gc::run(&arguments, project),
            Self::Doctor(arguments) => doctor::run(&arguments, project).await,
            Self::Completion(arguments) => completion::run(&arguments),
        }
    }
}

use leadhand_agents::{PlaybookError, RoleError};
use leadhand_journal::JournalError;
use leadhand_model::ModelError;
use leadhand_policy::PolicyError;
use leadhand_runtime::{RuntimeError, ToolboxError};
use leadhand_sandbox::SandboxError;
use leadhand_schema::ForeignError;
use std::path::PathBuf;

/// Why something could not be set up or carried out. That a goal was not achieved is no error:
/// it stands in the [`crate::Outcome`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nothing to do.
    #[error("the goal is empty: say what is to be achieved")]
    GoalEmpty,
    /// The goal is too long to be put to a model.
    #[error(
        "the goal has {chars} characters and {chars_max} are allowed: put the material into files of the workspace and name them in the goal"
    )]
    GoalTooLong {
        /// Its length.
        chars: usize,
        /// The bound, `Limits::goal_chars_max`.
        chars_max: usize,
    },
    /// A check of the goal cannot be carried out, or its output schema is none.
    #[error("the goal cannot be checked: {}", .faults.join("; "))]
    GoalUncheckable {
        /// What is wrong with which check; all of it.
        faults: Vec<String>,
    },
    /// A file that the goal is about is not in the workspace.
    #[error(
        "the goal is about the file `{}`, which is not in the workspace; give its path from there, with `/` between folders",
        .path.escape_debug()
    )]
    GoalFileMissing {
        /// The path, as the goal gives it.
        path: String,
    },
    /// The plan handed in has faults.
    #[error("the plan cannot be carried out: {}", .faults.join("; "))]
    Plan {
        /// All of them.
        faults: Vec<String>,
    },
    /// A type of messages cannot be registered.
    #[error("`{name}` is no type of messages: {why}")]
    MessageType {
        /// Its name.
        name: String,
        /// Why.
        why: String,
    },
    /// Nothing can be told to OpenTelemetry.
    #[error("{why}")]
    Telemetry {
        /// Why, and what to do instead.
        why: String,
    },
    /// A run cannot keep these permits.
    #[error("the permits cannot be kept: {fault}")]
    Permits {
        /// What is wrong with which name, and what to do instead.
        fault: String,
    },
    /// No model was given.
    #[error("there is no model: give one with `Builder::model` or `Builder::model_config`")]
    NoModel,
    /// The workspace cannot be listed.
    #[error("the files of {} cannot be listed: {source}", .path.display())]
    Listing {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The answer does not have the type that was wanted.
    #[error("the answer is not what was asked for: {why}; it was: {answer}")]
    Untyped {
        /// What is wrong.
        why: String,
        /// The answer, cut.
        answer: String,
    },
    /// The goal was not achieved, so there is no typed answer.
    #[error("the goal was not achieved: {why}")]
    NotAchieved {
        /// Why, in words.
        why: String,
    },
    /// A role file has a fault.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// A playbook has a fault.
    #[error(transparent)]
    Playbook(#[from] PlaybookError),
    /// A model cannot be set up.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A rule has a fault.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The sandbox cannot be set up.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// A tool that somebody else described cannot be offered.
    #[error(transparent)]
    ForeignTool(#[from] ForeignError),
    /// The tools do not go together.
    #[error(transparent)]
    Toolbox(#[from] ToolboxError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The run could not be carried out to any outcome.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

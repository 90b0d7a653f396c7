//! Why a command failed, its exit code, and what to do next. Errors of the library are mapped
//! here and nowhere else.

use leadhand::rooms::inspector::escape;
use leadhand::rooms::journal::Damage;
use leadhand::rooms::journal::JournalError;
use leadhand::rooms::model::ModelError;
use leadhand::rooms::sandbox::SandboxError;
use leadhand::{Error, RemoteError, RunId, RuntimeError};

/// Exit code of a defect of the program.
pub(crate) const INTERNAL: u8 = 1;
/// Exit code of wrong usage or configuration.
pub(crate) const USAGE: u8 = 2;
/// Exit code when what was wanted could not be achieved, or what was looked at is not as it
/// should be.
pub(crate) const NOT_ACHIEVED: u8 = 3;
/// Exit code when no model can be had.
pub(crate) const NO_MODEL: u8 = 9;
/// Exit code of a command that was interrupted.
pub(crate) const INTERRUPTED: u8 = 130;

/// What ends a command without an outcome.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// An argument, a file or the configuration is wrong.
    #[error("{what}")]
    Usage {
        /// What is wrong, with file and line where there is one.
        what: String,
        /// What to do next.
        hint: String,
    },
    /// There is no model to work with.
    #[error("{what}")]
    NoModel {
        /// What was tried.
        what: String,
        /// What to do next.
        hint: &'static str,
    },
    /// The library failed.
    #[error(transparent)]
    Leadhand(#[from] Error),
    /// A live run could not be reached, or did not follow.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The program itself could not go on.
    #[error("{what}")]
    Internal {
        /// What happened.
        what: String,
    },
}

impl Failure {
    pub(crate) fn usage(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage {
            what: what.into(),
            hint: hint.into(),
        }
    }

    /// A journal that cannot be believed from some record on.
    pub(crate) fn damaged(run: &RunId, damage: Damage) -> Self {
        let error = RuntimeError::Damaged {
            run: run.clone(),
            seq: damage.seq,
            what: damage.what,
        };
        Self::Leadhand(error.into())
    }

    pub(crate) fn internal(what: impl Into<String>) -> Self {
        Self::Internal { what: what.into() }
    }

    /// The exit code that says what kind of failure it is.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Usage { .. } => USAGE,
            Self::NoModel { .. } => NO_MODEL,
            Self::Leadhand(error) => code_of(error),
            Self::Remote(error) => code_of_remote(error),
            Self::Internal { .. } => INTERNAL,
        }
    }

    /// The error as it is shown, with what to do next.
    pub(crate) fn told(&self) -> String {
        let mut told = format!("error: {}", escape::lines(&self.to_string()));
        if !self.hint().is_empty() {
            told += &format!("\nwhat to do: {}", escape::lines(self.hint()));
        }
        told
    }

    /// What to do next; empty when the message says it.
    pub(crate) fn hint(&self) -> &str {
        match self {
            Self::Usage { hint, .. } => hint,
            Self::NoModel { hint, .. } => hint,
            Self::Leadhand(error) => hint_of(error),
            // These say themselves what to do.
            Self::Remote(_) => "",
            Self::Internal { .. } => REPORT,
        }
    }
}

/// What to do where there is nothing that could be asked.
pub(crate) const WAYS_TO_A_MODEL: &str = "set OPENAI_API_KEY or OPENAI_BASE_URL, name a GGUF file with \
    --model-file, start Ollama or llama.cpp, or try again with a network for the embedded \
    model; `leadhand doctor` shows what is there";
const REPORT: &str = "this is a defect of Leadhand; please report it";

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Self::Leadhand(error.into())
    }
}

impl From<SandboxError> for Failure {
    fn from(error: SandboxError) -> Self {
        Self::Leadhand(error.into())
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        Self::Leadhand(error.into())
    }
}

fn code_of(error: &Error) -> u8 {
    match error {
        Error::GoalEmpty
        | Error::GoalTooLong { .. }
        | Error::GoalUncheckable { .. }
        | Error::GoalFileMissing { .. }
        | Error::Plan { .. }
        | Error::Permits { .. }
        | Error::Listing { .. }
        | Error::Role(_)
        | Error::Playbook(_)
        | Error::Policy(_)
        | Error::ForeignTool(_)
        | Error::MessageType { .. }
        | Error::Telemetry { .. }
        | Error::Toolbox(_) => USAGE,
        Error::Sandbox(error) => code_of_sandbox(error),
        Error::NoModel => NO_MODEL,
        Error::Model(error) => code_of_model(error),
        Error::Journal(error) | Error::Runtime(RuntimeError::Journal(error)) => {
            code_of_journal(error)
        }
        Error::Runtime(
            RuntimeError::Over { .. }
            | RuntimeError::Refused { .. }
            | RuntimeError::ForkPastEnd { .. }
            | RuntimeError::ForkAfterEnd { .. },
        ) => USAGE,
        Error::NotAchieved { .. } | Error::Untyped { .. } => NOT_ACHIEVED,
        Error::Runtime(_) => INTERNAL,
    }
}

fn code_of_remote(error: &RemoteError) -> u8 {
    match error {
        RemoteError::NotListening { .. }
        | RemoteError::AnotherUser { .. }
        | RemoteError::Refused { .. }
        | RemoteError::Declined { .. } => USAGE,
        RemoteError::Gone { .. } | RemoteError::Unreadable { .. } => INTERNAL,
    }
}

/// Workspace, components and secrets are given by whoever calls; the engine is ours.
fn code_of_sandbox(error: &SandboxError) -> u8 {
    match error {
        SandboxError::Engine { .. } => INTERNAL,
        _ => USAGE,
    }
}

fn code_of_model(error: &ModelError) -> u8 {
    match error {
        ModelError::UnknownModel { .. }
        | ModelError::NameTaken { .. }
        | ModelError::Config { .. }
        | ModelError::NotBuilt { .. }
        | ModelError::File { .. }
        | ModelError::Line { .. } => USAGE,
        // No model, no key, no download: whatever else there is, there is nobody to ask.
        _ => NO_MODEL,
    }
}

fn code_of_journal(error: &JournalError) -> u8 {
    match error {
        JournalError::RunExists { .. }
        | JournalError::UnknownRun { .. }
        | JournalError::Locked { .. }
        | JournalError::Live { .. }
        | JournalError::OtherStore { .. }
        | JournalError::NoFolder { .. }
        | JournalError::Sweeping { .. }
        | JournalError::Busy { .. }
        | JournalError::Unwritable { .. }
        | JournalError::Unreadable { .. } => USAGE,
        _ => INTERNAL,
    }
}

fn hint_of(error: &Error) -> &'static str {
    match error {
        Error::GoalEmpty => "for example: leadhand run \"Summarize the files in docs\"",
        Error::Plan { .. } => "`leadhand agents list` and `leadhand tool list` show what there is",
        Error::Listing { .. } | Error::Sandbox(SandboxError::Workspace { .. }) => {
            "name a folder that you may read with -C"
        }
        Error::Role(_) => "`leadhand agents check` shows everything about role files",
        Error::Playbook(_) => {
            "`leadhand agents list` shows playbooks and their parameters, \
             docs/roles-and-playbooks.md what goes into one"
        }
        Error::NoModel => WAYS_TO_A_MODEL,
        // These say themselves what to do.
        Error::Model(ModelError::FetchFailed { .. } | ModelError::FetchBusy { .. }) => "",
        Error::Model(error) if code_of_model(error) == NO_MODEL => WAYS_TO_A_MODEL,
        Error::Model(ModelError::UnknownModel { .. }) => {
            "`leadhand model list` shows what -m understands"
        }
        Error::Model(ModelError::File { .. }) => {
            "check the path: on the command line it counts from the current folder, in \
             leadhand.toml from the folder of that file"
        }
        Error::Journal(JournalError::Unwritable { .. })
        | Error::Runtime(RuntimeError::Journal(JournalError::Unwritable { .. })) => {
            "free the disk, or name a folder that you may write to with -C"
        }
        _ => "",
    }
}

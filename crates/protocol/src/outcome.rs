//! How a run ended.

use crate::{Artifact, CallId, FileChange, TaskId, ToolCall, Usage};
use serde::{Deserialize, Serialize};

/// The account of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// How it ended.
    pub kind: OutcomeKind,
    /// Why, in words; empty when the goal was achieved.
    pub why: String,
    /// The answer; empty when there is none.
    pub answer: String,
    /// Every task of the last plan and what became of it.
    pub tasks: Vec<TaskReport>,
    /// Files the run changed, with their last state.
    pub files: Vec<FileChange>,
    /// Tool calls of which nobody knows whether they took effect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_doubt: Vec<CallReport>,
    /// Tool calls that were to be undone, in the order in which that was tried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undone: Vec<CallReport>,
    /// Tokens spent.
    pub usage: Usage,
    /// Money spent, in millionths of a US dollar.
    pub micro_usd: u64,
    /// Model calls made.
    pub turns: u64,
    /// Tool calls made.
    pub tool_calls: u64,
    /// How often the plan was revised.
    pub revisions: u32,
}

/// How a run ended; each kind has its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// The goal was achieved, on evidence.
    Done,
    /// Only the plan was wanted (L0), and here it is.
    Planned,
    /// The goal was not achieved.
    NotAchieved,
    /// A person must answer first; resumable.
    WaitingForPerson,
    /// The budget is spent; resumable.
    BudgetSpent,
    /// A loop was found.
    LoopFound,
    /// The work left the plan.
    DivergenceFound,
    /// Policy refused what the goal needs.
    Refused,
    /// No model could be reached or none let us in; resumable.
    ModelUnreachable,
    /// A person paused it; resumable.
    Interrupted,
    /// A person cancelled it.
    Cancelled,
}

impl OutcomeKind {
    /// The process exit code that says this.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Done | Self::Planned => 0,
            Self::NotAchieved => 3,
            Self::WaitingForPerson => 4,
            Self::BudgetSpent => 5,
            Self::LoopFound => 6,
            Self::DivergenceFound => 7,
            Self::Refused => 8,
            Self::ModelUnreachable => 9,
            Self::Interrupted | Self::Cancelled => 130,
        }
    }

    /// Whether the run can go on later.
    #[must_use]
    pub fn resumable(self) -> bool {
        matches!(
            self,
            Self::WaitingForPerson | Self::BudgetSpent | Self::ModelUnreachable | Self::Interrupted
        )
    }
}

/// What became of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskReport {
    /// Which.
    pub task: TaskId,
    /// A few words for people.
    pub title: String,
    /// `done`, `failed`, `running` or `waiting`.
    pub state: String,
    /// Why it is not done; empty when it is.
    pub why: String,
    /// Its output.
    pub artifact: Option<Artifact>,
}

/// What became of one tool call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallReport {
    /// Which.
    pub call: CallId,
    /// The call.
    pub tool_call: ToolCall,
    /// What became of it.
    pub state: CallState,
    /// What is known beyond that: what speaks for and against its effect, what undoing it gave,
    /// or why it could not be undone. May be empty.
    pub what: String,
}

/// What became of a tool call that an account tells of by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// Nobody knows whether it took effect.
    InDoubt,
    /// It took effect, and was undone.
    Undone,
    /// It took effect, and could not be undone.
    NotUndone,
    /// It took effect, and nobody knows whether it was undone.
    UndoInDoubt,
}

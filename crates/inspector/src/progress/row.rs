//! A piece of work and how far it is.

use super::TITLE_CHARS_MAX;
use crate::escape;
use leadhand_protocol::TaskId;

/// Where the work of a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    #[default]
    /// For others, or for a worker.
    Waiting,
    /// An agent is at it.
    Running,
    /// On evidence.
    Done,
    /// For good.
    Failed,
    /// A revision of the plan does without it.
    Dropped,
}

/// One piece of work.
#[derive(Debug, Default)]
pub struct Row {
    /// The task's id; empty for the manager's own work.
    pub id: String,
    /// What it is about; escaped.
    pub title: String,
    /// Who does it.
    pub role: String,
    /// How far it is.
    pub state: State,
    /// What is done just now; escaped.
    pub doing: String,
    /// Characters of the reply that is being written.
    pub chars: usize,
    /// Tokens spent on it.
    pub tokens: u64,
    /// When it began, in milliseconds since the Unix epoch; 0 before.
    pub began_ms: u64,
    /// When it ended; 0 before.
    pub ended_ms: u64,
}

impl Row {
    pub(super) fn of(task: &TaskId, title: &str, role: &str) -> Self {
        Self {
            id: task.to_string(),
            title: escape::line(title, TITLE_CHARS_MAX),
            role: escape::line(role, TITLE_CHARS_MAX),
            ..Self::default()
        }
    }
}

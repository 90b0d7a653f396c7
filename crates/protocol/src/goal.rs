//! What the user asked for.

use crate::{Check, TraceContext};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::str::FromStr;

/// What a run is to achieve, and what it may cost.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Goal {
    /// The wish in the user's words.
    pub text: String,
    /// Files it is about, as paths within the workspace: the manager is told of these first.
    pub files: Vec<String>,
    /// What must hold at the end, checked on evidence.
    pub acceptance: Vec<Check>,
    /// JSON Schema of the answer; without one the answer is text.
    pub output_schema: Option<Value>,
    /// What waits for a person.
    pub autonomy: Autonomy,
    /// What may be spent.
    pub budget: Budget,
    /// The place in a trace of another program that the run is a part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_parent: Option<TraceContext>,
}

impl Goal {
    /// A goal of this text and nothing else.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

impl From<&str> for Goal {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Goal {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// What may be spent; `None` is no bound of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    /// Tokens in and out, all models together.
    pub tokens_max: Option<u64>,
    /// Money, in millionths of a US dollar.
    pub micro_usd_max: Option<u64>,
    /// Tool calls.
    pub tool_calls_max: Option<u64>,
    /// Wall-clock seconds at work; those in which a run stands still do not count.
    pub seconds_max: Option<u64>,
    /// Model calls, those that cost nothing included.
    pub turns_max: Option<u64>,
    /// Agents, one for each attempt at a task.
    pub agents_max: Option<u64>,
    /// Revisions of the plan by the manager; only of a run.
    pub revisions_max: Option<u64>,
}

/// What waits for a person, from everything (L0) to nothing (L5).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub enum Autonomy {
    /// Plan only, nothing runs.
    L0,
    /// The plan and every tool call wait.
    L1,
    /// The plan, and every call that writes, reaches the network or has effect `once`.
    L2,
    /// Calls that no rule allows, and effect `once`.
    L3,
    /// Only what a detector or a policy `ask` escalates.
    #[default]
    L4,
    /// Nothing waits; what policy denies stays denied.
    L5,
}

impl fmt::Display for Autonomy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl FromStr for Autonomy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim().trim_start_matches(['L', 'l']) {
            "0" => Ok(Self::L0),
            "1" => Ok(Self::L1),
            "2" => Ok(Self::L2),
            "3" => Ok(Self::L3),
            "4" => Ok(Self::L4),
            "5" => Ok(Self::L5),
            _ => Err(format!("`{text}` is not an autonomy level: use L0 to L5")),
        }
    }
}

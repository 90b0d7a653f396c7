//! The definition of an agent.

use crate::{Autonomy, Budget, Grant};
use serde::{Deserialize, Serialize};

/// A role: who an agent is, which models answer for it, and what it may use.
///
/// Made from `agents/*.md` by the `agents` crate, and written whole into the journal, so
/// that a run can be replayed when the file has changed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Role {
    /// The name tasks refer to.
    pub name: String,
    /// One line for the manager: when to use this role.
    pub description: String,
    /// The system prompt.
    pub prompt: String,
    /// Models by name, the first one first, the others as fallbacks; empty is the default model.
    pub models: Vec<String>,
    /// Tools by name that its agents are offered.
    pub tools: Vec<String>,
    /// What its tools may touch; without any word on it, what the run may. An empty list is
    /// nothing at all.
    pub grants: Option<Vec<Grant>>,
    /// A level of its own; the lower of it and the run's holds.
    pub autonomy: Option<Autonomy>,
    /// Model calls one agent of this role may make; 0 is the run's limit.
    pub turns_max: u32,
    /// Entries of its conversation after the opening that its model is sent; 0 is all of them.
    #[serde(skip_serializing_if = "is_default")]
    pub history_max: u32,
    /// Sampling temperature in thousandths; 0 is greedy.
    pub temperature_milli: u32,
    /// Tokens a reply may have; 0 is the run's limit.
    pub output_tokens_max: u32,
    /// Agents of this role at work on tasks at once, unless the run keeps permits of `role/NAME`;
    /// 0 is the run's limit.
    #[serde(skip_serializing_if = "is_default")]
    pub workers_max: u32,
    /// What one agent of this role may spend; of seconds nothing is bounded here.
    #[serde(skip_serializing_if = "is_default")]
    pub budget: Budget,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

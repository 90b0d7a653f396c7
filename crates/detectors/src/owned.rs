//! A trace that is put together from parts that lie apart, such as spans or records, and lent to
//! the detectors step by step. A neutral record needs none of this: it is lent from its line.

use crate::{Arguments, Call, Came, Manner, Step, TEXT_BYTES_MAX};
use leadhand_protocol::{AgentId, ContentHash};
use serde_json::Value;
use std::collections::BTreeMap;

/// The work of agents, in the order in which their steps ended.
#[derive(Debug, Clone, Default)]
pub struct OwnedTrace {
    /// Its name: of a foreign trace its id, of a run of ours the run's.
    pub id: String,
    /// What its agents are called.
    pub agents: BTreeMap<AgentId, String>,
    /// Its steps.
    pub steps: Vec<OwnedStep>,
}

/// One turn of an agent; the fields are those of [`Step`].
#[derive(Debug, Clone, Default)]
pub struct OwnedStep {
    /// Whose; the first agent where nobody says.
    pub agent: u32,
    /// What it said beside its calls.
    pub said: String,
    /// What it called, all at once.
    pub calls: Vec<OwnedCall>,
    /// When it ended.
    pub at_ms: Option<u64>,
    /// Whether something was gained.
    pub gained: bool,
}

/// One call; the fields are those of [`Call`].
#[derive(Debug, Clone)]
pub struct OwnedCall {
    /// The tool.
    pub tool: String,
    /// With what; a string is a text such as a command.
    pub arguments: Value,
    /// What came back; empty where nothing did.
    pub result: String,
    /// How it ended.
    pub came: Came,
    /// The hashes of what it changed.
    pub changed: Vec<ContentHash>,
}

impl OwnedTrace {
    /// The name of an agent of its; empty for one that it does not have.
    #[must_use]
    pub fn name(&self, agent: AgentId) -> &str {
        self.agents.get(&agent).map_or("", String::as_str)
    }

    /// Shows its steps one by one until `look` has an answer.
    pub fn find<T>(&self, mut look: impl FnMut(usize, &Step<'_>) -> Option<T>) -> Option<T> {
        self.steps.iter().enumerate().find_map(|(at, step)| {
            let calls: Vec<Call<'_>> = step.calls.iter().map(OwnedCall::lend).collect();
            let step = Step {
                agent: AgentId(step.agent),
                said: &step.said,
                calls: &calls,
                answered: None,
                at_ms: step.at_ms,
                gained: step.gained,
            };
            look(at, &step)
        })
    }
}

impl OwnedCall {
    fn lend(&self) -> Call<'_> {
        Call {
            tool: &self.tool,
            arguments: match &self.arguments {
                Value::String(text) => Arguments::Text(text),
                value @ (Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::Array(_)
                | Value::Object(_)) => Arguments::Json(value),
            },
            result: &self.result,
            came: self.came,
            manner: Manner {
                changed: &self.changed,
                ..Manner::default()
            },
        }
    }
}

/// A text up to what is kept of it.
pub(crate) fn kept(text: &str) -> String {
    text[..text.floor_char_boundary(TEXT_BYTES_MAX)].to_owned()
}

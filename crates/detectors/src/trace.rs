//! The work of agents as somebody wrote it down, put together to steps and lent to the detectors
//! one by one.

use crate::divergence::PlannedCall;
use crate::{Arguments, Call, Came, Manner, Step};
use leadhand_protocol::{AgentId, ContentHash};
use serde_json::Value;
use std::collections::BTreeMap;

/// Most bytes of one observation or text that are looked at; the rest says no more about whether
/// it is the same as another.
pub const TEXT_BYTES_MAX: usize = 256 * 1024;

/// One run of somebody's agents, its steps in the order in which they ended.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    pub(crate) id: String,
    pub(crate) agents: BTreeMap<AgentId, String>,
    pub(crate) steps: Vec<TraceStep>,
    pub(crate) plan: Option<Vec<PlannedCall>>,
}

/// One turn of an agent; the fields are those of [`Step`].
#[derive(Debug, Clone)]
pub(crate) struct TraceStep {
    pub(crate) agent: AgentId,
    pub(crate) said: String,
    pub(crate) calls: Vec<TraceCall>,
    pub(crate) answered: Option<String>,
    pub(crate) at_ms: Option<u64>,
    pub(crate) gained: bool,
}

/// One call; the fields are those of [`Call`]. A string as arguments is a text such as a command.
#[derive(Debug, Clone, Default)]
pub(crate) struct TraceCall {
    pub(crate) tool: String,
    pub(crate) arguments: Value,
    pub(crate) result: String,
    pub(crate) came: Came,
    pub(crate) equal_by: Option<String>,
    pub(crate) poll_every_ms: Option<u64>,
    pub(crate) changed: Vec<ContentHash>,
}

impl Trace {
    /// Its id; empty where it has none.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How many steps it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The name of an agent of its; empty for one that it does not have.
    #[must_use]
    pub fn name(&self, agent: AgentId) -> &str {
        self.agents.get(&agent).map_or("", String::as_str)
    }

    /// The calls that were planned; none where it has no plan of calls.
    #[must_use]
    pub fn plan(&self) -> Option<&[PlannedCall]> {
        self.plan.as_deref()
    }

    /// Shows its steps one by one until `look` has an answer.
    pub fn find<T>(&self, mut look: impl FnMut(usize, &Step<'_>) -> Option<T>) -> Option<T> {
        self.steps.iter().enumerate().find_map(|(at, step)| {
            let calls: Vec<Call<'_>> = step.calls.iter().map(TraceCall::lend).collect();
            let step = Step {
                agent: step.agent,
                said: &step.said,
                calls: &calls,
                answered: step.answered.as_deref(),
                at_ms: step.at_ms,
                gained: step.gained,
            };
            look(at, &step)
        })
    }
}

impl TraceStep {
    /// A step of this agent with nothing in it yet.
    pub(crate) fn of(agent: AgentId) -> Self {
        Self {
            agent,
            said: String::new(),
            calls: Vec::new(),
            answered: None,
            at_ms: None,
            gained: false,
        }
    }
}

impl TraceCall {
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
                equal_by: self.equal_by.as_deref(),
                poll_every_ms: self.poll_every_ms,
                changed: &self.changed,
            },
        }
    }
}

/// A text up to what is kept of it.
pub(crate) fn kept(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    text
}

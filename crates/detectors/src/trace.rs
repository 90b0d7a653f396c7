//! The work of agents as somebody wrote it down, put together to steps and lent to the detectors
//! one by one.

use crate::divergence::PlannedCall;
use crate::{Arguments, Call, Came, Manner, Step};
use leadhand_protocol::{AgentId, ContentHash};
use serde::de::IgnoredAny;
use serde_json::Value;
use std::collections::BTreeMap;

/// Most bytes of one observation or text that are looked at; the rest says no more about whether
/// it is the same as another.
pub const TEXT_BYTES_MAX: usize = 256 * 1024;
/// Longest JSON of arguments that is taken apart, in bytes. In memory JSON can take a hundred
/// times its length (an object of one field takes some 700 bytes), so what is longer is compared
/// as the text that it is.
pub const ARGUMENT_BYTES_MAX: usize = 256 * 1024;
/// Most steps of one trace.
pub const STEPS_MAX: usize = 1_000_000;

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
    pub(crate) began_ms: Option<u64>,
    pub(crate) at_ms: Option<u64>,
    pub(crate) answered_by: Answered,
    pub(crate) gained: bool,
}

/// Which model answered in a step, and what that took; empty where nobody wrote it down.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answered {
    /// The model's name.
    pub model: String,
    /// Tokens that it was sent.
    pub input_tokens: u64,
    /// Tokens that it sent.
    pub output_tokens: u64,
}

/// One call; the fields are those of [`Call`].
#[derive(Debug, Clone, Default)]
pub(crate) struct TraceCall {
    pub(crate) tool: String,
    pub(crate) arguments: TraceArguments,
    pub(crate) result: String,
    pub(crate) came: Came,
    pub(crate) equal_by: Option<String>,
    pub(crate) poll_every_ms: Option<u64>,
    pub(crate) changed: Vec<ContentHash>,
}

/// Arguments as they are kept: written out, and taken apart when their step is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TraceArguments {
    /// A text, such as a command.
    Text(String),
    /// JSON of any other sort.
    Json(String),
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

    /// When a step began, in milliseconds since the Unix epoch, and which model answered in it.
    #[must_use]
    pub fn answered(&self, step: usize) -> Option<(Option<u64>, &Answered)> {
        let step = self.steps.get(step)?;
        Some((step.began_ms, &step.answered_by))
    }

    /// Shows its steps one by one until `look` has an answer.
    pub fn find<T>(&self, mut look: impl FnMut(usize, &Step<'_>) -> Option<T>) -> Option<T> {
        self.steps.iter().enumerate().find_map(|(at, step)| {
            let values: Vec<Option<Value>> = step.calls.iter().map(TraceCall::value).collect();
            let calls = step.calls.iter().zip(&values);
            let calls: Vec<Call<'_>> = calls.map(|(call, value)| call.lend(value)).collect();
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
            began_ms: None,
            at_ms: None,
            answered_by: Answered::default(),
            gained: false,
        }
    }
}

impl TraceCall {
    /// The arguments taken apart, where they are no text.
    fn value(&self) -> Option<Value> {
        match &self.arguments {
            TraceArguments::Text(_) => None,
            TraceArguments::Json(json) => serde_json::from_str(json).ok(),
        }
    }

    fn lend<'a>(&'a self, value: &'a Option<Value>) -> Call<'a> {
        Call {
            tool: &self.tool,
            arguments: match (&self.arguments, value) {
                (TraceArguments::Json(_), Some(value)) => Arguments::Json(value),
                (TraceArguments::Text(text) | TraceArguments::Json(text), _) => {
                    Arguments::Text(text)
                }
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

impl Default for TraceArguments {
    fn default() -> Self {
        Self::Json("null".to_owned())
    }
}

impl TraceArguments {
    /// Of JSON as it was written.
    pub(crate) fn written(json: &str) -> Self {
        if json.starts_with('"') {
            match serde_json::from_str(json) {
                Ok(text) => Self::Text(kept(text)),
                Err(_) => Self::Text(begun(json)),
            }
        } else if json.len() > ARGUMENT_BYTES_MAX {
            Self::Text(begun(json))
        } else {
            Self::Json(json.to_owned())
        }
    }

    /// How much room they take.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Text(text) | Self::Json(text) => text.len(),
        }
    }

    /// Of a text that may hold an object or a list in JSON.
    pub(crate) fn told(text: &str) -> Self {
        let holds = text.trim_start().starts_with(['{', '[']) && text.len() <= ARGUMENT_BYTES_MAX;
        if holds && serde_json::from_str::<IgnoredAny>(text).is_ok() {
            Self::Json(text.to_owned())
        } else {
            Self::Text(begun(text))
        }
    }
}

/// The beginning of a text, as far as it is kept.
pub(crate) fn begun(text: &str) -> String {
    text[..text.floor_char_boundary(TEXT_BYTES_MAX)].to_owned()
}

/// A text up to what is kept of it; what is not kept takes no room.
pub(crate) fn kept(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        text.shrink_to_fit();
    }
    text
}

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
    pub(crate) parts: Vec<Part>,
    pub(crate) plan: Option<Vec<PlannedCall>>,
}

/// A stretch of a trace of others: what one agent, or one node of a graph of them, did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part {
    /// What its writer calls it; the agent's name where it is all that the agent did.
    pub name: String,
    /// The agent whose it is.
    pub agent: String,
    /// The part that it was done within.
    pub within: Option<usize>,
    /// When it began, in milliseconds since the Unix epoch.
    pub began_ms: Option<u64>,
    /// When it ended.
    pub ended_ms: Option<u64>,
    /// Why it failed, in its writer's words, which may be none; none where it did not.
    pub failure: Option<String>,
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
    /// What no detector looks at.
    pub(crate) part: usize,
    pub(crate) began_ms: Option<u64>,
    pub(crate) asked: Option<Box<Asked>>,
}

/// How a model was asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) told: String,
    pub(crate) by: Answered,
    pub(crate) ended_ms: Option<u64>,
    pub(crate) failure: Option<String>,
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

/// What was written down of a step beside what detectors look at. Times are in milliseconds since
/// the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written<'a> {
    /// The part that it is of, as a place in [`Trace::parts`].
    pub part: usize,
    /// When it began.
    pub began_ms: Option<u64>,
    /// How a model was asked in it; none where nobody says that one was.
    pub asked: Option<WrittenAsk<'a>>,
    /// When each of its calls began and ended.
    pub calls: Vec<WrittenCall>,
}

/// What was written down of how a model was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenAsk<'a> {
    /// What it was told, as far as it is kept; empty where nobody wrote it down.
    pub told: &'a str,
    /// Which model answered, and what that took.
    pub answered: &'a Answered,
    /// When.
    pub ended_ms: Option<u64>,
    /// Why none did, in the words of who wrote it down, which may be none.
    pub failure: Option<&'a str>,
}

/// What was written down of a call. Times are in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenCall {
    /// When it began.
    pub began_ms: Option<u64>,
    /// When it ended.
    pub ended_ms: Option<u64>,
    /// Whether anything was written down of it beside that a model wanted it.
    pub made: bool,
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
    /// When it began and ended; none where it is only known that a model wanted it.
    pub(crate) made: Option<(Option<u64>, Option<u64>)>,
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

    /// The parts that its steps are of; none in the trace of a run of ours.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// What was written down of a step beside what is shown by [`Trace::find`].
    #[must_use]
    pub fn written(&self, step: usize) -> Option<Written<'_>> {
        let step = self.steps.get(step)?;
        let calls = step.calls.iter().map(|call| {
            let (began_ms, ended_ms) = call.made.unwrap_or_default();
            WrittenCall {
                began_ms,
                ended_ms,
                made: call.made.is_some(),
            }
        });
        Some(Written {
            part: step.part,
            began_ms: step.began_ms,
            asked: step.asked.as_ref().map(|asked| WrittenAsk {
                told: &asked.told,
                answered: &asked.by,
                ended_ms: asked.ended_ms,
                failure: asked.failure.as_deref(),
            }),
            calls: calls.collect(),
        })
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
            at_ms: None,
            gained: false,
            part: 0,
            began_ms: None,
            asked: None,
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

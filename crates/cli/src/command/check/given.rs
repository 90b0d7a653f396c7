//! What is checked: a trace that lies in its line, or one put together from spans or records.

use leadhand::rooms::detectors::divergence::PlannedCall;
use leadhand::rooms::detectors::{OwnedTrace, Step, Trace};
use leadhand::rooms::protocol::AgentId;

pub(super) enum Given<'a> {
    Line(Trace<'a>),
    Whole(OwnedTrace),
}

impl Given<'_> {
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Line(trace) => trace.id(),
            Self::Whole(trace) => &trace.id,
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Line(trace) => trace.len(),
            Self::Whole(trace) => trace.steps.len(),
        }
    }

    pub(super) fn name(&self, agent: AgentId) -> &str {
        match self {
            Self::Line(trace) => trace.name(agent),
            Self::Whole(trace) => trace.name(agent),
        }
    }

    /// The calls that were planned. Spans tell of no plan, and that of a run is none of calls.
    pub(super) fn plan(&self) -> Option<Vec<PlannedCall>> {
        match self {
            Self::Line(trace) => trace.plan(),
            Self::Whole(_) => None,
        }
    }

    /// Shows the steps one by one until `look` has an answer.
    pub(super) fn find<T>(&self, look: impl FnMut(usize, &Step<'_>) -> Option<T>) -> Option<T> {
        match self {
            Self::Line(trace) => trace.find(look),
            Self::Whole(trace) => trace.find(look),
        }
    }
}

//! What there is to see of an agent's work, whoever wrote it down: a run of ours, or a trace of
//! somebody else's.

use leadhand_protocol::{
    AgentId, ContentHash, Effect, ToolFault, ToolFaultKind, ToolOutput, ToolSpec,
};
use serde_json::Value;

/// One turn of an agent: what it said, the calls it made at once, and what came of each.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// Whose.
    pub agent: AgentId,
    /// What it said beside its calls.
    pub said: &'a str,
    /// What it called, all at once; empty where it only spoke.
    pub calls: &'a [Call<'a>],
    /// What a person or another agent answered to what it said.
    pub answered: Option<&'a str>,
    /// When, in milliseconds of any one clock; none where nobody wrote it down.
    pub at_ms: Option<u64>,
    /// Whether something was gained that can be held in one's hands: a check now passes that did
    /// not, an artifact is new, a task is done. Where nobody can tell, `false`.
    pub gained: bool,
}

/// One call of a tool, and what came of it.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The tool.
    pub tool: &'a str,
    /// With what.
    pub arguments: Arguments<'a>,
    /// What came back, as the agent reads it before anything is cut off it.
    pub result: &'a str,
    /// How it ended.
    pub came: Came,
    /// What the tool says of its calls.
    pub manner: Manner<'a>,
}

/// The arguments of a call.
#[derive(Debug, Clone, Copy)]
pub enum Arguments<'a> {
    /// A JSON value; equal values are equal whatever the order of their keys.
    Json(&'a Value),
    /// A text, such as a command.
    Text(&'a str),
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Came {
    /// Nobody wrote it down: the result must tell.
    #[default]
    Unknown,
    /// It did what it is for.
    Done,
    /// It failed.
    Failed,
    /// It was not made: policy, a person or a bound was against it.
    Blocked,
    /// The other side was busy or broken, and says that trying again later may help.
    Unavailable,
}

impl Came {
    /// How a call of a run came to its result. What was only read or looked for is content,
    /// whatever its words; what was done may have failed and say so, as a command or a test does.
    #[must_use]
    pub fn done(tool: Option<&ToolSpec>, output: &ToolOutput) -> Self {
        let only_reads = tool.is_some_and(|tool| tool.effect == Effect::Pure);
        if only_reads || !output.files.is_empty() {
            Self::Done
        } else {
            Self::Unknown
        }
    }

    /// How a call of a run came to fail. One that the model wrote wrongly failed, as its own
    /// fault; another that was never made was blocked.
    #[must_use]
    pub fn failed(made: bool, fault: &ToolFault) -> Self {
        match fault.kind {
            ToolFaultKind::UnknownTool | ToolFaultKind::InvalidArguments => Self::Failed,
            ToolFaultKind::Denied | ToolFaultKind::Declined => Self::Blocked,
            ToolFaultKind::NotFound
            | ToolFaultKind::LimitExceeded
            | ToolFaultKind::TimedOut
            | ToolFaultKind::Trapped
            | ToolFaultKind::Failed
            | ToolFaultKind::InDoubt => match (made, fault.retryable) {
                (_, true) => Self::Unavailable,
                (true, false) => Self::Failed,
                (false, false) => Self::Blocked,
            },
        }
    }
}

/// What a tool says of its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Manner<'a> {
    /// What makes two of its calls equal, in place of all their arguments.
    pub equal_by: Option<&'a str>,
    /// That it looks whether something has changed by itself, and how long to wait between two
    /// looks, in milliseconds.
    pub poll_every_ms: Option<u64>,
    /// The hashes of what it changed, as the host saw it; empty where it changed nothing, or
    /// nobody saw.
    pub changed: &'a [ContentHash],
}

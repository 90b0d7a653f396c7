//! What an agent did or was told: a turn, a tool call, words, a check. A step begins with one
//! event and is filled in by a later one.

use leadhand::rooms::protocol::{
    CallId, Decision, FileChange, Grant, NetRequest, Origin, ToolCall, ToolFault, ToolOutput,
    Usage, Verdict,
};
use serde::Serialize;
use serde_json::Value;

/// What an agent did or was told, in order.
#[derive(Debug, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum Step {
    Turn {
        turn: u32,
        began_ms: u64,
        took_ms: Option<u64>,
        model: String,
        usage: Usage,
        micro_usd: u64,
        /// Attempts at the call that failed.
        attempts_failed: Vec<String>,
        /// Why no model answered, or what was wrong with the reply.
        fault: Option<String>,
        text: String,
    },
    Call {
        call: String,
        origin: Origin,
        tool: String,
        arguments: Value,
        decision: Decision,
        because: String,
        began_ms: u64,
        took_ms: Option<u64>,
        result: Option<Result<String, ToolFault>>,
        #[serde(flatten)]
        reached: Reached,
    },
    Told {
        fault: bool,
        text: String,
    },
    /// What it did with others, or waited for.
    Coordinated {
        at_ms: u64,
        text: String,
    },
    Checked {
        passed: bool,
        evidence: String,
    },
}

/// What a call did outside of itself, and what it tried, as the host saw it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Reached {
    pub(super) files: Vec<FileChange>,
    pub(super) requests: Vec<NetRequest>,
    pub(super) refused: Vec<Grant>,
}

impl From<&ToolOutput> for Reached {
    fn from(output: &ToolOutput) -> Self {
        Self {
            files: output.files.clone(),
            requests: output.requests.clone(),
            refused: output.refused.clone(),
        }
    }
}

impl Step {
    pub(super) fn turn(turn: u32, began_ms: u64) -> Self {
        Self::Turn {
            turn,
            began_ms,
            took_ms: None,
            model: String::new(),
            usage: Usage::default(),
            micro_usd: 0,
            attempts_failed: Vec::new(),
            fault: None,
            text: String::new(),
        }
    }

    pub(super) fn call(
        id: CallId,
        origin: Origin,
        call: &ToolCall,
        verdict: &Verdict,
        began_ms: u64,
    ) -> Self {
        Self::Call {
            call: id.to_string(),
            origin,
            tool: call.name.clone(),
            arguments: call.arguments.clone(),
            decision: verdict.decision,
            because: verdict.because.clone(),
            began_ms,
            took_ms: None,
            result: None,
            reached: Reached::default(),
        }
    }
}

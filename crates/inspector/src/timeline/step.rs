//! What an agent did or was told: a turn, a tool call, words, a check. A step begins with one
//! event and is filled in by a later one.

use crate::words;
use leadhand_protocol::{
    CallId, Decision, FileChange, Grant, ModelFault, ModelReply, NetRequest, Origin, Record, Seq,
    ToolCall, ToolFault, ToolOutput, Usage, Verdict,
};
use serde::Serialize;
use serde_json::Value;

/// What an agent did or was told, in order. `seq` is the number of the record that it began with.
#[derive(Debug, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// A model was asked.
    Turn {
        /// Its record.
        seq: Seq,
        /// The agent's turn, from 1.
        turn: u32,
        /// When, in milliseconds since the Unix epoch.
        began_ms: u64,
        /// How long; none where no answer came yet.
        took_ms: Option<u64>,
        /// Which model answered.
        model: String,
        /// Tokens of prompt and reply.
        usage: Usage,
        /// Money, in millionths of a dollar.
        micro_usd: u64,
        /// Attempts at the call that failed.
        attempts_failed: Vec<String>,
        /// Why no model answered, or what was wrong with the reply.
        fault: Option<String>,
        /// What it said.
        text: String,
    },
    /// A tool was called.
    Call {
        /// Its record.
        seq: Seq,
        /// Its id.
        call: String,
        /// Who wanted it.
        origin: Origin,
        /// Which tool.
        tool: String,
        /// With what; the beginning of their JSON where they are long.
        arguments: Value,
        /// What policy said.
        decision: Decision,
        /// By which rule.
        because: String,
        /// When, in milliseconds since the Unix epoch.
        began_ms: u64,
        /// How long; none while it is at work.
        took_ms: Option<u64>,
        /// What came back.
        result: Option<Result<String, ToolFault>>,
        /// What it did beside.
        #[serde(flatten)]
        reached: Reached,
    },
    /// The program told it something.
    Told {
        /// The record.
        seq: Seq,
        /// Whether it counts as a fault of its last reply.
        fault: bool,
        /// The words.
        text: String,
    },
    /// What it did with others, or waited for.
    Coordinated {
        /// The record.
        seq: Seq,
        /// When, in milliseconds since the Unix epoch.
        at_ms: u64,
        /// What, in words.
        text: String,
    },
    /// A check of its output.
    Checked {
        /// The record.
        seq: Seq,
        /// Whether it holds.
        passed: bool,
        /// What was found.
        evidence: String,
    },
}

/// What a call did outside of itself, and what it tried, as the host saw it.
#[derive(Debug, Default, Serialize)]
pub struct Reached {
    /// Files that it changed.
    pub files: Vec<FileChange>,
    /// What it asked of the network.
    pub requests: Vec<NetRequest>,
    /// What it was refused.
    pub refused: Vec<Grant>,
}

impl Reached {
    /// A line for each file, request and refusal; of foreign origin.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let files = self.files.iter().map(|file| {
            let change = format!("{:?}", file.change).to_lowercase();
            format!("{change} {}", file.path)
        });
        let requests = self.requests.iter().map(|request| {
            let answer = match request.status {
                0 => "no answer".to_owned(),
                status => {
                    let bytes = usize::try_from(request.bytes).unwrap_or(usize::MAX);
                    format!("{status}, {}", words::count(bytes, "byte"))
                }
            };
            format!("{} {}: {answer}", request.method, request.url)
        });
        let refused = self.refused.iter();
        let refused =
            refused.map(|grant| format!("refused {} {}", grant.capability, grant.resource));
        files.chain(requests).chain(refused).collect()
    }
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
    /// The number of the record that it began with.
    #[must_use]
    pub fn seq(&self) -> Seq {
        match self {
            Self::Turn { seq, .. }
            | Self::Call { seq, .. }
            | Self::Told { seq, .. }
            | Self::Coordinated { seq, .. }
            | Self::Checked { seq, .. } => *seq,
        }
    }

    /// Whether it takes no time, or its end is known.
    pub(crate) fn is_over(&self) -> bool {
        match self {
            Self::Turn { took_ms, .. } | Self::Call { took_ms, .. } => took_ms.is_some(),
            Self::Told { .. } | Self::Coordinated { .. } | Self::Checked { .. } => true,
        }
    }

    pub(crate) fn turn(turn: u32, seq: Seq, began_ms: u64) -> Self {
        Self::Turn {
            seq,
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

    /// A turn is answered; `said` is the text as far as it is kept.
    pub(crate) fn replied(&mut self, reply: &ModelReply, said: String, at_ms: u64) {
        if let Self::Turn {
            began_ms,
            took_ms,
            model,
            usage,
            micro_usd,
            attempts_failed,
            fault,
            text,
            ..
        } = self
        {
            *took_ms = Some(at_ms.saturating_sub(*began_ms));
            model.clone_from(&reply.model);
            (*usage, *micro_usd) = (reply.usage, reply.micro_usd);
            fault.clone_from(&reply.malformed);
            *text = said;
            let failed = reply.attempts.iter();
            attempts_failed
                .extend(failed.map(|attempt| format!("{}: {}", attempt.model, attempt.fault)));
        }
    }

    /// No model answered.
    pub(crate) fn unanswered(&mut self, why: &ModelFault, at_ms: u64) {
        if let Self::Turn {
            began_ms,
            took_ms,
            fault,
            ..
        } = self
        {
            *took_ms = Some(at_ms.saturating_sub(*began_ms));
            *fault = Some(why.to_string());
        }
    }

    /// A call that was just judged; `arguments` is their JSON as far as it is kept.
    pub(crate) fn call(
        id: CallId,
        origin: Origin,
        call: (&ToolCall, String),
        verdict: &Verdict,
        record: &Record,
    ) -> Self {
        let (call, arguments) = call;
        Self::Call {
            seq: record.seq,
            call: id.to_string(),
            origin,
            tool: call.name.clone(),
            arguments: kept(&call.arguments, arguments),
            decision: verdict.decision,
            because: verdict.because.clone(),
            began_ms: record.at_ms,
            took_ms: None,
            result: None,
            reached: Reached::default(),
        }
    }

    /// A person changed a call before it was made.
    pub(crate) fn edited(&mut self, written: String, call: &ToolCall) {
        if let Self::Call {
            tool, arguments, ..
        } = self
        {
            tool.clone_from(&call.name);
            *arguments = kept(&call.arguments, written);
        }
    }

    /// A call is over; `text` is what came back as far as it is kept.
    pub(crate) fn finished(
        &mut self,
        outcome: &Result<ToolOutput, ToolFault>,
        text: Option<String>,
        at_ms: u64,
    ) {
        if let Self::Call {
            began_ms,
            took_ms,
            result,
            reached,
            ..
        } = self
        {
            *took_ms = Some(at_ms.saturating_sub(*began_ms));
            let output = outcome.as_ref();
            *result = Some(
                output
                    .map(|_| text.unwrap_or_default())
                    .map_err(Clone::clone),
            );
            if let Ok(output) = output {
                *reached = Reached::from(output);
            }
        }
    }
}

/// Arguments as they are; where they are long, the beginning of their JSON as a text.
fn kept(arguments: &Value, written: String) -> Value {
    if written.ends_with('…') {
        Value::String(written)
    } else {
        arguments.clone()
    }
}

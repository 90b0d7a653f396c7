//! A running role: its conversation and where it stands within its turn.

use crate::run::Spent;
use leadhand_protocol::{
    Action, AgentId, CallId, ChatMessage, CheckResult, ContentHash, Event, Grant, Identity, Label,
    ModelReply, ModelRequest, Origin, OutputFormat, Permit, Purpose, RequestId, Reservation,
    TaskId, ToolCall, ToolFault, ToolOutput, ToolSpec,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Entries with which a conversation begins: who the agent is, and what it is there for.
const OPENING_ENTRIES: usize = 2;

/// An agent at work.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// Its role; empty for a task that is one tool call.
    pub role: String,
    /// Why it exists.
    pub purpose: Purpose,
    /// Which attempt at its task this is, from 1.
    pub attempt: u32,
    /// Turns it has begun; also the number of its current turn, counted from 1.
    pub turns: u32,
    /// Where it stands.
    pub state: AgentState,
    pub(crate) faults_in_a_row: u32,
    pub(crate) conversation: Vec<Arc<ChatMessage>>,
    /// Things to be told once the turn is over; a chat message cannot stand between a call
    /// and its result.
    pub(crate) notes: Vec<String>,
    /// Calls by their keys that are over and would end alike, made since a file last changed.
    pub(crate) made: BTreeSet<ContentHash>,
    /// Calls that are not made for it any more, and for which finding.
    pub(crate) barred: Vec<(ContentHash, Identity)>,
    /// How often a second model has said whether its work serves its task.
    pub(crate) verdicts: u32,
    /// Whether it gained something since its last step.
    pub(crate) gained: bool,
    /// Where all that stands in its conversation came from.
    pub(crate) label: Label,
    pub(crate) equipment: Equipment,
    /// What it has spent.
    pub(crate) spent: Spent,
    /// What is set aside for the call that its model is at.
    pub(crate) reserved: Option<Reservation>,
    /// How long the run had been at work when it came into being, in milliseconds.
    pub(crate) began_ms: u64,
}

/// What an agent works with; fixed for its life.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Equipment {
    pub(crate) models: Vec<String>,
    pub(crate) tools: Arc<[ToolSpec]>,
    pub(crate) output: OutputFormat,
    pub(crate) grants: Arc<[Grant]>,
    pub(crate) turns_max: u32,
    pub(crate) output_tokens_max: u32,
    pub(crate) temperature_milli: u32,
    /// Entries of the conversation after its opening that a model is sent; 0 is all.
    pub(crate) history_max: u32,
}

/// Where an agent stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum AgentState {
    /// Its inputs must be read, or its one tool call made, before its first turn.
    Preparing,
    /// Its inputs were read: what it is to be told, and the outcome of each.
    Prepared(Vec<PendingCall>),
    /// It owes a turn.
    Due,
    /// Its model is thinking.
    Thinking,
    /// No model answered: it gives up, unless the run stops for that very reason.
    Unanswered(String),
    /// Its model answered.
    Replied(Arc<ModelReply>),
    /// Its tools are at work.
    Acting(Vec<PendingCall>),
    /// It gave its output, which is being written and checked.
    Delivered(Box<Delivery>),
}

/// A tool call of the current turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PendingCall {
    /// Its id.
    pub id: CallId,
    /// Who wants it.
    pub origin: Origin,
    /// The call.
    pub call: Arc<ToolCall>,
    /// How far it is.
    pub status: CallStatus,
    pub(crate) permit: Arc<Permit>,
    /// Whether a person gave it other arguments than the agent did.
    pub(crate) edited: bool,
    /// Whether it was ordered, ever: of one that was not, nothing came.
    pub(crate) made: bool,
}

/// How far a tool call is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum CallStatus {
    /// A person must be asked; why.
    ToAsk(String),
    /// A person was asked.
    Asked(RequestId),
    /// It will not be made: policy is against it; why.
    Refused(String),
    /// It will not be made: a person said no; why.
    Declined(String),
    /// It is to be ordered: a person allowed it, or wants it made again, or it waits for permits
    /// of the run.
    Approved,
    /// It was ordered.
    Running,
    /// Nobody knows whether it took effect.
    InDoubt {
        /// What is known, a sentence each.
        evidence: Vec<String>,
        /// Whether the tool that could tell was asked, or there is none that may be.
        probed: bool,
    },
    /// The tool that can tell is at work.
    Probing {
        /// What is known, a sentence each.
        evidence: Vec<String>,
        /// The call of that tool.
        probe: (Arc<ToolCall>, Arc<Permit>),
    },
    /// It is over.
    Finished(Result<ToolOutput, ToolFault>),
}

impl PendingCall {
    /// The call that an [`Event::ToolCalled`] orders; none of other events.
    pub(crate) fn ordered_by(event: &Event) -> Option<Self> {
        let Event::ToolCalled {
            call,
            origin,
            tool_call,
            verdict,
            permit,
        } = event
        else {
            return None;
        };
        Some(Self {
            id: *call,
            origin: *origin,
            call: tool_call.clone(),
            status: CallStatus::from(verdict),
            permit: permit.clone(),
            edited: false,
            made: false,
        })
    }
}

impl CallStatus {
    /// Whether something is at work for it.
    #[must_use]
    pub fn is_in_flight(&self) -> bool {
        matches!(self, Self::Running | Self::Probing { .. })
    }

    /// Whether nothing follows from it until the world answers.
    pub(crate) fn waits(&self) -> bool {
        match self {
            Self::Asked(_) | Self::Running | Self::Probing { .. } | Self::Finished(_) => true,
            Self::ToAsk(_)
            | Self::Refused(_)
            | Self::Declined(_)
            | Self::Approved
            | Self::InDoubt { .. } => false,
        }
    }
}

/// An output on its way from given to accepted.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Delivery {
    /// The output.
    pub content: String,
    /// The call that writes the output file, or carries out a check that is a tool call.
    pub(crate) call: Option<PendingCall>,
    pub(crate) written: bool,
    /// Whether a person had something else written than the agent gave.
    #[serde(default)]
    pub(crate) edited: bool,
    pub(crate) checking: bool,
    pub(crate) checks: Vec<CheckResult>,
}

impl Equipment {
    /// Bytes of the tools, which are sent with every prompt. The form of the output is not read
    /// by most models as a text; what it takes all the same shows in what replies cost.
    pub(crate) fn tool_bytes(&self) -> usize {
        let tools = self.tools.iter().map(|tool| {
            tool.name.len() + tool.description.len() + tool.arguments.to_string().len()
        });
        tools.sum()
    }
}

impl Agent {
    pub(crate) fn request(&self, seed: u64) -> ModelRequest {
        ModelRequest {
            models: self.equipment.models.clone(),
            messages: self.prompt().cloned().collect(),
            tools: Arc::clone(&self.equipment.tools),
            output: self.equipment.output.clone(),
            output_tokens_max: self
                .reserved
                .map_or(self.equipment.output_tokens_max, |reserved| {
                    reserved.output_tokens_max
                }),
            temperature_milli: self.equipment.temperature_milli,
            seed: seed
                .wrapping_add(u64::from(self.id.0) << 16)
                .wrapping_add(u64::from(self.turns)),
            trace: None,
        }
    }

    /// What its model is sent: all of its conversation, or how it began and the latest entries of
    /// it where its role wants no more. A result never stands there without its call.
    pub(crate) fn prompt(&self) -> impl ExactSizeIterator<Item = &Arc<ChatMessage>> {
        let conversation = &self.conversation;
        let begun = conversation.len().min(OPENING_ENTRIES);
        let kept = self.equipment.history_max as usize;
        let mut from = begun;
        if kept > 0 && conversation.len() > begun + kept {
            from = conversation.len() - kept;
            let is_result = |at: usize| matches!(*conversation[at], ChatMessage::Tool { .. });
            while from < conversation.len() && is_result(from) {
                from += 1;
            }
        }
        let latest = conversation.len() - from;
        (0..begun + latest)
            .map(move |at| &conversation[if at < begun { at } else { from + at - begun }])
    }

    pub(crate) fn say(&mut self, message: ChatMessage) {
        self.conversation.push(Arc::new(message));
    }

    /// Back to owing a turn, with what was waiting to be told.
    pub(crate) fn becomes_due(&mut self) {
        if !self.notes.is_empty() {
            let text = std::mem::take(&mut self.notes).join("\n\n");
            self.say(ChatMessage::User { text });
        }
        self.state = AgentState::Due;
    }

    /// Owes the turn that it was taking, for which nothing is set aside any more.
    pub(crate) fn gives_up_turn(&mut self) {
        self.turns -= 1;
        self.reserved = None;
        self.becomes_due();
    }

    /// Gives up its tool calls in flight: those that must not be made twice are in doubt. Its
    /// worker ends, and with it all that it has in flight.
    pub(crate) fn abort(&mut self, is_repeatable: impl Fn(&PendingCall) -> bool) -> Option<Action> {
        let calls = match &mut self.state {
            AgentState::Acting(calls) => calls.as_mut_slice(),
            AgentState::Delivered(delivery) => delivery.call.as_mut_slice(),
            _ => &mut [],
        };
        let mut gave_up = false;
        for call in calls.iter_mut().filter(|call| call.status.is_in_flight()) {
            gave_up = true;
            let why = "the run was aborted while the call was at work".to_owned();
            call.status = match std::mem::replace(&mut call.status, CallStatus::Approved) {
                CallStatus::Probing { evidence, .. } => CallStatus::InDoubt {
                    evidence,
                    probed: false,
                },
                _ if is_repeatable(call) => {
                    CallStatus::Finished(Err(crate::decide::given_up(&call.call.name)))
                }
                _ => CallStatus::InDoubt {
                    evidence: vec![why],
                    probed: false,
                },
            };
        }
        gave_up.then_some(Action::EndAgent { agent: self.id })
    }

    /// Whether nothing follows from its state until the world answers.
    pub(crate) fn waits(&self) -> bool {
        let waits = |call: &PendingCall| call.status.waits();
        match &self.state {
            AgentState::Thinking => true,
            AgentState::Acting(calls) => calls.iter().all(waits),
            AgentState::Delivered(delivery) => match &delivery.call {
                Some(call) => waits(call) && !matches!(call.status, CallStatus::Finished(Err(_))),
                None => delivery.checking,
            },
            AgentState::Preparing
            | AgentState::Prepared(_)
            | AgentState::Due
            | AgentState::Unanswered(_)
            | AgentState::Replied(_) => false,
        }
    }

    /// Whether its last two replies are the same.
    pub(crate) fn repeats_itself(&self) -> bool {
        let replies = self.conversation.iter().rev();
        let mut replies = replies.filter(|entry| matches!(***entry, ChatMessage::Assistant { .. }));
        let last = replies.next();
        last.is_some() && last == replies.next()
    }

    /// Where all that stands in its conversation came from.
    #[must_use]
    pub fn label(&self) -> &Label {
        &self.label
    }

    /// The calls of the current turn, whatever they are for.
    #[must_use]
    pub fn calls(&self) -> &[PendingCall] {
        match &self.state {
            AgentState::Prepared(calls) | AgentState::Acting(calls) => calls,
            AgentState::Delivered(delivery) => delivery.call.as_slice(),
            _ => &[],
        }
    }

    pub(crate) fn call_mut(&mut self, id: CallId) -> Option<&mut PendingCall> {
        let calls = match &mut self.state {
            AgentState::Acting(calls) => calls.as_mut_slice(),
            AgentState::Delivered(delivery) => delivery.call.as_mut_slice(),
            _ => &mut [],
        };
        calls.iter_mut().find(|call| call.id == id)
    }

    /// Whether a tool call of its is in flight.
    pub(crate) fn is_acting(&self) -> bool {
        self.calls().iter().any(|call| call.status.is_in_flight())
    }

    /// The task it carries out, if that is what it is for.
    #[must_use]
    pub fn task(&self) -> Option<&TaskId> {
        match &self.purpose {
            Purpose::Task(task) => Some(task),
            _ => None,
        }
    }
}

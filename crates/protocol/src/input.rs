//! What the world tells the engine. Time comes with every input; nothing else is read.

use crate::coordination::{Asker, PrimitiveName, Request};
use crate::{
    AgentId, Approval, CallId, CheckResult, Event, Goal, Grant, Limits, MessageType, ModelFault,
    ModelReply, PathLabel, PersonInput, Plan, Price, Role, Rule, RunId, TaskId, ToolFault,
    ToolOutput, ToolSpec,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An input and when it came, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Timed {
    /// Milliseconds since the Unix epoch, as the runtime's clock says.
    pub at_ms: u64,
    /// What came.
    pub input: Input,
}

/// One answer of the world.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A run begins.
    Start(Arc<Start>),
    /// A stopped run goes on.
    Resume,
    /// A run begins where another one stood.
    Fork {
        /// The other run.
        from: RunId,
    },
    /// A model answered.
    ModelReplied {
        /// Whom it answered.
        agent: AgentId,
        /// In which turn.
        turn: u32,
        /// What it said.
        reply: Arc<ModelReply>,
    },
    /// No model answered, after all retries and fallbacks.
    ModelFailed {
        /// Who had asked.
        agent: AgentId,
        /// In which turn.
        turn: u32,
        /// Why.
        fault: ModelFault,
    },
    /// A tool call is over.
    ToolFinished {
        /// Which one.
        call: CallId,
        /// What came of it.
        outcome: Result<ToolOutput, ToolFault>,
    },
    /// An agent at work asks something of the run or of others.
    Requested {
        /// Who, and by which name.
        asker: Asker,
        /// What.
        request: Box<Request>,
    },
    /// Checks were carried out.
    ChecksFinished {
        /// For this task; none is the goal itself.
        task: Option<TaskId>,
        /// In the order they were asked for.
        results: Vec<CheckResult>,
    },
    /// A person did something.
    Person(PersonInput),
    /// The run's time is over.
    TimeUp,
}

/// Everything a run is made from. It is journaled whole, so a run needs nothing else to be
/// replayed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The run.
    pub run: RunId,
    /// The goal.
    pub goal: Goal,
    /// All roles, the manager among them.
    pub roles: Arc<Vec<Role>>,
    /// All tools.
    pub tools: Arc<Vec<ToolSpec>>,
    /// The policy; `deny` over `ask` over `allow`.
    pub rules: Vec<Rule>,
    /// The most that anybody in this run may touch; roles and tasks get a part of it.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// What a person has approved beforehand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// What files count as, where it is not simply the workspace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<PathLabel>,
    /// All bounds.
    pub limits: Limits,
    /// A ready plan; without one the manager plans.
    pub plan: Option<Arc<Plan>>,
    /// Workspace files the manager is told of, sorted.
    pub files: Vec<String>,
    /// How many more files there are.
    pub files_left_out: usize,
    /// The project's own instructions for agents.
    pub instructions: String,
    /// Seed of everything random.
    pub seed: u64,
    /// What models cost, by name; those that are not in here cost nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub prices: BTreeMap<String, Price>,
    /// Types of the messages that agents send each other, beside plain text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub message_types: Vec<MessageType>,
    /// How many at once: turns that call a model (`model/NAME`), agents of a role that work on
    /// tasks (`role/NAME`, in place of [`Role::workers_max`]), calls of a tool (`tool/NAME`), and
    /// calls that may reach a host (`host/NAME`). What is not in here is not bounded so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub permits: BTreeMap<PrimitiveName, u32>,
    /// The model of roles that name none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub default_model: String,
}

impl Input {
    /// The input that this event is the first fact of; `None` for one that follows from the
    /// state. A replay gives it again.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        Some(match event {
            Event::RunStarted(start) => Self::Start(start.clone()),
            Event::RunResumed => Self::Resume,
            Event::Forked { from } => Self::Fork { from: from.clone() },
            Event::ModelReplied { agent, turn, reply } => Self::ModelReplied {
                agent: *agent,
                turn: *turn,
                reply: reply.clone(),
            },
            Event::ModelFailed { agent, turn, fault } => Self::ModelFailed {
                agent: *agent,
                turn: *turn,
                fault: fault.clone(),
            },
            Event::ToolFinished { call, outcome } => Self::ToolFinished {
                call: *call,
                outcome: outcome.clone(),
            },
            Event::ChecksFinished { task, results } => Self::ChecksFinished {
                task: task.clone(),
                results: results.clone(),
            },
            Event::PersonAnswered {
                request,
                answer,
                shown,
            } => Self::Person(PersonInput::Answers {
                request: *request,
                answer: answer.clone(),
                shown: *shown,
            }),
            Event::Steered { task, text } => Self::Person(PersonInput::Steer {
                task: task.clone(),
                text: text.clone(),
            }),
            Event::PersonOrdered { order } => Self::Person((**order).clone()),
            Event::Requested { asker, request } => Self::Requested {
                asker: *asker,
                request: request.clone(),
            },
            Event::TimeUp => Self::TimeUp,
            Event::PlanAccepted { .. }
            | Event::AgentStarted { .. }
            | Event::TurnStarted { .. }
            | Event::ToolCalled { .. }
            | Event::CallEdited { .. }
            | Event::CallStarted { .. }
            | Event::CallInDoubt { .. }
            | Event::ProbeOrdered { .. }
            | Event::Told { .. }
            | Event::OutputGiven { .. }
            | Event::ChecksOrdered { .. }
            | Event::AgentEnded { .. }
            | Event::TaskDone { .. }
            | Event::TaskFailed { .. }
            | Event::AnswerGiven { .. }
            | Event::PersonAsked { .. }
            | Event::Coordinated { .. }
            | Event::RequestRefused { .. }
            | Event::Found(_)
            | Event::StopOrdered { .. }
            | Event::TraceImported { .. }
            | Event::RunSuspended(_)
            | Event::RunEnded(_) => return None,
        })
    }
}

//! What the world tells the engine. Time comes with every input; nothing else is read.

use crate::{
    AgentId, Answer, Approval, CallId, CheckResult, Goal, Grant, Limits, ModelFault, ModelReply,
    PathLabel, Plan, RequestId, Role, Rule, RunId, TaskId, ToolFault, ToolOutput, ToolSpec,
};
use serde::{Deserialize, Serialize};

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
    Start(Box<Start>),
    /// A stopped run goes on.
    Resume,
    /// A model answered.
    ModelReplied {
        /// Whom it answered.
        agent: AgentId,
        /// In which turn.
        turn: u32,
        /// What it said.
        reply: Box<ModelReply>,
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

/// What a person can do to a run.
#[derive(Debug, Clone, PartialEq)]
pub enum PersonInput {
    /// Answers a question.
    Answers {
        /// Which one.
        request: RequestId,
        /// The answer.
        answer: Answer,
    },
    /// Nobody is there to answer: the run stops, resumable.
    Absent {
        /// The question that finds nobody.
        request: RequestId,
    },
    /// Nothing new is to be started.
    Pause,
    /// The run is to end, nothing is to be started any more.
    Cancel {
        /// Why, in words.
        why: String,
    },
    /// Something the agents are to know from now on.
    Steer {
        /// For one task only, or for all.
        task: Option<TaskId>,
        /// The text.
        text: String,
    },
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
    pub roles: Vec<Role>,
    /// All tools.
    pub tools: Vec<ToolSpec>,
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
    pub plan: Option<Plan>,
    /// Workspace files the manager is told of, sorted.
    pub files: Vec<String>,
    /// How many more files there are.
    pub files_left_out: usize,
    /// The project's own instructions for agents.
    pub instructions: String,
    /// Seed of everything random.
    pub seed: u64,
}

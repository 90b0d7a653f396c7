//! What people order, what they are asked, and what they answer. Orders are journaled as they
//! came, so that a replay can give them again.

use crate::{
    Approval, Autonomy, Budget, CallId, ContentHash, Finding, Forecast, Grant, Limits, Plan, Price,
    RequestId, Rule, Task, TaskId, ToolCall,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a person can do to a run, be it live or stopped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case", deny_unknown_fields)]
pub enum PersonInput {
    /// Answers a question.
    Answers {
        /// Which one.
        request: RequestId,
        /// The answer.
        answer: Answer,
        /// The [`Ask::digest`] of what was shown. An answer to something else is refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shown: Option<ContentHash>,
    },
    /// Nobody is there to answer: the run stops, resumable.
    Absent {
        /// The question that finds nobody.
        request: RequestId,
    },
    /// Nothing new is to be started; the run can be resumed.
    Pause,
    /// The run is to end, and cannot be resumed.
    Cancel {
        /// How much of what is at work may still come to its end.
        #[serde(default)]
        grade: Grade,
        /// Why, in words.
        why: String,
    },
    /// Something the agents are to know from now on.
    Steer {
        /// For one task only, or for all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<TaskId>,
        /// The text.
        text: String,
    },
    /// Changes the plan.
    EditPlan {
        /// The changes, made one after the other; all of them or none.
        edits: Vec<PlanEdit>,
    },
    /// Changes what the run was started with.
    Change(Box<SettingChange>),
    /// Ends the run, if it has not ended, and undoes what it did and what can be undone.
    RollBack {
        /// Why, in words.
        why: String,
    },
}

/// How a run is cancelled.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Tasks at work are carried to their end, no other one is started.
    WrapUp,
    /// No model or tool is called any more; tool calls in flight are waited for.
    #[default]
    Stop,
    /// Nothing is waited for: what tool calls in flight did is in doubt.
    Abort,
}

/// One change of a plan by a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "edit", rename_all = "snake_case", deny_unknown_fields)]
pub enum PlanEdit {
    /// Adds a task.
    Add {
        /// The task.
        task: Box<Task>,
    },
    /// Takes a task out that is not done; no other one may depend on it.
    Drop {
        /// Which.
        task: TaskId,
    },
    /// Has a task that has not begun wait for others.
    DependsOn {
        /// Which.
        task: TaskId,
        /// All it waits for from now on.
        depends_on: Vec<TaskId>,
    },
    /// Gives a task that has not begun to another role.
    Role {
        /// Which.
        task: TaskId,
        /// The role.
        role: String,
    },
    /// Gives a task that has not begun another instruction.
    Instruction {
        /// Which.
        task: TaskId,
        /// The instruction.
        instruction: String,
    },
    /// Bounds what a task may spend.
    Budget {
        /// Which.
        task: TaskId,
        /// All its bounds from now on.
        budget: Budget,
    },
    /// Has a task that has not begun wait until it is released.
    Hold {
        /// Which.
        task: TaskId,
    },
    /// Lets a task begin that was held, or that had a breakpoint.
    Release {
        /// Which.
        task: TaskId,
    },
    /// Has a person asked before a task begins.
    BreakBefore {
        /// Which.
        task: TaskId,
    },
}

impl PlanEdit {
    /// The task that is changed.
    #[must_use]
    pub fn task(&self) -> &TaskId {
        match self {
            Self::Add { task } => &task.id,
            Self::Drop { task }
            | Self::DependsOn { task, .. }
            | Self::Role { task, .. }
            | Self::Instruction { task, .. }
            | Self::Budget { task, .. }
            | Self::Hold { task }
            | Self::Release { task }
            | Self::BreakBefore { task } => task,
        }
    }
}

/// What a person changes of what a run was started with. What is empty stays as it is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SettingChange {
    /// Bounds of what may be spent; those that are none stay as they are.
    #[serde(skip_serializing_if = "is_default")]
    pub budget: Budget,
    /// Models of roles, the first one first; the role `*` stands for all.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub models: BTreeMap<String, Vec<String>>,
    /// What models cost, by name, beside those that are not in here.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub prices: BTreeMap<String, Price>,
    /// The model of roles that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_model: Option<String>,
    /// System prompts of roles.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub prompts: BTreeMap<String, String>,
    /// All rules, and the most that anybody may touch under them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyChange>,
    /// Approvals beside those there are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// What waits for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autonomy: Option<Autonomy>,
    /// All bounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// Seed of everything random.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

impl SettingChange {
    /// Whether it changes what models cost, and nothing else.
    ///
    /// ```
    /// use leadhand_protocol::{Autonomy, Price, SettingChange};
    /// let mut change = SettingChange::default();
    /// assert!(!change.is_of_prices());
    /// change.prices.insert("big".to_owned(), Price::default());
    /// assert!(change.is_of_prices());
    /// change.autonomy = Some(Autonomy::L1);
    /// assert!(!change.is_of_prices());
    /// ```
    #[must_use]
    pub fn is_of_prices(&self) -> bool {
        let without = Self {
            prices: BTreeMap::new(),
            default_model: None,
            ..self.clone()
        };
        is_default(&without) && !is_default(self)
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Another policy.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyChange {
    /// The rules.
    pub rules: Vec<Rule>,
    /// The most that anybody in the run may touch.
    pub grants: Vec<Grant>,
}

/// A question to a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// May this plan be carried out?
    Plan {
        /// The plan.
        plan: Plan,
        /// What it may cost.
        #[serde(default)]
        forecast: Forecast,
    },
    /// May this tool call be made?
    Tool {
        /// The call's id.
        call: CallId,
        /// The role that wants it.
        role: String,
        /// The call, exactly as it will be made.
        tool_call: ToolCall,
        /// Why a person is asked.
        because: String,
    },
    /// Did this tool call take effect? The program does not know and will not repeat it.
    Outcome {
        /// The call's id.
        call: CallId,
        /// The role that wanted it.
        role: String,
        /// The call.
        tool_call: ToolCall,
        /// What is known, a sentence each.
        evidence: Vec<String>,
    },
    /// May this task begin? A person set a breakpoint before it.
    Task {
        /// The task.
        task: Box<Task>,
    },
    /// May this agent go on? What was found about its work stays, whatever it was told.
    Finding {
        /// Its role.
        role: String,
        /// Its task; none where it works for the whole goal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<TaskId>,
        /// What was found.
        finding: Box<Finding>,
        /// What has been done about it so far, a sentence each.
        done: Vec<String>,
    },
}

impl Ask {
    /// The name of exactly this question: SHA-256 (FIPS 180-4) of its JSON. A person's answer
    /// that names it holds for nothing else.
    ///
    /// ```
    /// use leadhand_protocol::{Ask, Forecast, Plan};
    /// let ask = Ask::Plan { plan: Plan::default(), forecast: Forecast::default() };
    /// assert_eq!(ask.digest(), ask.clone().digest());
    /// ```
    #[must_use]
    pub fn digest(&self) -> ContentHash {
        // Writing plain data to memory cannot fail; an empty text would be nobody's digest.
        ContentHash::of(&serde_json::to_vec(self).unwrap_or_default())
    }
}

/// What a person said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case", deny_unknown_fields)]
pub enum Answer {
    /// Yes, this once.
    Allow,
    /// Yes, and to more calls of this tool by this role without asking again.
    AllowFor {
        /// To which.
        scope: ApprovalScope,
        /// Milliseconds since the Unix epoch from which on it no longer counts; none is as long
        /// as the run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until_ms: Option<u64>,
    },
    /// Yes to the call with these arguments in place of its own.
    AllowEdited {
        /// The arguments.
        arguments: Value,
    },
    /// Yes, and this is what the agent is to know.
    Steer {
        /// The words.
        text: String,
    },
    /// No.
    Deny {
        /// Why; the agent is told.
        reason: String,
    },
    /// The call in doubt took effect.
    TookEffect {
        /// What it gave, as the agent is to read it.
        result: String,
    },
    /// The call in doubt took no effect: it is to be made again.
    Repeat,
}

/// How far a yes reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalScope {
    /// This task.
    Task,
    /// This run.
    Run,
}

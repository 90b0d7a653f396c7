//! The state of a run: everything that [`settle`](crate::settle) may look at, and nothing
//! that cannot be had again by applying the journal from the beginning.

use crate::agent::Agent;
use crate::agents::Agents;
use crate::brief;
use crate::coordination::Coordinating;
use crate::equip::Kits;
use crate::path_labels::PathLabels;
use crate::permits::{Bounds, Permits};
use crate::roll_back::RollBack;
use crate::schema::{ArgumentSchemas, MessageSchemas};
use crate::time::AtWork;
use crate::watch::Watch;
use leadhand_coordination::Coordination;
use leadhand_policy::Policy;
use leadhand_protocol::{
    AgentId, Approval, Artifact, Ask, Budget, ChatMessage, CheckResult, ContentHash, FileChange,
    Grade, Identity, Label, Outcome, OutcomeKind, RequestId, Role, Start, TaskId, ToolSpec, Usage,
};
use leadhand_task_graph::TaskGraph;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a run was started with, prepared for look-ups. Only a person changes it.
#[derive(Debug)]
pub struct Setting {
    /// The start itself.
    pub start: Arc<Start>,
    /// Its rules, compiled.
    pub policy: Policy,
    /// What files count as.
    pub(crate) path_labels: PathLabels,
    /// The schemas of its tools, compiled.
    pub schemas: ArgumentSchemas,
    /// The types of messages between agents, compiled.
    pub(crate) messages: MessageSchemas,
    /// What agents of each role work with.
    pub(crate) kits: Kits,
    /// What it keeps permits for.
    pub(crate) bounds: Bounds,
    /// What each role is told first: who it is.
    systems: BTreeMap<String, Arc<ChatMessage>>,
}

impl Setting {
    /// Prepares a start. Rules were compiled when the run was started; should an old journal
    /// hold one that no longer compiles, the run goes on under the policy that allows nothing.
    pub(crate) fn new(start: Arc<Start>) -> Self {
        Self {
            path_labels: PathLabels::new(&start.labels),
            policy: Policy::new(&start.rules).unwrap_or_default(),
            schemas: ArgumentSchemas::new(&start.tools),
            kits: Kits::new(&start.roles),
            messages: MessageSchemas::new(&start.message_types),
            bounds: Bounds::of(&start),
            systems: start
                .roles
                .iter()
                .map(|role| (role.name.clone(), system(&start, role)))
                .collect(),
            start,
        }
    }

    /// The role of this name.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.start.roles.iter().find(|role| role.name == name)
    }

    /// What an agent of this role is told first: who it is.
    pub(crate) fn system(&self, role: &str) -> Arc<ChatMessage> {
        let prepared = self.systems.get(role).cloned();
        prepared.unwrap_or_else(|| system(&self.start, &Role::default()))
    }

    /// Whether a call of this tool may be made again when nobody knows what became of it; one of
    /// a tool that is not known may not.
    #[must_use]
    pub fn is_repeatable(&self, tool: &str) -> bool {
        self.tool(tool)
            .is_some_and(|tool| tool.effect.is_repeatable())
    }

    /// The tool of this name.
    #[must_use]
    pub fn tool(&self, name: &str) -> Option<&ToolSpec> {
        self.start.tools.iter().find(|tool| tool.name == name)
    }
}

fn system(start: &Start, role: &Role) -> Arc<ChatMessage> {
    let text = brief::system_text(start, role);
    Arc::new(ChatMessage::System { text })
}

/// What has been spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spent {
    /// Tokens.
    pub usage: Usage,
    /// Money, in millionths of a US dollar.
    pub micro_usd: u64,
    /// Model calls.
    pub turns: u64,
    /// Tool calls that ran.
    pub tool_calls: u64,
}

impl Spent {
    /// What of `budget` is spent, in words; `None` while all of it holds. For seconds see
    /// [`crate::time`].
    pub(crate) fn over(&self, budget: &Budget) -> Option<String> {
        let reached = |spent: u64, max: Option<u64>| max.is_some_and(|max| spent >= max);
        if reached(self.usage.total(), budget.tokens_max) {
            Some(format!("{} tokens are spent", self.usage.total()))
        } else if reached(self.micro_usd, budget.micro_usd_max) {
            let spent = self.micro_usd;
            Some(format!("{spent} millionths of a dollar are spent"))
        } else if reached(self.tool_calls, budget.tool_calls_max) {
            Some(format!("{} tool calls are made", self.tool_calls))
        } else if reached(self.turns, budget.turns_max) {
            Some(format!("{} turns are taken", self.turns))
        } else {
            None
        }
    }
}

/// What is known of a task beyond its place in the graph.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TaskRecord {
    /// Attempts that were started.
    pub attempts: u32,
    /// Why the last attempt failed, or why the task did.
    pub failure: Option<String>,
    /// What it gave.
    pub output: Option<(Artifact, String)>,
    /// What all its attempts have spent.
    pub spent: Spent,
    /// Where all came from that its attempts had in their contexts.
    pub label: Label,
    /// Whether something was found about how it is worked at.
    pub(crate) found: bool,
    /// How often it was found that far more was spent than was estimated.
    pub(crate) over_estimate: u32,
    /// Which of its checks have passed for any output of it, by their places.
    pub(crate) passed: BTreeSet<usize>,
    /// How long attempts that have ended were at work, in milliseconds.
    pub(crate) at_work_ms: u64,
    /// What calls gave that took effect and must not be made twice, by their keys, and in which
    /// attempt.
    pub(crate) done_once: BTreeMap<ContentHash, (u32, String)>,
}

/// How a run is about to stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stop {
    pub(crate) kind: OutcomeKind,
    pub(crate) why: String,
    pub(crate) grade: Grade,
}

/// The answer and what checking it against the goal has shown.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct AnswerRecord {
    pub(crate) content: Option<String>,
    pub(crate) checks: Vec<CheckResult>,
    pub(crate) checking: bool,
}

/// One execution of a goal.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Run {
    #[serde(with = "setting")]
    pub(crate) setting: Option<Arc<Setting>>,
    /// When the first record was made.
    pub(crate) started_ms: u64,
    /// When the last record was made.
    pub(crate) at_ms: u64,
    pub(crate) plan: PlanRecord,
    pub(crate) agents: Agents,
    pub(crate) agents_started: u32,
    /// In boxes, since the map moves its entries about.
    pub(crate) tasks: BTreeMap<TaskId, Box<TaskRecord>>,
    pub(crate) people: People,
    pub(crate) spent: Spent,
    /// Tokens of a prompt to its bytes, in thousandths: the most that was seen; 0 before.
    pub(crate) tokens_per_byte_milli: u64,
    pub(crate) at_work: AtWork,
    pub(crate) files: BTreeMap<String, FileChange>,
    /// Files that tool calls wrote, also where that left them as they were.
    pub(crate) written: BTreeSet<String>,
    /// Where that came from what this run has written into files.
    pub(crate) file_labels: BTreeMap<String, Label>,
    /// Locks and their kin.
    pub(crate) coordination: Coordinating,
    /// Who waits for permits that the run itself keeps.
    pub(crate) permits: Permits,
    /// What is watched, and what was done about what was found.
    pub(crate) watch: Watch,
    pub(crate) answer: AnswerRecord,
    pub(crate) roll_back: RollBack,
    pub(crate) stop: Option<Stop>,
    pub(crate) outcome: Option<Arc<Outcome>>,
}

/// The plan and how often it was made anew.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct PlanRecord {
    pub(crate) graph: Option<TaskGraph>,
    pub(crate) revision: u32,
    pub(crate) approved: bool,
    /// Where that came from what it was made of.
    pub(crate) label: Label,
    /// Tasks that were planned before anything untrusted was read.
    pub(crate) sound: BTreeSet<TaskId>,
    /// Why the manager cannot go on: the last planning agent gave up.
    pub(crate) given_up: Option<String>,
    /// What was left to do each time that it was made or is to be made anew, by name.
    pub(crate) open_work: BTreeSet<Identity>,
    /// How often the manager revised it; what people change does not count.
    pub(crate) revised: u32,
    /// Whether the plan that comes next is a person's own work.
    pub(crate) edited: bool,
    /// Tasks that wait until a person releases them.
    pub(crate) held: BTreeSet<TaskId>,
    /// Tasks before which a person is asked.
    pub(crate) breakpoints: BTreeSet<TaskId>,
    /// Whether the time of any task is bounded.
    pub(crate) timed: bool,
    /// How long tasks took, by what they are alike in.
    pub(crate) measured: BTreeMap<String, Measured>,
    /// How long they are taken to last that have no estimate, in milliseconds.
    pub(crate) weighed: BTreeMap<String, u64>,
}

/// How long tasks took that are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) tasks: u64,
    pub(crate) all_ms: u64,
}

/// Questions to people and what they said.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct People {
    pub(crate) asked: u32,
    pub(crate) open: BTreeMap<RequestId, Ask>,
    /// What they allowed beyond one call.
    pub(crate) approvals: Vec<Approval>,
    pub(crate) steers: Vec<(Option<TaskId>, String)>,
    pub(crate) refusal: Option<String>,
}

impl Run {
    /// A run before its first event.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What it was started with; `None` before the first event.
    #[must_use]
    pub fn setting(&self) -> Option<&Setting> {
        self.setting.as_deref()
    }

    /// When it was started, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn started_ms(&self) -> u64 {
        self.started_ms
    }

    /// The plan as it stands; `None` before there is one.
    #[must_use]
    pub fn graph(&self) -> Option<&TaskGraph> {
        self.plan.graph.as_ref()
    }

    /// Agents that are at work, in the order they were started.
    pub fn agents(&self) -> impl Iterator<Item = &Agent> {
        self.agents.values()
    }

    /// An agent that is at work.
    #[must_use]
    pub fn agent(&self, id: AgentId) -> Option<&Agent> {
        self.agents.get(&id)
    }

    /// What is known of a task.
    #[must_use]
    pub fn task(&self, id: &TaskId) -> Option<&TaskRecord> {
        self.tasks.get(id).map(Box::as_ref)
    }

    /// What has been spent so far.
    #[must_use]
    pub fn spent(&self) -> Spent {
        self.spent
    }

    /// How many agents were started.
    #[must_use]
    pub fn agents_started(&self) -> u32 {
        self.agents_started
    }

    /// How long it was at work, in milliseconds, to its last record.
    #[must_use]
    pub fn at_work_ms(&self) -> u64 {
        self.at_work.ms
    }

    /// How often the manager revised the plan; what people change does not count.
    #[must_use]
    pub fn revised(&self) -> u32 {
        self.plan.revised
    }

    /// How often the plan was revised.
    #[must_use]
    pub fn revisions(&self) -> u32 {
        self.plan.revision
    }

    /// Files the run has changed, by path.
    #[must_use]
    pub fn files(&self) -> &BTreeMap<String, FileChange> {
        &self.files
    }

    /// Questions that wait for a person.
    #[must_use]
    pub fn questions(&self) -> &BTreeMap<RequestId, Ask> {
        &self.people.open
    }

    /// Locks and their kin: who holds and awaits what.
    #[must_use]
    pub fn coordination(&self) -> &Coordination {
        &self.coordination.room
    }

    /// How the run ended or was suspended; `None` while it goes on.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_deref()
    }

    /// Whether it was ordered to stop for good.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.stop
            .as_ref()
            .is_some_and(|stop| !stop.kind.resumable())
    }

    pub(crate) fn started(&self) -> &Setting {
        self.setting
            .as_deref()
            .expect("a run's first event is RunStarted: `apply` refuses others")
    }

    /// Content of a task that is done.
    pub(crate) fn output_of(&self, task: &TaskId) -> Option<&str> {
        self.tasks
            .get(task)?
            .output
            .as_ref()
            .map(|(_, content)| content.as_str())
    }
}

/// A setting is written as the start that it was prepared from.
mod setting {
    use super::Setting;
    use leadhand_protocol::Start;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::sync::Arc;

    pub(super) fn serialize<S: Serializer>(
        setting: &Option<Arc<Setting>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let start = setting.as_ref().map(|setting| &setting.start);
        start.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<Setting>>, D::Error> {
        let start = Option::<Arc<Start>>::deserialize(deserializer)?;
        Ok(start.map(|start| Arc::new(Setting::new(start))))
    }
}

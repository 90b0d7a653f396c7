//! The summary of a run that others see beside its journal, while it is live and after.

use leadhand_engine::Run;
use leadhand_protocol::{Ask, ContentHash, OutcomeKind, RequestId, Usage};
use leadhand_task_graph::TaskGraph;
use serde::{Deserialize, Serialize};

/// Characters of the goal that are shown.
const GOAL_CHARS_MAX: usize = 160;
/// Characters of what a question is about that are shown.
const ABOUT_CHARS_MAX: usize = 160;
/// Questions that are shown.
const QUESTIONS_MAX: usize = 32;

/// What `ps` shows of a run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// The goal's first line, cut.
    pub goal: String,
    /// How it ended or was suspended; none while it goes on.
    pub outcome: Option<OutcomeKind>,
    /// Why, in words.
    pub why: String,
    /// When it was started, in milliseconds since the Unix epoch.
    pub started_ms: u64,
    /// When this was written, in milliseconds since the Unix epoch.
    pub updated_ms: u64,
    /// Tasks of the plan.
    pub tasks: usize,
    /// Tasks that are done.
    pub tasks_done: usize,
    /// Tokens spent.
    pub usage: Usage,
    /// Money spent, in millionths of a US dollar.
    pub micro_usd: u64,
    /// Tool calls made.
    pub tool_calls: u64,
    /// Questions that wait for a person, the first ones of many.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<QuestionStatus>,
}

/// What is shown of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionStatus {
    /// Its number in the run.
    pub question: RequestId,
    /// The [`Ask::digest`] of what is asked.
    pub digest: ContentHash,
    /// What it is about, cut: not enough to answer it.
    pub about: String,
}

impl QuestionStatus {
    fn of((question, ask): (&RequestId, &Ask)) -> Self {
        let about = match ask {
            Ask::Plan { plan, .. } => {
                format!("may the plan of {} tasks be carried out", plan.tasks.len())
            }
            Ask::Tool {
                role, tool_call, ..
            } => format!("may {role} call {} {}", tool_call.name, tool_call.arguments),
            Ask::Outcome {
                role, tool_call, ..
            } => format!(
                "did the call of {} by {role} take effect {}",
                tool_call.name, tool_call.arguments
            ),
            Ask::Task { task } => format!("may task {} begin", task.id),
            Ask::Finding { role, task, .. } => match task {
                Some(task) => format!("may {role} go on at {task} after what was found"),
                None => format!("may {role} go on after what was found"),
            },
        };
        Self {
            question: *question,
            digest: ask.digest(),
            about: about.chars().take(ABOUT_CHARS_MAX).collect(),
        }
    }
}

impl Status {
    /// The summary of a run as it stands.
    #[must_use]
    pub fn of(run: &Run, updated_ms: u64) -> Self {
        let goal = run
            .setting()
            .map_or("", |setting| setting.start.goal.text.as_str());
        let spent = run.spent();
        Self {
            goal: goal
                .lines()
                .next()
                .unwrap_or_default()
                .chars()
                .take(GOAL_CHARS_MAX)
                .collect(),
            outcome: run.outcome().map(|outcome| outcome.kind),
            why: run
                .outcome()
                .map(|outcome| outcome.why.clone())
                .unwrap_or_default(),
            started_ms: run.started_ms(),
            updated_ms,
            tasks: run.graph().map_or(0, |graph| graph.plan().tasks.len()),
            tasks_done: run.graph().map_or(0, TaskGraph::done),
            usage: spent.usage,
            micro_usd: spent.micro_usd,
            tool_calls: spent.tool_calls,
            questions: (run.questions().iter())
                .take(QUESTIONS_MAX)
                .map(QuestionStatus::of)
                .collect(),
        }
    }
}

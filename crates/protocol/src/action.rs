//! What the runtime must now do. An action is carried out only after the event that ordered
//! it is durable.

use crate::coordination::{Asker, Told};
use crate::{
    AgentId, Ask, CallId, Check, ContentHash, ModelRequest, Outcome, Permit, Purpose, RequestId,
    TaskId, ToolCall,
};
use std::sync::Arc;

/// One order to the runtime.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Bring an agent's worker into being.
    StartAgent {
        /// Who.
        agent: AgentId,
        /// Its role.
        role: String,
        /// Why it exists.
        purpose: Purpose,
    },
    /// Call a model.
    CallModel {
        /// For whom.
        agent: AgentId,
        /// In which turn.
        turn: u32,
        /// The call.
        request: Box<ModelRequest>,
    },
    /// Give up a model call; its answer is no longer wanted.
    CancelModel {
        /// Whose.
        agent: AgentId,
    },
    /// Run a tool.
    CallTool {
        /// The call's id.
        call: CallId,
        /// The call.
        tool_call: Arc<ToolCall>,
        /// What it may touch.
        permit: Arc<Permit>,
        /// The name of what it does, from its content: the same for the same call of the same
        /// tool, also after a crash and in a fork.
        key: ContentHash,
        /// Whether it may start only once its order is on disk, whatever the journal's level.
        to_disk: bool,
    },
    /// Carry out checks on the workspace.
    RunChecks {
        /// For this task; none is the goal itself.
        task: Option<TaskId>,
        /// The checks, all of which look at files.
        checks: Vec<Check>,
        /// Files this run changed so far.
        changed: Vec<String>,
    },
    /// Ask a person.
    AskPerson {
        /// The question's id.
        request: RequestId,
        /// The question.
        ask: Ask,
    },
    /// Tell an agent at work what came of what it asked.
    Tell {
        /// Who asked, and which of its requests it was.
        asker: Asker,
        /// What came of it, or why it was refused.
        told: Result<Told, String>,
    },
    /// Tell an agent at work what a person wants kept in mind.
    Steer {
        /// Whom.
        agent: AgentId,
        /// The words.
        text: String,
    },
    /// End an agent's worker and whatever it has in flight.
    EndAgent {
        /// Who.
        agent: AgentId,
    },
    /// Nothing is left to do: hand over the outcome.
    Finish(Arc<Outcome>),
}

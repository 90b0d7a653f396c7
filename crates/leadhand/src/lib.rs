//! Leadhand, embedded: a goal becomes a task graph, worker agents carry it out in a sandbox,
//! every step is journaled, and a person can look, steer, approve and stop.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use leadhand::{Leadhand, ScriptedModel};
//! # let folder = tempfile::tempdir()?;
//! # let script = r#"{"reply": {"text": "{\"approach\": \"\", \"tasks\": [{\"id\": \"t1\", \"title\": \"Greet\", \"role\": \"writer\", \"files\": [], \"one_worker_per_file\": false, \"instruction\": \"Greet.\", \"depends_on\": [], \"output_file\": \"\", \"changes_files\": false}]}"}}
//! # {"reply": {"text": "Good morning."}}"#;
//! let leadhand = Leadhand::builder()
//!     .workspace(folder.path())
//!     .model("script", ScriptedModel::parse("greeting".as_ref(), script)?)
//!     .build()?;
//! let outcome = leadhand.run("Greet the reader.").await?;
//! assert_eq!(outcome.answer, "Good morning.");
//! # Ok(())
//! # }
//! ```
//!
//! There is no global state: several [`Leadhand`]s in one process share nothing. What is
//! re-exported here is what is promised to stay; everything else is an inner room.

mod builder;
mod error;
mod foreign_tool;
mod function_tool;
mod goal_faults;
mod listing;
mod message_type;
mod playbooks;
mod run;
mod run_id;
mod session;

// Goals in, runs out.
pub use builder::Builder;
pub use error::Error;
pub use leadhand_engine::{Difference, Refusal, Replayed, replay};
pub use leadhand_protocol::{
    Answer, ApprovalScope, Ask, Autonomy, Budget, CallReport, CallState, Change, Check, Forecast,
    Goal, Grade, Limits, Outcome, OutcomeKind, PersonInput, PlanEdit, PolicyChange, RunId,
    SettingChange, TaskReport, ToolLimits,
};
pub use leadhand_runtime::{
    Clock, Control, Forked, OpenQuestion, OrderError, Orders, QuestionStatus, RemoteError,
    RemoteRecords, RemoteRun, RuntimeError, Status, Told,
};
pub use run::{Run, RunEvent, RunEvents, Typed};
pub use session::Leadhand;

// Plans of your own making, roles and playbooks.
pub use leadhand_agents::{
    Notice, Playbook, Roster, built_in_playbooks, parse_playbook, parse_role,
};
pub use leadhand_protocol::{
    ForEach, Lock, Plan, Task, TaskId, TaskInput, TaskSource, ToolTemplate,
};
pub use leadhand_task_graph::{to_dot, to_text};

// The models there are, and what it takes to implement `Model`.
pub use leadhand_model::{
    BoxFuture, CassettePlayer, Model, ModelConfig, ModelInfo, ModelSet, ModelSetBuilder,
    ModelTerms, Pieces, Price, Provider, RecordedTools, RetryPolicy, ScriptedModel, ToolStyle,
};
pub use leadhand_protocol::{
    Attempt, ChatMessage, FinishReason, ModelFault, ModelFaultKind, ModelReply, ModelRequest,
    OutputFormat, ToolCall, Usage,
};

// Tools out of functions, and what it takes to implement `NativeTool`.
pub use foreign_tool::foreign_tool;
pub use function_tool::{FunctionTool, tool, tool_with_info};
pub use leadhand_protocol::{
    Access, Capability, ContentHash, Effect, FileChange, Isolation, ToolFault, ToolFaultKind,
    ToolOutput, ToolSpec,
};
pub use leadhand_runtime::{CallInfo, NativeTool};

// What a tool at work asks of its run and says to other agents.
pub use leadhand_protocol::coordination::{
    CycleStep, Declaration, Delivered, Elector, Electorate, LockHeld, LockMode, Need, Payload,
    PrimitiveName, QuestionId, WaitEnd,
};
pub use leadhand_runtime::{RequestError, RunHandle};
pub use message_type::{MessageType, Received, TypedMessages};

pub use leadhand_schema::{ForeignError, Notice as ToolNotice};

// What is allowed, and what it takes to implement `Approver`.
pub use leadhand_policy::{built_in_rules, parse_rules};
pub use leadhand_protocol::{Decision, RequestId, Rule, Verdict};
pub use leadhand_runtime::Approver;

// Where runs are recorded, and what it takes to read or watch them.
pub use leadhand_journal::{Durability, Journal, MemoryJournal, RunEntry, SledJournal};
pub use leadhand_protocol::{AgentId, Artifact, CallId, Event, Finding, Purpose, Record};
pub use leadhand_runtime::{Observation, Observer, cassette, rebuild};

// Runs told to OpenTelemetry, and their place in traces of other programs.
pub use leadhand_protocol::{TraceContext, TraceContextError};
#[cfg(feature = "telemetry")]
pub use leadhand_telemetry::{Content, Delivery, Telemetry, TelemetryError, TelemetryOptions};

/// The rooms below, which may change with any version: for stores, hosts and readers of one's
/// own that need more than the root has.
pub mod rooms {
    pub use leadhand_agents as agents;
    pub use leadhand_coordination as coordination;
    pub use leadhand_detectors as detectors;
    pub use leadhand_engine as engine;
    pub use leadhand_inspector as inspector;
    pub use leadhand_journal as journal;
    pub use leadhand_model as model;
    pub use leadhand_policy as policy;
    pub use leadhand_protocol as protocol;
    pub use leadhand_runtime as runtime;
    pub use leadhand_sandbox as sandbox;
    pub use leadhand_schema as schema;
    pub use leadhand_task_graph as task_graph;
}

//! The words everyone speaks: ids, goals, tasks, chat, tools, grants, limits, and the
//! events, inputs and actions of the loop. Plain data with `serde`; no behaviour beyond
//! what keeps a value well formed. What decides anything lives in `engine` and `policy`.

mod action;
mod canonical;
mod chat;
pub mod coordination;
mod envelope;
mod event;
mod finding;
mod goal;
mod grant;
mod hash;
mod id;
mod input;
mod label;
mod limits;
mod message;
mod message_type;
mod outcome;
mod person;
mod price;
mod role;
mod task;
mod tool;
mod trace;

pub use action::Action;
pub use canonical::canonical_json;
pub use chat::{
    Attempt, ChatMessage, FinishReason, ModelFault, ModelFaultKind, ModelReply, ModelRequest,
    OutputFormat, Usage,
};
pub use envelope::{Address, Envelope, MessageId};
pub use event::{Event, FORMAT_VERSION, Fault, Origin, Purpose, Record, TracePart};
pub use finding::{
    Divergence, DivergenceRule, EVIDENCE_CHARS_MAX, Finding, Identity, LoopFinding, LoopRule,
};
pub use goal::{Autonomy, Budget, Goal};
pub use grant::{Approval, Capability, Decision, Grant, Permit, Rule, Verdict};
pub use hash::ContentHash;
pub use id::{AgentId, CallId, IdError, RequestId, RunId, Seq, TaskId};
pub use input::{Input, Start, Timed};
pub use label::{LABEL_WRITERS_MAX, Label, PathLabel, Source, Sources, Writers};
pub use limits::{Limits, ToolLimits};
pub use message::{Assignment, Done, Failed, Message, MessageKind};
pub use message_type::MessageType;
pub use outcome::{CallReport, CallState, Outcome, OutcomeKind, TaskReport};
pub use person::{
    Answer, ApprovalScope, Ask, Grade, PersonInput, PlanEdit, PolicyChange, SettingChange,
};
pub use price::{Forecast, Price, Reservation};
pub use role::Role;
pub use task::{
    Artifact, Check, CheckResult, DeclaredCall, ForEach, Lock, Plan, Task, TaskInput, TaskSource,
    ToolTemplate,
};
pub use tool::{
    Access, Change, Effect, FileChange, Isolation, NetRequest, ToolCall, ToolFault, ToolFaultKind,
    ToolOutput, ToolSpec,
};
pub use trace::{
    RunTrace, SpanId, TRACE_STATE_BYTES_MAX, TraceContext, TraceContextError, TraceId,
};

//! Facts in the journal. Applying them in order gives the state of the run, always the same.

use crate::coordination::{Asker, Fact, QuestionId, Request};
use crate::{
    AgentId, Answer, Artifact, Ask, CallId, Check, CheckResult, ContentHash, Finding, Grade,
    ModelFault, ModelReply, Outcome, OutcomeKind, Permit, PersonInput, Plan, RequestId,
    Reservation, RunId, Seq, Start, TaskId, ToolCall, ToolFault, ToolOutput, Verdict,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Version of the event format, written with every export; the version that stands in each stored
/// record is the journal's, and goes up with this one. Fields may be added within a version; a
/// reader refuses a version it does not know.
pub const FORMAT_VERSION: u8 = 1;

/// An event in its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Position in the run's journal, from 0 without gaps.
    pub seq: Seq,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// What. Whoever keeps the record shares it.
    pub event: Arc<Event>,
}

/// Why an agent exists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To make the plan.
    Plan,
    /// To revise the plan.
    Revise,
    /// To carry out a task.
    Task(TaskId),
    /// To judge a task's output against criteria; none is the goal's answer.
    Judge {
        /// The task judged.
        task: Option<TaskId>,
        /// Which of its checks.
        check: u32,
    },
    /// To judge whether the work at a task still serves it.
    Drift {
        /// The task.
        task: TaskId,
        /// Who works at it.
        of: AgentId,
    },
    /// To write the answer.
    Answer,
    /// To answer a question that an agent put to the manager.
    Reply {
        /// Which.
        question: QuestionId,
    },
    /// To undo what the run did.
    RollBack,
}

/// A part of a trace of others, as a task of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracePart {
    /// The name that it was given here.
    pub task: TaskId,
    /// What its writer calls it; of foreign origin.
    pub title: String,
    /// The agent whose it is, by the name that its writer gives it; of foreign origin.
    pub agent: String,
    /// The part that it was done within.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<TaskId>,
}

/// Who wants a tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The agent's model.
    Model,
    /// The task's inputs: a file is read before the first turn.
    Input,
    /// The task's output file is written.
    OutputFile,
    /// The task is this one call.
    Template,
    /// An acceptance check.
    Check,
    /// A call that undoes another one.
    Undo,
}

/// One fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The run began with all it is made from.
    RunStarted(Arc<Start>),
    /// A stopped run went on.
    RunResumed,
    /// A plan was accepted: sound, within limits, known roles and tools.
    PlanAccepted {
        /// 0 for the first plan, then one more for each revision.
        revision: u32,
        /// The whole plan; none where it is the ready plan that the run started with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plan: Option<Arc<Plan>>,
    },
    /// An agent came into being.
    AgentStarted {
        /// Its id, counted up within the run.
        agent: AgentId,
        /// Its role; empty for a task that is one tool call.
        role: String,
        /// Why it exists.
        purpose: Purpose,
        /// Which attempt at its task this is, from 1.
        attempt: u32,
        /// What it is told after who it is, which follows from its role; none when its inputs
        /// are to be read first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        opening: Option<String>,
    },
    /// A model call was ordered.
    TurnStarted {
        /// Who thinks.
        agent: AgentId,
        /// Its turn, from 1.
        turn: u32,
        /// What was set aside for it; none where nothing bounds tokens or money.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reserved: Option<Reservation>,
    },
    /// A model answered.
    ModelReplied {
        /// Whom.
        agent: AgentId,
        /// In which turn.
        turn: u32,
        /// What.
        reply: Arc<ModelReply>,
    },
    /// No model answered.
    ModelFailed {
        /// Who had asked.
        agent: AgentId,
        /// In which turn.
        turn: u32,
        /// Why.
        fault: ModelFault,
    },
    /// A tool call was judged; it runs if and only if the verdict allows. One that wants permits
    /// of the run waits for them, and then for its [`Event::CallStarted`].
    ToolCalled {
        /// Its id.
        call: CallId,
        /// Who wants it.
        origin: Origin,
        /// The call.
        tool_call: Arc<ToolCall>,
        /// What policy said.
        verdict: Verdict,
        /// What it may touch.
        #[serde(flatten)]
        permit: Arc<Permit>,
    },
    /// A person changed a tool call before it is made.
    CallEdited {
        /// Which.
        call: CallId,
        /// The call from now on.
        tool_call: Arc<ToolCall>,
        /// What it may touch.
        #[serde(flatten)]
        permit: Arc<Permit>,
    },
    /// A tool call that a person allowed, or wants made again, or that waited for permits, was
    /// ordered.
    CallStarted {
        /// Which.
        call: CallId,
    },
    /// Nobody knows whether a tool call took effect.
    CallInDoubt {
        /// Which.
        call: CallId,
        /// Why it is not known, in a sentence.
        why: String,
    },
    /// The tool that tells whether a call in doubt took effect was called; what it says comes
    /// as the end of that call.
    ProbeOrdered {
        /// The call in doubt.
        call: CallId,
        /// The call that asks.
        tool_call: Arc<ToolCall>,
        /// What policy said of it.
        verdict: Verdict,
        /// What it may touch.
        #[serde(flatten)]
        permit: Arc<Permit>,
    },
    /// A tool call is over.
    ToolFinished {
        /// Which.
        call: CallId,
        /// What came of it; a fault is data that goes back to the agent.
        #[serde(with = "crate::tool::outcome")]
        outcome: Result<ToolOutput, ToolFault>,
    },
    /// The program told an agent something: what was wrong, or what a person wants.
    Told {
        /// Whom.
        agent: AgentId,
        /// Whether it counts as a fault of the agent's last reply.
        fault: bool,
        /// The words.
        text: String,
    },
    /// An agent gave its output.
    OutputGiven {
        /// Who.
        agent: AgentId,
        /// The output: JSON text if its task has a schema, else free text.
        content: String,
    },
    /// Checks were ordered.
    ChecksOrdered {
        /// For this task; none is the goal itself.
        task: Option<TaskId>,
        /// The checks.
        checks: Vec<Check>,
    },
    /// Checks were carried out.
    ChecksFinished {
        /// For this task; none is the goal itself.
        task: Option<TaskId>,
        /// What they found.
        results: Vec<CheckResult>,
    },
    /// An agent is no more.
    AgentEnded {
        /// Who.
        agent: AgentId,
        /// Why it gave up; none when it did what it was there for.
        failure: Option<String>,
    },
    /// A task is done, on evidence.
    TaskDone {
        /// Which.
        task: TaskId,
        /// Its output, by hash.
        artifact: Artifact,
        /// The output itself.
        content: String,
    },
    /// A task failed for good.
    TaskFailed {
        /// Which.
        task: TaskId,
        /// Why.
        why: String,
    },
    /// The answer stands.
    AnswerGiven {
        /// The answer.
        content: String,
    },
    /// A person was asked.
    PersonAsked {
        /// The question's id.
        request: RequestId,
        /// The question.
        ask: Ask,
    },
    /// A person answered.
    PersonAnswered {
        /// Which question.
        request: RequestId,
        /// The answer.
        answer: Answer,
        /// The digest of what was shown, where it was given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shown: Option<ContentHash>,
    },
    /// A person steered the run.
    Steered {
        /// One task, or all.
        task: Option<TaskId>,
        /// The text.
        text: String,
    },
    /// A person gave another order; what it causes follows.
    PersonOrdered {
        /// The order, as it came.
        order: Box<PersonInput>,
    },
    /// The time allowed is over; what that causes follows.
    TimeUp,
    /// The records before this one are those of another run, of which this run is a branch.
    Forked {
        /// The other run.
        from: RunId,
    },
    /// An agent at work asked something of the run or of others; what follows from it follows.
    Requested {
        /// Who, and by which name.
        asker: Asker,
        /// What, as it came.
        request: Box<Request>,
    },
    /// Locks and their kin changed.
    Coordinated {
        /// How.
        fact: Box<Fact>,
    },
    /// What an agent asked was refused.
    RequestRefused {
        /// Who had asked, and by which name.
        asker: Asker,
        /// Why, and what to do next.
        why: String,
    },
    /// A detector saw something.
    Found(Finding),
    /// Nothing new is to be started; the run stops once no tool call is in flight.
    StopOrdered {
        /// How it will have ended.
        kind: OutcomeKind,
        /// Why, in words.
        why: String,
        /// What may still come to its end.
        #[serde(default, skip_serializing_if = "is_stop")]
        grade: Grade,
    },
    /// What follows was made of a trace that others wrote: it shows what their agents did, and
    /// nobody here decided it. It stands in no journal, and changes no run.
    TraceImported {
        /// The trace's id, as its writer gave it; of foreign origin.
        trace: String,
        /// Its parts, in the order in which they began.
        parts: Vec<TracePart>,
    },
    /// The run stopped and can go on later.
    RunSuspended(Arc<Outcome>),
    /// The run is over.
    RunEnded(Arc<Outcome>),
}

fn is_stop(grade: &Grade) -> bool {
    *grade == Grade::Stop
}

/// A fault of a plan or an output, with the place it is at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Where: a task id, a field or a JSON pointer.
    pub at: String,
    /// What is wrong and what to do.
    pub message: String,
}

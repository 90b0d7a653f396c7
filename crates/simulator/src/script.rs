//! A whole simulated run as data: the world, what deviates in it, and its faults. A seed expands
//! to a script; a script alone decides what happens, so a smaller one can be looked for that
//! still shows a fault, kept in a file, and run again. One format, and so one file.

use leadhand_protocol::coordination::{PrimitiveName, Request};
use leadhand_protocol::{
    Autonomy, Budget, Check, Effect, Limits, ModelFaultKind, PersonInput, Rule,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One simulated run. Whatever is not said happens in the plainest way: the model does what its
/// task says, tools do what they are for, a person says yes, and nothing dies.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// The seed it was made from; it changes nothing but how long things take.
    pub seed: u64,
    /// Whether a manager plans; else the tasks are a ready plan.
    pub manager: bool,
    /// The tasks.
    pub tasks: Vec<TaskScript>,
    /// What must hold of the answer.
    pub acceptance: Vec<Check>,
    /// The tools that act, beside those for files.
    pub tools: Vec<ToolScript>,
    /// On what terms the run is made.
    pub terms: Terms,
    /// Where the model does something else than what is sensible.
    pub moves: Vec<ModelMove>,
    /// Where a tool does something else than what it is for.
    pub acts: Vec<ToolAct>,
    /// Where a person says something else than yes.
    pub answers: Vec<PersonAnswer>,
    /// Processes that carry out the run, one after the other; more follow, without faults, until
    /// it is over.
    pub lives: Vec<Life>,
    /// How it is forked when it is over, if it is.
    pub fork: Option<Fork>,
    /// A known defect that is put in, to see that it is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planted: Option<Planted>,
}

impl Script {
    /// The script as JSON, without what is as it would be anyway.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if self.terms.limits == Limits::default()
            && let Some(terms) = value["terms"].as_object_mut()
        {
            terms.remove("limits");
        }
        strip(&mut value);
        format!("{value:#}\n")
    }
}

/// Fields of a script that are empty where nothing is said. Others must be there, such as those
/// of an order.
const EMPTY_WHEN_USUAL: [&str; 20] = [
    "acceptance",
    "acts",
    "after",
    "answers",
    "before",
    "budget",
    "changes",
    "checks",
    "clerk_budget",
    "jumps",
    "lives",
    "moves",
    "orders",
    "permits",
    "rules",
    "steps",
    "tasks",
    "terms",
    "tools",
    "uses",
];

fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(strip);
            fields.retain(|name, field| !is_nothing(name, field));
        }
        Value::Array(values) => values.iter_mut().for_each(strip),
        _ => {}
    }
}

/// Whether a field says nothing. An empty object may be the rest of a choice that was made.
fn is_nothing(name: &str, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(values) => values.is_empty() && EMPTY_WHEN_USUAL.contains(&name),
        Value::Object(fields) => fields.is_empty() && EMPTY_WHEN_USUAL.contains(&name),
        _ => false,
    }
}

/// A task.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TaskScript {
    /// Its id.
    pub id: String,
    /// What it waits for.
    pub after: Vec<String>,
    /// Tools it calls, one after the other.
    pub uses: Vec<String>,
    /// Whether it calls them in one turn.
    pub together: bool,
    /// Whether it is its first tool, called without a model.
    pub template: bool,
    /// Whether it says beforehand which tools it calls.
    pub declares: bool,
    /// The file its output is written to.
    pub output_file: Option<String>,
    /// Whether its output is JSON of a schema.
    pub schema: bool,
    /// What must hold of its output.
    pub checks: Vec<Check>,
    /// A resource it holds alone.
    pub lock: Option<String>,
    /// Replaced by one task for each line that this one gives.
    pub for_each: Option<String>,
    /// What it may spend.
    pub budget: Budget,
    /// How often it is tried; 0 is the run's limit.
    pub attempts_max: u32,
    /// What a tool does for it, at work, whose name is one of [`MEETING_TOOLS`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
}

/// Tools that deal with other agents at work; the second one may not be made again.
pub const MEETING_TOOLS: [&str; 2] = ["meet", "meet_once"];

/// One step of a tool that deals with other agents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// It asks the run.
    Ask {
        /// For what; its deadline is not said here.
        request: Box<Request>,
        /// How long it waits at most, in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wait_ms: Option<u64>,
        /// What it asks instead when the call is made again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        again: Option<Box<Request>>,
    },
    /// It gives back all locks and permits that it was given.
    LetGo,
    /// It answers each question that it was put.
    Answer,
    /// It reads an entry of the board and writes over what it read.
    Write {
        /// Which.
        key: PrimitiveName,
    },
    /// It publishes so much.
    Flood {
        /// In which topic.
        topic: PrimitiveName,
        /// How many messages.
        messages: u32,
        /// How long each is.
        bytes: u32,
    },
    /// It works for so long.
    Work {
        /// Milliseconds.
        ms: u64,
    },
    /// It says that it failed, the first time that the call is made.
    Fail,
    /// Its code panics, the first time that the call is made.
    Panic,
}

/// A tool that acts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolScript {
    /// Its name.
    pub name: String,
    /// What it does to the world.
    pub effect: Effect,
    /// Whether there is a tool that tells whether it took effect.
    #[serde(default)]
    pub probe: bool,
    /// Whether there is a tool that undoes it.
    #[serde(default)]
    pub undo: bool,
    /// Whether its results are vouched for.
    #[serde(default)]
    pub trusted: bool,
}

/// On what terms a run is made.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Terms {
    /// What waits for a person.
    pub autonomy: Autonomy,
    /// What may be spent.
    pub budget: Budget,
    /// What an agent of the role `clerk` may spend.
    pub clerk_budget: Budget,
    /// All bounds.
    pub limits: Limits,
    /// Rules beside those that open files and tools.
    pub rules: Vec<Rule>,
    /// How many turns, tasks of a role and calls go on at once, by name.
    pub permits: BTreeMap<PrimitiveName, u32>,
    /// Whether the journal promises to survive a power cut.
    pub to_disk: bool,
}

/// What the model says in one turn of one agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelMove {
    /// The agent's number.
    pub agent: u32,
    /// Its turn.
    pub turn: u32,
    /// What it says.
    pub says: Says,
}

/// What a model can do that is not sensible.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// It fails this many times, then answers.
    Fault {
        /// How.
        kind: ModelFaultKind,
        /// How often.
        times: u32,
    },
    /// A reply that cannot be read.
    Malformed,
    /// Nothing.
    Empty,
    /// A reply that was cut off.
    Cut,
    /// A reply that was held back.
    Filtered,
    /// These words, whatever was asked.
    Text(String),
    /// Calls of these tools, whatever was asked.
    Calls(Vec<String>),
    /// What is sensible, after this long.
    Slow {
        /// Milliseconds.
        ms: u64,
    },
    /// The model's code panics.
    Panic,
    /// What is sensible, at this price in tokens.
    Costly {
        /// Tokens read.
        tokens: u64,
    },
}

/// What one call of a tool does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolAct {
    /// The tool.
    pub tool: String,
    /// Which of its calls, from 0, over all lives.
    pub nth: u32,
    /// Whether it has its effect nevertheless.
    #[serde(default)]
    pub takes_effect: bool,
    /// What it does.
    pub does: Does,
}

/// What a tool can do that is not what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Does {
    /// It says that it failed.
    Fail {
        /// Whether trying again may help.
        #[serde(default)]
        retryable: bool,
    },
    /// Its code panics.
    Panic,
    /// It takes this much longer.
    Slow {
        /// Milliseconds.
        ms: u64,
    },
    /// It never comes back.
    Hang,
    /// It says that nobody knows whether it took effect.
    Doubt,
    /// It answers nonsense.
    Nonsense,
}

/// What a person says to a question when it is put for the first time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonAnswer {
    /// Which question, by number.
    pub question: u32,
    /// What they say.
    pub says: Reply,
}

/// What a person can say beside yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// No.
    No,
    /// Yes, with other arguments.
    Edited,
    /// Yes, to all such calls of the task.
    ForTask,
    /// Yes, to all such calls of the run.
    ForRun,
    /// It is to be made again, whatever became of it.
    Repeat,
    /// Nobody is there.
    Absent,
    /// Nobody says anything at all.
    Silent,
    /// Yes, after this long.
    Slow {
        /// Milliseconds.
        ms: u64,
    },
    /// Something that is no answer to the question.
    Beside,
}

/// One process that carries out the run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Life {
    /// What is ordered before the run goes on.
    pub before: Vec<PersonInput>,
    /// What is ordered meanwhile.
    pub orders: Vec<Ordered>,
    /// From which of its records the state is taken up by a snapshot, if from any: this number
    /// chooses.
    pub snapshot: Option<u32>,
    /// How late the journal acknowledges, in milliseconds.
    pub late_ms: u64,
    /// The append from which on nothing can be written.
    pub disk_full_at: Option<u32>,
    /// How the clock jumps.
    pub jumps: Vec<Jump>,
    /// How the process ends, if not by itself.
    pub death: Option<Death>,
}

/// An order, given when this many records of a life were shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ordered {
    /// Records shown in this life.
    pub at: u32,
    /// The order.
    pub order: PersonInput,
}

/// The clock jumps when this many records of a life were shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jump {
    /// Records shown in this life.
    pub at: u32,
    /// How far, in milliseconds; below 0 is back.
    pub by_ms: i64,
}

/// The end of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Death {
    /// At which append of its life that held records.
    pub append: u32,
    /// At which moment of it.
    pub moment: Moment,
    /// Whether the machine goes down with it. Then what was not synced is lost from one of the
    /// appends on, and this number chooses from which.
    pub power_cut: Option<u32>,
}

/// The moment of a death.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Before it was stored; a write torn apart counts as this, since an append is stored as a
    /// whole or not at all.
    Before,
    /// Stored, and not acknowledged.
    Stored,
    /// This many milliseconds after it was acknowledged.
    Later {
        /// Milliseconds.
        ms: u64,
    },
}

/// A branch of the run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fork {
    /// Which of the run's records is the first that the branch does not have: this number chooses.
    pub at: u32,
    /// What is another than it was.
    pub changes: Vec<PersonInput>,
    /// Processes that carry out the branch, as those of the run; the other faults are the run's.
    pub lives: Vec<Life>,
}

/// A known defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Planted {
    /// The service does what it is asked for twice.
    ServiceActsTwice,
    /// The journal forgets an acknowledged record when its process dies.
    RecordLost,
    /// The journal acknowledges what it has not stored.
    AcknowledgedUnstored,
    /// To sync is acknowledged and not done.
    SyncIgnored,
    /// An order to cancel is acknowledged and forgotten.
    CancelIgnored,
    /// A call is made after the run was cancelled.
    CalledAfterCancel,
    /// The permits of a model are not looked at.
    PermitsIgnored,
    /// A turn is begun after the budget is spent.
    Overspent,
    /// A check that was never made counts as passed.
    CheckForged,
    /// An agent ends without a record of it.
    EndUnrecorded,
    /// A record is changed.
    RecordChanged,
    /// The summary is an old one.
    StatusStale,
    /// What is over is written to.
    WrittenAfterEnd,
    /// The answer to a question is lost.
    AnswerLost,
    /// Who looks on panics.
    OnlookerPanics,
    /// A branch does again what the other run did before it.
    BranchRepeats,
    /// A lock is granted to a second party as well.
    LockDoubled,
    /// A tool has a lock although it was told that it has given it back.
    LockKept,
    /// A tool is told that it has a lock before that is on record.
    GrantUnrecorded,
    /// Nobody gets what was given back.
    WakeUpLost,
    /// A deadlock is broken where there is none.
    DeadlockInvented,
    /// A deadlock is not found.
    DeadlockUnfound,
    /// A tool gets a message twice.
    MessageDoubled,
    /// A question is answered twice.
    AnsweredTwice,
}

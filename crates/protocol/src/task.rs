//! The plan and its tasks, as data. Whether a plan is sound is `task-graph`'s to say.

use crate::{Budget, ContentHash, Label, TaskId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The tasks of a run at one revision.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    /// The tasks; order carries no meaning beyond `depends_on`.
    pub tasks: Vec<Task>,
    /// The task whose output is the answer; without one the manager writes the answer.
    pub answer: Option<TaskId>,
}

/// One node of the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Unique within the plan.
    pub id: TaskId,
    /// A few words for people.
    #[serde(default)]
    pub title: String,
    /// What the worker is told to do.
    #[serde(default)]
    pub instruction: String,
    /// The role that carries it out; empty for a task that is one tool call.
    #[serde(default)]
    pub role: String,
    /// Tasks that must be done before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<TaskId>,
    /// What it is given; empty means the outputs of all it depends on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<TaskInput>,
    /// JSON Schema of its output; without one the output is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// File that its output is written to, through the sandbox, once it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_file: Option<String>,
    /// What must hold before it counts as done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acceptance: Vec<Check>,
    /// Workspace paths it may change, as globs; none means it changes nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<String>,
    /// What it may cause beyond files: said before anything untrusted is read, it stays allowed
    /// when the worker has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<DeclaredCall>,
    /// Named resources it holds while it runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locks: Vec<Lock>,
    /// What all attempts at it may spend, with what judging its output costs; of time only that
    /// at work counts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub budget: Budget,
    /// How often it is tried from the beginning; 0 is the run's limit.
    #[serde(default, skip_serializing_if = "is_default")]
    pub attempts_max: u32,
    /// Expected seconds, for the order in which ready tasks are started; 0 is unknown.
    #[serde(default, skip_serializing_if = "is_default")]
    pub estimate_seconds: u32,
    /// Carried out as this one tool call, without a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<ToolTemplate>,
    /// A template: replaced by one task for each item of an earlier task's output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_each: Option<ForEach>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Task {
    /// A task with an instruction for a role and nothing else.
    #[must_use]
    pub fn new(id: TaskId, role: impl Into<String>, instruction: impl Into<String>) -> Self {
        Self {
            id,
            title: String::new(),
            instruction: instruction.into(),
            role: role.into(),
            depends_on: Vec::new(),
            inputs: Vec::new(),
            output_schema: None,
            output_file: None,
            acceptance: Vec::new(),
            writes: Vec::new(),
            effects: Vec::new(),
            locks: Vec::new(),
            budget: Budget::default(),
            attempts_max: 0,
            estimate_seconds: 0,
            call: None,
            for_each: None,
        }
    }
}

/// Something a task is given before it starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskInput {
    /// What the worker calls it.
    pub name: String,
    /// Where it comes from.
    pub from: TaskSource,
    /// JSON Schema it must fit, if the task insists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
}

/// Where an input comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TaskSource {
    /// The output of a task it depends on.
    Task(TaskId),
    /// A workspace file, read through the sandbox when the task starts.
    File(String),
    /// A value known when the plan was made.
    Text(String),
}

/// A named resource held while a task runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The resource.
    pub name: String,
    /// Whether others may share it.
    #[serde(default)]
    pub shared: bool,
}

/// A tool call whose argument texts may hold `{{task-id}}`, replaced by that task's output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolTemplate {
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub arguments: Value,
}

/// Calls that a task declares beforehand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredCall {
    /// The tool.
    pub tool: String,
    /// Arguments that such a call must have just so; of those that are not named here, any. A
    /// text that names a resource is a pattern, as in [`crate::Grant::resource`].
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub arguments: serde_json::Map<String, Value>,
}

impl DeclaredCall {
    /// Every call of a tool, whatever its arguments.
    #[must_use]
    pub fn any_of(tool: String) -> Self {
        Self {
            tool,
            arguments: serde_json::Map::new(),
        }
    }
}

/// Fan-out over the items of an earlier task's output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForEach {
    /// The task whose output is a JSON array, or text with one item a line.
    pub items_of: TaskId,
    /// Most items taken; more is a fault of the run, never a silent cut.
    pub items_max: usize,
}

/// A value produced by a task, named by its hash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Artifact {
    /// SHA-256 of the content.
    pub hash: ContentHash,
    /// Length of the content, in bytes.
    pub bytes: u64,
    /// `application/json`, `text/plain`, or what the file's name says.
    pub media_type: String,
    /// The workspace file that holds it, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Where it came from.
    #[serde(default, skip_serializing_if = "Label::is_empty")]
    pub label: Label,
}

/// Something that must hold on evidence. Paths are within the workspace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "check", rename_all = "snake_case", deny_unknown_fields)]
pub enum Check {
    /// The file exists and is not empty.
    FileExists {
        /// The file.
        path: String,
    },
    /// The file does not exist.
    FileAbsent {
        /// The file.
        path: String,
    },
    /// The file exists and a tool call of this run wrote it, be it with the same content.
    FileChanged {
        /// The file.
        path: String,
    },
    /// The file exists and no tool call of this run changed it.
    FileUnchanged {
        /// The file.
        path: String,
    },
    /// The file's text holds a match of a regular expression (syntax of the `regex` crate).
    FileMatches {
        /// The file.
        path: String,
        /// The expression.
        pattern: String,
    },
    /// The file is there, and its text holds no match of a regular expression.
    FileLacks {
        /// The file.
        path: String,
        /// The expression.
        pattern: String,
    },
    /// The file parses as JSON and fits a JSON Schema.
    FileFits {
        /// The file.
        path: String,
        /// The schema.
        schema: Value,
    },
    /// The output holds a match of a regular expression.
    OutputMatches {
        /// The expression.
        pattern: String,
    },
    /// A tool call succeeds and its result holds a match of a regular expression.
    ToolPasses {
        /// The call.
        call: ToolTemplate,
        /// The expression; empty accepts any result.
        #[serde(default)]
        pattern: String,
    },
    /// Every `[task-id]` that the output cites names a task of the plan that is done.
    CitationsResolve,
    /// A second model finds that the output meets the criteria.
    Judged {
        /// What the output is held against.
        criteria: String,
    },
}

impl Check {
    /// The file it looks at, when it looks at one.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::FileExists { path }
            | Self::FileAbsent { path }
            | Self::FileChanged { path }
            | Self::FileUnchanged { path }
            | Self::FileMatches { path, .. }
            | Self::FileLacks { path, .. }
            | Self::FileFits { path, .. } => Some(path),
            Self::OutputMatches { .. }
            | Self::ToolPasses { .. }
            | Self::CitationsResolve
            | Self::Judged { .. } => None,
        }
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The check.
    pub check: Check,
    /// Whether it held.
    pub passed: bool,
    /// What was seen, in a sentence a model can act on.
    pub evidence: String,
}

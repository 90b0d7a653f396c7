//! Tools: what they are, a call, and what comes of it.

use crate::canonical::canonical_array;
use crate::{Capability, ContentHash, Grant, Label, RunId, Source};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// What a tool is and what it wants. Written by the tool, so hostile until checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolSpec {
    /// The name a model calls it by: letters, digits and `_`.
    pub name: String,
    /// What it does, in a sentence or two for the model.
    pub description: String,
    /// JSON Schema of its arguments: an object.
    pub arguments: Arc<Value>,
    /// JSON Schema of its result, when the text of a result is JSON. One that does not fit is a
    /// fault of the tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// What a call does to the world.
    pub effect: Effect,
    /// The tool that tells whether a call of this one took effect, when nobody knows: called
    /// with `{"arguments": …, "key": …}`, it answers `{"took_effect": true, "result": "…"}` or
    /// `{"took_effect": false}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<String>,
    /// The tool that undoes a call of this one, of effect [`Effect::Compensable`]: called with
    /// `{"arguments": …, "result": "…"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<String>,
    /// What it wants to touch, and which argument names it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accesses: Vec<Access>,
    /// Where it runs.
    pub isolation: Isolation,
    /// Of a native tool: whether the embedder vouches for what its results say. Otherwise an
    /// agent that has read one of them holds untrusted content.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trusted: bool,
    /// The arguments that make two of its calls equal; empty is all of them. What differs in
    /// others only, such as a note why, counts as the same call made again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub equal_by: Vec<String>,
    /// That it looks whether something has changed by itself, such as the state of a long job,
    /// and how long to wait between two looks, in milliseconds. Looks so far apart are no loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll_every_ms: Option<u64>,
}

impl ToolSpec {
    /// Whether it wants a capability.
    #[must_use]
    pub fn wants(&self, capability: Capability) -> bool {
        self.accesses
            .iter()
            .any(|access| access.capability == capability)
    }

    /// What of a call's arguments tells it from others: those that the tool names, in its order;
    /// none where it names none, and all arguments count.
    #[must_use]
    pub fn told_apart_by(&self, arguments: &Value) -> Option<String> {
        if self.equal_by.is_empty() {
            return None;
        }
        let of = |name: &String| arguments.get(name).unwrap_or(&Value::Null);
        let values: Vec<&Value> = self.equal_by.iter().map(of).collect();
        Some(canonical_array(values))
    }

    /// Where its results come from, files aside: whose files it reads is for the call to say.
    #[must_use]
    pub fn label(&self) -> Label {
        let reaches_out = self.wants(Capability::Net) || self.wants(Capability::NetInternal);
        let unvouched = self.isolation == Isolation::Native && !self.trusted;
        let sources = [(reaches_out, Source::Web), (unvouched, Source::Tool)];
        sources
            .into_iter()
            .filter_map(|(holds, source)| holds.then_some(source))
            .collect()
    }
}

/// One capability a tool wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Access {
    /// The capability.
    pub capability: Capability,
    /// The argument that names the resource; without one the whole workspace is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argument: Option<String>,
    /// Of the network: the HTTP methods it uses, in capitals; empty is any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
}

impl Access {
    /// A capability on what an argument names; without one, on all there is.
    #[must_use]
    pub fn new(capability: Capability, argument: Option<&str>) -> Self {
        Self {
            capability,
            argument: argument.map(str::to_owned),
            methods: Vec::new(),
        }
    }
}

/// What a tool does to the world, which decides what may be done again after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Changes nothing.
    Pure,
    /// Doing it twice is the same as doing it once.
    Idempotent,
    /// Must never be done twice.
    Once,
    /// Can be undone by another call.
    Compensable,
}

/// Where a tool runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// As a WebAssembly component that can touch only what the host hands it.
    Sandboxed,
    /// In the embedder's process: policy is asked, but nothing can be enforced.
    Native,
}

impl Effect {
    /// Whether a call may be made again when nobody knows what became of it.
    #[must_use]
    pub fn is_repeatable(self) -> bool {
        match self {
            Self::Pure | Self::Idempotent => true,
            Self::Once | Self::Compensable => false,
        }
    }
}

/// One invocation of one tool with one argument value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolCall {
    /// The model's own name for the call, echoed with the result.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Its arguments.
    pub arguments: Value,
}

impl ToolCall {
    /// The name of what the call does, made from its content and never from its place: the same
    /// call of the same tool in one run has the same name, also after a crash and in a fork. A
    /// service that has seen it before need not do it again.
    ///
    /// ```
    /// use leadhand_protocol::{RunId, ToolCall};
    /// let call = |id: &str, arguments| ToolCall { id: id.into(), name: "pay".into(), arguments };
    /// let run = RunId::new("r1")?;
    /// let one = call("c1", serde_json::json!({"to": "a", "amount": 1}));
    /// let again = call("c2", serde_json::json!({"amount": 1, "to": "a"}));
    /// assert_eq!(one.key(&run), again.key(&run));
    /// # Ok::<(), leadhand_protocol::IdError>(())
    /// ```
    #[must_use]
    pub fn key(&self, run: &RunId) -> ContentHash {
        let [run, name] = [run.as_str(), &self.name].map(Value::from);
        let named = canonical_array([&run, &name, &self.arguments]);
        ContentHash::of(named.as_bytes())
    }
}

/// What a successful call brought.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ToolOutput {
    /// The result, as the model reads it.
    pub text: String,
    /// Files it changed, as the host saw it and not as the guest says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileChange>,
    /// Requests it made over the network, as the host saw them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<NetRequest>,
    /// What it tried and the host refused, at most [`ToolOutput::REFUSED_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Grant>,
}

impl ToolOutput {
    /// Most refusals that are told of one call.
    pub const REFUSED_MAX: usize = 16;

    /// A result of this text, of a call that touched nothing.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

/// A request that a call made over the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NetRequest {
    /// The HTTP method.
    pub method: String,
    /// The URL, without its query.
    pub url: String,
    /// The HTTP status; 0 when there was no answer.
    pub status: u16,
    /// Bytes of the answer's body that were taken.
    pub bytes: u64,
}

/// A file that a call changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileChange {
    /// Path within the workspace, with `/`.
    pub path: String,
    /// What happened to it.
    pub change: Change,
    /// Hash of the new content; none when it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<ContentHash>,
    /// Length of the new content, in bytes.
    #[serde(default)]
    pub bytes: u64,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It was not there before.
    Created,
    /// It has other content.
    Modified,
    /// It is gone.
    Removed,
}

/// A call that failed, in words the model can act on. It is data, never an `Err` of the loop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, JsonSchema)]
#[error("{message}")]
pub struct ToolFault {
    /// What kind of failure.
    pub kind: ToolFaultKind,
    /// What was wrong and what to do.
    pub message: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
}

/// Kinds of tool failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ToolFaultKind {
    /// The arguments do not fit the tool.
    InvalidArguments,
    /// There is no tool of this name.
    UnknownTool,
    /// What the call names is not there.
    NotFound,
    /// Policy or the sandbox refused it.
    Denied,
    /// A person said no to this very call.
    Declined,
    /// A bound of [`crate::ToolLimits`] was reached.
    LimitExceeded,
    /// It took too long.
    TimedOut,
    /// The guest trapped.
    Trapped,
    /// It ran and failed.
    Failed,
    /// Nobody knows whether it took effect.
    InDoubt,
}

/// Writes what came of a call as `{"ok": …}` or `{"error": …}`, as the command line does.
pub(crate) mod outcome {
    use super::{ToolFault, ToolOutput};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Written<'a> {
        Ok(&'a ToolOutput),
        Error(&'a ToolFault),
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Read {
        Ok(ToolOutput),
        Error(ToolFault),
    }

    pub(crate) fn serialize<S: Serializer>(
        outcome: &Result<ToolOutput, ToolFault>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match outcome {
            Ok(output) => Written::Ok(output).serialize(serializer),
            Err(fault) => Written::Error(fault).serialize(serializer),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Result<ToolOutput, ToolFault>, D::Error> {
        Ok(match Read::deserialize(deserializer)? {
            Read::Ok(output) => Ok(output),
            Read::Error(fault) => Err(fault),
        })
    }
}

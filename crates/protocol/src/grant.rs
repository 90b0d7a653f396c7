//! Permissions as data. `policy` decides with them, `sandbox` enforces them.

use crate::TaskId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Something a tool can be allowed to do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Capability {
    /// Read workspace files.
    #[serde(rename = "fs.read")]
    FsRead,
    /// Change workspace files.
    #[serde(rename = "fs.write")]
    FsWrite,
    /// Reach public addresses of the network.
    #[serde(rename = "net")]
    Net,
    /// Reach addresses that only this machine or its own network can: loopback, link-local,
    /// private and metadata addresses.
    #[serde(rename = "net.internal")]
    NetInternal,
    /// Read the environment.
    #[serde(rename = "env")]
    Env,
    /// Use a secret.
    #[serde(rename = "secret")]
    Secret,
    /// Start a process.
    #[serde(rename = "spawn")]
    Spawn,
    /// Call a model.
    #[serde(rename = "model")]
    Model,
    /// Hand work to another agent.
    #[serde(rename = "delegate")]
    Delegate,
    /// Use long-term memory.
    #[serde(rename = "memory")]
    Memory,
    /// Read the clock.
    #[serde(rename = "clock")]
    Clock,
    /// Draw random numbers.
    #[serde(rename = "random")]
    Random,
}

impl Capability {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::FsRead,
        Self::FsWrite,
        Self::Net,
        Self::NetInternal,
        Self::Env,
        Self::Secret,
        Self::Spawn,
        Self::Model,
        Self::Delegate,
        Self::Memory,
        Self::Clock,
        Self::Random,
    ];

    /// The name used in role files, policies and WIT.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FsRead => "fs.read",
            Self::FsWrite => "fs.write",
            Self::Net => "net",
            Self::NetInternal => "net.internal",
            Self::Env => "env",
            Self::Secret => "secret",
            Self::Spawn => "spawn",
            Self::Model => "model",
            Self::Delegate => "delegate",
            Self::Memory => "memory",
            Self::Clock => "clock",
            Self::Random => "random",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A permission to use one capability on the resources that match a pattern.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The capability.
    pub capability: Capability,
    /// A pattern over the resource; `**` is all. For files a glob over the path within the
    /// workspace, for the network a URL pattern such as `GET https://*.example.org/docs/**`,
    /// for the rest a name.
    pub resource: String,
}

/// What one tool call may touch: handed to whoever carries it out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Permit {
    /// What it may touch.
    pub grants: Vec<Grant>,
    /// What it may not touch, whatever the grants say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<Grant>,
    /// What it may see the names of beside: a call that names a file which is not there is told
    /// what is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listed: Vec<Grant>,
}

/// What policy says of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It may go on.
    Allow,
    /// A person is asked.
    Ask,
    /// It may not.
    Deny,
}

/// One rule of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What it decides.
    pub decision: Decision,
    /// Tool name as a glob; empty is any.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tool: String,
    /// Role name as a glob; empty is any.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub role: String,
    /// The capability; none is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capability: Option<Capability>,
    /// Resource as a pattern, as in [`Grant::resource`]; empty is any.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub resource: String,
    /// Task id as a glob; empty is any.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub task: String,
    /// Milliseconds since the Unix epoch from which on it no longer counts; none is for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// Of an `allow`: whether it also holds for an effect that the task did not declare, of an
    /// agent that has untrusted content in its context.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untrusted: bool,
    /// Of an `ask`: whether it gives way to an `allow`, as the rules do that come with a tool.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unless_allowed: bool,
    /// Where the rule stands, for people: a file and line, or `built in`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
}

impl Rule {
    /// A rule about every call, to be narrowed.
    ///
    /// ```
    /// use leadhand_protocol::{Decision, Rule};
    /// let rule = Rule { resource: "secrets/**".into(), ..Rule::any(Decision::Deny) };
    /// assert_eq!(rule.capability, None);
    /// ```
    #[must_use]
    pub fn any(decision: Decision) -> Self {
        Self {
            decision,
            tool: String::new(),
            role: String::new(),
            capability: None,
            resource: String::new(),
            task: String::new(),
            until_ms: None,
            untrusted: false,
            unless_allowed: false,
            source: String::new(),
        }
    }
}

/// A decision and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The decision.
    pub decision: Decision,
    /// The rule or level that gave it, in words.
    pub because: String,
}

/// A person's standing yes: what policy would ask about is allowed without asking. It never
/// opens what is denied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The tool, by name.
    pub tool: String,
    /// The role, by name; empty is any.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub role: String,
    /// The task; none is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// Milliseconds since the Unix epoch from which on it no longer counts; none is as long as
    /// the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// Where it stands, for people: a file and line, or the answer that gave it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
}

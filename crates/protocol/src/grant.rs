//! Permissions as data. `policy` decides with them, `sandbox` enforces them.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Something a tool can be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Capability {
    /// Read workspace files.
    #[serde(rename = "fs.read")]
    FsRead,
    /// Change workspace files.
    #[serde(rename = "fs.write")]
    FsWrite,
    /// Reach the network.
    #[serde(rename = "net")]
    Net,
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
    /// The name used in role files, policies and WIT.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FsRead => "fs.read",
            Self::FsWrite => "fs.write",
            Self::Net => "net",
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

/// A permission to use one capability on the resources that match a glob.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The capability.
    pub capability: Capability,
    /// A glob over the resource: for files the path within the workspace, `**` for all.
    pub resource: String,
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
    /// Resource as a glob; empty is any.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub resource: String,
    /// Where the rule stands, for people: a file and line, or `built in`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
}

/// A decision and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The decision.
    pub decision: Decision,
    /// The rule or level that gave it, in words.
    pub because: String,
}

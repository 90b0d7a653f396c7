//! Types of messages between agents that an embedder registers.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A type of messages. What agents publish, ask and answer under its name is held against it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageType {
    /// Its name.
    pub name: String,
    /// Its version, from 1.
    pub version: u32,
    /// The JSON Schema of its values.
    pub schema: Value,
}

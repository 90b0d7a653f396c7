//! Secrets that the host puts into requests of tools: which server gets which variable in which
//! header. Only the user's file may say so.

use serde::Deserialize;

/// One secret, as people write it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretConfig {
    /// Scheme, host and port of the only server that gets it.
    pub(crate) origin: String,
    /// The header that carries it.
    pub(crate) header: String,
    /// The variable that holds the value.
    pub(crate) env: String,
    /// What stands before the value in the header.
    #[serde(default)]
    pub(crate) prefix: String,
}

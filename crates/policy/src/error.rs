//! What can be wrong with a policy.

use std::fmt;

/// A policy that cannot be used, with everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the policy cannot be used, so nothing runs:{}", listed(.faults))]
pub struct PolicyError {
    /// The faults in the order of the rules; never empty.
    pub faults: Vec<PolicyFault>,
}

/// One thing that is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFault {
    /// Where: `file:line`, or what the rule says of itself.
    pub source: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.message)
    }
}

fn listed(faults: &[PolicyFault]) -> String {
    faults.iter().map(|fault| format!("\n  {fault}")).collect()
}

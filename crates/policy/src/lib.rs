//! Decides whether one tool call is allowed, asked for or denied, and by which rule.
//!
//! Two things must both say yes: a rule of the policy, and a grant of the agent. `deny` wins
//! over `ask`, `ask` over `allow`, and what nothing allows is denied; then the autonomy level
//! may turn an allowed call into a question for a person. Arguments are judged as values, one
//! by one, never as a piece of text. Nothing is enforced here: that is `sandbox`'s work.

mod alternatives;
mod built_in;
mod error;
mod grants;
mod intersect;
mod judge;
mod level;
mod path;
mod pattern;
mod rule;
mod rule_file;
mod wanted;

pub use built_in::{built_in_rules, workspace_grants};
pub use error::{PolicyError, PolicyFault};
pub use grants::{attenuate, task_grants};
pub use judge::{Policy, Question};
pub use rule_file::{RULE_FILE_BYTES_MAX, RULES_MAX, parse_rules};

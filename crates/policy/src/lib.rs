//! Decides whether one tool call is allowed, asked for or denied, and by which rule.
//!
//! Two things must both say yes: a rule of the policy, and a grant of the agent. `deny` wins
//! over `ask`, `ask` over `allow`, and what nothing allows is denied; then information flow and
//! the autonomy level may turn an allowed call into a question for a person, and what a person
//! has approved beforehand answers such a question. Arguments are judged as values, one by one,
//! never as a piece of text. Nothing is enforced here: that is `sandbox`'s work, which reads
//! the same patterns with the same code (`leadhand_resource`).

mod approval;
mod built_in;
mod capability;
mod cases;
mod check;
mod date;
mod error;
mod explain;
mod flow;
mod grants;
mod index;
mod judge;
mod level;
mod lines;
mod merge;
mod permit;
mod policy;
mod rule;
mod rule_file;
mod wanted;

pub use built_in::built_in_rules;
pub use capability::kind;
pub use cases::{Case, CaseResult, parse_cases, run_cases};
pub use check::{PolicyFinding, PolicyFindingKind, check};
pub use error::{PolicyError, PolicyFault};
pub use explain::{Explanation, ResourceExplanation, RuleExplanation, RuleSays};
pub use flow::declares;
pub use grants::{attenuate, root_grants, task_grants, undeclared_grants, workspace_grants};
pub use judge::Question;
pub use merge::merge;
pub use policy::Policy;
pub use rule_file::{RULE_FILE_BYTES_MAX, RULES_MAX, parse_approvals, parse_rules};

//! Rules of the user and of the project together: the project can only narrow.

use crate::error::{PolicyError, PolicyFault};
use crate::rule::source;
use leadhand_protocol::{Decision, Rule};

/// The user's rules and then the project's, which can ask and deny only: whoever writes a
/// project's files must not be able to open what the user did not.
///
/// # Errors
/// [`PolicyError`] with every `allow` of the project.
pub fn merge(mut user: Vec<Rule>, project: Vec<Rule>) -> Result<Vec<Rule>, PolicyError> {
    let opens = |rule: &&Rule| rule.decision == Decision::Allow;
    let faults: Vec<PolicyFault> = project
        .iter()
        .filter(opens)
        .map(|rule| PolicyFault {
            source: source(rule).to_owned(),
            message: "a project's rules can only deny and ask; write an `allow` into the policy.toml of your own configuration folder".to_owned(),
        })
        .collect();
    if !faults.is_empty() {
        return Err(PolicyError { faults });
    }
    user.extend(project);
    Ok(user)
}

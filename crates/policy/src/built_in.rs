//! What holds when no policy file says otherwise: tools may read and change the workspace,
//! as far as grants go, and nobody touches version control or the run's own files. The rules
//! stand in `sandbox/policy/default.toml` and are built in from there.

use crate::rule_file::parse_rules;
use leadhand_protocol::{Capability, Grant, Rule};

const DEFAULT_RULES: &str = include_str!("../../../sandbox/policy/default.toml");

/// The rules that every policy starts from.
#[must_use]
pub fn built_in_rules() -> Vec<Rule> {
    let mut rules = parse_rules("default.toml", DEFAULT_RULES)
        .expect("sandbox/policy/default.toml is a rule file, which a test of this crate checks");
    for rule in &mut rules {
        "built in".clone_into(&mut rule.source);
    }
    rules
}

/// The grants of a run that may work on all of its workspace; tasks get a part of them.
#[must_use]
pub fn workspace_grants() -> Vec<Grant> {
    [Capability::FsRead, Capability::FsWrite]
        .map(|capability| Grant {
            capability,
            resource: "**".to_owned(),
        })
        .to_vec()
}

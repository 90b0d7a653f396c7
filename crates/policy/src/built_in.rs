//! What holds when no policy file says otherwise: tools may read and change the workspace,
//! as far as grants go, nobody touches version control or the run's own files, and the standard
//! tools have the rules that stand beside them.

use crate::rule_file::parse_rules;
use leadhand_protocol::Rule;

/// Files of `sandbox/`, built in from there.
const FILES: [(&str, &str); 3] = [
    (
        "default.toml",
        include_str!("../../../sandbox/policy/default.toml"),
    ),
    (
        "date/policy.toml",
        include_str!("../../../sandbox/tools/date/policy.toml"),
    ),
    (
        "web/policy.toml",
        include_str!("../../../sandbox/tools/web/policy.toml"),
    ),
];

/// The rules that every policy starts from.
#[must_use]
pub fn built_in_rules() -> Vec<Rule> {
    let parse = |(name, text): &(&str, &str)| {
        parse_rules(name, text).expect("a test of this crate reads the same files")
    };
    let mut rules: Vec<Rule> = FILES.iter().flat_map(parse).collect();
    for rule in &mut rules {
        "built in".clone_into(&mut rule.source);
    }
    rules
}

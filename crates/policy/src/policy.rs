//! A set of rules, ready to judge with.

use crate::error::{PolicyError, PolicyFault};
use crate::index::Index;
use crate::rule::{CompiledRule, source};
use leadhand_protocol::{Decision, Grant, Rule};

/// A set of rules, ready to judge with. It allows nothing that no rule allows.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    pub(crate) rules: Vec<CompiledRule>,
    pub(crate) index: Index,
}

impl Policy {
    /// Makes a policy of rules. Their order decides nothing but which of several rules that
    /// say the same a verdict names.
    ///
    /// ```
    /// use leadhand_policy::{Policy, built_in_rules};
    /// assert!(Policy::new(&built_in_rules()).is_ok());
    /// ```
    ///
    /// # Errors
    /// [`PolicyError`] with every rule whose patterns cannot be read.
    pub fn new(rules: &[Rule]) -> Result<Self, PolicyError> {
        let mut compiled = Vec::with_capacity(rules.len());
        let mut faults = Vec::new();
        for rule in rules {
            match CompiledRule::compile(rule) {
                Ok(rule) => compiled.push(rule),
                Err(message) => {
                    faults.push(PolicyFault {
                        source: source(rule).to_owned(),
                        message,
                    });
                }
            }
        }
        if faults.is_empty() {
            Ok(Self {
                index: Index::new(&compiled),
                rules: compiled,
            })
        } else {
            Err(PolicyError { faults })
        }
    }

    /// The same policy, which looks at every rule for every call: what the index saves is
    /// measured against it, and held against it in tests.
    #[must_use]
    pub fn without_index(mut self) -> Self {
        self.index = Index::of_nothing(&self.rules);
        self
    }

    /// What deny rules close to a tool, role and task at a time: to be kept from the tool by
    /// whoever carries the call out, since a folder that is allowed may hold a file that is
    /// not, and a host that is allowed may lead on to another. `task` is empty when there is
    /// none.
    #[must_use]
    pub fn closed(&self, tool: &str, role: &str, task: &str, now_ms: u64) -> Vec<Grant> {
        let mut closed: Vec<Grant> = Vec::new();
        let denies = self.rules.iter().filter(|rule| {
            rule.decision == Decision::Deny
                && rule.counts_at(now_ms)
                && rule.tool.cover(tool)
                && rule.role.cover(role)
                && rule.task.cover(task)
        });
        for grant in denies.flat_map(CompiledRule::grants) {
            if !closed.contains(&grant) {
                closed.push(grant);
            }
        }
        closed
    }
}

//! The judgement of one call: every resource it wants is judged by itself, and the worst of
//! these verdicts is the call's.

use crate::error::{PolicyError, PolicyFault};
use crate::level;
use crate::rule::{CompiledRule, ResourceGlob, source};
use crate::wanted::{Wanted, wanted};
use leadhand_protocol::{
    Approval, Autonomy, Capability, Decision, Grant, Isolation, Label, Rule, Task, ToolCall,
    ToolSpec, Verdict,
};

/// A set of rules, ready to judge with. It allows nothing that no rule allows.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    rules: Vec<CompiledRule>,
}

/// A call, and all that the verdict on it depends on.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The tool that is called.
    pub tool: &'a ToolSpec,
    /// The role of the agent that calls it; empty for a task that is one tool call.
    pub role: &'a str,
    /// The task it carries out; what it declares beforehand stays allowed.
    pub task: Option<&'a Task>,
    /// The call, as the model wrote it.
    pub call: &'a ToolCall,
    /// The grants of this agent, already attenuated; none is none.
    pub grants: &'a [Grant],
    /// The level that holds: the lower of the run's and the role's.
    pub autonomy: Autonomy,
    /// Whether the plan itself wants this call, and not a model.
    pub planned: bool,
    /// Where all that stands in the agent's context came from.
    pub label: &'a Label,
    /// What people have allowed beyond one call.
    pub approvals: &'a [Approval],
    /// The time, in milliseconds since the Unix epoch: rules and approvals can expire.
    pub now_ms: u64,
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
    /// [`PolicyError`] with every rule whose globs cannot be read.
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
            Ok(Self { rules: compiled })
        } else {
            Err(PolicyError { faults })
        }
    }

    /// Judges one call. Total: whatever the arguments hold, there is a verdict, and its
    /// `because` is a sentence that a person and a model can act on.
    #[must_use]
    pub fn judge(&self, question: &Question<'_>) -> Verdict {
        if question.call.name != question.tool.name {
            let (called, judged) = (&question.call.name, &question.tool.name);
            return deny(format!(
                "the call is of `{called}`, but was judged as `{judged}`"
            ));
        }
        let wanted = match wanted(question.tool, question.call) {
            Ok(wanted) => wanted,
            Err(why) => return deny(why),
        };
        let of_rules = if wanted.is_empty() {
            self.judge_without_access(question)
        } else {
            let verdicts = wanted.iter().map(|one| self.judge_access(question, one));
            verdicts
                .reduce(worse)
                .unwrap_or_else(|| deny("nothing was judged".to_owned()))
        };
        level::apply(of_rules, question, &wanted)
    }

    /// What deny rules close to a tool and role: to be kept from the tool by whoever carries
    /// the call out, since a folder that is allowed may hold a file that is not.
    #[must_use]
    pub fn closed(&self, tool: &str, role: &str) -> Vec<Grant> {
        let deny =
            |rule: &&CompiledRule| rule.decision == Decision::Deny && rule.is_for(tool, role);
        let mut closed: Vec<Grant> = Vec::new();
        for rule in self.rules.iter().filter(deny) {
            for capability in [Capability::FsRead, Capability::FsWrite] {
                if rule.capability.is_none_or(|of_rule| of_rule == capability) {
                    let resource = rule.resource.written().to_owned();
                    closed.push(Grant {
                        capability,
                        resource,
                    });
                }
            }
        }
        closed
    }

    fn judge_without_access(&self, question: &Question<'_>) -> Verdict {
        let says = |decision| {
            self.rules_for(question)
                .find(|rule| rule.decision == decision && rule.is_for_any_access())
        };
        if let Some(rule) = says(Decision::Deny) {
            return deny(format!("the rule {rule}"));
        }
        if let Some(rule) = says(Decision::Ask) {
            return Verdict {
                decision: Decision::Ask,
                because: format!("the rule {rule}"),
            };
        }
        let because = format!(
            "`{}` asks for no capability, so it needs no rule",
            question.tool.name
        );
        Verdict {
            decision: Decision::Allow,
            because,
        }
    }

    fn judge_access(&self, question: &Question<'_>, wanted: &Wanted) -> Verdict {
        let what = format!("{} on `{}`", wanted.capability, wanted.resource.shown());
        let says = |decision| {
            self.rules_for(question)
                .find(|rule| rule.decision == decision && rule.covers(wanted))
        };
        if let Some(rule) = says(Decision::Deny) {
            return deny(format!("the rule {rule} covers {what}"));
        }
        if !is_granted(question, wanted) {
            let granted = granted(question.grants, wanted.capability);
            return deny(format!(
                "no grant of this agent covers {what}; it has {granted}"
            ));
        }
        if let Some(rule) = says(Decision::Ask) {
            let because = format!("the rule {rule} covers {what}");
            return Verdict {
                decision: Decision::Ask,
                because,
            };
        }
        let leading = || {
            self.rules_for(question).find(|rule| {
                rule.decision == Decision::Allow
                    && may_lead_through(question, wanted)
                    && rule.leads_through(wanted)
            })
        };
        match says(Decision::Allow).or_else(leading) {
            Some(rule) => {
                let because = format!("the rule {rule} covers {what}");
                Verdict {
                    decision: Decision::Allow,
                    because,
                }
            }
            None => deny(format!("no rule allows {what}")),
        }
    }

    fn rules_for<'a>(
        &'a self,
        question: &'a Question<'_>,
    ) -> impl Iterator<Item = &'a CompiledRule> {
        self.rules
            .iter()
            .filter(|rule| rule.is_for(&question.tool.name, question.role))
    }
}

/// A sandboxed tool may look round in a folder that is not granted itself when something in
/// it is: the sandbox shows it nothing else. Of a native tool nobody can say that.
fn may_lead_through(question: &Question<'_>, wanted: &Wanted) -> bool {
    wanted.capability == Capability::FsRead && question.tool.isolation == Isolation::Sandboxed
}

fn is_granted(question: &Question<'_>, wanted: &Wanted) -> bool {
    let of_capability = question
        .grants
        .iter()
        .filter(|grant| grant.capability == wanted.capability);
    of_capability
        .filter_map(|grant| ResourceGlob::of_grant(&grant.resource))
        .any(|glob| {
            glob.covers(&wanted.resource, false)
                || (may_lead_through(question, wanted) && glob.leads_through(&wanted.resource))
        })
}

fn granted(grants: &[Grant], capability: Capability) -> String {
    let resources: Vec<String> = grants
        .iter()
        .filter(|grant| grant.capability == capability)
        .take(8)
        .map(|grant| format!("`{}`", grant.resource))
        .collect();
    if resources.is_empty() {
        format!("none for {capability}")
    } else {
        format!("{capability} on {}", resources.join(", "))
    }
}

fn worse(a: Verdict, b: Verdict) -> Verdict {
    if b.decision > a.decision { b } else { a }
}

pub(crate) fn deny(because: String) -> Verdict {
    Verdict {
        decision: Decision::Deny,
        because,
    }
}

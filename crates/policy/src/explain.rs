//! Why a verdict is what it is: for each thing that a call wants, what every rule says of it.
//! Plain data, for a person to read; the verdict itself is [`Policy::judge`]'s.

use crate::approval;
use crate::flow;
use crate::judge::{Finding, Question, Reason, covering_grant};
use crate::level;
use crate::policy::Policy;
use crate::rule::CompiledRule;
use crate::wanted::Wanted;
use leadhand_protocol::{Autonomy, Capability, Decision, Grant, Verdict};
use serde::Serialize;

/// All that a verdict rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// What the call wants, in the order of the tool's accesses; empty when it wants nothing or
    /// its arguments cannot be judged.
    pub resources: Vec<ResourceExplanation>,
    /// Of a tool that asks for no capability: what each rule says of the tool itself.
    pub tool_rules: Vec<RuleExplanation>,
    /// Why information flow wants a person asked.
    pub information_flow: Option<String>,
    /// The level that holds for this call.
    pub level: Autonomy,
    /// Why that level wants a person asked.
    pub level_asks_before: Option<String>,
    /// What a person has approved beforehand, if it is about this call.
    pub approval: Option<String>,
    /// What comes of all this.
    pub verdict: Verdict,
}

/// One capability on one resource by one method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResourceExplanation {
    /// The capability.
    pub capability: Capability,
    /// The resource, as it is judged: normalised.
    pub resource: String,
    /// The method, where the tool names its methods.
    pub method: Option<String>,
    /// The grant that covers it.
    pub grant: Option<Grant>,
    /// Every rule, in order.
    pub rules: Vec<RuleExplanation>,
    /// What rules and grants say of it.
    pub verdict: Verdict,
}

/// What one rule says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleExplanation {
    /// The rule in words, with its file and line.
    pub rule: String,
    /// What it decides where it matches.
    pub decision: Decision,
    /// Whether it matches.
    pub says: RuleSays,
}

/// Whether a rule matches, and if not, the first reason why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleSays {
    /// It decides.
    Decides,
    /// It matches, and another rule decides.
    Matches,
    /// Its time is over.
    Expired,
    /// It is about other tools.
    OtherTool,
    /// It is about other roles.
    OtherRole,
    /// It is about other tasks.
    OtherTask,
    /// It is about another capability.
    OtherCapability,
    /// It is about other resources.
    OtherResource,
}

impl Policy {
    /// Judges a call and says why. The verdict is the one of [`Policy::judge`].
    #[must_use]
    pub fn explain(&self, question: &Question<'_>) -> Explanation {
        let wanted = self.wanted_by(question).unwrap_or_default();
        let judgeable = self.wanted_by(question).is_ok();
        let level = level::level(self, question, &wanted);
        let mut resources = Vec::new();
        for one in &wanted {
            for method in one.methods() {
                resources.push(self.explain_access(question, one, method));
            }
        }
        let of_tool = || {
            let finding = self.judge_without_access(question);
            self.rules
                .iter()
                .map(|rule| rule_says(rule, question, finding, rule.is_for_any_access()))
                .collect()
        };
        Explanation {
            tool_rules: if judgeable && wanted.is_empty() {
                of_tool()
            } else {
                Vec::new()
            },
            resources,
            information_flow: flow::reason_to_ask(self, question, &wanted).filter(|_| judgeable),
            level,
            level_asks_before: level::reason_to_ask(level, question, &wanted).map(str::to_owned),
            approval: approval::covering(question).map(approval::words),
            verdict: self.judge(question),
        }
    }

    fn explain_access(
        &self,
        question: &Question<'_>,
        wanted: &Wanted<'_>,
        method: Option<&str>,
    ) -> ResourceExplanation {
        let finding = self.judge_access(question, wanted, method);
        let of_rule = |rule: &CompiledRule| {
            let covers = rule.covers(wanted, method);
            let mut said = rule_says(rule, question, finding, covers);
            if said.says == RuleSays::OtherResource && !rule.is_of(wanted.capability) {
                said.says = RuleSays::OtherCapability;
            }
            said
        };
        ResourceExplanation {
            capability: wanted.capability,
            resource: wanted.resource.to_string(),
            method: method.map(str::to_owned),
            grant: covering_grant(question, wanted, method).cloned(),
            rules: self.rules.iter().map(of_rule).collect(),
            verdict: finding.verdict(question, wanted, method),
        }
    }
}

fn rule_says(
    rule: &CompiledRule,
    question: &Question<'_>,
    finding: Finding<'_>,
    covers: bool,
) -> RuleExplanation {
    let decides = match finding.reason {
        Reason::Rule(deciding) => std::ptr::eq(deciding, rule),
        Reason::NoGrant | Reason::NoRule | Reason::NoAccess => false,
    };
    let says = if decides {
        RuleSays::Decides
    } else if !rule.counts_at(question.now_ms) {
        RuleSays::Expired
    } else if !rule.tool.cover(&question.tool.name) {
        RuleSays::OtherTool
    } else if !rule.role.cover(question.role) {
        RuleSays::OtherRole
    } else if !rule.task.cover(question.task_id()) {
        RuleSays::OtherTask
    } else if covers {
        RuleSays::Matches
    } else {
        RuleSays::OtherResource
    };
    RuleExplanation {
        rule: rule.to_string(),
        decision: rule.decision,
        says,
    }
}

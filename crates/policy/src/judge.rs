//! The judgement of one call. Every resource it wants is judged by itself, and the worst of
//! these findings is the call's; then come information flow, the autonomy level and what
//! people have approved.

use crate::approval;
use crate::flow;
use crate::index::{Index, caller_keys};
use crate::level;
use crate::policy::Policy;
use crate::rule::CompiledRule;
use crate::wanted::{Wanted, wanted};
use leadhand_protocol::{
    Approval, Autonomy, Capability, Decision, Grant, Isolation, Label, Task, ToolCall, ToolSpec,
    Verdict,
};
use leadhand_resource::Pattern;
use std::fmt::Write;

/// Most grants that a verdict names.
const GRANTS_NAMED_MAX: usize = 8;
/// What the words of a verdict usually fit into.
const BECAUSE_BYTES: usize = 192;

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

impl Question<'_> {
    /// The task's id; empty when there is none.
    pub(crate) fn task_id(&self) -> &str {
        self.task.map_or("", |task| task.id.as_str())
    }
}

/// A decision on its way to a verdict.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) verdict: Verdict,
    /// Whether a question must be put to a person even at L5.
    pub(crate) must_ask: bool,
}

/// What rules and grants say of one thing that a call wants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finding<'a> {
    pub(crate) decision: Decision,
    pub(crate) reason: Reason<'a>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Reason<'a> {
    Rule(&'a CompiledRule),
    NoGrant,
    NoRule,
    NoAccess,
}

impl Policy {
    /// Judges one call. Total: whatever the arguments hold, there is a verdict, and its
    /// `because` is a sentence that a person and a model can act on.
    #[must_use]
    pub fn judge(&self, question: &Question<'_>) -> Verdict {
        match self.wanted_by(question) {
            Ok(wanted) => {
                let of_rules = self.judge_by_rules(question, &wanted);
                self.judge_further(question, &wanted, of_rules)
            }
            Err(why) => deny(why),
        }
    }

    pub(crate) fn wanted_by<'a>(&self, question: &Question<'a>) -> Result<Vec<Wanted<'a>>, String> {
        if question.call.name != question.tool.name {
            let (called, judged) = (&question.call.name, &question.tool.name);
            return Err(format!(
                "the call is of `{called}`, but was judged as `{judged}`"
            ));
        }
        wanted(question.tool, question.call)
    }

    fn judge_by_rules(&self, question: &Question<'_>, wanted: &[Wanted<'_>]) -> Verdict {
        let mut worst: Option<(Finding<'_>, &Wanted<'_>, Option<&str>)> = None;
        for one in wanted {
            for method in one.methods() {
                let finding = self.judge_access(question, one, method);
                if worst.is_none_or(|(worst, _, _)| finding.decision > worst.decision) {
                    worst = Some((finding, one, method));
                }
            }
        }
        match worst {
            Some((finding, one, method)) => finding.verdict(question, one, method),
            None => self
                .judge_without_access(question)
                .verdict_of_tool(question),
        }
    }

    /// What is laid over rules and grants: nothing here allows what they deny.
    pub(crate) fn judge_further(
        &self,
        question: &Question<'_>,
        wanted: &[Wanted<'_>],
        of_rules: Verdict,
    ) -> Verdict {
        let judged = flow::apply(self, of_rules, question, wanted);
        let level = level::level(self, question, wanted);
        let judged = level::apply(judged, level, question, wanted);
        approval::apply(judged, question)
    }

    pub(crate) fn judge_without_access(&self, question: &Question<'_>) -> Finding<'_> {
        let first = self.first_of(question, &[], CompiledRule::is_for_any_access);
        let unless_allowed = first.fallback.filter(|_| first.allow.is_none());
        let (decision, place) = match (first.deny, first.ask.or(unless_allowed)) {
            (Some(place), _) => (Decision::Deny, Some(place)),
            (None, Some(place)) => (Decision::Ask, Some(place)),
            (None, None) => (Decision::Allow, None),
        };
        let reason = place.map_or(Reason::NoAccess, |place| Reason::Rule(&self.rules[place]));
        Finding { decision, reason }
    }

    pub(crate) fn judge_access(
        &self,
        question: &Question<'_>,
        wanted: &Wanted<'_>,
        method: Option<&str>,
    ) -> Finding<'_> {
        let found = self.first_rules(question, wanted, method);
        let rule = |place: usize| &self.rules[place];
        let (decision, reason) = match found {
            First { deny: Some(it), .. } => (Decision::Deny, Reason::Rule(rule(it))),
            _ if covering_grant(question, wanted, method).is_none() => {
                (Decision::Deny, Reason::NoGrant)
            }
            First { ask: Some(it), .. } => (Decision::Ask, Reason::Rule(rule(it))),
            First {
                allow: Some(it), ..
            } => (Decision::Allow, Reason::Rule(rule(it))),
            First {
                fallback: Some(it), ..
            } => (Decision::Ask, Reason::Rule(rule(it))),
            First { .. } => match self.leading(question, wanted) {
                Some(rule) => (Decision::Allow, Reason::Rule(rule)),
                None => (Decision::Deny, Reason::NoRule),
            },
        };
        Finding { decision, reason }
    }

    /// Of each decision the first rule that covers what is wanted.
    fn first_rules(
        &self,
        question: &Question<'_>,
        wanted: &Wanted<'_>,
        method: Option<&str>,
    ) -> First {
        let covers = |rule: &CompiledRule| rule.covers(wanted, method);
        if !wanted.is_unclear() {
            return self.first_of(question, &wanted.keys, covers);
        }
        let mut first = First::default();
        for (place, rule) in self.rules.iter().enumerate() {
            first.look_at(place, rule, question, covers);
        }
        first
    }

    /// The same out of the rules that stand under these words or those of the caller.
    fn first_of(
        &self,
        question: &Question<'_>,
        keys: &[u64],
        covers: impl Fn(&CompiledRule) -> bool,
    ) -> First {
        let mut first = First::default();
        let mut look = |place: usize| first.look_at(place, &self.rules[place], question, &covers);
        let caller = caller_keys(&question.tool.name, question.role, question.task_id());
        let index: &Index = &self.index;
        for key in caller.iter().chain(keys) {
            index.under(*key).for_each(&mut look);
        }
        index.others().for_each(&mut look);
        first
    }

    fn leading(&self, question: &Question<'_>, wanted: &Wanted<'_>) -> Option<&CompiledRule> {
        if !may_lead_through(question, wanted) {
            return None;
        }
        self.rules.iter().find(|rule| {
            rule.decision == Decision::Allow && rule.leads_through(wanted) && rule.is_for(question)
        })
    }

    /// Whether an `allow` that also holds for untrusted content covers what is wanted.
    pub(crate) fn is_open_to_untrusted(
        &self,
        question: &Question<'_>,
        wanted: &Wanted<'_>,
    ) -> bool {
        wanted.methods().all(|method| {
            self.rules
                .iter()
                .any(|rule| rule.untrusted && rule.covers(wanted, method) && rule.is_for(question))
        })
    }

    /// The same of a tool that says of nothing what it touches.
    pub(crate) fn is_tool_open_to_untrusted(&self, question: &Question<'_>) -> bool {
        self.rules
            .iter()
            .any(|rule| rule.untrusted && rule.is_for_any_access() && rule.is_for(question))
    }
}

/// Places of the first rules, one for each decision.
#[derive(Debug, Clone, Copy, Default)]
struct First {
    deny: Option<usize>,
    ask: Option<usize>,
    allow: Option<usize>,
    /// An `ask` that gives way to an `allow`.
    fallback: Option<usize>,
}

impl First {
    fn look_at(
        &mut self,
        place: usize,
        rule: &CompiledRule,
        question: &Question<'_>,
        covers: impl Fn(&CompiledRule) -> bool,
    ) {
        let found = self.of(rule);
        if found.is_none_or(|found| place < found) && covers(rule) && rule.is_for(question) {
            *found = Some(place);
        }
    }

    fn of(&mut self, rule: &CompiledRule) -> &mut Option<usize> {
        match rule.decision {
            Decision::Deny => &mut self.deny,
            Decision::Ask if rule.unless_allowed => &mut self.fallback,
            Decision::Ask => &mut self.ask,
            Decision::Allow => &mut self.allow,
        }
    }
}

impl Finding<'_> {
    pub(crate) fn verdict(
        self,
        question: &Question<'_>,
        wanted: &Wanted<'_>,
        method: Option<&str>,
    ) -> Verdict {
        let what = wanted.by(method);
        let because = match self.reason {
            Reason::Rule(rule) => {
                // One allocation for what most verdicts say.
                let mut because = String::with_capacity(BECAUSE_BYTES);
                let written = write!(because, "the rule {rule} covers {what}");
                written.expect("a text takes whatever is written");
                because
            }
            Reason::NoGrant => {
                let granted = granted(question.grants, wanted.capability);
                format!("no grant of this agent covers {what}; it has {granted}")
            }
            Reason::NoRule => format!("no rule allows {what}"),
            Reason::NoAccess => return self.verdict_of_tool(question),
        };
        Verdict {
            decision: self.decision,
            because,
        }
    }

    pub(crate) fn verdict_of_tool(self, question: &Question<'_>) -> Verdict {
        let tool = &question.tool.name;
        let because = match self.reason {
            Reason::Rule(rule) => format!("the rule {rule}"),
            Reason::NoAccess => {
                format!("`{tool}` asks for no capability, so it needs no rule")
            }
            Reason::NoGrant | Reason::NoRule => format!("nothing allows `{tool}`"),
        };
        Verdict {
            decision: self.decision,
            because,
        }
    }
}

/// A sandboxed tool may look round in a folder that is not granted itself when something in
/// it is: the sandbox shows it nothing else. Of a native tool nobody can say that.
fn may_lead_through(question: &Question<'_>, wanted: &Wanted<'_>) -> bool {
    wanted.capability == Capability::FsRead && question.tool.isolation == Isolation::Sandboxed
}

/// The first grant that covers what is wanted. One that cannot be read covers nothing.
pub(crate) fn covering_grant<'a>(
    question: &Question<'a>,
    wanted: &Wanted<'_>,
    method: Option<&str>,
) -> Option<&'a Grant> {
    let leads = may_lead_through(question, wanted);
    question.grants.iter().find(|grant| {
        grant.capability == wanted.capability
            && (grant.resource == "**"
                || Pattern::parse(crate::capability::kind(grant.capability), &grant.resource)
                    .is_ok_and(|pattern| {
                        pattern.covers(&wanted.resource, method)
                            || (leads && pattern.leads_through(&wanted.resource))
                    }))
    })
}

fn granted(grants: &[Grant], capability: Capability) -> String {
    let resources: Vec<String> = grants
        .iter()
        .filter(|grant| grant.capability == capability)
        .take(GRANTS_NAMED_MAX)
        .map(|grant| format!("`{}`", grant.resource))
        .collect();
    if resources.is_empty() {
        format!("none for {capability}")
    } else {
        format!("{capability} on {}", resources.join(", "))
    }
}

pub(crate) fn deny(because: String) -> Verdict {
    Verdict {
        decision: Decision::Deny,
        because,
    }
}

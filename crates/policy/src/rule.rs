//! A rule, compiled: its patterns read once, and its words ready for the verdict.

use crate::capability::kind;
use crate::date;
use crate::judge::Question;
use crate::wanted::Wanted;
use leadhand_protocol::{Capability, Decision, Grant, Rule};
use leadhand_resource::{Kind, NameGlob, Pattern};
use std::fmt;

#[derive(Debug, Clone)]
pub(crate) struct CompiledRule {
    pub(crate) decision: Decision,
    pub(crate) capability: Option<Capability>,
    pub(crate) tool: Names,
    pub(crate) role: Names,
    pub(crate) task: Names,
    /// None is about any resource. Patterns of `deny` and `ask` are closing ones.
    pub(crate) patterns: Option<Vec<Pattern>>,
    pub(crate) until_ms: Option<u64>,
    pub(crate) untrusted: bool,
    pub(crate) unless_allowed: bool,
    /// The pattern as it was written; `**` where nothing was.
    written: String,
    words: String,
}

/// The names that a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    /// None is any name.
    globs: Option<Vec<NameGlob>>,
}

impl Names {
    fn parse(text: &str) -> Result<Self, String> {
        let globs = match text {
            "" => None,
            text => Some(NameGlob::parse(text)?),
        };
        Ok(Self {
            globs: globs.filter(|globs| !globs.iter().any(NameGlob::is_everything)),
        })
    }

    pub(crate) fn cover(&self, name: &str) -> bool {
        match &self.globs {
            None => true,
            Some(globs) => globs.iter().any(|glob| glob.covers(name)),
        }
    }

    /// Each name, when these are some few.
    pub(crate) fn literals(&self) -> Option<Vec<&str>> {
        self.globs.as_ref()?.iter().map(NameGlob::literal).collect()
    }

    /// Whether all of `other` are among them. `false` may also mean that it cannot be told.
    pub(crate) fn include(&self, other: &Self, steps_left: &mut usize) -> bool {
        match (&self.globs, &other.globs) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(other)) => {
                let own = Pattern::Names(own.clone());
                own.includes(&Pattern::Names(other.clone()), steps_left)
            }
        }
    }
}

impl CompiledRule {
    pub(crate) fn compile(rule: &Rule) -> Result<Self, String> {
        if rule.untrusted && rule.decision != Decision::Allow {
            return Err("untrusted: only an `allow` can hold for untrusted content".to_owned());
        }
        if rule.unless_allowed && rule.decision != Decision::Ask {
            return Err("unless_allowed: only an `ask` can give way to an `allow`".to_owned());
        }
        let patterns = patterns(rule).map_err(|why| format!("resource: {why}"))?;
        Ok(Self {
            decision: rule.decision,
            capability: rule.capability,
            tool: Names::parse(&rule.tool).map_err(|why| format!("tool: {why}"))?,
            role: Names::parse(&rule.role).map_err(|why| format!("role: {why}"))?,
            task: Names::parse(&rule.task).map_err(|why| format!("task: {why}"))?,
            written: match patterns {
                None => "**".to_owned(),
                Some(_) => rule.resource.clone(),
            },
            patterns,
            until_ms: rule.until_ms,
            untrusted: rule.untrusted,
            unless_allowed: rule.unless_allowed,
            words: words(rule),
        })
    }

    pub(crate) fn is_for(&self, question: &Question<'_>) -> bool {
        self.counts_at(question.now_ms)
            && self.tool.cover(&question.tool.name)
            && self.role.cover(question.role)
            && self.task.cover(question.task_id())
    }

    pub(crate) fn counts_at(&self, now_ms: u64) -> bool {
        self.until_ms.is_none_or(|until_ms| now_ms < until_ms)
    }

    /// Whether the rule speaks of tools as such and not of what they touch.
    pub(crate) fn is_for_any_access(&self) -> bool {
        self.capability.is_none() && self.patterns.is_none()
    }

    pub(crate) fn is_of(&self, capability: Capability) -> bool {
        self.capability.is_none_or(|own| own == capability)
    }

    pub(crate) fn covers(&self, wanted: &Wanted<'_>, method: Option<&str>) -> bool {
        let covers = |pattern: &Pattern| match self.decision {
            Decision::Allow => pattern.covers(&wanted.resource, method),
            Decision::Ask | Decision::Deny => pattern.closes(&wanted.resource, method),
        };
        self.is_of(wanted.capability)
            && match &self.patterns {
                None => true,
                Some(patterns) => patterns.iter().any(covers),
            }
    }

    /// Whether the rule lets a sandboxed tool read something below the folder it names.
    pub(crate) fn leads_through(&self, wanted: &Wanted<'_>) -> bool {
        let mut patterns = self.patterns.iter().flatten();
        self.is_of(wanted.capability) && patterns.any(|it| it.leads_through(&wanted.resource))
    }

    /// What it is about, as grants: one for each capability that its pattern can be of.
    pub(crate) fn grants(&self) -> impl Iterator<Item = Grant> + '_ {
        let is_of = |capability: Capability| match &self.patterns {
            None => true,
            Some(patterns) => {
                let mut kinds = patterns.iter().map(Pattern::kind);
                kinds.any(|of_pattern| of_pattern == kind(capability))
            }
        };
        Capability::ALL
            .into_iter()
            .filter(move |capability| self.is_of(*capability) && is_of(*capability))
            .map(|capability| Grant {
                capability,
                resource: self.written.clone(),
            })
    }
}

/// The rule in words, such as "`deny **/.git/**` (built in)".
impl fmt::Display for CompiledRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// The patterns of a rule, one for each kind of resource that it is about.
///
/// Without a capability a text with `://` is about URLs, another one about paths; a `deny` or
/// `ask` without a `/` closes names as well, such as `AWS_*` for variables and secrets.
fn patterns(rule: &Rule) -> Result<Option<Vec<Pattern>>, String> {
    let written = rule.resource.as_str();
    let closes = rule.decision != Decision::Allow;
    let kinds: &[Kind] = match rule.capability.map(kind) {
        Some(Kind::Path) => &[Kind::Path],
        Some(Kind::Url) => &[Kind::Url],
        Some(Kind::Name) => &[Kind::Name],
        None if written.contains("://") => &[Kind::Url],
        None if closes && !written.contains('/') => &[Kind::Path, Kind::Name],
        None => &[Kind::Path],
    };
    if matches!(written, "" | "**") {
        return Ok(None);
    }
    let looks_like_class = written.replace("\\[", "").contains('[');
    if looks_like_class && !kinds.contains(&Kind::Url) {
        return Err(format!(
            "`{written}` looks like a character class, which does not exist here; write `?` for any character, `{{a,b}}` for alternatives or `\\[` for the bracket itself"
        ));
    }
    let read = |kind: &Kind| {
        let pattern = Pattern::parse(*kind, written)?;
        Ok(if closes { pattern.closing() } else { pattern })
    };
    kinds.iter().map(read).collect::<Result<_, _>>().map(Some)
}

fn words(rule: &Rule) -> String {
    let mut words = match rule.decision {
        Decision::Allow => "allow",
        Decision::Ask => "ask",
        Decision::Deny => "deny",
    }
    .to_owned();
    for (before, value) in [
        (" ", rule.capability.map_or("", Capability::as_str)),
        (" ", rule.resource.as_str()),
        (" by tool ", rule.tool.as_str()),
        (" for role ", rule.role.as_str()),
        (" for task ", rule.task.as_str()),
    ] {
        if !value.is_empty() {
            words.push_str(before);
            words.push_str(value);
        }
    }
    if let Some(until_ms) = rule.until_ms {
        words.push_str(" until ");
        words.push_str(&date::written(until_ms));
    }
    if rule.unless_allowed {
        words.push_str(" unless allowed");
    }
    if rule.untrusted {
        words.push_str(" even when untrusted");
    }
    format!("`{words}` ({})", source(rule))
}

/// Where a rule stands, for people.
pub(crate) fn source(rule: &Rule) -> &str {
    if rule.source.is_empty() {
        "a rule without a source"
    } else {
        &rule.source
    }
}

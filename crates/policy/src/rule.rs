//! A rule, compiled: its globs parsed once, and its words ready for the verdict.

use crate::pattern::{NameGlob, PathGlob};
use crate::wanted::{Resource, Wanted, is_of_files};
use leadhand_protocol::{Capability, Decision, Rule};

#[derive(Debug, Clone)]
pub(crate) struct CompiledRule {
    pub(crate) decision: Decision,
    pub(crate) capability: Option<Capability>,
    pub(crate) resource: ResourceGlob,
    tool: NameGlob,
    role: NameGlob,
    words: String,
}

/// A glob over resources of any capability.
#[derive(Debug, Clone)]
pub(crate) struct ResourceGlob {
    written: String,
    /// Empty where the text can only be the name of something that is no file.
    paths: Vec<PathGlob>,
}

impl CompiledRule {
    pub(crate) fn compile(rule: &Rule) -> Result<Self, String> {
        Ok(Self {
            decision: rule.decision,
            capability: rule.capability,
            resource: ResourceGlob::compile(rule)?,
            tool: NameGlob::parse(&rule.tool).map_err(|why| format!("tool: {why}"))?,
            role: NameGlob::parse(&rule.role).map_err(|why| format!("role: {why}"))?,
            words: words(rule),
        })
    }

    pub(crate) fn is_for(&self, tool: &str, role: &str) -> bool {
        self.tool.matches(tool) && self.role.matches(role)
    }

    /// Whether the rule speaks of tools as such and not of what they touch.
    pub(crate) fn is_for_any_access(&self) -> bool {
        self.capability.is_none() && self.resource.is_any()
    }

    pub(crate) fn covers(&self, wanted: &Wanted) -> bool {
        self.capability
            .is_none_or(|capability| capability == wanted.capability)
            && self
                .resource
                .covers(&wanted.resource, self.decision != Decision::Allow)
    }

    /// Whether the rule lets a sandboxed tool read something below the folder it names.
    pub(crate) fn leads_through(&self, wanted: &Wanted) -> bool {
        self.capability
            .is_none_or(|capability| capability == wanted.capability)
            && self.resource.leads_through(&wanted.resource)
    }
}

/// The rule in words, such as "`deny fs.write **/.git/**` (built in)".
impl std::fmt::Display for CompiledRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.words)
    }
}

impl ResourceGlob {
    fn compile(rule: &Rule) -> Result<Self, String> {
        let written = rule.resource.clone();
        if written.is_empty() {
            return Ok(Self {
                written,
                paths: Vec::new(),
            });
        }
        if rule
            .capability
            .is_some_and(|capability| !is_of_files(capability))
        {
            if written != "**" && written.contains(['*', '?']) {
                return Err(format!(
                    "resource: `{written}` is a glob, but only files take one; write the resource itself or `**`"
                ));
            }
            return Ok(Self {
                written,
                paths: Vec::new(),
            });
        }
        if written.replace("\\[", "").contains('[') {
            return Err(format!(
                "resource: `{written}` looks like a character class, which does not exist here; write `?` for any character, `{{a,b}}` for alternatives or `\\[` for the bracket itself"
            ));
        }
        // A file system may not tell `.GIT` from `.git`, so what refuses must not either.
        let compared = match rule.decision {
            Decision::Allow => written.clone(),
            Decision::Ask | Decision::Deny => written.to_lowercase(),
        };
        let paths = PathGlob::parse(&compared).map_err(|why| format!("resource: {why}"))?;
        Ok(Self { written, paths })
    }

    /// The glob of a grant; an empty one, and one that cannot be read, covers nothing.
    pub(crate) fn of_grant(resource: &str) -> Option<Self> {
        let paths = PathGlob::parse(resource).unwrap_or_default();
        (!resource.is_empty()).then(|| Self {
            written: resource.to_owned(),
            paths,
        })
    }

    /// As a glob over resources: what an empty one means is written out.
    pub(crate) fn written(&self) -> &str {
        if self.is_any() { "**" } else { &self.written }
    }

    fn is_any(&self) -> bool {
        self.written.is_empty()
    }

    pub(crate) fn covers(&self, resource: &Resource, fold_case: bool) -> bool {
        if self.is_any() {
            return true;
        }
        match resource {
            Resource::Path { folded, .. } if fold_case => {
                self.paths.iter().any(|glob| glob.covers(folded))
            }
            Resource::Path { names, .. } => self.paths.iter().any(|glob| glob.covers(names)),
            Resource::Named(name) => self.written == "**" || self.written == *name,
            Resource::All => self.written == "**" || self.paths.iter().any(PathGlob::is_everything),
        }
    }

    pub(crate) fn leads_through(&self, resource: &Resource) -> bool {
        match resource {
            Resource::Path { names, .. } => self.paths.iter().any(|glob| glob.leads_through(names)),
            Resource::Named(_) | Resource::All => false,
        }
    }
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
    ] {
        if !value.is_empty() {
            words.push_str(before);
            words.push_str(value);
        }
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

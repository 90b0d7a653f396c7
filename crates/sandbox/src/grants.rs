//! Path grants: which paths of the workspace a call may read and write. The globs come from
//! policy and mean the same here, since both read them with `leadhand_resource`. One that
//! cannot be read grants nothing, and closes everything.

use crate::path::is_reserved;
use leadhand_protocol::{Capability, Grant, Permit};
use leadhand_resource::{PathGlob, fold};

/// The file grants of one call.
#[derive(Debug)]
pub(crate) struct PathGrants {
    read: Granted,
    write: Granted,
    /// What may be listed beside what may be read.
    listed: Granted,
}

/// The globs of one capability.
#[derive(Debug)]
struct Granted {
    open: Vec<PathGlob>,
    /// What no grant opens, over paths in lower case.
    closed: Vec<PathGlob>,
    /// The open globs as they were written, for messages.
    written: Vec<String>,
}

impl PathGrants {
    pub(crate) fn new(permit: &Permit) -> Self {
        Self {
            read: Granted::new(&permit.grants, &permit.closed, Capability::FsRead),
            write: Granted::new(&permit.grants, &permit.closed, Capability::FsWrite),
            listed: Granted::new(&permit.listed, &permit.closed, Capability::FsRead),
        }
    }

    fn of(&self, capability: Capability) -> Option<&Granted> {
        match capability {
            Capability::FsRead => Some(&self.read),
            Capability::FsWrite => Some(&self.write),
            _ => None,
        }
    }

    /// Whether `path` itself is covered.
    pub(crate) fn allow(&self, capability: Capability, path: &str) -> bool {
        self.of(capability)
            .is_some_and(|granted| granted.covers(path) && !granted.closes(path))
    }

    /// Whether the folder is covered or may hold something that is: such a folder can be
    /// listed (its covered entries only) and, for writing, created.
    pub(crate) fn lead_through(&self, capability: Capability, folder: &str) -> bool {
        self.of(capability)
            .is_some_and(|granted| granted.leads_through(folder))
    }

    /// Whether a folder may be listed.
    pub(crate) fn may_list(&self, folder: &str) -> bool {
        self.read.leads_through(folder) || self.listed.leads_through(folder)
    }

    /// Whether a list may show that a file is there.
    pub(crate) fn may_show(&self, path: &str) -> bool {
        let shows = |granted: &Granted| granted.covers(path) && !granted.closes(path);
        shows(&self.read) || shows(&self.listed)
    }

    /// Whether everything below the folder is covered, whatever its name: needed to move it.
    /// Where something below might be closed, its files can be moved one by one.
    pub(crate) fn allow_tree(&self, capability: Capability, folder: &str) -> bool {
        self.of(capability).is_some_and(|granted| {
            let folded = fold(folder);
            let closes = |glob: &PathGlob| glob.covers(&folded) || glob.leads_through(&folded);
            granted.open.iter().any(|glob| glob.covers_tree(folder))
                && !granted.closed.iter().any(closes)
        })
    }

    /// The covered globs, for a message.
    pub(crate) fn describe(&self, capability: Capability) -> String {
        match self.of(capability) {
            Some(granted) if !granted.written.is_empty() => granted.written.join(", "),
            _ => "nothing".to_owned(),
        }
    }
}

impl Granted {
    fn new(grants: &[Grant], closed: &[Grant], capability: Capability) -> Self {
        let of_capability = |grant: &&Grant| grant.capability == capability;
        let (mut open, mut written) = (Vec::new(), Vec::new());
        for grant in grants.iter().filter(of_capability) {
            if let Ok(globs) = parse(&grant.resource) {
                open.extend(globs);
                written.push(grant.resource.clone());
            }
        }
        let closed = closed.iter().filter(of_capability);
        Self {
            open,
            closed: closed.flat_map(closing).collect(),
            written,
        }
    }

    fn leads_through(&self, folder: &str) -> bool {
        let leads = self.open.iter().any(|glob| glob.leads_through(folder));
        (leads || self.covers(folder)) && !self.closes(folder)
    }

    fn covers(&self, path: &str) -> bool {
        self.open.iter().any(|glob| glob.covers(path))
    }

    fn closes(&self, path: &str) -> bool {
        if self.closed.is_empty() {
            return false;
        }
        let folded = fold(path);
        self.closed.iter().any(|glob| glob.covers(&folded))
    }
}

fn parse(resource: &str) -> Result<Vec<PathGlob>, String> {
    if resource.is_empty() {
        return Err("an empty glob is of nothing".to_owned());
    }
    PathGlob::parse(resource)
}

/// What a closed grant closes; names that are never accessible need no closing.
fn closing(grant: &Grant) -> Vec<PathGlob> {
    match parse(&grant.resource) {
        Ok(globs) => {
            let is_open = |glob: &PathGlob| {
                let mut names = glob.names().filter_map(|name| name.literal());
                !names.any(is_reserved)
            };
            globs
                .iter()
                .filter(|glob| is_open(glob))
                .map(PathGlob::closing)
                .collect()
        }
        Err(_) => PathGlob::parse("**").unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadhand_policy::{Policy, Question};
    use leadhand_protocol::{
        Access, Autonomy, Decision, Effect, Isolation, Label, Rule, ToolCall, ToolSpec,
    };
    use serde_json::json;
    use std::sync::Arc;

    /// Which of `paths` the glob covers, leads through and covers as a tree.
    fn check(glob: &str, path: &str, allow: bool, lead_through: bool, allow_tree: bool) {
        let grant = Grant {
            capability: Capability::FsRead,
            resource: glob.to_owned(),
        };
        let grants = PathGrants::new(&Permit {
            grants: vec![grant],
            closed: Vec::new(),
            listed: Vec::new(),
        });
        let read = Capability::FsRead;
        let found = (
            grants.allow(read, path),
            grants.lead_through(read, path),
            grants.allow_tree(read, path),
        );
        assert_eq!(found, (allow, lead_through, allow_tree), "{glob} on {path}");
        assert!(
            !grants.lead_through(Capability::FsWrite, path),
            "{glob} gives no writing"
        );
    }

    #[test]
    fn globs_cover_what_they_say() {
        check("**", "a", true, true, true);
        check("**", "a/b/c.md", true, true, true);
        check("**", ".", true, true, true);
        check("docs/**", ".", false, true, false);
        check("docs/**", "docs/a/b.md", true, true, true);
        check("docs/**", "docs", true, true, true);
        check("docs/**", "documents", false, false, false);
        check("./docs/**", "docs/a", true, true, true);
        check("*.md", "a.md", true, true, false);
        check("*.md", "docs/a.md", false, false, false);
        check("src/*/docs/*.md", "src/x/docs", false, true, false);
        check("src/*/docs/*.md", "src/x/other", false, false, false);
        check("{src,docs}/*.md", "docs", false, true, false);
        check("**/*.md", "a/b", false, true, false);
        check("docs", "docs/a", false, false, false);
    }

    #[test]
    fn what_is_closed_no_grant_opens() {
        let on = |resource: &str| Grant {
            capability: Capability::FsRead,
            resource: resource.to_owned(),
        };
        for (closed, path, open) in [
            ("secrets/**", "secrets/key", false),
            ("secrets/**", "Secrets/Key", false),
            ("secrets/**", "secrets", false),
            ("secrets", "secrets/key", false),
            ("**/*.pem", "a/b.pem", false),
            ("secrets/**", "public/key", true),
            ("secrets/*", "secrets/a/key", false),
            ("{", "anything", false),
            ("", "anything", false),
            ("**/.git/**", "a.md", true),
        ] {
            let grants = PathGrants::new(&Permit {
                grants: vec![on("**")],
                closed: vec![on(closed)],
                listed: Vec::new(),
            });
            assert_eq!(
                grants.allow(Capability::FsRead, path),
                open,
                "{closed} on {path}"
            );
        }
    }

    #[test]
    fn malformed_and_negated_globs_grant_nothing() {
        for glob in ["", "!a", "!!**", "{a,b", "/a", "../a", "a\\"] {
            check(glob, "a", false, false, false);
            check(glob, ".", false, false, false);
        }
    }

    #[test]
    fn a_tree_is_allowed_when_nothing_below_may_be_closed() {
        let on = |resource: &str| Grant {
            capability: Capability::FsWrite,
            resource: resource.to_owned(),
        };
        for (closed, folder, allowed) in [
            ("secrets/**", "docs", true),
            ("Docs/secrets", "docs", false),
            ("**/*.pem", "docs", false),
            ("docs", "docs/a", false),
            ("**/.git/**", "docs", true),
        ] {
            let grants = PathGrants::new(&Permit {
                grants: vec![on("**")],
                closed: vec![on(closed)],
                listed: Vec::new(),
            });
            let found = grants.allow_tree(Capability::FsWrite, folder);
            assert_eq!(found, allowed, "{closed} on {folder}");
        }
    }

    /// What policy says of a path and what is enforced is one and the same, for a tool that may
    /// look round as the sandboxed ones do.
    #[test]
    fn grants_mean_here_what_they_mean_to_policy() {
        let names = ["a", "b", "A", "ab"];
        let below = names
            .map(|folder| names.map(|name| format!("{folder}/{name}")))
            .concat();
        let paths: Vec<String> = names.map(str::to_owned).into_iter().chain(below).collect();
        let globs = [
            "**", "a", "a/**", "*", "*/b", "**/b", "{a,b}/*", "?b", "A/*",
        ];
        for open in globs {
            for closed in globs.into_iter().chain(["none"]) {
                for path in &paths {
                    check_against_policy(open, closed, path);
                }
            }
        }
    }

    fn check_against_policy(open: &str, closed: &str, path: &str) {
        let on = |resource: &str| Grant {
            capability: Capability::FsWrite,
            resource: resource.to_owned(),
        };
        let permit = Permit {
            grants: vec![on(open)],
            closed: vec![on(closed)],
            listed: Vec::new(),
        };
        let rule = |decision, resource: &str| Rule {
            resource: resource.to_owned(),
            ..Rule::any(decision)
        };
        let rules = [rule(Decision::Allow, "**"), rule(Decision::Deny, closed)];
        let policy = Policy::new(&rules).expect("the rules are sound");
        let tool = ToolSpec {
            name: "write".to_owned(),
            description: String::new(),
            arguments: Arc::new(json!({})),
            result: None,
            effect: Effect::Idempotent,
            accesses: vec![Access::new(Capability::FsWrite, Some("path"))],
            probe: None,
            undo: None,
            isolation: Isolation::Sandboxed,
            trusted: false,
            equal_by: Vec::new(),
            poll_every_ms: None,
        };
        let verdict = policy.judge(&Question {
            tool: &tool,
            role: "",
            task: None,
            call: &ToolCall {
                id: String::new(),
                name: "write".to_owned(),
                arguments: json!({ "path": path }),
            },
            grants: &permit.grants,
            autonomy: Autonomy::L5,
            planned: true,
            label: &Label::default(),
            approvals: &[],
            now_ms: 0,
        });
        assert_eq!(
            PathGrants::new(&permit).allow(Capability::FsWrite, path),
            verdict.decision == Decision::Allow,
            "{open} without {closed} on {path}: {}",
            verdict.because
        );
    }
}

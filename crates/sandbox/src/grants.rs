//! Path grants: which paths of the workspace a call may read and write. The globs come from
//! policy; a glob that is malformed or negated grants nothing, and closes everything.

use crate::path::is_reserved;
use fast_glob::glob_match;
use leadhand_protocol::{Capability, Grant, Permit};

/// The file grants of one call.
#[derive(Debug)]
pub(crate) struct PathGrants {
    read: Vec<PathGlob>,
    write: Vec<PathGlob>,
    closed: Vec<ClosedGlob>,
}

/// A glob that no grant opens; letter case does not matter.
#[derive(Debug)]
struct ClosedGlob {
    capability: Capability,
    glob: String,
}

/// A glob, and the globs of the folders that lead to what it covers.
#[derive(Debug)]
struct PathGlob {
    glob: String,
    ancestors: Vec<String>,
}

impl PathGrants {
    pub(crate) fn new(permit: &Permit) -> Self {
        let globs = |capability| {
            permit
                .grants
                .iter()
                .filter(|grant| grant.capability == capability)
                .filter_map(|grant| PathGlob::parse(&grant.resource))
                .collect()
        };
        Self {
            read: globs(Capability::FsRead),
            write: globs(Capability::FsWrite),
            closed: permit.closed.iter().filter_map(ClosedGlob::parse).collect(),
        }
    }

    /// Whether a deny rule closes `path` itself or a folder above it.
    fn closes(&self, capability: Capability, path: &str) -> bool {
        let path = path.to_lowercase();
        let mut closed = self
            .closed
            .iter()
            .filter(|closed| closed.capability == capability);
        closed.any(|closed| {
            let ends = path
                .match_indices('/')
                .map(|(at, _)| at)
                .chain([path.len()]);
            ends.into_iter()
                .any(|end| glob_match(&closed.glob, &path[..end]))
                || closed
                    .glob
                    .strip_suffix("/**")
                    .is_some_and(|root| glob_match(root, &path))
        })
    }

    fn globs(&self, capability: Capability) -> &[PathGlob] {
        match capability {
            Capability::FsRead => &self.read,
            Capability::FsWrite => &self.write,
            _ => &[],
        }
    }

    /// Whether `path` itself is covered.
    pub(crate) fn allow(&self, capability: Capability, path: &str) -> bool {
        !self.closes(capability, path)
            && self
                .globs(capability)
                .iter()
                .any(|glob| glob_match(&glob.glob, path))
    }

    /// Whether the folder is covered or may hold something that is: such a folder can be
    /// listed (its covered entries only) and, for writing, created.
    pub(crate) fn lead_through(&self, capability: Capability, folder: &str) -> bool {
        let globs = self.globs(capability);
        let leads = (folder == "." && !globs.is_empty())
            || self.allow(capability, folder)
            || globs
                .iter()
                .flat_map(|glob| &glob.ancestors)
                .any(|glob| glob_match(glob, folder));
        leads && !self.closes(capability, folder)
    }

    /// Whether everything below the folder is covered, whatever its name: needed to move it.
    pub(crate) fn allow_tree(&self, capability: Capability, folder: &str) -> bool {
        if self
            .closed
            .iter()
            .any(|closed| closed.capability == capability)
        {
            // Something below might be closed: its files can be moved one by one.
            return false;
        }
        self.globs(capability).iter().any(|PathGlob { glob, .. }| {
            glob == "**" || (glob.ends_with("/**") && glob_match(glob, format!("{folder}/-")))
        })
    }

    /// The covered globs, for a message.
    pub(crate) fn describe(&self, capability: Capability) -> String {
        let globs: Vec<&str> = self
            .globs(capability)
            .iter()
            .map(|glob| glob.glob.as_str())
            .collect();
        if globs.is_empty() {
            "nothing".to_owned()
        } else {
            globs.join(", ")
        }
    }
}

impl ClosedGlob {
    /// `None` for names that are never accessible anyway.
    fn parse(grant: &Grant) -> Option<Self> {
        let glob = grant
            .resource
            .strip_prefix("./")
            .unwrap_or(&grant.resource)
            .to_lowercase();
        if glob.split('/').any(is_reserved) {
            return None;
        }
        let usable =
            !glob.is_empty() && !glob.starts_with('!') && fast_glob::validate(&glob).is_ok();
        let glob = if usable { glob } else { "**".to_owned() };
        Some(Self {
            capability: grant.capability,
            glob,
        })
    }
}

impl PathGlob {
    fn parse(resource: &str) -> Option<Self> {
        let glob = resource.strip_prefix("./").unwrap_or(resource);
        if glob.is_empty() || glob.starts_with('!') || fast_glob::validate(glob).is_err() {
            return None;
        }
        let mut depth = 0_u32;
        let mut ancestors = Vec::new();
        for (at, character) in glob.char_indices() {
            match character {
                '{' | '[' => depth += 1,
                '}' | ']' => depth = depth.saturating_sub(1),
                '/' if depth == 0 => ancestors.push(glob[..at].to_owned()),
                _ => {}
            }
        }
        Some(Self {
            glob: glob.to_owned(),
            ancestors,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of `paths` the glob covers, leads through and covers as a tree.
    fn check(glob: &str, path: &str, allow: bool, lead_through: bool, allow_tree: bool) {
        let grant = Grant {
            capability: Capability::FsRead,
            resource: glob.to_owned(),
        };
        let grants = PathGrants::new(&Permit {
            grants: vec![grant],
            closed: Vec::new(),
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
        check("docs/**", "docs", false, true, true);
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
            ("{", "anything", false),
            ("**/.git/**", "a.md", true),
        ] {
            let grants = PathGrants::new(&Permit {
                grants: vec![on("**")],
                closed: vec![on(closed)],
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
        for glob in ["", "!a", "!!**", "{a,b", "[a", "a\\"] {
            check(glob, "a", false, false, false);
            check(glob, ".", false, false, false);
        }
    }
}

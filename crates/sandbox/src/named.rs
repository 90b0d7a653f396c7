//! Grants whose resource is a name: a variable of the environment, a secret, the clock.

use leadhand_protocol::{Capability, Grant, Permit};
use leadhand_resource::{NameGlob, fold};

/// Whether a permit opens a name of one capability, and nothing in it closes the name. A glob
/// that cannot be read grants nothing, and closes everything.
pub(crate) fn opens(permit: &Permit, capability: Capability, name: &str) -> bool {
    let on = |grant: &&Grant| grant.capability == capability;
    let covers = |grant: &Grant| {
        let globs = NameGlob::parse(&grant.resource).unwrap_or_default();
        globs.iter().any(|glob| glob.covers(name))
    };
    let closes = |grant: &Grant| match NameGlob::parse(&grant.resource) {
        Ok(globs) => globs.iter().any(|glob| glob.folded().covers(&fold(name))),
        Err(_) => true,
    };
    permit.grants.iter().filter(on).any(covers) && !permit.closed.iter().filter(on).any(closes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(granted: &[&str], closed: &[&str], name: &str, expected: bool) {
        let on = |resources: &[&str]| {
            let grant = |resource: &&str| Grant {
                capability: Capability::Env,
                resource: (*resource).to_owned(),
            };
            resources.iter().map(grant).collect()
        };
        let permit = Permit {
            grants: on(granted),
            closed: on(closed),
            listed: Vec::new(),
        };
        let found = opens(&permit, Capability::Env, name);
        assert_eq!(found, expected, "{granted:?} {closed:?} on {name}");
        assert!(!opens(&permit, Capability::Secret, name));
    }

    #[test]
    fn names_are_opened_by_globs() {
        check(&[], &[], "HOME", false);
        check(&["HOME"], &[], "HOME", true);
        check(&["HOME"], &[], "HOMER", false);
        check(&["**"], &[], "HOME", true);
        check(&["AWS_*"], &[], "AWS_REGION", true);
        check(&["**"], &["aws_*"], "AWS_REGION", false);
        check(&["**"], &["{"], "HOME", false);
        check(&["{"], &[], "{", false);
        check(&["!HOME"], &[], "PATH", false);
    }
}

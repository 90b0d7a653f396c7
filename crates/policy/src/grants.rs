//! Grants handed down: from the policy to the run, from the run to a role, from a role to a
//! task. On the way they can only become fewer.

use crate::capability::kind;
use crate::rule::CompiledRule;
use leadhand_protocol::{Capability, Decision, Grant, Role, Rule, Task};
use leadhand_resource::{Path, PathGlob, Pattern, STEPS_MAX};

/// Most grants one agent may have; what is over is left out.
const GRANTS_MAX: usize = 256;

/// The grants of a run that may work on all of its workspace; tasks get a part of them.
#[must_use]
pub fn workspace_grants() -> Vec<Grant> {
    [Capability::FsRead, Capability::FsWrite]
        .map(|capability| Grant {
            capability,
            resource: "**".to_owned(),
        })
        .to_vec()
}

/// The most that anybody in a run under these rules may touch: the workspace, and what each
/// `allow` and `ask` rule is about. A rule that cannot be read gives nothing.
///
/// ```
/// use leadhand_policy::{built_in_rules, root_grants};
/// let grants = root_grants(&built_in_rules());
/// assert_eq!(grants.iter().map(|it| it.capability.as_str()).collect::<Vec<_>>(), ["fs.read", "fs.write", "clock", "net"]);
/// ```
#[must_use]
pub fn root_grants(rules: &[Rule]) -> Vec<Grant> {
    let mut grants = workspace_grants();
    let opening = rules.iter().filter(|rule| match rule.decision {
        Decision::Allow | Decision::Ask => true,
        Decision::Deny => false,
    });
    for rule in opening.filter_map(|rule| CompiledRule::compile(rule).ok()) {
        for grant in rule.grants() {
            let is_covered = |other: &Grant| {
                other.capability == grant.capability
                    && (other.resource == grant.resource || other.resource == "**")
            };
            if grants.iter().any(is_covered) {
                continue;
            }
            if grant.resource == "**" {
                grants.retain(|other| other.capability != grant.capability);
            }
            grants.push(grant);
        }
    }
    grants
}

/// What both `parent` and `child` give: never more than either. A grant that cannot be read
/// gives nothing.
///
/// ```
/// use leadhand_policy::attenuate;
/// use leadhand_protocol::{Capability::FsWrite, Grant};
/// let on = |resource: &str| vec![Grant { capability: FsWrite, resource: resource.to_owned() }];
/// assert_eq!(attenuate(&on("docs/**"), &on("**/*.md")), on("docs/**/*.md"));
/// assert_eq!(attenuate(&on("docs/**"), &on("src/**")), []);
/// ```
#[must_use]
pub fn attenuate(parent: &[Grant], child: &[Grant]) -> Vec<Grant> {
    let mut both: Vec<Grant> = Vec::new();
    let mut steps_left = STEPS_MAX;
    for of_child in child.iter().take(GRANTS_MAX) {
        for of_parent in parent
            .iter()
            .filter(|grant| grant.capability == of_child.capability)
        {
            for resource in common(of_parent, of_child, &mut steps_left) {
                let grant = Grant {
                    capability: of_child.capability,
                    resource,
                };
                if both.len() < GRANTS_MAX && !both.contains(&grant) {
                    both.push(grant);
                }
            }
        }
    }
    both
}

/// The grants of an agent that carries out `task` in `role`, out of the run's: within what the
/// role may touch, and changing only what the task declares (`writes` and `output_file`).
///
/// A task that is one tool call has no role: give [`Role::default`].
#[must_use]
pub fn task_grants(run: &[Grant], role: &Role, task: &Task) -> Vec<Grant> {
    let (writing, mut grants) = parted(run, role);
    let literal = task
        .output_file
        .iter()
        .filter_map(|path| Path::parse(path).ok())
        .map(|path| PathGlob::literal(&path).to_string());
    let declared: Vec<Grant> = task
        .writes
        .iter()
        .cloned()
        .chain(literal)
        .map(|resource| Grant {
            capability: Capability::FsWrite,
            resource,
        })
        .collect();
    grants.extend(attenuate(&writing, &declared));
    grants
}

/// What a task of this role may touch that declares no writes: [`task_grants`] of it.
#[must_use]
pub fn undeclared_grants(run: &[Grant], role: &Role) -> Vec<Grant> {
    parted(run, role).1
}

/// What a role is granted: of writing, and else.
fn parted(run: &[Grant], role: &Role) -> (Vec<Grant>, Vec<Grant>) {
    let of_role = match &role.grants {
        None => run.to_vec(),
        Some(own) => attenuate(run, own),
    };
    of_role
        .into_iter()
        .partition(|grant| grant.capability == Capability::FsWrite)
}

fn common(parent: &Grant, child: &Grant, steps_left: &mut usize) -> Vec<String> {
    let kind = kind(parent.capability);
    let read = |grant: &Grant| Pattern::parse(kind, &grant.resource);
    match (read(parent), read(child)) {
        (Ok(parent), Ok(child)) => parent.intersect(&child, steps_left),
        _ => Vec::new(),
    }
}

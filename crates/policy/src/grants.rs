//! Grants handed down: from the run to a role, from a role to a task. On the way they can
//! only become fewer.

use crate::intersect::{STEPS_MAX, intersect};
use crate::pattern::PathGlob;
use crate::wanted::is_of_files;
use leadhand_protocol::{Capability, Grant, Role, Task};

/// Most grants one agent may have; what is over is left out.
const GRANTS_MAX: usize = 256;

/// What both `parent` and `child` give: never more than either.
///
/// Globs over files are intersected; resources of other capabilities must be equal, or one of
/// the two `**`. A grant that cannot be read gives nothing.
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
    let of_role = match &role.grants {
        None => run.to_vec(),
        Some(own) => attenuate(run, own),
    };
    let (writing, mut grants): (Vec<Grant>, Vec<Grant>) = of_role
        .into_iter()
        .partition(|grant| grant.capability == Capability::FsWrite);
    let literal = task.output_file.iter().map(|path| escaped(path));
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

fn common(parent: &Grant, child: &Grant, steps_left: &mut usize) -> Vec<String> {
    let (a, b) = (parent.resource.as_str(), child.resource.as_str());
    if !is_of_files(parent.capability) {
        return match (a, b) {
            ("", _) | (_, "") => Vec::new(),
            (a, b) if a == b || b == "**" => vec![a.to_owned()],
            ("**", b) => vec![b.to_owned()],
            _ => Vec::new(),
        };
    }
    let (Ok(a), Ok(b)) = (PathGlob::parse(a), PathGlob::parse(b)) else {
        return Vec::new();
    };
    let pairs = a.iter().flat_map(|a| b.iter().map(move |b| (a, b)));
    pairs
        .flat_map(|(a, b)| intersect(a, b, steps_left))
        .map(|glob| glob.to_string())
        .collect()
}

/// A path as a glob that covers it alone.
fn escaped(path: &str) -> String {
    let mut glob = String::with_capacity(path.len());
    for character in path.chars() {
        if matches!(
            character,
            '*' | '?' | '[' | ']' | '{' | '}' | '!' | ',' | '\\'
        ) {
            glob.push('\\');
        }
        glob.push(character);
    }
    glob
}

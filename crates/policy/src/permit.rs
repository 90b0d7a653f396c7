//! What one call may touch once it is allowed: of its agent's grants those that it asked for,
//! and no more. So a tool that names one file and reads another is stopped where it runs, and a
//! link or a redirect leads nowhere that nobody was asked about. Names of files are shown as far
//! as the agent's own grants go, so that a wrong name can be mended.

use crate::grants::attenuate;
use crate::judge::Question;
use crate::policy::Policy;
use crate::wanted::Wanted;
use leadhand_protocol::{Capability, Grant, Permit};
use leadhand_resource::{Kind, PathGlob, Resource};

impl Policy {
    /// The permit of a call: the agent's grants narrowed to what the call names, and what deny
    /// rules close of them. A tool that names no resource keeps the grants of the capabilities
    /// that it wants; one that wants nothing has none. Secrets go with the network: it is the
    /// host that puts them in.
    #[must_use]
    pub fn permit(&self, question: &Question<'_>) -> Permit {
        let wanted = self.wanted_by(question).unwrap_or_default();
        let mut named: Vec<Grant> = wanted.iter().flat_map(named).collect();
        let reads = wanted.iter().any(|it| it.capability == Capability::FsRead);
        let may_list = |grant: &&Grant| reads && grant.capability == Capability::FsRead;
        if named.iter().any(|grant| is_of_network(grant.capability)) {
            named.push(all(Capability::Secret));
        }
        let grants = attenuate(question.grants, &named);
        let listed: Vec<Grant> = question.grants.iter().filter(may_list).cloned().collect();
        // Where nothing is open there is nothing to close.
        let closed = if grants.is_empty() && listed.is_empty() {
            Vec::new()
        } else {
            let (tool, role) = (&question.tool.name, question.role);
            self.closed(tool, role, question.task_id(), question.now_ms)
        };
        Permit {
            grants,
            listed,
            closed,
        }
    }
}

fn is_of_network(capability: Capability) -> bool {
    matches!(capability, Capability::Net | Capability::NetInternal)
}

fn all(capability: Capability) -> Grant {
    Grant {
        capability,
        resource: "**".to_owned(),
    }
}

/// What a call asks for, as grants: a path with all below it, a URL with the rest of its origin,
/// where redirects may lead. What a name of the network resolves to is not known here, so both
/// capabilities of it are asked for.
fn named(wanted: &Wanted<'_>) -> Vec<Grant> {
    let capability = wanted.capability;
    let on = |resource: String| Grant {
        capability,
        resource,
    };
    match &wanted.resource {
        Resource::All(Kind::Url) => {
            vec![all(Capability::Net), all(Capability::NetInternal)]
        }
        Resource::All(_) => vec![all(capability)],
        Resource::Name(name) => vec![on(name.clone())],
        Resource::Path(path) if path.text().is_empty() => vec![all(capability)],
        Resource::Path(path) => vec![on(format!("{}/**", PathGlob::literal(path)))],
        Resource::Url(url) => {
            let methods: Vec<&str> = wanted.methods().flatten().collect();
            let methods = match methods.as_slice() {
                [] => String::new(),
                methods => format!("{} ", methods.join(",")),
            };
            let (scheme, host, port) = (url.url().scheme(), url.host(), url.port());
            let mut origins = vec![format!("{methods}{scheme}://{host}:{port}/**")];
            if scheme == "http" {
                origins.push(format!("{methods}https://{host}/**"));
            }
            let both = [Capability::Net, Capability::NetInternal];
            let grants = both.into_iter().flat_map(|capability| {
                origins.iter().map(move |origin| Grant {
                    capability,
                    resource: origin.clone(),
                })
            });
            grants.collect()
        }
    }
}

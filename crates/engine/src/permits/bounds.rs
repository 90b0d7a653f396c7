//! What is bounded in a run, by name, prepared for look-ups; and what of it a turn, a task or a
//! call counts against.

use leadhand_protocol::coordination::PrimitiveName;
use leadhand_protocol::{Capability, Permit, Start};
use leadhand_resource::{Host, UrlPattern};
use std::collections::BTreeMap;

/// Most names that permits are kept for in one run.
pub const PERMIT_NAMES_MAX: usize = 1_024;

const MODEL: &str = "model/";
const ROLE: &str = "role/";
const TOOL: &str = "tool/";
const HOST: &str = "host/";

/// What is wrong with permits that a run is to keep; nothing for most.
///
/// ```
/// use leadhand_engine::permit_fault;
/// use leadhand_protocol::coordination::PrimitiveName;
/// let fault = |name: &str, count| permit_fault(&PrimitiveName::new(name).unwrap(), count);
/// assert_eq!(fault("tool/fetch", 2), None);
/// assert!(fault("fetch", 2).unwrap().contains("`tool/NAME`"));
/// ```
#[must_use]
pub fn permit_fault(name: &PrimitiveName, count: u32) -> Option<String> {
    if count == 0 {
        return Some(format!(
            "`{name}` has no permits, with which nothing can be done: give it at least one, or leave it out"
        ));
    }
    let text = name.as_str();
    if let Some(host) = text.strip_prefix(HOST) {
        return host_of(host).is_none().then(|| {
            format!(
                "`{name}` names no host: write a name in small letters or an address, without scheme, port, path and `*`, such as `host/api.example.org`"
            )
        });
    }
    let known = [MODEL, ROLE, TOOL].iter().any(|it| text.starts_with(it));
    (!known).then(|| {
        format!(
            "`{name}` is nothing that a run keeps permits for: write `model/NAME`, `role/NAME`, `tool/NAME` or `host/NAME`"
        )
    })
}

/// One host, written as it is compared.
fn host_of(text: &str) -> Option<Host> {
    let patterns = UrlPattern::parse(&format!("https://{text}")).ok()?;
    let [pattern] = patterns.as_slice() else {
        return None;
    };
    let host = pattern.host();
    let is_one = matches!(host, Host::Name(_) | Host::Address(_));
    (is_one && host.to_string() == text).then(|| host.clone())
}

/// What a run keeps permits for. Names that are faulty are left out.
#[derive(Debug, Default)]
pub(crate) struct Bounds {
    counts: BTreeMap<PrimitiveName, u32>,
    /// By what stands after the prefix.
    models: BTreeMap<String, PrimitiveName>,
    roles: BTreeMap<String, PrimitiveName>,
    tools: BTreeMap<String, PrimitiveName>,
    hosts: Vec<(Host, PrimitiveName)>,
}

impl Bounds {
    pub(crate) fn of(start: &Start) -> Self {
        let of_roles = start.roles.iter().filter(|role| role.workers_max > 0);
        let of_roles = of_roles.filter_map(|role| {
            let name = PrimitiveName::new(format!("{ROLE}{}", role.name)).ok()?;
            Some((name, role.workers_max))
        });
        let mut counts: BTreeMap<PrimitiveName, u32> = of_roles.collect();
        counts.extend(
            start
                .permits
                .iter()
                .map(|(name, count)| (name.clone(), *count)),
        );
        counts.retain(|name, count| permit_fault(name, *count).is_none());
        let named = |prefix: &str| {
            let names = counts.keys();
            let named = names.filter_map(|name| {
                let own = name.as_str().strip_prefix(prefix)?;
                Some((own.to_owned(), name.clone()))
            });
            named.collect::<BTreeMap<_, _>>()
        };
        let hosts = named(HOST).into_iter();
        Self {
            models: named(MODEL),
            roles: named(ROLE),
            tools: named(TOOL),
            hosts: hosts
                .filter_map(|(host, name)| Some((host_of(&host)?, name)))
                .collect(),
            counts,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    pub(crate) fn counts(&self) -> &BTreeMap<PrimitiveName, u32> {
        &self.counts
    }

    pub(crate) fn contains(&self, name: &PrimitiveName) -> bool {
        self.counts.contains_key(name)
    }

    pub(crate) fn is_model(&self, name: &PrimitiveName) -> bool {
        name.as_str().starts_with(MODEL) && self.contains(name)
    }

    pub(crate) fn role(&self, role: &str) -> Option<&PrimitiveName> {
        self.roles.get(role)
    }

    /// The model that is called first for these; the others are there for when it fails.
    pub(crate) fn model(&self, models: &[String], default: &str) -> Option<&PrimitiveName> {
        self.models
            .get(models.first().map_or(default, String::as_str))
    }

    /// What a call counts against: its tool, and each host that it may reach.
    pub(crate) fn call(&self, tool: &str, permit: &Permit) -> Vec<PrimitiveName> {
        let mut names: Vec<PrimitiveName> = self.tools.get(tool).cloned().into_iter().collect();
        if self.hosts.is_empty() {
            return names;
        }
        let reached = reached(permit);
        let hosts = self.hosts.iter().filter(|(host, _)| {
            let mut reached = reached.iter();
            reached.any(|reached| may_be(reached, host))
        });
        names.extend(hosts.map(|(_, name)| name.clone()));
        names
    }
}

/// The hosts that a permit opens.
fn reached(permit: &Permit) -> Vec<Host> {
    let of_network = permit
        .grants
        .iter()
        .filter(|grant| matches!(grant.capability, Capability::Net | Capability::NetInternal));
    let hosts = of_network.flat_map(|grant| match UrlPattern::parse(&grant.resource) {
        Ok(patterns) => patterns.iter().map(|it| it.host().clone()).collect(),
        // What cannot be read opens nothing where it is enforced; it is counted all the same.
        Err(_) => vec![Host::Any],
    });
    hosts.collect()
}

/// Whether a pattern of hosts can mean this one.
fn may_be(reached: &Host, one: &Host) -> bool {
    match (reached, one) {
        (Host::Any, _) => true,
        (Host::Below(above), Host::Name(name)) => {
            let before = name.strip_suffix(above.as_str());
            before.is_some_and(|before| before.len() > 1 && before.ends_with('.'))
        }
        (Host::Name(_) | Host::Address(_) | Host::Below(_), _) => reached == one,
    }
}

#[cfg(test)]
mod tests {
    use super::{Bounds, permit_fault};
    use leadhand_protocol::coordination::PrimitiveName;
    use leadhand_protocol::{Capability, Grant, Permit};

    fn name(text: &str) -> PrimitiveName {
        PrimitiveName::new(text).expect("a name")
    }

    #[test]
    fn permits_are_kept_for_four_kinds_of_names() {
        let check = |text: &str, count: u32, fault: Option<&str>| {
            let found = permit_fault(&name(text), count);
            match fault {
                None => assert_eq!(found, None, "{text}"),
                Some(fault) => assert!(found.is_some_and(|it| it.contains(fault)), "{text}"),
            }
        };
        for text in ["model/small", "role/coder", "tool/fetch", "model/a/b"] {
            check(text, 1, None);
        }
        for text in ["host/api.example.org", "host/127.0.0.1", "host/[::1]"] {
            check(text, 1, None);
        }
        check("tool/fetch", 0, Some("no permits"));
        check("db", 1, Some("write `model/NAME`"));
        check("Tool/fetch", 1, Some("write `model/NAME`"));
        for text in [
            "host/*.example.org",
            "host/API.example.org",
            "host/a.org:80",
            "host/a.org/b",
            "host/{a,b}.org",
            "host/*",
        ] {
            check(text, 1, Some("names no host"));
        }
    }

    #[test]
    fn a_call_counts_against_its_tool_and_each_host_that_it_may_reach() {
        let start = |names: &[&str]| Bounds {
            tools: [("fetch".to_owned(), name("tool/fetch"))].into(),
            hosts: names
                .iter()
                .map(|it| {
                    (
                        super::host_of(it).expect("a host"),
                        name(&format!("host/{it}")),
                    )
                })
                .collect(),
            ..Bounds::default()
        };
        let bounds = start(&["a.org", "b.a.org", "127.0.0.1"]);
        let check = |tool: &str, resource: &str, expected: &[&str]| {
            let grants = [Capability::Net, Capability::FsRead].map(|capability| Grant {
                capability,
                resource: resource.to_owned(),
            });
            let permit = Permit {
                grants: grants.into(),
                ..Permit::default()
            };
            let found = bounds.call(tool, &permit);
            let found: Vec<&str> = found.iter().map(PrimitiveName::as_str).collect();
            assert_eq!(found, expected, "{tool} {resource}");
        };
        check(
            "fetch",
            "GET https://a.org:443/**",
            &["tool/fetch", "host/a.org"],
        );
        check("look", "http://127.0.0.1:80/**", &["host/127.0.0.1"]);
        check("look", "https://*.a.org", &["host/b.a.org"]);
        check("look", "https://c.org/**", &[]);
        check(
            "look",
            "**",
            &["host/a.org", "host/b.a.org", "host/127.0.0.1"],
        );
        check(
            "look",
            "::",
            &["host/a.org", "host/b.a.org", "host/127.0.0.1"],
        );
    }
}

//! Network grants: which URLs a call may request by which method, at public addresses and at
//! internal ones, and which secrets it may use. Patterns come from policy and mean the same
//! here, since both read them with `leadhand_resource`. One that cannot be read grants nothing,
//! and closes everything.

use super::fault::origin;
use http::Method;
use leadhand_protocol::{Capability, Grant, Permit};
use leadhand_resource::{NameGlob, UrlPattern};
use url::Url;

/// Ports of other protocols, which a request of HTTP can be made to speak a little of. A grant
/// opens one only when it names the port. The list is the "bad ports" of the Fetch standard,
/// and those of well-known databases and queues beside it.
const OTHER_PROTOCOLS: [u16; 90] = [
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102,
    103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 445,
    465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990,
    993, 995, 1433, 1521, 1719, 1720, 1723, 2049, 3306, 3389, 3659, 4045, 4190, 5060, 5061, 5432,
    5672, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6697, 11211, 27017,
];

/// The network grants of one call.
#[derive(Debug)]
pub(super) struct NetGrants {
    granted: Vec<Entry>,
    closed: Vec<Entry>,
    /// Globs over names of secrets. None for one that cannot be read.
    secrets: Vec<Option<Vec<NameGlob>>>,
    secrets_closed: Vec<Option<Vec<NameGlob>>>,
}

#[derive(Debug)]
struct Entry {
    capability: Capability,
    /// The alternatives of its pattern. None when that is malformed.
    patterns: Option<Vec<UrlPattern>>,
    /// The pattern as it was written.
    text: String,
}

/// Why a request is not covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lack {
    /// A rule denies it.
    Closed,
    /// No grant covers it.
    Grant,
    /// A grant covers it, but the port is one of another protocol and no grant names it.
    Port(u16),
}

impl NetGrants {
    pub(super) fn new(permit: &Permit) -> Self {
        let entries = |grants: &[Grant]| {
            grants
                .iter()
                .filter(|grant| {
                    matches!(grant.capability, Capability::Net | Capability::NetInternal)
                })
                .map(|grant| Entry {
                    capability: grant.capability,
                    patterns: UrlPattern::parse(&grant.resource).ok(),
                    text: grant.resource.clone(),
                })
                .collect()
        };
        let secrets = |grants: &[Grant]| {
            grants
                .iter()
                .filter(|grant| grant.capability == Capability::Secret)
                .map(|grant| NameGlob::parse(&grant.resource).ok())
                .collect()
        };
        Self {
            granted: entries(&permit.grants),
            closed: entries(&permit.closed),
            secrets: secrets(&permit.grants),
            secrets_closed: secrets(&permit.closed),
        }
    }

    /// Whether a request is covered by `capability`, `net` or `net.internal`.
    pub(super) fn check(
        &self,
        capability: Capability,
        method: &Method,
        url: &Url,
    ) -> Result<(), Lack> {
        let method = method.as_str();
        let of = |entry: &&Entry| entry.capability == capability;
        let mut closed = self.closed.iter().filter(of);
        if closed.any(|entry| match &entry.patterns {
            Some(patterns) => patterns.iter().any(|pattern| pattern.closes(method, url)),
            None => true,
        }) {
            return Err(Lack::Closed);
        }
        let covers = |entry: &&Entry| match &entry.patterns {
            Some(patterns) => patterns.iter().any(|pattern| pattern.covers(method, url)),
            None => false,
        };
        let mut covering = self.granted.iter().filter(of).filter(covers).peekable();
        if covering.peek().is_none() {
            return Err(Lack::Grant);
        }
        match url.port() {
            Some(port)
                if OTHER_PROTOCOLS.contains(&port)
                    && !covering.any(|entry| entry.names_port(port)) =>
            {
                Err(Lack::Port(port))
            }
            _ => Ok(()),
        }
    }

    /// Whether the call may use the secret of this name.
    pub(super) fn covers_secret(&self, name: &str) -> bool {
        let covers = |globs: &Vec<NameGlob>| globs.iter().any(|glob| glob.covers(name));
        self.secrets.iter().flatten().any(covers)
            && !self
                .secrets_closed
                .iter()
                .any(|globs| globs.as_ref().is_none_or(covers))
    }
}

impl Entry {
    fn names_port(&self, port: u16) -> bool {
        let behind = self.text.split_once("://").map_or("", |(_, rest)| rest);
        let authority = behind.split('/').next().unwrap_or_default();
        authority.ends_with(&format!(":{port}"))
    }
}

/// The grant that a request lacks: what a person would have to give.
pub(super) fn lacking(capability: Capability, method: &Method, url: &Url) -> Grant {
    Grant {
        capability,
        resource: format!("{method} {}/**", origin(url)),
    }
}

//! From a URL to the addresses that may be dialled for it. A name is resolved once, every
//! address is looked at, and only an address that was looked at is dialled afterwards: a name
//! that answers otherwise the next time gains nothing by it.

use super::address::{Reach, reach};
use super::fault::{fault, named};
use super::grants::{Lack, NetGrants, lacking};
use super::request::Outgoing;
use crate::contract::http::{Error, ErrorCode};
use leadhand_protocol::{Capability, Grant};
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use url::Host;

/// Most addresses of one name that are dialled, one after the other.
const DIALLED_MAX: usize = 4;
/// Most addresses of one name that are looked at; more are not used.
const ADDRESSES_MAX: usize = 64;

/// Names below which there is nothing public: RFC 6761, RFC 6762 with its appendix G, RFC 8375,
/// and ICANN's `internal`.
const INTERNAL_DOMAINS: [&str; 11] = [
    "localhost",
    "localdomain",
    "local",
    "internal",
    "home.arpa",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "test",
];

/// Public domains whose purpose is to answer with any address that the name spells, or with
/// loopback. Their addresses are checked like all others; this keeps them from being asked.
const REBINDING_DOMAINS: [&str; 12] = [
    "1u.ms",
    "fuf.me",
    "lacolhost.com",
    "localh.st",
    "localtest.me",
    "lvh.me",
    "nip.io",
    "rbndr.us",
    "sslip.io",
    "traefik.me",
    "vcap.me",
    "xip.io",
];

/// A byte stream to a server.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// What is given later.
pub(super) type Pending<'a, T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send + 'a>>;

/// Turns a name into addresses.
pub(super) trait Resolve: Send + Sync {
    fn resolve<'a>(&'a self, name: &'a str, port: u16) -> Pending<'a, Vec<SocketAddr>>;
}

/// Connects to an address.
pub(super) trait Dial: Send + Sync {
    fn dial(&self, address: SocketAddr) -> Pending<'_, Box<dyn Wire>>;
}

/// The resolver and the network of the operating system.
pub(super) struct System;

impl Resolve for System {
    fn resolve<'a>(&'a self, name: &'a str, port: u16) -> Pending<'a, Vec<SocketAddr>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, port)).await?;
            Ok(found.take(ADDRESSES_MAX).collect())
        })
    }
}

impl Dial for System {
    fn dial(&self, address: SocketAddr) -> Pending<'_, Box<dyn Wire>> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Wire>)
        })
    }
}

/// Why there is no address to dial.
#[derive(Debug)]
pub(super) enum Unreached {
    /// The call lacks a grant. `range` names what the address lies in, when it is internal.
    Refused {
        capability: Capability,
        lack: Lack,
        range: Option<&'static str>,
    },
    /// The name does not resolve.
    Unknown(io::Error),
}

impl Unreached {
    /// The grant that is lacking, if it is one, and the words: what a person would have to give.
    pub(super) fn told(self, request: &Outgoing) -> (Option<Grant>, Error) {
        let url = named(&request.url);
        let (capability, lack, range) = match self {
            Self::Unknown(error) => {
                let message = format!("{url}: the name does not resolve ({error}).");
                return (None, fault(ErrorCode::Unreachable, message));
            }
            Self::Refused {
                capability,
                lack,
                range,
            } => (capability, lack, range),
        };
        let grant = lacking(capability, &request.method, &request.url);
        let wanted = format!("a grant of `{capability}` on `{}`", grant.resource);
        let what = match (lack, range) {
            (Lack::Closed, _) => format!("a rule denies `{capability}` there"),
            (Lack::Port(port), _) => {
                format!("port {port} is of another protocol; only {wanted} opens it")
            }
            (Lack::Grant, None) => format!("no grant covers it; it takes {wanted}"),
            (Lack::Grant, Some(range)) => {
                format!("it leads to an internal address ({range}); it takes {wanted}")
            }
        };
        let message = format!("{} {url}: {what}.", request.method);
        (Some(grant), fault(ErrorCode::Denied, message))
    }
}

/// The addresses that may be dialled for a request, all of them checked.
pub(super) async fn addresses(
    resolver: &dyn Resolve,
    grants: &NetGrants,
    request: &Outgoing,
) -> Result<Vec<SocketAddr>, Unreached> {
    let check = |range: Option<&'static str>| {
        let capability = match range {
            Some(_) => Capability::NetInternal,
            None => Capability::Net,
        };
        grants
            .check(capability, &request.method, &request.url)
            .map_err(|lack| Unreached::Refused {
                capability,
                lack,
                range,
            })
    };
    let port = request.url.port_or_known_default().unwrap_or_default();
    let (found, by_name) = match request.url.host() {
        Some(Host::Ipv4(address)) => literal(address.into(), port),
        Some(Host::Ipv6(address)) => literal(address.into(), port),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            let range = internal_name(name);
            // A resolver tells its question to others: without a grant it is not asked.
            let covered = match range {
                Some(_) => check(range),
                None => check(None).or_else(|lack| check(Some("not known yet")).map_err(|_| lack)),
            };
            covered?;
            (resolved(resolver, name, port).await?, range)
        }
        None => (Vec::new(), None),
    };
    for address in &found {
        check(match reach(address.ip()) {
            Reach::Internal(range) => Some(range),
            Reach::Public => by_name,
        })?;
    }
    if found.is_empty() {
        return Err(Unreached::Unknown(io::ErrorKind::NotFound.into()));
    }
    Ok(found)
}

/// The address that a URL names, and what is internal about it to policy, which judged the URL
/// before: to it every address that carries another one is.
fn literal(address: IpAddr, port: u16) -> (Vec<SocketAddr>, Option<&'static str>) {
    let internal = leadhand_resource::is_internal(address);
    let range = internal.then_some("an address that carries another one");
    (vec![SocketAddr::new(address, port)], range)
}

async fn resolved(
    resolver: &dyn Resolve,
    name: &str,
    port: u16,
) -> Result<Vec<SocketAddr>, Unreached> {
    if within(name, "localhost") {
        // RFC 6761: these are loopback, whatever a resolver says.
        let loopback: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        return Ok(loopback
            .map(|address| SocketAddr::new(address, port))
            .into());
    }
    let mut found = resolver
        .resolve(name, port)
        .await
        .map_err(Unreached::Unknown)?;
    found.truncate(ADDRESSES_MAX);
    Ok(found)
}

/// What is internal about a name before anybody has resolved it.
fn internal_name(name: &str) -> Option<&'static str> {
    if INTERNAL_DOMAINS.iter().any(|domain| within(name, domain)) {
        return Some("a name of a local network");
    }
    if !name.contains('.') {
        return Some("a name without a domain");
    }
    let rebinding = REBINDING_DOMAINS.iter().any(|domain| within(name, domain));
    rebinding.then_some("a domain that answers with any address")
}

/// Whether a name, in lower case as a URL has it, is `domain` or lies below it.
fn within(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Connects to the first address that answers. One that is silent takes its share of the time
/// and leaves theirs to the others.
pub(super) async fn dial(
    dialler: &dyn Dial,
    addresses: &[SocketAddr],
    time: Duration,
) -> io::Result<Box<dyn Wire>> {
    let dialled = &addresses[..addresses.len().min(DIALLED_MAX)];
    let share = time / dialled.len().max(1) as u32;
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in dialled {
        match tokio::time::timeout(share, dialler.dial(*address)).await {
            Ok(Ok(wire)) => return Ok(wire),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

//! A network with names and wires of the test's own, and one way to make a request on it.

use super::super::reach::{Dial, Pending, Resolve, System, Wire};
use super::super::secret::{Secret, Secrets};
use super::super::tls::Tls;
use super::super::{NetAccess, Network};
use crate::contract::http::{Error, ErrorCode, Request, Response};
use leadhand_protocol::{Capability, ContentHash, Grant, Permit, ToolLimits};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

/// The address that every name has for which nothing else is said.
pub(super) const PUBLIC: &str = "93.184.216.34";

/// What a call may do, and in what surroundings.
pub(super) struct Room {
    pub(super) grants: Vec<Grant>,
    pub(super) closed: Vec<Grant>,
    pub(super) limits: ToolLimits,
    pub(super) secrets: Vec<Secret>,
    pub(super) tls: Tls,
    pub(super) names: Names,
    /// Where every wire really leads; none leads anywhere.
    pub(super) server: Option<SocketAddr>,
    pub(super) dialled: Arc<Mutex<Vec<SocketAddr>>>,
}

/// A resolver that answers a name with one list after the other, and keeps to the last.
#[derive(Default, Clone)]
pub(super) struct Names {
    answers: HashMap<String, Vec<Vec<IpAddr>>>,
    pub(super) asked: Arc<Mutex<Vec<String>>>,
}

impl Names {
    pub(super) fn answer(&mut self, name: &str, answers: &[&[&str]]) {
        let parsed = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
        let answers = answers.iter().map(parsed).collect();
        self.answers.insert(name.to_owned(), answers);
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, name: &'a str, port: u16) -> Pending<'a, Vec<SocketAddr>> {
        let mut asked = self.asked.lock().unwrap();
        let times = asked.iter().filter(|asked| *asked == name).count();
        asked.push(name.to_owned());
        let addresses = match self.answers.get(name) {
            Some(answers) => answers[times.min(answers.len() - 1)].clone(),
            None => vec![PUBLIC.parse().unwrap()],
        };
        let addresses = addresses.into_iter().map(|ip| SocketAddr::new(ip, port));
        Box::pin(std::future::ready(Ok(addresses.collect())))
    }
}

/// Notes where it should have dialled, and dials the server of the test.
struct Wires {
    server: Option<SocketAddr>,
    dialled: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Dial for Wires {
    fn dial(&self, address: SocketAddr) -> Pending<'_, Box<dyn Wire>> {
        self.dialled.lock().unwrap().push(address);
        match self.server {
            Some(server) => System.dial(server),
            None => Box::pin(std::future::ready(Err(
                io::ErrorKind::ConnectionRefused.into()
            ))),
        }
    }
}

impl Room {
    /// Public addresses are granted, all of them; every name has one; nobody answers.
    pub(super) fn public() -> Self {
        Self {
            grants: vec![grant(Capability::Net, "**")],
            closed: Vec::new(),
            limits: ToolLimits::default(),
            secrets: Vec::new(),
            tls: Tls::of_this_machine(),
            names: Names::default(),
            server: None,
            dialled: Arc::default(),
        }
    }

    /// As [`Self::public`], and this server answers for all names.
    pub(super) fn served_by(server: SocketAddr) -> Self {
        Self {
            server: Some(server),
            ..Self::public()
        }
    }

    pub(super) fn dialled(&self) -> Vec<SocketAddr> {
        self.dialled.lock().unwrap().clone()
    }

    /// One call in this room.
    pub(super) fn access(&mut self) -> NetAccess {
        let network = Network {
            resolver: Box::new(self.names.clone()),
            dialler: Box::new(Wires {
                server: self.server,
                dialled: Arc::clone(&self.dialled),
            }),
            tls: std::mem::replace(&mut self.tls, Tls::of_this_machine()),
            secrets: Secrets::new(&self.secrets).unwrap(),
        };
        let permit = Permit {
            grants: self.grants.clone(),
            closed: self.closed.clone(),
            listed: Vec::new(),
        };
        NetAccess::new(
            Arc::new(network),
            &permit,
            &self.limits,
            ContentHash::of(b"call"),
        )
    }
}

pub(super) fn grant(capability: Capability, resource: &str) -> Grant {
    Grant {
        capability,
        resource: resource.to_owned(),
    }
}

/// A request without headers and body.
pub(super) fn request(method: &str, url: &str) -> Request {
    Request {
        method: method.to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    }
}

pub(super) fn get(url: &str) -> Request {
    request("GET", url)
}

/// Status and body, or the message of the error.
pub(super) fn brief(answer: Result<Response, Error>) -> Result<(u16, String), String> {
    let answer = answer.map_err(|error| error.message)?;
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    Ok((answer.status, body))
}

/// Compares an error as a whole.
#[track_caller]
pub(super) fn check_error(answer: Result<Response, Error>, code: ErrorCode, message: &str) {
    let error = answer.unwrap_err();
    assert_eq!(
        (format!("{:?}", error.code), error.message),
        (format!("{code:?}"), message.to_owned())
    );
}

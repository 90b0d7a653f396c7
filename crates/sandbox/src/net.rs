//! The network of one call: requests over HTTP that its grants cover, at addresses that were
//! checked, within its bounds, with secrets that it never sees. `Network` is shared by all calls
//! of a host; `NetAccess` is what one call may do and has done. Nothing else of this crate opens
//! a connection, and `wasi:http` is not offered: its types let a guest keep streams and bodies
//! over which no answer could be looked through as a whole.

mod address;
mod answer;
mod decode;
mod exchange;
mod fault;
mod grants;
mod reach;
mod redirect;
mod request;
mod secret;
#[cfg(test)]
mod tests;
mod tls;

use crate::SandboxError;
use crate::contract::http::{Error, ErrorCode, Request, Response};
use decode::Encoding;
use exchange::{Answer, Broken, Traffic};
use fault::{fault, named};
use grants::NetGrants;
use http::HeaderMap;
use http_body_util::Full;
use hyper::body::Bytes;
use leadhand_protocol::{
    ContentHash, Grant, NetRequest, Permit, ToolLimits, ToolOutput, TraceContext,
};
use reach::{Dial, Resolve, System, Unreached, Wire};
use request::Outgoing;
pub use secret::Secret;
use secret::Secrets;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tls::Tls;
use tokio::time::Instant;

/// Most redirects of one request.
const REDIRECTS_MAX: usize = 5;
/// How long it may take to connect to a server, TLS included, in milliseconds.
const CONNECT_MS_MAX: u64 = 10_000;

/// What all calls of a host share: how names are resolved and addresses dialled, whom TLS
/// trusts, and the secrets.
pub(crate) struct Network {
    resolver: Box<dyn Resolve>,
    dialler: Box<dyn Dial>,
    tls: Tls,
    secrets: Secrets,
}

impl Network {
    /// The network of this machine.
    ///
    /// # Errors
    /// When a secret has no sound name, origin, header or value.
    pub(crate) fn new(secrets: &[Secret]) -> Result<Self, SandboxError> {
        Ok(Self {
            resolver: Box::new(System),
            dialler: Box::new(System),
            tls: Tls::of_this_machine(),
            secrets: Secrets::new(secrets)?,
        })
    }
}

/// The network as one call may use it, and what it made of it.
pub(crate) struct NetAccess {
    network: Arc<Network>,
    grants: NetGrants,
    deadline: Instant,
    requests_max: u64,
    sent_max: u64,
    received_max: u64,
    traffic: Arc<Traffic>,
    /// Requests that were begun, those that were refused among them: each may cost a lookup.
    attempts: u64,
    requests: Vec<NetRequest>,
    refused: Vec<Grant>,
    /// Whether a request that changes something was sent and not answered.
    in_doubt: bool,
    /// The name of what the call does.
    key: ContentHash,
    /// Requests begun that may change something, each of which has a name of its own.
    changing: u64,
    /// The call's place in a trace.
    trace: Option<TraceContext>,
}

impl NetAccess {
    /// For one call, whose time begins now.
    pub(crate) fn new(
        network: Arc<Network>,
        permit: &Permit,
        limits: &ToolLimits,
        key: ContentHash,
    ) -> Self {
        Self {
            network,
            grants: NetGrants::new(permit),
            deadline: deadline(limits.wall_ms),
            requests_max: limits.net_requests_max,
            sent_max: limits.net_bytes_sent_max,
            received_max: limits.net_bytes_received_max,
            traffic: Arc::new(Traffic::new(limits.net_bytes_received_max)),
            attempts: 0,
            requests: Vec::new(),
            refused: Vec::new(),
            in_doubt: false,
            key,
            changing: 0,
            trace: None,
        }
    }

    /// The same, which tells its servers what trace the call is a part of.
    pub(crate) fn traced(self, trace: Option<TraceContext>) -> Self {
        Self { trace, ..self }
    }

    /// The requests made so far, redirects included. One that is under way has the status 0.
    pub(crate) fn requests(&self) -> &[NetRequest] {
        &self.requests
    }

    /// What was refused for want of a grant, each once, at most [`ToolOutput::REFUSED_MAX`].
    pub(crate) fn refused(&self) -> &[Grant] {
        &self.refused
    }

    /// Whether nobody knows of some request that changes something if it took effect.
    pub(crate) fn in_doubt(&self) -> bool {
        self.in_doubt
    }

    /// Sends one request and follows where it leads. Dropping the future closes the connection;
    /// nobody then knows whether the server acted on it.
    pub(crate) async fn send(&mut self, request: Request) -> Result<Response, Error> {
        let mut request = Outgoing::checked(request)?;
        if !request.method.is_safe() {
            self.changing += 1;
            request.name_once(&match self.changing {
                1 => self.key.to_string(),
                nth => format!("{}-{nth}", self.key),
            });
        }
        if let Some(trace) = &self.trace {
            request.trace(trace);
        }
        let network = Arc::clone(&self.network);
        let first = named(&request.url);
        let answered = tokio::time::timeout_at(self.deadline, self.follow(request)).await;
        let answered = answered.unwrap_or_else(|_| {
            let message = format!("{first}: no whole answer came in the time of the call.");
            Err(fault(ErrorCode::TimedOut, message))
        });
        answered.map_err(|error| Error {
            message: network.secrets.masked_text(error.message.as_bytes()),
            ..error
        })
    }

    async fn follow(&mut self, mut request: Outgoing) -> Result<Response, Error> {
        for _ in 0..=REDIRECTS_MAX {
            let answer = self.once(&request).await?;
            if !redirect::leads_on(&answer) {
                return self.taken(&request, answer).await;
            }
            request = redirect::followed(request, &answer, &self.network.secrets)?;
        }
        let message = format!(
            "{}: more than {REDIRECTS_MAX} redirects, one after the other.",
            named(&request.url)
        );
        Err(fault(ErrorCode::LimitExceeded, message))
    }

    /// One request, under all checks.
    async fn once(&mut self, request: &Outgoing) -> Result<Answer, Error> {
        let url = named(&request.url);
        if self.attempts >= self.requests_max {
            let message = format!(
                "{url}: this call has made its {} requests.",
                self.requests_max
            );
            return Err(fault(ErrorCode::LimitExceeded, message));
        }
        self.attempts += 1;
        let found = reach::addresses(&*self.network.resolver, &self.grants, request).await;
        let addresses = found.map_err(|why| self.unreached(request, why))?;
        let secrets = self.network.secrets.headers(&self.grants, request);
        let secrets = secrets.map_err(|what| {
            let message = format!("{url}: {what}.");
            fault(ErrorCode::InvalidRequest, message)
        })?;
        let carries_secret = !secrets.is_empty();
        let message = self.message(request, secrets)?;
        self.requests.push(NetRequest {
            method: request.method.to_string(),
            url: url.clone(),
            status: 0,
            bytes: 0,
        });
        let wire = self.connected(request, &addresses).await?;
        let doubted_before = self.in_doubt;
        self.in_doubt |= !request.method.is_safe();
        let answer = exchange::exchange(wire, message, &self.traffic).await;
        let answer = answer.map_err(|broken| match broken {
            Broken::Spent => self.spent(&url),
            Broken::Wrong(why) => {
                let message = format!("{url}: the answer cannot be used: {why}.");
                fault(ErrorCode::Failed, message)
            }
        })?;
        self.in_doubt = doubted_before;
        if let Some(record) = self.requests.last_mut() {
            record.status = answer.status.as_u16();
            record.bytes = answer.body.len() as u64;
        }
        tracing::debug!(method = %request.method, url, status = answer.status.as_u16(), "request");
        // In an encoding that cannot be read here nobody could find the secret again.
        if carries_secret && decode::encoding(&answer.headers) == Encoding::Other {
            let message = format!("{url}: the answer has an encoding that was not asked for.");
            return Err(fault(ErrorCode::Failed, message));
        }
        Ok(answer)
    }

    /// The message as it is sent, unless that is more than the call may still send or receive.
    fn message(
        &self,
        request: &Outgoing,
        secrets: HeaderMap,
    ) -> Result<http::Request<Full<Bytes>>, Error> {
        let url = named(&request.url);
        let headers = request.all_headers(secrets)?;
        let target = request.target();
        // A line each, with `: ` and an end; the request line has a method and a version too.
        let head: usize = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 4)
            .sum::<usize>()
            + target.len()
            + request.method.as_str().len()
            + " HTTP/1.1\r\n\r\n ".len();
        let bytes = (head + request.body.len()) as u64;
        if self.traffic.sent().saturating_add(bytes) > self.sent_max {
            let message = format!(
                "{url}: {bytes} bytes are more than this call may still send; it may send {}.",
                self.sent_max
            );
            return Err(fault(ErrorCode::LimitExceeded, message));
        }
        if self.traffic.receivable() == 0 {
            return Err(self.spent(&url));
        }
        let mut message = http::Request::builder()
            .method(request.method.clone())
            .uri(target)
            .body(Full::new(Bytes::from(request.body.clone())))
            .map_err(|_| {
                let message = format!("{url}: path or query have no form for a request.");
                fault(ErrorCode::InvalidRequest, message)
            })?;
        *message.headers_mut() = headers;
        Ok(message)
    }

    fn spent(&self, url: &str) -> Error {
        let message = format!(
            "{url}: this call may receive {} bytes from the network and has received them.",
            self.received_max
        );
        fault(ErrorCode::LimitExceeded, message)
    }

    async fn connected(
        &self,
        request: &Outgoing,
        addresses: &[SocketAddr],
    ) -> Result<Box<dyn Wire>, Error> {
        let url = named(&request.url);
        let time = Duration::from_millis(CONNECT_MS_MAX);
        let connecting = async {
            let wire = reach::dial(&*self.network.dialler, addresses, time).await;
            let wire = wire.map_err(|error| format!("nobody answers ({error})"))?;
            match request.url.scheme() {
                "https" => self.network.tls.secured(&request.url, wire).await,
                _ => Ok(wire),
            }
        };
        let connected = tokio::time::timeout(time, connecting).await;
        connected
            .unwrap_or_else(|_| Err(format!("nobody answers within {CONNECT_MS_MAX} ms")))
            .map_err(|why| fault(ErrorCode::Unreachable, format!("{url}: {why}.")))
    }

    /// Notes what was refused.
    fn unreached(&mut self, request: &Outgoing, why: Unreached) -> Error {
        let (lacking, error) = why.told(request);
        if let Some(grant) = lacking
            && self.refused.len() < ToolOutput::REFUSED_MAX
            && !self.refused.contains(&grant)
        {
            self.refused.push(grant);
        }
        error
    }

    /// What the guest gets: decoded, and without secrets. Work of up to some tens of
    /// milliseconds, so it is done where nobody else waits.
    async fn taken(&self, request: &Outgoing, answer: Answer) -> Result<Response, Error> {
        let url = named(&request.url);
        let whole_url = request.url.to_string();
        let network = Arc::clone(&self.network);
        let bytes_max = self.received_max;
        let work = move || answer::response(&network.secrets, &whole_url, answer, bytes_max);
        let taken = tokio::task::spawn_blocking(work).await.ok().flatten();
        taken.ok_or_else(|| {
            let message = format!("{url}: the body is not what its content-encoding says.");
            fault(ErrorCode::Failed, message)
        })
    }
}

/// When a call of this many milliseconds is over; a number that no clock reaches is a day.
fn deadline(wall_ms: u64) -> Instant {
    let now = Instant::now();
    let day = Duration::from_secs(24 * 60 * 60);
    now.checked_add(Duration::from_millis(wall_ms))
        .unwrap_or(now + day)
}

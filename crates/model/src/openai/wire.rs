//! A POST to an endpoint, and what comes back. A server on this machine that speaks plain HTTP is
//! reached directly: no proxy, certificate or redirect concerns it, and what the general client
//! does for those with every request is a tenth of what a whole turn of an agent takes.

use super::fault::{of_connection, of_transport};
use crate::model::fault;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, USER_AGENT};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use leadhand_protocol::{ModelFault, ModelFaultKind, TraceContext};
use reqwest::{Body, Method, Request, Url};
use std::sync::OnceLock;
use std::time::Duration;

/// How long a connection may take to come about.
const CONNECT_MS_MAX: u64 = 10_000;

/// The way to one address. Keeps its connections.
pub(super) struct Wire {
    url: String,
    address: Url,
    headers: HeaderMap,
    /// For a server on this machine.
    direct: Option<Direct>,
    /// For all others. Where there is a direct way it is made when async-openai first asks for it,
    /// and sends nothing.
    general: OnceLock<reqwest::Client>,
}

struct Direct {
    to: http::Uri,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Wire {
    /// The way to `url`, where every request carries these headers.
    pub(super) fn new(url: String, mut headers: HeaderMap) -> Result<Self, String> {
        let wrong = |why: &dyn std::fmt::Display| format!("`{url}` is no URL: {why}");
        let address = Url::parse(&url).map_err(|why| wrong(&why))?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(USER_AGENT, HeaderValue::from_static(crate::net::USER_AGENT));
        let mut direct = None;
        if crate::net::is_plain(&url) && crate::net::is_loopback(&url) {
            let to = http::Uri::try_from(address.as_str()).map_err(|why| wrong(&why))?;
            // Else it is written out of the address each time.
            if let Some(host) = to.authority().map(|it| HeaderValue::from_str(it.as_str())) {
                headers.insert(HOST, host.map_err(|why| wrong(&why))?);
            }
            let mut connector = HttpConnector::new();
            connector.set_connect_timeout(Some(Duration::from_millis(CONNECT_MS_MAX)));
            connector.set_nodelay(true);
            let client = Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .build(connector);
            direct = Some(Direct { to, client });
        }
        let wire = Self {
            url,
            address,
            headers,
            direct,
            general: OnceLock::new(),
        };
        if wire.direct.is_none() {
            wire.general()?;
        }
        Ok(wire)
    }

    /// The address as it was given.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The same as it was read.
    pub(super) fn address(&self) -> &Url {
        &self.address
    }

    /// The general client.
    pub(super) fn general(&self) -> Result<&reqwest::Client, String> {
        if let Some(made) = self.general.get() {
            return Ok(made);
        }
        let new = crate::net::client_for(&self.url)
            .connect_timeout(Duration::from_millis(CONNECT_MS_MAX))
            // A redirect would carry the prompt to a place nobody configured.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| format!("no HTTP client could be made: {error}"))?;
        Ok(self.general.get_or_init(|| new))
    }

    /// Sends a body; what is answered may have any status. Silence is timed by whoever waits, and
    /// not by the client, which sets up a timer for each wait even when there is nothing to wait
    /// for.
    pub(super) async fn post(
        &self,
        body: Bytes,
        trace: Option<&TraceContext>,
    ) -> Result<http::Response<Body>, ModelFault> {
        let Some(Direct { to, client }) = &self.direct else {
            let client = self
                .general()
                .map_err(|why| fault(ModelFaultKind::Refused, why))?;
            let mut request = Request::new(Method::POST, self.address.clone());
            request.headers_mut().clone_from(&self.headers);
            tell(request.headers_mut(), trace);
            *request.body_mut() = Some(body.into());
            let answered = client.execute(request).await;
            let answered = answered.map_err(|error| of_transport(&self.url, &error))?;
            return Ok(answered.into());
        };
        let mut request = http::Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = to.clone();
        request.headers_mut().clone_from(&self.headers);
        tell(request.headers_mut(), trace);
        let answered = client.request(request).await;
        let answered = answered.map_err(|error| of_connection(&self.url, &error))?;
        Ok(answered.map(Body::wrap))
    }
}

/// Tells the place in a trace that a request is a part of.
fn tell(headers: &mut HeaderMap, trace: Option<&TraceContext>) {
    let Some(trace) = trace else { return };
    let state = Some(trace.state()).filter(|state| !state.is_empty());
    let parent = ("traceparent", Some(trace.to_string()));
    for (name, value) in [parent, ("tracestate", state.map(str::to_owned))] {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            headers.insert(name, value);
        }
    }
}

//! Between requests and the network: adds the key and turns failure statuses into faults. A
//! streamed answer is asked for through async-openai, which gets to see only what has passed
//! `frames` and never a failure that it could retry or log; one in one piece is asked for here.

use super::fault::{HttpFault, of_silence, of_status, of_transport};
use super::frames::{Bounds, gathered_events, guarded_events, single_event, whole_body};
use super::part::{Part, read};
use super::wire::Wire;
use crate::model::fault;
use async_openai::Client;
use async_openai::config::Config;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use bytes::Bytes;
use futures::StreamExt;
use http_body_util::BodyDataStream;
use leadhand_protocol::{ModelFault, ModelFaultKind, TraceContext};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, SERVER};
use reqwest::{Body, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;
use tower_service::Service;

/// Bytes read of a failed answer.
const FAILED_BODY_BYTES_MAX: usize = 16_384;
/// Room for the body of a request to begin with, in bytes; it grows as it must.
const BODY_BYTES_FIRST: usize = 4_096;

/// Where to send requests, and with which key. The key is never shown, logged or put into
/// an error.
#[derive(Clone)]
pub(super) struct Endpoint {
    base_url: String,
    key: SecretString,
}

impl Endpoint {
    /// The base URL without a slash at its end.
    pub(super) fn new(base_url: &str, key: Option<&str>) -> Self {
        Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            key: SecretString::from(key.unwrap_or_default()),
        }
    }

    fn key(&self) -> &str {
        self.key.expose_secret()
    }

    /// What goes with every request. Fails on a key that no header can carry.
    fn head(&self) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        if !self.key().is_empty() {
            let value = HeaderValue::from_str(&format!("Bearer {}", self.key()));
            let mut value = value.map_err(|_| "the key holds characters no key has".to_owned())?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(headers)
    }
}

/// What async-openai is told. Of the requests it makes only the body is sent on.
impl Config for Endpoint {
    fn headers(&self) -> HeaderMap {
        HeaderMap::new()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn api_base(&self) -> &str {
        &self.base_url
    }

    fn api_key(&self) -> &SecretString {
        &self.key
    }
}

/// What sends requests. A clone shares the connections, and is cheap.
#[derive(Clone)]
pub(super) struct Transport {
    shared: Arc<Shared>,
}

struct Shared {
    wire: Wire,
    endpoint: Endpoint,
    bounds: Bounds,
    is_llama_server: AtomicBool,
}

impl Transport {
    pub(super) fn new(
        endpoint: Endpoint,
        idle_ms: u64,
        reply_bytes_max: usize,
    ) -> Result<Self, String> {
        let shared = Shared {
            wire: Wire::new(endpoint.url("/chat/completions"), endpoint.head()?)?,
            endpoint,
            bounds: Bounds {
                reply_bytes_max,
                idle: Duration::from_millis(idle_ms),
            },
            is_llama_server: AtomicBool::new(false),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// A client of async-openai for one answer that is streamed; `taken` says how many of its
    /// events somebody took.
    pub(super) fn client(
        &self,
        taken: watch::Receiver<usize>,
        trace: Option<&TraceContext>,
    ) -> Result<Client<Endpoint>, ModelFault> {
        let general = self.shared.wire.general();
        let general = general.map_err(|why| fault(ModelFaultKind::Refused, why))?;
        let client = Client::build(general.clone(), self.shared.endpoint.clone());
        Ok(client.with_http_service(Streaming {
            transport: self.clone(),
            taken,
            trace: trace.cloned(),
        }))
    }

    /// Where requests go.
    pub(super) fn url(&self) -> &str {
        self.shared.wire.url()
    }

    pub(super) fn key(&self) -> &str {
        self.shared.endpoint.key()
    }

    /// Whether an answer said that it came from llama.cpp's server.
    pub(super) fn is_llama_server(&self) -> bool {
        self.shared.is_llama_server.load(Ordering::Relaxed)
    }

    /// The answer to a request that asks for it in one piece: one event, or all that came of a
    /// server that streams it nevertheless.
    pub(super) async fn whole(
        &self,
        request: &impl Serialize,
        trace: Option<&TraceContext>,
    ) -> Result<Vec<Part>, HttpFault> {
        let (url, bounds) = (self.url(), self.shared.bounds);
        let mut bytes = Vec::with_capacity(BODY_BYTES_FIRST);
        serde_json::to_writer(&mut bytes, request).map_err(|error| {
            let what = format!("a request for {url} cannot be written: {error}");
            fault(ModelFaultKind::Refused, what)
        })?;
        let (head, body) = self.exchange(bytes.into(), trace).await?.into_parts();
        if is_stream(&head.headers) {
            return Ok(gathered_events(body, bounds, url).await?);
        }
        let whole = whole_body(body, bounds, url).await?;
        Ok(match read(&whole, url)? {
            Part::List(events) => events,
            event => vec![event],
        })
    }

    /// What is answered, however it goes on, unless it is a failure.
    async fn exchange(
        &self,
        request: Bytes,
        trace: Option<&TraceContext>,
    ) -> Result<http::Response<Body>, HttpFault> {
        let (url, bounds) = (self.url(), self.shared.bounds);
        let answered = timeout(bounds.idle, self.shared.wire.post(request, trace)).await;
        let response = answered.map_err(|_| of_silence(url))??;
        if header(response.headers(), SERVER).is_some_and(|name| holds(name, "llama.cpp")) {
            self.shared.is_llama_server.store(true, Ordering::Relaxed);
        }
        if response.status().is_success() {
            return Ok(response);
        }
        let (head, body) = response.into_parts();
        let front = front_of_body(body, bounds.idle).await;
        Err(of_status(
            url,
            head.status,
            &head.headers,
            &front,
            self.key(),
        ))
    }
}

/// What async-openai sends through.
#[derive(Clone)]
struct Streaming {
    transport: Transport,
    taken: watch::Receiver<usize>,
    trace: Option<TraceContext>,
}

impl Streaming {
    async fn exchange(self, request: HttpRequestFactory) -> Result<Response, OpenAIError> {
        let Shared { wire, bounds, .. } = &*self.transport.shared;
        let request = request.build().await?;
        let request = request.body().and_then(Body::as_bytes).unwrap_or_default();
        let answered = self
            .transport
            .exchange(Bytes::copy_from_slice(request), self.trace.as_ref())
            .await;
        let (head, body) = answered.map_err(boxed)?.into_parts();
        if is_stream(&head.headers) {
            return Ok(guarded_events(body, *bounds, wire.address(), self.taken));
        }
        let whole = single_event(body, *bounds, wire.url(), wire.address()).await;
        whole.map_err(|fault| boxed(fault.into()))
    }
}

fn is_stream(headers: &HeaderMap) -> bool {
    header(headers, CONTENT_TYPE).is_some_and(|it| it.contains("event-stream"))
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Whether a name holds this, in whatever case.
fn holds(name: &str, part: &str) -> bool {
    let mut places = name.as_bytes().windows(part.len());
    places.any(|place| place.eq_ignore_ascii_case(part.as_bytes()))
}

impl Service<HttpRequestFactory> for Streaming {
    type Response = Response;
    type Error = OpenAIError;
    type Future = Pin<Box<dyn Future<Output = Result<Response, OpenAIError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequestFactory) -> Self::Future {
        Box::pin(self.clone().exchange(request))
    }
}

/// The fault inside an error of async-openai.
pub(super) fn fault_of(error: OpenAIError, url: &str) -> HttpFault {
    match error {
        OpenAIError::Boxed(inner) => match inner.downcast::<HttpFault>() {
            Ok(fault) => *fault,
            Err(other) => fault(ModelFaultKind::BadAnswer, format!("{url}: {other}")).into(),
        },
        OpenAIError::Reqwest(error) => of_transport(url, &error).into(),
        other => {
            let words = super::fault::clean(&other.to_string());
            fault(ModelFaultKind::BadAnswer, format!("{url}: {words}")).into()
        }
    }
}

impl From<ModelFault> for HttpFault {
    fn from(fault: ModelFault) -> Self {
        Self {
            fault,
            offence: None,
        }
    }
}

fn boxed(fault: HttpFault) -> OpenAIError {
    OpenAIError::Boxed(Box::new(fault))
}

/// As much of a failed answer as comes before the bound or a silence.
async fn front_of_body(body: Body, idle: Duration) -> Vec<u8> {
    let mut chunks = BodyDataStream::new(body);
    let mut front = Vec::new();
    while let Ok(Some(Ok(chunk))) = timeout(idle, chunks.next()).await {
        front.extend_from_slice(&chunk);
        if front.len() >= FAILED_BODY_BYTES_MAX {
            front.truncate(FAILED_BODY_BYTES_MAX);
            break;
        }
    }
    front
}

//! Between async-openai and the network: adds the key, turns failure statuses into faults
//! before that library can retry or log them, and hands answers on only through `frames`.

use super::fault::{HttpFault, of_silence, of_status, of_transport};
use super::frames::{Bounds, gathered_events, guarded_events, single_event, whole_value};
use crate::model::fault;
use async_openai::Client;
use async_openai::config::Config;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use leadhand_protocol::ModelFaultKind;
use reqwest::Response;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, SERVER};
use secrecy::{ExposeSecret, SecretString};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::timeout;
use tower_service::Service;

/// How long a connection may take to come about.
const CONNECT_MS_MAX: u64 = 10_000;
/// Bytes read of a failed answer.
const FAILED_BODY_BYTES_MAX: usize = 16_384;

/// Where to send requests, and with which key. The key is never shown, logged or put into
/// an error.
#[derive(Clone)]
pub(super) struct Endpoint {
    base_url: String,
    key: SecretString,
    headers: HeaderMap,
}

impl Endpoint {
    /// The base URL without a slash at its end. Fails on a key that no header can carry.
    pub(super) fn new(base_url: &str, key: Option<&str>) -> Result<Self, String> {
        let mut headers = HeaderMap::new();
        if let Some(key) = key {
            let value = HeaderValue::from_str(&format!("Bearer {key}"));
            let mut value = value.map_err(|_| "the key holds characters no key has".to_owned())?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            key: SecretString::from(key.unwrap_or_default()),
            headers,
        })
    }

    fn key(&self) -> &str {
        self.key.expose_secret()
    }

    fn url_of_chat(&self) -> String {
        self.url("/chat/completions")
    }
}

impl Config for Endpoint {
    fn headers(&self) -> HeaderMap {
        self.headers.clone()
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

/// What passes requests on. A clone shares the connections, and is cheap: async-openai makes
/// two for every request.
#[derive(Clone)]
pub(super) struct Transport {
    shared: Arc<Shared>,
    streams: bool,
}

struct Shared {
    client: reqwest::Client,
    endpoint: Endpoint,
    url: String,
    bounds: Bounds,
    is_llama_server: AtomicBool,
}

impl Transport {
    /// The transport for requests that ask for a stream.
    pub(super) fn new(
        endpoint: Endpoint,
        idle_ms: u64,
        reply_bytes_max: usize,
    ) -> Result<Self, String> {
        // Silence is timed here and not by the client, which sets up a timer for each wait even
        // when there is nothing to wait for.
        let client = crate::net::client_for(&endpoint.base_url)
            .connect_timeout(Duration::from_millis(CONNECT_MS_MAX))
            // A redirect would carry the prompt to a place nobody configured.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| format!("no HTTP client could be made: {error}"))?;
        let shared = Shared {
            client,
            url: endpoint.url_of_chat(),
            endpoint,
            bounds: Bounds {
                reply_bytes_max,
                idle: Duration::from_millis(idle_ms),
            },
            is_llama_server: AtomicBool::new(false),
        };
        Ok(Self {
            shared: Arc::new(shared),
            streams: true,
        })
    }

    /// The same for requests that ask for the answer in one piece.
    pub(super) fn in_one_piece(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            streams: false,
        }
    }

    /// A client of async-openai that sends through this.
    pub(super) fn client(&self) -> Client<Endpoint> {
        let Shared {
            client, endpoint, ..
        } = &*self.shared;
        Client::build(client.clone(), endpoint.clone()).with_http_service(self.clone())
    }

    /// Where requests go.
    pub(super) fn url(&self) -> &str {
        &self.shared.url
    }

    pub(super) fn key(&self) -> &str {
        self.shared.endpoint.key()
    }

    /// Whether an answer said that it came from llama.cpp's server.
    pub(super) fn is_llama_server(&self) -> bool {
        self.shared.is_llama_server.load(Ordering::Relaxed)
    }

    async fn exchange(self, request: HttpRequestFactory) -> Result<Response, OpenAIError> {
        let Shared {
            client,
            endpoint,
            url,
            bounds,
            is_llama_server,
        } = &*self.shared;
        let request = request.build().await?;
        let sent = timeout(bounds.idle, client.execute(request)).await;
        let sent = sent.map_err(|_| boxed(of_silence(url).into()))?;
        let response = sent.map_err(|error| boxed(of_transport(url, &error).into()))?;
        if header(&response, SERVER).is_some_and(|name| holds(name, "llama.cpp")) {
            is_llama_server.store(true, Ordering::Relaxed);
        }
        let status = response.status();
        if !status.is_success() {
            let headers = response.headers().clone();
            let body = front_of_body(response, bounds.idle).await;
            let key = endpoint.key();
            return Err(boxed(of_status(url, status, &headers, &body, key)));
        }
        let is_stream = header(&response, CONTENT_TYPE).is_some_and(|t| t.contains("event-stream"));
        let whole = match (is_stream, self.streams) {
            (true, true) => return Ok(guarded_events(response, *bounds)),
            (true, false) => return Ok(gathered_events(response, *bounds).await),
            (false, true) => single_event(response, *bounds, url).await,
            (false, false) => whole_value(response, *bounds, url).await,
        };
        whole.map_err(|fault| boxed(fault.into()))
    }
}

fn header(response: &Response, name: HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

/// Whether a name holds this, in whatever case.
fn holds(name: &str, part: &str) -> bool {
    let mut places = name.as_bytes().windows(part.len());
    places.any(|place| place.eq_ignore_ascii_case(part.as_bytes()))
}

impl Service<HttpRequestFactory> for Transport {
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

impl From<leadhand_protocol::ModelFault> for HttpFault {
    fn from(fault: leadhand_protocol::ModelFault) -> Self {
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
async fn front_of_body(mut response: Response, idle: Duration) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Ok(Some(chunk))) = timeout(idle, response.chunk()).await {
        body.extend_from_slice(&chunk);
        if body.len() >= FAILED_BODY_BYTES_MAX {
            body.truncate(FAILED_BODY_BYTES_MAX);
            break;
        }
    }
    body
}

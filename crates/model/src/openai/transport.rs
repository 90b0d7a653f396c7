//! Between async-openai and the network: adds the key, turns failure statuses into faults
//! before that library can retry or log them, and hands answers on only through `frames`.

use super::fault::{HttpFault, of_status, of_transport};
use super::frames::{guarded_events, single_event};
use crate::model::fault;
use async_openai::config::Config;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use futures::StreamExt;
use leadhand_protocol::ModelFaultKind;
use reqwest::Response;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, SERVER};
use secrecy::{ExposeSecret, SecretString};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
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

    pub(super) fn key(&self) -> &str {
        self.key.expose_secret()
    }

    pub(super) fn url_of_chat(&self) -> String {
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

/// What passes requests on. A clone shares the connections.
#[derive(Clone)]
pub(super) struct Transport {
    pub(super) client: reqwest::Client,
    endpoint: Endpoint,
    reply_bytes_max: usize,
    is_llama_server: Arc<AtomicBool>,
}

impl Transport {
    pub(super) fn new(
        endpoint: Endpoint,
        idle_ms: u64,
        reply_bytes_max: usize,
        is_llama_server: Arc<AtomicBool>,
    ) -> Result<Self, String> {
        let client = crate::net::client_for(&endpoint.base_url)
            .connect_timeout(Duration::from_millis(CONNECT_MS_MAX))
            .read_timeout(Duration::from_millis(idle_ms))
            // A redirect would carry the prompt to a place nobody configured.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| format!("no HTTP client could be made: {error}"))?;
        Ok(Self {
            client,
            endpoint,
            reply_bytes_max,
            is_llama_server,
        })
    }

    async fn exchange(self, request: HttpRequestFactory) -> Result<Response, OpenAIError> {
        let request = request.build().await?;
        let url = self.endpoint.url_of_chat();
        let sent = self.client.execute(request).await;
        let response = sent.map_err(|error| boxed(of_transport(&url, &error).into()))?;
        let header = response
            .headers()
            .get(SERVER)
            .and_then(|value| value.to_str().ok());
        if header.is_some_and(|name| name.to_ascii_lowercase().contains("llama.cpp")) {
            self.is_llama_server.store(true, Ordering::Relaxed);
        }
        let status = response.status();
        if !status.is_success() {
            let headers = response.headers().clone();
            let body = front_of_body(response, FAILED_BODY_BYTES_MAX).await;
            return Err(boxed(of_status(
                &url,
                status,
                &headers,
                &body,
                self.endpoint.key(),
            )));
        }
        let kind = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        if kind.is_some_and(|kind| kind.contains("event-stream")) {
            Ok(guarded_events(response, self.reply_bytes_max))
        } else {
            single_event(response, self.reply_bytes_max, &url)
                .await
                .map_err(|f| boxed(f.into()))
        }
    }
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

async fn front_of_body(response: Response, bytes_max: usize) -> Vec<u8> {
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(Ok(chunk)) = chunks.next().await {
        body.extend_from_slice(&chunk);
        if body.len() >= bytes_max {
            body.truncate(bytes_max);
            break;
        }
    }
    body
}

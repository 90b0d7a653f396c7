//! What sends: an exporter of spans and one of metrics over OTLP, protobuf over HTTP.

use crate::measures::Measures;
use crate::{METRICS_EVERY_MS, SEND_MS_MAX, TelemetryError, TelemetryOptions};
use opentelemetry::KeyValue;
use opentelemetry_otlp::{
    MetricExporter, Protocol, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use std::net::IpAddr;
use std::sync::Once;
use std::time::Duration;

const TRACES: &str = "/v1/traces";
const METRICS: &str = "/v1/metrics";

pub(crate) struct Exporters {
    /// Where they send to, for messages.
    base: String,
    spans: SpanExporter,
    metrics: SdkMeterProvider,
    pub(crate) measures: Measures,
}

/// Says what is wrong with the options before a thread is started.
pub(crate) fn check(options: &TelemetryOptions) -> Result<(), TelemetryError> {
    let endpoint = |why: String| TelemetryError::Endpoint {
        endpoint: options.endpoint.clone(),
        why,
    };
    let url = Url::parse(&options.endpoint).map_err(|error| endpoint(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(endpoint(format!("`{}` is not spoken here", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        let why = "a name or password in it would be shown; put it into a header";
        return Err(endpoint(why.to_owned()));
    }
    let is_sound = |name: &str, value: &str| {
        HeaderName::try_from(name).is_ok() && HeaderValue::try_from(value).is_ok()
    };
    let mut headers = options.headers.iter();
    match headers.find(|(name, value)| !is_sound(name, value)) {
        Some((name, _)) => Err(TelemetryError::Header { name: name.clone() }),
        None => Ok(()),
    }
}

impl Exporters {
    /// Must not be called where tasks are carried out: the client waits.
    pub(crate) fn new(options: &TelemetryOptions) -> Result<Self, TelemetryError> {
        let set_up = |why: &dyn std::fmt::Display| TelemetryError::SetUp {
            why: why.to_string(),
        };
        let base = options.endpoint.trim_end_matches('/');
        let base = base.strip_suffix(TRACES).unwrap_or(base);
        let client = client(base).map_err(|error| set_up(&error))?;
        let resource = Resource::builder()
            .with_service_name(options.service.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let headers: std::collections::HashMap<String, String> =
            options.headers.clone().into_iter().collect();
        let time = Duration::from_millis(SEND_MS_MAX);
        let mut spans = SpanExporter::builder()
            .with_http()
            .with_http_client(client.clone())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{base}{TRACES}"))
            .with_headers(headers.clone())
            .with_timeout(time)
            .build()
            .map_err(|error| set_up(&error))?;
        spans.set_resource(&resource);
        let metrics = MetricExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{base}{METRICS}"))
            .with_headers(headers)
            .with_timeout(time)
            .build()
            .map_err(|error| set_up(&error))?;
        let reader = PeriodicReader::builder(metrics)
            .with_interval(Duration::from_millis(METRICS_EVERY_MS))
            .build();
        let metrics = SdkMeterProvider::builder()
            .with_resource(resource)
            .with_reader(reader)
            .build();
        Ok(Self {
            base: base.to_owned(),
            spans,
            measures: Measures::new(&metrics),
            metrics,
        })
    }

    /// Sends spans, again and again for [`SEND_MS_MAX`] where it helps.
    pub(crate) fn send(&self, spans: Vec<SpanData>) -> Result<(), String> {
        let sent = futures::executor::block_on(self.spans.export(spans));
        sent.map_err(|error| self.said(&error, TRACES))
    }

    /// Sends what was measured.
    pub(crate) fn send_metrics(&self) -> Result<(), String> {
        let sent = self.metrics.force_flush();
        sent.map_err(|error| self.said(&error, METRICS))
    }

    fn said(&self, error: &OTelSdkError, path: &str) -> String {
        let base = &self.base;
        match error {
            OTelSdkError::InternalFailure(why) => format!("{base}{path}: {why}"),
            OTelSdkError::Timeout(_) | OTelSdkError::AlreadyShutdown => {
                format!("{base}{path}: {error}")
            }
        }
    }
}

/// TLS by rustls with ring, the system's certificates, no redirect to where nobody wanted to send
/// to, and no proxy for this machine itself.
fn client(base: &str) -> Result<reqwest::blocking::Client, reqwest::Error> {
    static PROVIDER: Once = Once::new();
    // Fails when another provider is installed, which is then used.
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let builder = reqwest::blocking::Client::builder()
        .timeout(Duration::from_millis(SEND_MS_MAX))
        .redirect(reqwest::redirect::Policy::none());
    match is_loopback(base) {
        true => builder.no_proxy().build(),
        false => builder.build(),
    }
}

fn is_loopback(base: &str) -> bool {
    let Ok(url) = Url::parse(base) else {
        return false;
    };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_own = |address: IpAddr| address.is_loopback();
    host == "localhost" || host.parse().is_ok_and(is_own)
}

//! What a guest wants sent, checked: the URL, the method, the headers. What passes here is sound
//! HTTP and says to its server what it says to us; whether it may be sent is not asked yet.

use super::fault::{fault, named, named_text};
use crate::contract::http::{Error, ErrorCode, Request};
use http::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Method, header};
use leadhand_protocol::TraceContext;
use url::Url;

/// Longest URL, in bytes; servers take about as much.
const URL_BYTES_MAX: usize = 8 * 1024;
/// Longest name of a host, in bytes, with a dot at its end: RFC 1035.
const HOST_BYTES_MAX: usize = 254;
/// Most headers that a guest may set.
const HEADERS_MAX: usize = 64;
/// Bytes of all headers of a guest together.
const HEADER_BYTES_MAX: usize = 16 * 1024;

/// The methods that there are. `CONNECT` would make a tunnel, and `TRACE` shows headers that a
/// guest must not see.
const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

/// The name of a request that may change something.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The names of what a trace is told on with (W3C Trace Context).
const TRACE_PARENT: &str = "traceparent";
const TRACE_STATE: &str = "tracestate";

/// Headers that frame a message, name its server, or say what is understood on this side: they
/// are the host's. Beside these, everything that begins with `proxy-`.
const RESERVED: [&str; 11] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A request that could be sent.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) url: Url,
    /// What the guest set, and nothing that is the host's.
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// Whether a redirect from another origin led here: then no secret is added.
    pub(super) led_from_elsewhere: bool,
}

impl Outgoing {
    /// Checks a request of a guest.
    pub(super) fn checked(request: Request) -> Result<Self, Error> {
        let url = checked_url(&request.url)?;
        let invalid = |what: &str| {
            let message = format!("{}: {what}", named(&url));
            fault(ErrorCode::InvalidRequest, message)
        };
        let method = METHODS
            .into_iter()
            .find(|method| method.as_str() == request.method)
            .ok_or_else(|| {
                let names: Vec<&str> = METHODS.iter().map(Method::as_str).collect();
                invalid(&format!("the method must be one of {}.", names.join(", ")))
            })?;
        let headers = checked_headers(&request.headers).map_err(|what| invalid(&what))?;
        Ok(Self {
            method,
            url,
            headers,
            body: request.body,
            led_from_elsewhere: false,
        })
    }

    /// Gives the request a name, unless the guest did: a server that knows the header does not do
    /// twice what it has done under that name (draft-ietf-httpapi-idempotency-key-header).
    pub(super) fn name_once(&mut self, key: &str) {
        if !self.headers.contains_key(IDEMPOTENCY_KEY)
            && let Some(value) = ascii_value(key)
        {
            self.headers.insert(IDEMPOTENCY_KEY, value);
        }
    }

    /// Says what trace the request is a part of, whatever the guest said of it.
    pub(super) fn trace(&mut self, trace: &TraceContext) {
        self.headers.remove(TRACE_STATE);
        self.headers.remove(TRACE_PARENT);
        let state = Some(trace.state()).filter(|state| !state.is_empty());
        let state = state.and_then(ascii_value);
        let told = [
            (TRACE_PARENT, ascii_value(&trace.to_string())),
            (TRACE_STATE, state),
        ];
        for (name, value) in told {
            self.headers
                .extend(value.map(|value| (HeaderName::from_static(name), value)));
        }
    }

    /// All headers that are sent, in the order in which servers like them.
    pub(super) fn all_headers(&self, secrets: HeaderMap) -> Result<HeaderMap, Error> {
        let mut all = HeaderMap::new();
        let host = self.url.host_str().unwrap_or_default();
        let host = match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let host = HeaderValue::from_str(&host).map_err(|_| {
            let message = format!("{}: the host has no form for a header.", named(&self.url));
            fault(ErrorCode::InvalidRequest, message)
        })?;
        all.insert(HOST, host);
        all.insert(header::USER_AGENT, HeaderValue::from_static("leadhand"));
        all.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        for name in self.headers.keys() {
            all.remove(name);
        }
        all.extend(self.headers.clone());
        all.extend(secrets);
        all.insert(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("gzip, deflate"),
        );
        all.insert(header::CONNECTION, HeaderValue::from_static("close"));
        let sends = matches!(self.method, Method::POST | Method::PUT | Method::PATCH);
        if sends || !self.body.is_empty() {
            all.insert(CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        }
        Ok(all)
    }

    /// Path and query, as the request line has them.
    pub(super) fn target(&self) -> String {
        match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().to_owned(),
        }
    }
}

/// A URL of HTTP with a host and without user information. What is odd about its spelling is
/// gone after this: the crate `url` reads it as browsers do, and nobody reads the text again.
fn checked_url(text: &str) -> Result<Url, Error> {
    let invalid = |what: &str| {
        let message = format!("`{}`: {what}", named_text(text));
        fault(ErrorCode::InvalidRequest, message)
    };
    if text.len() > URL_BYTES_MAX {
        return Err(invalid(&format!(
            "a URL has at most {URL_BYTES_MAX} bytes."
        )));
    }
    let url = Url::parse(text)
        .map_err(|error| invalid(&format!("{error}; give a whole URL, with http or https.")))?;
    checked_parts(&url).map_err(invalid)?;
    Ok(url)
}

/// What must hold of every URL, of a redirect as well.
pub(super) fn checked_parts(url: &Url) -> Result<(), &'static str> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err("only http and https are spoken here.");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL with a user name or a password is not fetched; leave them out.");
    }
    if url.host_str().unwrap_or_default().is_empty() {
        return Err("the host is missing.");
    }
    if url.host_str().unwrap_or_default().len() > HOST_BYTES_MAX {
        return Err("the host is too long for a name.");
    }
    if url.port_or_known_default() == Some(0) {
        return Err("there is no port 0.");
    }
    if url.as_str().len() > URL_BYTES_MAX {
        return Err("the URL is too long.");
    }
    Ok(())
}

/// Whether a header is the host's to set.
pub(super) fn is_reserved(name: &HeaderName) -> bool {
    RESERVED.contains(&name.as_str()) || name.as_str().starts_with("proxy-")
}

/// A value of visible ASCII, blanks and tabs: no line end, no other control character.
pub(super) fn ascii_value(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(text).ok().filter(|_| text.is_ascii())
}

fn checked_headers(given: &[(String, String)]) -> Result<HeaderMap, String> {
    let bytes: usize = given
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if given.len() > HEADERS_MAX || bytes > HEADER_BYTES_MAX {
        return Err(format!(
            "at most {HEADERS_MAX} headers of {HEADER_BYTES_MAX} bytes together may be set."
        ));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let shown: String = name.chars().take(64).flat_map(char::escape_debug).collect();
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("`{shown}` is no name of a header."))?;
        if is_reserved(&name) {
            return Err(format!(
                "the header `{name}` is set by the host; leave it out."
            ));
        }
        let value = ascii_value(value)
            .ok_or_else(|| format!("the value of the header `{name}` must be printable ASCII."))?;
        headers.append(name, value);
    }
    Ok(headers)
}

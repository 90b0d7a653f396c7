//! Who may ask. Everything that a person's browser can be talked into by another page, or by a
//! name that suddenly leads to this machine, is refused before it is looked at:
//!
//! - the host must be this machine by name or address, with this port;
//! - the address that is printed holds a secret, for which the browser gets a cookie and the page
//!   a key; a cookie alone goes to every port of this machine, so the page's questions need both;
//! - what changes something must come from this page.
//!
//! Every answer, a refusal too, says that nothing but this page's own files may be run or shown.

use super::{Shared, URI_BYTES_MAX};
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::fmt::Write;
use std::io;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// Bytes of a secret.
const SECRET_BYTES: usize = 20;
/// The header in which the page gives its key.
const KEY_HEADER: &str = "x-leadhand-key";
/// What the page may load and do.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";
/// Headers of every answer.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// The secrets of this server, and the names by which it is called.
pub(super) struct Guard {
    port: u16,
    hosts: [String; 2],
    /// What the address holds that is printed.
    entry: Secret,
    cookie: Secret,
    key: Secret,
}

/// Random bytes as hexadecimal digits, not to be shown by accident.
struct Secret(String);

impl Secret {
    fn new() -> io::Result<Self> {
        let mut bytes = [0; SECRET_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| {
            io::Error::other(format!("the system gives no random numbers: {error}"))
        })?;
        let mut digits = String::with_capacity(2 * SECRET_BYTES);
        for byte in bytes {
            let _ = write!(digits, "{byte:02x}");
        }
        Ok(Self(digits))
    }

    /// Whether a text is the secret; how long that takes says nothing of where they differ.
    fn is(&self, text: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(text).into()
    }
}

impl Guard {
    pub(super) fn new(port: u16) -> io::Result<Self> {
        Ok(Self {
            port,
            hosts: [format!("127.0.0.1:{port}"), format!("localhost:{port}")],
            entry: Secret::new()?,
            cookie: Secret::new()?,
            key: Secret::new()?,
        })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/enter?token={}", self.hosts[0], self.entry.0)
    }

    /// Cookies go to all ports of a host, so each server has a name of its own.
    fn cookie_name(&self) -> String {
        format!("leadhand-{}", self.port)
    }

    /// Why a request is refused; none when it may be answered.
    fn refuses(&self, request: &Request) -> Option<(StatusCode, &'static str)> {
        let headers = request.headers();
        let uri = request.uri();
        if uri
            .path_and_query()
            .is_some_and(|it| it.as_str().len() > URI_BYTES_MAX)
        {
            return Some((StatusCode::URI_TOO_LONG, "the address is too long"));
        }
        let host = only(headers, &header::HOST);
        let called = |host: &str| self.hosts.iter().any(|it| it == host);
        let is_here =
            host.is_some_and(called) && uri.authority().is_none_or(|it| called(it.as_str()));
        if !is_here {
            return Some((
                StatusCode::MISDIRECTED_REQUEST,
                "this server answers to 127.0.0.1 and localhost with its port only; open the address that leadhand ui printed",
            ));
        }
        let path = uri.path();
        if path == "/enter" {
            return None;
        }
        let site = headers.get("sec-fetch-site");
        if site.is_some_and(|site| site != "same-origin" && site != "none") {
            return Some((
                StatusCode::FORBIDDEN,
                "another page asked for this; open the address that leadhand ui printed",
            ));
        }
        let without =
            "this needs the secret of this server; open the address that leadhand ui printed";
        if !self.has_cookie(headers) {
            return Some((StatusCode::UNAUTHORIZED, without));
        }
        if !path.starts_with("/api/") {
            return None;
        }
        let key = headers.get(KEY_HEADER).map(HeaderValue::as_bytes);
        if !key.is_some_and(|key| self.key.is(key)) {
            return Some((StatusCode::UNAUTHORIZED, without));
        }
        if *request.method() != Method::GET && !self.is_from_page(headers, host) {
            return Some((
                StatusCode::FORBIDDEN,
                "orders are taken from this server's own page only",
            ));
        }
        None
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let name = self.cookie_name();
        let cookies = headers.get_all(header::COOKIE).iter();
        cookies
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .any(|(called, value)| called == name && self.cookie.is(value.as_bytes()))
    }

    /// Whether something that changes anything was asked by the page itself.
    fn is_from_page(&self, headers: &HeaderMap, host: Option<&str>) -> bool {
        let origin = only(headers, &header::ORIGIN);
        let own = host.map(|host| format!("http://{host}"));
        let is_json = only(headers, &header::CONTENT_TYPE) == Some("application/json");
        let site = headers.get("sec-fetch-site");
        origin.is_some()
            && origin == own.as_deref()
            && is_json
            && site.is_none_or(|it| it == "same-origin")
    }
}

/// A header that is there once, and is text.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let one = all.next()?.to_str().ok()?;
    all.next().is_none().then_some(one)
}

/// Lets requests through that may be answered, and gives every answer its headers.
pub(super) async fn guarded(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match shared.guard.refuses(&request) {
        Some((status, why)) => (status, format!("{why}\n")).into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What the printed address holds.
#[derive(Deserialize)]
pub(super) struct Entry {
    #[serde(default)]
    token: String,
}

/// Takes the secret of the printed address for a cookie and the page's key. The page is gone to
/// by a page of this server, so that the cookie goes with it wherever the address was opened.
pub(super) async fn enter(
    State(shared): State<Arc<Shared>>,
    Query(entry): Query<Entry>,
) -> Response {
    let guard = &shared.guard;
    if !guard.entry.is(entry.token.as_bytes()) {
        let why = "this is not the address that leadhand ui printed: its token is missing or another one's; copy it whole\n";
        return (StatusCode::UNAUTHORIZED, why).into_response();
    }
    let cookie = format!(
        "{}={}; Path=/; HttpOnly; SameSite=Strict",
        guard.cookie_name(),
        guard.cookie.0
    );
    let page = format!(
        "<!doctype html><meta charset=\"utf-8\"><title>Leadhand</title>\
         <link rel=\"icon\" href=\"data:,\">\
         <meta http-equiv=\"refresh\" content=\"0;url=/#key={}\">",
        guard.key.0
    );
    Response::builder()
        .header(header::SET_COOKIE, cookie)
        .header(header::CONTENT_TYPE, "text/html; charset=utf-8")
        .body(Body::from(page))
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

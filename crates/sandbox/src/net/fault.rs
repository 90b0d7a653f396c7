//! Errors of requests, as the guest and the model behind it read them. They name a URL without
//! its query, since that is where people put keys, and hold nothing that could draw on a
//! terminal.

use crate::contract::http::{Error, ErrorCode};
use url::Url;

/// Longest URL that an error or a record names, in bytes.
const URL_BYTES_MAX: usize = 200;

/// An error of this code that says `message`.
pub(super) fn fault(code: ErrorCode, message: impl Into<String>) -> Error {
    let message = message.into();
    Error { code, message }
}

/// A URL for people: without user information, query and fragment, and not too long.
pub(super) fn named(url: &Url) -> String {
    let mut shown = format!("{}{}", origin(url), url.path());
    if shown.len() > URL_BYTES_MAX {
        shown.truncate(shown.floor_char_boundary(URL_BYTES_MAX));
        shown.push('…');
    }
    shown
}

/// Scheme, host and port; the port only when it is not the scheme's own.
pub(super) fn origin(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    }
}

/// What a guest gave for a URL and is none: cut before a query and behind user information.
pub(super) fn named_text(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let text = text.rsplit('@').next().unwrap_or_default();
    let shown: String = text.chars().take(URL_BYTES_MAX / 4).collect();
    shown.escape_debug().to_string()
}

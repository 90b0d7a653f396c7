//! Where a redirect leads, RFC 9110 section 15.4. The next request is checked as the first one
//! was; here is only what it is. Nothing that was meant for one origin goes to another.

use super::exchange::Answer;
use super::fault::{fault, named, origin};
use super::request::{Outgoing, checked_parts};
use super::secret::Secrets;
use crate::contract::http::{Error, ErrorCode};
use http::header::{
    ACCEPT, ACCEPT_LANGUAGE, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE,
    HeaderName, HeaderValue, LOCATION, USER_AGENT,
};
use http::{Method, StatusCode};

/// Headers of a guest that go along to another origin. Any other may hold what was meant for
/// the first one only.
const GOING_ALONG: [HeaderName; 6] = [
    ACCEPT,
    ACCEPT_LANGUAGE,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_TYPE,
    USER_AGENT,
];
/// Headers that describe a body.
const OF_THE_BODY: [HeaderName; 4] = [
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LOCATION,
    CONTENT_TYPE,
];

/// Whether an answer is a redirect that names its target.
pub(super) fn leads_on(answer: &Answer) -> bool {
    let redirects = matches!(
        answer.status,
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    redirects && answer.headers.contains_key(LOCATION)
}

/// The request that a redirect asks for instead of `request`.
pub(super) fn followed(
    request: Outgoing,
    answer: &Answer,
    secrets: &Secrets,
) -> Result<Outgoing, Error> {
    let from = named(&request.url);
    let refused = |what: &str| {
        let message = format!("{from}: its redirect is not followed: {what}");
        fault(ErrorCode::Denied, message)
    };
    let location = answer.headers.get(LOCATION);
    let location = location.map_or(&[][..], HeaderValue::as_bytes);
    if secrets.found_in(location) {
        return Err(refused("its target holds a secret."));
    }
    let mut url = std::str::from_utf8(location)
        .ok()
        .and_then(|location| request.url.join(location).ok())
        .ok_or_else(|| refused("its target is no URL."))?;
    url.set_fragment(None);
    checked_parts(&url).map_err(&refused)?;
    if request.url.scheme() == "https" && url.scheme() == "http" {
        return Err(refused("it leads from https to http."));
    }
    let mut next = Outgoing { url, ..request };
    let to_get = match answer.status {
        StatusCode::SEE_OTHER => next.method != Method::HEAD,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => next.method == Method::POST,
        _ => false,
    };
    if to_get {
        next.method = Method::GET;
        next.body = Vec::new();
        for name in OF_THE_BODY {
            next.headers.remove(name);
        }
    }
    if origin(&request.url) != origin(&next.url) {
        next.led_from_elsewhere = true;
        let kept = std::mem::take(&mut next.headers);
        next.headers = GOING_ALONG
            .into_iter()
            .filter_map(|name| Some((name.clone(), kept.get(name)?.clone())))
            .collect();
    }
    Ok(next)
}

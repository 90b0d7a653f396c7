//! What the guest gets of an answer: decoded, and with a mark for every secret in it.

use super::decode::{self, Encoding};
use super::exchange::Answer;
use super::secret::Secrets;
use crate::contract::http::Response;

/// The answer of `url`, its body decoded to at most `bytes_max` bytes. None when the body is
/// not what its encoding says.
pub(super) fn response(
    secrets: &Secrets,
    url: &str,
    answer: Answer,
    bytes_max: u64,
) -> Option<Response> {
    let encoding = decode::encoding(&answer.headers);
    let body = decode::decoded(encoding, answer.body, answer.cut, bytes_max)?;
    let decoded = matches!(encoding, Encoding::Gzip | Encoding::Deflate);
    let headers = answer
        .headers
        .iter()
        .filter(|(name, _)| {
            !(decoded && ["content-encoding", "content-length"].contains(&name.as_str()))
        })
        .map(|(name, value)| {
            let name = secrets.masked_text(name.as_str().as_bytes());
            (name, secrets.masked_text(value.as_bytes()))
        })
        .collect();
    let masked = if body.truncated {
        secrets.masked_beginning(&body.bytes)
    } else {
        secrets.masked(&body.bytes)
    };
    Some(Response {
        status: answer.status.as_u16(),
        url: secrets.masked_text(url.as_bytes()),
        headers,
        body: masked.into_owned(),
        truncated: body.truncated,
    })
}

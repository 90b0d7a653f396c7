//! Secrets at the boundary: put into a header for one origin, and taken out of whatever comes
//! back, in the spellings in which servers echo what they were sent. A guest sees neither the
//! value nor how it is spelled, and no error, log or record holds it.

use super::fault::origin;
use super::grants::NetGrants;
use super::request::Outgoing;
use crate::SandboxError;
use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use std::borrow::Cow;
use std::collections::BTreeSet;
use url::{Host, Url};

/// Longest name, in bytes: it stands for the value wherever that was found.
const NAME_BYTES_MAX: usize = 64;
/// Shortest value, in bytes: a shorter one would be found in ordinary text.
const VALUE_BYTES_MIN: usize = 8;
/// Longest value, in bytes, the prefix included.
const VALUE_BYTES_MAX: usize = 8 * 1024;

/// A secret that the host adds to requests to one origin, for calls that hold a grant of
/// `secret` on its name.
#[derive(Debug, Clone)]
pub struct Secret {
    /// What grants and messages call it: letters, digits, `_`, `-` and `.`.
    pub name: String,
    /// Scheme, host and port of the only server that gets it, such as
    /// `https://api.example.org`. `http` only on this very machine.
    pub origin: String,
    /// The header that carries it, such as `authorization`.
    pub header: String,
    /// What stands before the value in that header, such as `Bearer `; may be empty.
    pub prefix: String,
    /// The value, of 8 bytes or more.
    pub value: SecretString,
}

/// The secrets of a host, checked, and what finds them in an answer.
pub(super) struct Secrets {
    placed: Vec<Placed>,
    /// None when there is no secret.
    finder: Option<Finder>,
}

struct Placed {
    name: String,
    origin: String,
    header: HeaderName,
    value: HeaderValue,
}

struct Finder {
    spellings: AhoCorasick,
    /// What stands for each spelling.
    marks: Vec<String>,
    /// Length of the longest spelling, in bytes.
    longest: usize,
}

impl Secrets {
    /// Checks the secrets of a host.
    pub(super) fn new(secrets: &[Secret]) -> Result<Self, SandboxError> {
        let mut placed: Vec<Placed> = Vec::new();
        let mut marked: Vec<(String, String)> = Vec::new();
        for secret in secrets {
            let checked = Placed::checked(secret)
                .and_then(|checked| checked.beside(&placed))
                .map_err(|reason| SandboxError::Secret {
                    name: secret.name.clone(),
                    reason,
                })?;
            placed.push(checked);
            let mark = format!("[secret {}]", secret.name);
            let spelled = spellings(secret.value.expose_secret());
            marked.extend(spelled.into_iter().map(|spelling| (spelling, mark.clone())));
        }
        let finder = (!marked.is_empty())
            .then(|| Finder::new(marked))
            .transpose();
        let finder = finder.map_err(|reason| SandboxError::Secret {
            name: "all of them".to_owned(),
            reason,
        })?;
        Ok(Self { placed, finder })
    }

    /// The headers that carry secrets on this request. Refuses a header of the guest where the
    /// host's would stand, granted or not.
    pub(super) fn headers(
        &self,
        grants: &NetGrants,
        request: &Outgoing,
    ) -> Result<HeaderMap, String> {
        let origin = origin(&request.url);
        let mut headers = HeaderMap::new();
        for secret in self.placed.iter().filter(|secret| secret.origin == origin) {
            if request.headers.contains_key(&secret.header) {
                return Err(format!(
                    "the header `{}` is set by the host there, from the secret `{}`; leave it out",
                    secret.header, secret.name
                ));
            }
            if grants.covers_secret(&secret.name) && !request.led_from_elsewhere {
                headers.insert(&secret.header, secret.value.clone());
            }
        }
        Ok(headers)
    }

    /// Whether a text holds a secret in any spelling that is known.
    pub(super) fn found_in(&self, text: &[u8]) -> bool {
        self.finder
            .as_ref()
            .is_some_and(|finder| finder.spellings.is_match(text))
    }

    /// A text with a mark for each secret in it.
    pub(super) fn masked<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        match &self.finder {
            Some(finder) => finder.masked(text, text.len()),
            None => Cow::Borrowed(text),
        }
    }

    /// As [`Self::masked`], of a text that goes on where it was cut off. A secret may have begun
    /// there, so the end is left out, as long as the longest spelling, whatever it holds: by
    /// what is left out a guest could else find the beginning of a secret.
    pub(super) fn masked_beginning<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        match &self.finder {
            Some(finder) => finder.masked(text, text.len().saturating_sub(finder.longest - 1)),
            None => Cow::Borrowed(text),
        }
    }

    /// A message or a header with a mark for each secret in it.
    pub(super) fn masked_text(&self, text: &[u8]) -> String {
        String::from_utf8_lossy(&self.masked(text)).into_owned()
    }
}

impl Placed {
    fn checked(secret: &Secret) -> Result<Self, String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if !(1..=NAME_BYTES_MAX).contains(&secret.name.len()) || !secret.name.bytes().all(plain) {
            return Err(format!(
                "its name must be letters, digits, `_`, `-` and `.`, at most {NAME_BYTES_MAX}"
            ));
        }
        let whole = format!("{}{}", secret.prefix, secret.value.expose_secret());
        if secret.value.expose_secret().trim().len() < VALUE_BYTES_MIN
            || whole.len() > VALUE_BYTES_MAX
        {
            return Err(format!(
                "its value must have {VALUE_BYTES_MIN} to {VALUE_BYTES_MAX} bytes"
            ));
        }
        let mut value = super::request::ascii_value(&whole)
            .ok_or_else(|| "its value must be printable ASCII on one line".to_owned())?;
        value.set_sensitive(true);
        let header = HeaderName::from_bytes(secret.header.as_bytes())
            .ok()
            .filter(|header| !super::request::is_reserved(header))
            .ok_or_else(|| "its header is no name of a header that can be set".to_owned())?;
        Ok(Self {
            name: secret.name.clone(),
            origin: checked_origin(&secret.origin)?,
            header,
            value,
        })
    }

    /// The secret, unless it takes the name or the place of another one.
    fn beside(self, others: &[Self]) -> Result<Self, String> {
        let clash = others.iter().any(|other| {
            let same_place = other.origin == self.origin && other.header == self.header;
            other.name == self.name || same_place
        });
        if clash {
            return Err("another secret has its name, or its origin and header".to_owned());
        }
        Ok(self)
    }
}

fn checked_origin(text: &str) -> Result<String, String> {
    let wrong = "its origin must be scheme, host and port, such as `https://api.example.org`";
    let url = Url::parse(text).map_err(|error| format!("{wrong}: {error}"))?;
    super::request::checked_parts(&url).map_err(|reason| format!("{wrong}: {reason}"))?;
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong.to_owned());
    }
    let local = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if url.scheme() == "http" && !local {
        return Err("its origin must be https: over http anybody on the way reads it".to_owned());
    }
    Ok(origin(&url))
}

impl Finder {
    fn new(marked: Vec<(String, String)>) -> Result<Self, String> {
        let (spelled, marks): (Vec<String>, Vec<String>) = marked.into_iter().unzip();
        let longest = spelled.iter().map(String::len).max().unwrap_or_default();
        // Letter case is ignored: percent and hex digits are written in both.
        let spellings = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(true)
            .build(&spelled)
            .map_err(|_| "they are too long to be looked for".to_owned())?;
        Ok(Self {
            spellings,
            marks,
            longest,
        })
    }

    /// The first `end` bytes, with a mark for each secret that begins in them.
    fn masked<'a>(&self, text: &'a [u8], end: usize) -> Cow<'a, [u8]> {
        let mut masked = Vec::new();
        let mut done = 0;
        for found in self.spellings.find_iter(text) {
            if found.start() >= end {
                break;
            }
            masked.extend_from_slice(&text[done..found.start()]);
            masked.extend_from_slice(self.marks[found.pattern()].as_bytes());
            done = found.end();
        }
        if done == 0 {
            return Cow::Borrowed(&text[..end]);
        }
        masked.extend_from_slice(text.get(done..end).unwrap_or_default());
        Cow::Owned(masked)
    }
}

/// How a value may be spelled in what a server gives back: as it is, percent-encoded, in JSON,
/// in HTML, in hexadecimal, and in base64 wherever in a longer text it stood.
fn spellings(value: &str) -> BTreeSet<String> {
    let percent = |plain: fn(u8) -> bool| -> String {
        let spell = |byte: u8| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        };
        value.bytes().map(spell).collect()
    };
    let json = serde_json::Value::from(value).to_string();
    let json = json.trim_start_matches('"');
    let json = json.strip_suffix('"').unwrap_or(json);
    let html = |quote: &str| {
        value
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', quote)
    };
    let mut all = BTreeSet::from([
        value.to_owned(),
        percent(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)),
        percent(|byte| byte.is_ascii_alphanumeric() || b"-._~/:@!$&'()*+,;=".contains(&byte)),
        url::form_urlencoded::byte_serialize(value.as_bytes()).collect(),
        json.to_owned(),
        json.replace('/', "\\/"),
        html("&#39;"),
        html("&#x27;"),
        value.bytes().map(|byte| format!("{byte:02x}")).collect(),
    ]);
    for before in 0..3 {
        let mut bytes = vec![0; before];
        bytes.extend_from_slice(value.as_bytes());
        // Only digits of base64 that are made of bits of the value alone.
        let digits = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
        all.insert(STANDARD_NO_PAD.encode(&bytes)[digits.clone()].to_owned());
        all.insert(URL_SAFE_NO_PAD.encode(&bytes)[digits].to_owned());
    }
    all
}

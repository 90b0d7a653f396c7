//! A URL as it is dialled: normalised by the rules of browsers first (crate `url`), so that
//! `http://0x7f.1/` is judged as `http://127.0.0.1/`.

use crate::internal::is_internal;
use crate::path::{fold, shown};
use crate::url_pattern::Host;
use core::net::IpAddr;
use std::fmt;
use url::Url;

/// Longest URL, in bytes.
pub const URL_BYTES_MAX: usize = 8_192;
/// Characters of a URL that are shown.
const SHOWN_CHARS_MAX: usize = 120;
/// How often a path is percent-decoded to see whether a careless server could read another path.
const DECODINGS_MAX: usize = 4;

/// A URL that a tool wants to reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlResource {
    url: Url,
    pub(crate) host: Target,
    /// Decoded names with one `/` between; none where a server could read them in another way.
    path: Option<String>,
    folded: Option<String>,
}

/// Whom a URL names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    /// A name in ASCII and lower case, without a dot at its end.
    Name(String),
    /// An address; one that is mapped into IPv6 as the IPv4 address that it is.
    Address(IpAddr),
}

impl UrlResource {
    /// Reads a URL.
    ///
    /// # Errors
    /// A sentence for the model: what is wrong with the URL and what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > URL_BYTES_MAX {
            return Err(format!(
                "the URL `{}…` is longer than {URL_BYTES_MAX} bytes",
                shown(text)
            ));
        }
        let url = Url::parse(text).map_err(|error| {
            format!(
                "`{}` is no URL ({error}); write a whole one, such as `https://example.org/page`",
                shown(text)
            )
        })?;
        Self::of(url)
    }

    /// Takes a URL that was parsed already.
    ///
    /// # Errors
    /// As [`UrlResource::parse`].
    pub fn of(url: Url) -> Result<Self, String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!(
                "the URL has the scheme `{}`; only `http` and `https` are reached",
                shown(url.scheme())
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                "the URL has a user name or password before its host; leave them out".to_owned(),
            );
        }
        let host = url
            .host()
            .and_then(|host| Target::of(&host))
            .ok_or_else(|| "the URL has no host that can be reached".to_owned())?;
        let path = decoded_path(url.path());
        let is_folded = |path: &str| {
            let mut bytes = path.bytes();
            bytes.all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
        };
        let folded = match &path {
            Some(path) if !is_folded(path) => Some(fold(path)),
            Some(_) | None => None,
        };
        Ok(Self {
            url,
            host,
            path,
            folded,
        })
    }

    /// The URL, normalised: this is what must be dialled.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether its host is by itself an internal address: such an address as it stands, or a
    /// name that means the machine itself (`localhost` and below, RFC 6761). Of other names
    /// only their resolution tells.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        match &self.host {
            Target::Address(address) => is_internal(*address),
            Target::Name(name) => name == "localhost" || name.ends_with(".localhost"),
        }
    }

    /// The host's name; none of an address.
    #[must_use]
    pub fn host_name(&self) -> Option<&str> {
        match &self.host {
            Target::Name(name) => Some(name),
            Target::Address(_) => None,
        }
    }

    /// The host as a pattern of it alone.
    #[must_use]
    pub fn host(&self) -> Host {
        match &self.host {
            Target::Name(name) => Host::Name(name.clone()),
            Target::Address(address) => Host::Address(*address),
        }
    }

    /// Whether every server reads the same names out of its path: no coded slash, dots or
    /// control characters. Any pattern that names a path closes one that is not clear, and
    /// none opens it.
    #[must_use]
    pub fn has_clear_path(&self) -> bool {
        self.path.is_some()
    }

    /// The port, written or of the scheme.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or_default()
    }

    pub(crate) fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    pub(crate) fn folded_path(&self) -> Option<&str> {
        self.folded.as_deref().or(self.path.as_deref())
    }

    /// The names of its path in lower case; none of a path that is not clear.
    pub fn folded_names(&self) -> impl Iterator<Item = &str> {
        let path = self.folded_path().unwrap_or_default();
        path.split('/').filter(|name| !name.is_empty())
    }
}

impl Target {
    pub(crate) fn of(host: &url::Host<&str>) -> Option<Self> {
        match host {
            url::Host::Domain(name) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                // A name with nothing between its dots is nobody's.
                let is_name = name.split('.').all(|label| !label.is_empty());
                is_name.then(|| Self::Name(name.to_owned()))
            }
            url::Host::Ipv4(address) => Some(Self::Address(IpAddr::V4(*address))),
            url::Host::Ipv6(address) => Some(Self::Address(IpAddr::V6(*address).to_canonical())),
        }
    }
}

/// The URL without its query, which may hold what is not for everybody's eyes.
impl fmt::Display for UrlResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before_query = &self.url[..url::Position::AfterPath];
        if before_query.len() <= SHOWN_CHARS_MAX {
            return f.write_str(before_query);
        }
        match before_query.char_indices().nth(SHOWN_CHARS_MAX) {
            Some((at, _)) => write!(f, "{}…", &before_query[..at]),
            None => f.write_str(before_query),
        }
    }
}

/// Names of a path, decoded, without `.` and empty ones; none when a server that decodes twice,
/// takes `\` for `/`, or cuts at `;` would read another path.
fn decoded_path(path: &str) -> Option<String> {
    let path = path.trim_matches('/');
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    // Most paths: the URL's own rules have taken out names of dots.
    if path.bytes().all(is_plain) && !path.contains("//") {
        return Some(path.to_owned());
    }
    let mut text = String::with_capacity(path.len());
    for name in path.split('/').filter(|name| !name.is_empty()) {
        let once = if name.contains('%') {
            let once = percent_decoded(name)?;
            let mut deeper = once.clone();
            for _ in 0..DECODINGS_MAX {
                if !is_clear(&deeper) {
                    return None;
                }
                match percent_decoded(&deeper) {
                    Some(next) if next != deeper => deeper = next,
                    Some(_) => break,
                    None => return None,
                }
            }
            once
        } else if is_clear(name) {
            name.to_owned()
        } else {
            return None;
        };
        if !text.is_empty() {
            text.push('/');
        }
        text.push_str(&once);
    }
    Some(text)
}

fn is_clear(name: &str) -> bool {
    let before_parameters = name.split(';').next().unwrap_or_default();
    !matches!(before_parameters, "." | "..")
        && !name.contains(['/', '\\'])
        && !name.contains(char::is_control)
}

/// Decodes `%41` once; what is no such triple stays. None when the result is not UTF-8.
pub(crate) fn percent_decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digit = |place: usize| char::from(*bytes.get(place)?).to_digit(16);
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).ok()?);
                at += 3;
            }
            (byte, _, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).ok()
}

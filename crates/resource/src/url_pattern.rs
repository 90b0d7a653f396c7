//! Patterns over URLs: which methods, scheme, host, port and path. How one is written is in
//! `url_parse`.

use crate::path_glob::PathGlob;
use crate::url_resource::{Target, UrlResource};
use core::net::IpAddr;
use std::collections::BTreeSet;
use std::fmt;
use url::Url;

/// A pattern over URLs, without alternatives. It does not look at queries and fragments.
///
/// ```
/// use leadhand_resource::UrlPattern;
/// let url = "https://api.example.org/docs/a?page=2".parse()?;
/// let patterns = UrlPattern::parse("GET,HEAD https://*.example.org/docs/**")?;
/// assert!(patterns[0].covers("GET", &url) && !patterns[0].covers("POST", &url));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UrlPattern {
    /// None is any method.
    pub(crate) methods: Option<BTreeSet<String>>,
    pub(crate) scheme: Scheme,
    pub(crate) host: Host,
    pub(crate) port: Port,
    /// None is any path.
    pub(crate) path: Option<PathGlob>,
}

/// The schemes that a pattern covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    /// `http`.
    Http,
    /// `https`.
    Https,
    /// Both.
    Either,
}

/// The hosts that a pattern covers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    /// Every host.
    Any,
    /// One name.
    Name(String),
    /// All names below this one, and not the name itself.
    Below(String),
    /// One address.
    Address(IpAddr),
}

/// The ports that a pattern covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Port {
    /// The one that belongs to the scheme.
    OfScheme,
    /// Every port.
    Any,
    /// One port.
    Number(u16),
}

impl UrlPattern {
    /// Every URL by every method: `**`.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            methods: None,
            scheme: Scheme::Either,
            host: Host::Any,
            port: Port::Any,
            path: None,
        }
    }

    /// The hosts it covers.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The glob over its path; none is any path.
    #[must_use]
    pub fn path(&self) -> Option<&PathGlob> {
        self.path.as_ref()
    }

    /// Whether a request of this method to this URL is opened by the pattern.
    #[must_use]
    pub fn covers(&self, method: &str, url: &Url) -> bool {
        UrlResource::of(url.clone()).is_ok_and(|url| self.covers_resource(Some(method), &url))
    }

    /// Whether a request of this method to this URL is closed by the pattern: as
    /// [`UrlPattern::covers`], but without regard to letter case, with all that is below the
    /// path, and in doubt. What is no URL to be reached is closed by every pattern.
    #[must_use]
    pub fn closes(&self, method: &str, url: &Url) -> bool {
        match UrlResource::of(url.clone()) {
            Ok(url) => self.closing().closes_resource(Some(method), &url),
            Err(_) => true,
        }
    }

    /// As [`UrlPattern::covers`]; without a method, whether it covers every one.
    #[must_use]
    pub fn covers_resource(&self, method: Option<&str>, url: &UrlResource) -> bool {
        let method_fits = match (&self.methods, method) {
            (None, _) => true,
            (Some(methods), Some(method)) => methods.contains(method),
            (Some(_), None) => false,
        };
        method_fits
            && self.reaches(url)
            && match &self.path {
                None => true,
                Some(glob) => url.path().is_some_and(|path| glob.covers(path)),
            }
    }

    /// As [`UrlPattern::closes`], of a pattern that [`UrlPattern::closing`] gave; without a
    /// method, whether it closes any one.
    #[must_use]
    pub fn closes_resource(&self, method: Option<&str>, url: &UrlResource) -> bool {
        let method_fits = match (&self.methods, method) {
            (None, _) | (Some(_), None) => true,
            (Some(methods), Some(method)) => {
                methods.iter().any(|own| own.eq_ignore_ascii_case(method))
            }
        };
        method_fits
            && self.reaches(url)
            && match &self.path {
                None => true,
                Some(glob) => url.folded_path().is_none_or(|path| glob.covers(path)),
            }
    }

    /// The pattern over paths in lower case that closes what this one names.
    #[must_use]
    pub fn closing(&self) -> Self {
        Self {
            path: self
                .path
                .as_ref()
                .map(PathGlob::closing)
                .filter(|glob| !glob.is_everything()),
            ..self.clone()
        }
    }

    /// The same pattern over paths in lower case.
    #[must_use]
    pub fn folded(&self) -> Self {
        Self {
            path: self.path.as_ref().map(PathGlob::folded),
            ..self.clone()
        }
    }

    /// Whether it covers every URL by every method.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::everything()
    }

    fn reaches(&self, url: &UrlResource) -> bool {
        let is_secure = url.url().scheme() == "https";
        let scheme_fits = match self.scheme {
            Scheme::Http => !is_secure,
            Scheme::Https => is_secure,
            Scheme::Either => true,
        };
        let port_fits = match self.port {
            Port::OfScheme => url.url().port().is_none(),
            Port::Any => true,
            Port::Number(number) => url.port() == number,
        };
        scheme_fits && port_fits && self.host.covers(&url.host)
    }

    /// Patterns that together cover only requests which both cover; each step is taken off
    /// `steps_left`, and at none the rest is left out.
    #[must_use]
    pub fn intersect(&self, other: &Self, steps_left: &mut usize) -> Vec<Self> {
        let methods = match (&self.methods, &other.methods) {
            (None, methods) | (methods, None) => methods.clone(),
            (Some(a), Some(b)) => {
                let both: BTreeSet<String> = a.intersection(b).cloned().collect();
                if both.is_empty() {
                    return Vec::new();
                }
                Some(both)
            }
        };
        let Some(scheme) = self.scheme.common(other.scheme) else {
            return Vec::new();
        };
        let Some((scheme, port)) = self.port.common(other.port, scheme) else {
            return Vec::new();
        };
        let Some(host) = self.host.common(&other.host) else {
            return Vec::new();
        };
        let paths = match (&self.path, &other.path) {
            (None, path) | (path, None) => vec![path.clone()],
            (Some(a), Some(b)) => a.intersect(b, steps_left).into_iter().map(Some).collect(),
        };
        let with_path = |path: Option<PathGlob>| Self {
            methods: methods.clone(),
            scheme,
            host: host.clone(),
            port,
            path: path.filter(|glob| !glob.is_everything()),
        };
        paths.into_iter().map(with_path).collect()
    }
}

impl Scheme {
    fn common(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Either, one) | (one, Self::Either) => Some(one),
            (a, b) => (a == b).then_some(a),
        }
    }
}

impl Port {
    /// The port that both cover under this scheme. `80` belongs to `http` alone, so a number
    /// can decide which scheme is left.
    fn common(self, other: Self, scheme: Scheme) -> Option<(Scheme, Self)> {
        match (self, other) {
            (Self::Any, port) | (port, Self::Any) => Some((scheme, port.normal(scheme))),
            (Self::OfScheme, Self::OfScheme) => Some((scheme, Self::OfScheme)),
            (Self::Number(a), Self::Number(b)) => (a == b).then_some((scheme, self.normal(scheme))),
            (Self::OfScheme, Self::Number(number)) | (Self::Number(number), Self::OfScheme) => {
                let owner = match number {
                    80 => Scheme::Http,
                    443 => Scheme::Https,
                    _ => return None,
                };
                owner.common(scheme).map(|scheme| (scheme, Self::OfScheme))
            }
        }
    }

    pub(crate) fn normal(self, scheme: Scheme) -> Self {
        match (self, scheme) {
            (Self::Number(80), Scheme::Http) | (Self::Number(443), Scheme::Https) => Self::OfScheme,
            (port, _) => port,
        }
    }
}

impl Host {
    fn covers(&self, target: &Target) -> bool {
        match (self, target) {
            (Self::Any, _) => true,
            (Self::Name(own), Target::Name(name)) => own == name,
            (Self::Below(above), Target::Name(name)) => is_below(name, above),
            (Self::Address(own), Target::Address(address)) => own == address,
            (Self::Name(_) | Self::Below(_), Target::Address(_))
            | (Self::Address(_), Target::Name(_)) => false,
        }
    }

    fn common(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Any, host) | (host, Self::Any) => Some(host.clone()),
            (Self::Below(a), Self::Below(b)) if a == b || is_below(a, b) => Some(self.clone()),
            (Self::Below(a), Self::Below(b)) => is_below(b, a).then(|| other.clone()),
            (Self::Name(name), Self::Below(above)) | (Self::Below(above), Self::Name(name)) => {
                is_below(name, above).then(|| Self::Name(name.clone()))
            }
            (Self::Name(_), Self::Name(_)) | (Self::Address(_), Self::Address(_)) => {
                (self == other).then(|| self.clone())
            }
            (Self::Address(_), Self::Name(_) | Self::Below(_))
            | (Self::Name(_) | Self::Below(_), Self::Address(_)) => None,
        }
    }
}

fn is_below(name: &str, above: &str) -> bool {
    let before = name.strip_suffix(above);
    before.is_some_and(|before| before.len() > 1 && before.ends_with('.'))
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Name(name) => f.write_str(name),
            Self::Below(above) => write!(f, "*.{above}"),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

//! How URL patterns are written: `[METHOD[,METHOD…] ]SCHEME://HOST[:PORT][/PATH]`, or `**` for
//! all. What a pattern would only seem to say (a query, a user, a `%` that is no code) is
//! refused.

use crate::PATTERN_BYTES_MAX;
use crate::alternatives::alternatives;
use crate::name_glob::{NameGlob, Token};
use crate::path_glob::{PathGlob, Segment};
use crate::url_pattern::{Host, Port, Scheme, UrlPattern};
use crate::url_resource::{Target, percent_decoded};
use std::collections::BTreeSet;
use std::fmt;

/// Most methods in one pattern.
const METHODS_MAX: usize = 16;
/// Longest method, in bytes.
const METHOD_BYTES_MAX: usize = 32;
/// Characters of a path's pattern that would not be read back as themselves.
const CODED: &[char] = &[
    '%', '*', '?', '#', '[', ']', '{', '}', '!', ',', '\\', '/', ' ', '.',
];

impl UrlPattern {
    /// Reads a pattern into one or, where it has alternatives, several.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the text and what to write instead.
    pub fn parse(text: &str) -> Result<Vec<Self>, String> {
        if text.len() > PATTERN_BYTES_MAX {
            return Err(format!("a pattern may have {PATTERN_BYTES_MAX} bytes"));
        }
        let plain = alternatives(text)?;
        plain.iter().map(|text| parse_plain(text)).collect()
    }
}

fn parse_plain(text: &str) -> Result<UrlPattern, String> {
    let (methods, address) = match text.split_once(' ') {
        Some((methods, address)) if !methods.contains("://") => {
            (Some(self::methods(methods)?), address)
        }
        _ => (None, text),
    };
    if address == "**" {
        return Ok(UrlPattern {
            methods,
            ..UrlPattern::everything()
        });
    }
    let Some((scheme, rest)) = address.split_once("://") else {
        return Err(format!(
            "`{text}` is no URL pattern; write one such as `https://api.example.org/docs/**`, or `**` for all"
        ));
    };
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        "*" => Scheme::Either,
        other => {
            return Err(format!(
                "`{text}` has the scheme `{other}`; write `http`, `https` or `*` for either"
            ));
        }
    };
    let (authority, path) = match rest.find('/') {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    if authority.contains('@') {
        return Err(format!(
            "`{text}` has a user before its host; leave it out, no URL with one is reached"
        ));
    }
    let (host, port) = split_port(authority);
    let host = self::host(host).map_err(|why| format!("`{text}`: {why}"))?;
    let port = match port {
        Some(port) => self::port(port).map_err(|why| format!("`{text}`: {why}"))?,
        None => Port::OfScheme,
    };
    let path = match path {
        None => None,
        Some(path) => Some(self::path(path).map_err(|why| format!("`{text}`: {why}"))?),
    };
    Ok(UrlPattern {
        methods,
        scheme,
        host,
        port: port.normal(scheme),
        path: path.filter(|glob| !glob.is_everything()),
    })
}

fn methods(text: &str) -> Result<BTreeSet<String>, String> {
    let methods: BTreeSet<String> = text.split(',').map(str::to_owned).collect();
    let is_method = |method: &String| {
        (1..=METHOD_BYTES_MAX).contains(&method.len())
            && method.bytes().all(|byte| byte.is_ascii_uppercase())
    };
    if methods.len() > METHODS_MAX || !methods.iter().all(is_method) {
        return Err(format!(
            "`{text}` before the URL is no list of methods; write them in capitals, such as `GET,HEAD`"
        ));
    }
    Ok(methods)
}

fn split_port(authority: &str) -> (&str, Option<&str>) {
    let behind_address = authority.rfind(']').map_or(0, |at| at + 1);
    match authority[behind_address..].rfind(':') {
        Some(at) => {
            let at = behind_address + at;
            (&authority[..at], Some(&authority[at + 1..]))
        }
        None => (authority, None),
    }
}

fn host(text: &str) -> Result<Host, String> {
    if text == "*" {
        return Ok(Host::Any);
    }
    let (below, name) = match text.strip_prefix("*.") {
        Some(name) => (true, name),
        None => (false, text),
    };
    if name.contains(['*', '?', '#', '%', '\\']) {
        return Err(format!(
            "the host `{text}` is neither a name nor an address; only `*` alone and `*.` before a name are globs"
        ));
    }
    let host = url::Host::parse(name)
        .map_err(|error| format!("the host `{text}` cannot be read: {error}"))?;
    let target = match &host {
        url::Host::Domain(name) => Target::of(&url::Host::Domain(name.as_str())),
        url::Host::Ipv4(address) => Target::of(&url::Host::Ipv4(*address)),
        url::Host::Ipv6(address) => Target::of(&url::Host::Ipv6(*address)),
    };
    match target {
        Some(Target::Name(name)) if below => Ok(Host::Below(name)),
        Some(Target::Name(name)) => Ok(Host::Name(name)),
        Some(Target::Address(address)) if !below => Ok(Host::Address(address)),
        Some(Target::Address(_)) => Err(format!("nothing is below the address `{name}`")),
        None => Err(format!("`{text}` is no host; write `*` for any")),
    }
}

fn port(text: &str) -> Result<Port, String> {
    match text.parse() {
        _ if text == "*" => Ok(Port::Any),
        Ok(number) if number > 0 && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(Port::Number(number))
        }
        _ => Err(format!(
            "the port `{text}` is no number from 1 to 65535; write `*` for any"
        )),
    }
}

/// Percent-codes mean the character that they stand for, and never a wildcard.
fn path(text: &str) -> Result<PathGlob, String> {
    if text.contains(['?', '#']) {
        return Err(
            "queries and fragments are not matched; end the pattern before `?` and `#`".to_owned(),
        );
    }
    if text.is_empty() {
        return Ok(PathGlob(Vec::new()));
    }
    let mut segments: Vec<Segment> = Vec::new();
    for name in text.split('/') {
        match name {
            "**" if segments.last() == Some(&Segment::Folders) => {}
            "**" => segments.push(Segment::Folders),
            "" => return Err("it has an empty name between its slashes".to_owned()),
            name if name.contains("**") => {
                return Err("a `**` must stand alone between slashes".to_owned());
            }
            name => {
                let glob = self::name(name)?;
                if matches!(glob.literal(), Some("." | "..")) {
                    return Err("its path has `.` or `..`; write it without".to_owned());
                }
                segments.push(Segment::Name(glob));
            }
        }
    }
    Ok(PathGlob(segments))
}

fn name(text: &str) -> Result<NameGlob, String> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut pieces = text.split('%');
    tokens.extend(NameGlob::parse_plain(pieces.next().unwrap_or_default())?.tokens());
    let coded = text.find('%').map(|at| &text[at..]).unwrap_or_default();
    // Codes that follow each other may make one character, so they are decoded together.
    let mut rest = coded;
    while !rest.is_empty() {
        let mut codes = 0;
        while is_code(rest.get(codes..).unwrap_or_default()) {
            codes += 3;
        }
        if codes == 0 {
            return Err(format!(
                "in `{text}` a `%` is no code such as `%20`; write `%25` for the character itself"
            ));
        }
        let decoded = percent_decoded(&rest[..codes])
            .ok_or_else(|| format!("the codes of `{text}` are not UTF-8"))?;
        tokens.extend(decoded.chars().map(Token::Literal));
        let plain = rest[codes..].find('%').map_or(rest.len(), |at| codes + at);
        tokens.extend(NameGlob::parse_plain(&rest[codes..plain])?.tokens());
        rest = &rest[plain..];
    }
    let is_hostile = |token: &Token| match token {
        Token::Literal(character) => matches!(character, '/' | '\\') || character.is_control(),
        Token::One | Token::Many => false,
    };
    if tokens.iter().any(is_hostile) {
        return Err(format!(
            "`{text}` has a coded slash or control character, which no pattern covers"
        ));
    }
    tokens.dedup_by(|next, last| *next == Token::Many && *last == Token::Many);
    Ok(NameGlob::of(tokens))
}

fn is_code(text: &str) -> bool {
    match text.as_bytes() {
        [b'%', high, low, ..] => high.is_ascii_hexdigit() && low.is_ascii_hexdigit(),
        _ => false,
    }
}

impl fmt::Display for UrlPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(methods) = &self.methods {
            let methods: Vec<&str> = methods.iter().map(String::as_str).collect();
            write!(f, "{} ", methods.join(","))?;
        }
        let of_every_address = Self {
            methods: None,
            ..self.clone()
        };
        if of_every_address.is_everything() {
            return f.write_str("**");
        }
        f.write_str(match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
            Scheme::Either => "*",
        })?;
        write!(f, "://{}", self.host)?;
        match self.port {
            Port::OfScheme => {}
            Port::Any => f.write_str(":*")?,
            Port::Number(number) => write!(f, ":{number}")?,
        }
        match &self.path {
            None => Ok(()),
            Some(glob) => write_path(f, glob),
        }
    }
}

fn write_path(f: &mut fmt::Formatter<'_>, glob: &PathGlob) -> fmt::Result {
    if glob.0.is_empty() {
        return f.write_str("/");
    }
    for segment in &glob.0 {
        f.write_str("/")?;
        match segment {
            Segment::Folders => f.write_str("**")?,
            Segment::Name(name) => {
                // Only a name of nothing but dots would be read as another one.
                let dots = name
                    .literal()
                    .is_some_and(|name| name.chars().all(|it| it == '.'));
                for token in name.tokens() {
                    match token {
                        Token::Many => f.write_str("*")?,
                        Token::One => f.write_str("?")?,
                        Token::Literal('.') if !dots => f.write_str(".")?,
                        Token::Literal(character) if CODED.contains(character) => {
                            write!(f, "%{:02X}", u32::from(*character))?;
                        }
                        Token::Literal(character) => write!(f, "{character}")?,
                    }
                }
            }
        }
    }
    Ok(())
}

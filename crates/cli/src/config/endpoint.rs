//! Which host a key would be sent to. The address is read strictly: what two readers could
//! take for two hosts is taken for none.

use super::Config;
use leadhand::{ModelConfig, Provider};
use std::collections::BTreeSet;

/// The host of OpenAI's own endpoint.
const OPENAI_HOST: &str = "api.openai.com";

/// Hosts that keys may be sent to: those the user named in any way, and this machine.
pub(super) fn trusted_hosts(user: &Config) -> BTreeSet<String> {
    let of_models = user
        .models
        .values()
        .filter_map(|model| host_of(model.base_url.as_deref()?));
    let of_environment = std::env::var("OPENAI_BASE_URL").ok();
    user.trusted_hosts
        .iter()
        .map(|host| host.to_ascii_lowercase())
        .chain(of_models)
        .chain(of_environment.and_then(|url| host_of(&url)))
        .chain(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned))
        .collect()
}

/// The host that a model would be sent this key at. OpenAI's own key at OpenAI's own host is
/// of no concern and counts as this machine.
pub(super) fn host_for_key(model: &ModelConfig, variable: &str) -> Option<String> {
    let host = match (&model.base_url, model.provider) {
        (Some(url), _) => host_of(url)?,
        (None, Provider::OpenAi) => OPENAI_HOST.to_owned(),
        (None, _) => return Some("localhost".to_owned()),
    };
    if host == OPENAI_HOST && variable == "OPENAI_API_KEY" {
        return Some("localhost".to_owned());
    }
    Some(host)
}

/// The host of an address, in lower case and without the port.
fn host_of(url: &str) -> Option<String> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (host, port) = match authority.strip_prefix('[') {
        Some(_) => {
            let end = authority.find(']')? + 1;
            (
                &authority[..end],
                authority[end..]
                    .strip_prefix(':')
                    .unwrap_or(&authority[end..]),
            )
        }
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    let sound =
        !host.is_empty() && host.chars().all(is_host) && port.chars().all(|c| c.is_ascii_digit());
    sound.then(|| host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_could_be_misread_has_no_host() {
        let check = |url: &str, expected: Option<&str>| {
            assert_eq!(host_of(url).as_deref(), expected, "{url}");
        };
        check("https://api.example.com/v1", Some("api.example.com"));
        check("http://LocalHost:8080/v1", Some("localhost"));
        check("http://[::1]:8080/v1", Some("[::1]"));
        check("https://api.openai.com@evil.example/v1", None);
        check("https://evil.example\\@api.openai.com/v1", None);
        check("https:///evil.example", None);
        check("https://api.openai.com\t.evil.example", None);
        check("ftp://api.example.com", None);
        check("api.example.com", None);
    }
}

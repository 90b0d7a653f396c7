//! The HTTP client that endpoints, downloads and discovery share: TLS by rustls with ring,
//! the system's certificates, and no proxy for this machine itself.

use std::net::IpAddr;
use std::sync::Once;

/// What this program calls itself.
pub(crate) const USER_AGENT: &str = concat!("leadhand/", env!("CARGO_PKG_VERSION"));

/// A client for one address, to be given its time-outs.
pub(crate) fn client_for(base_url: &str) -> reqwest::ClientBuilder {
    static PROVIDER: Once = Once::new();
    // Fails when the embedder has installed another provider, which is then used.
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let builder = reqwest::Client::builder().user_agent(USER_AGENT);
    if !is_loopback(base_url) {
        return builder;
    }
    if is_plain(base_url) {
        // Nobody's certificate is looked at, and reading those of the system takes longer than all
        // else before the first request.
        builder.no_proxy().tls_certs_only([])
    } else {
        builder.no_proxy()
    }
}

/// Whether an address is spoken to without encryption.
pub(crate) fn is_plain(base_url: &str) -> bool {
    base_url.starts_with("http://")
}

/// Whether an address is on this machine.
pub(crate) fn is_loopback(base_url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(base_url) else {
        return false;
    };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

//! TLS by rustls, which trusts whom the operating system trusts. Nothing is kept from one
//! connection to the next: no session could be recognised in another call.

use super::reach::Wire;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, crypto};
use rustls_platform_verifier::BuilderVerifierExt;
use std::sync::{Arc, OnceLock};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

/// Longest reason of a failed handshake that is told, in characters: it may quote the server.
const REASON_CHARS_MAX: usize = 300;

/// Made when it is first needed, since reading the certificates of a machine takes a while.
pub(super) struct Tls {
    config: OnceLock<Result<Arc<ClientConfig>, String>>,
}

impl Tls {
    pub(super) fn of_this_machine() -> Self {
        let config = OnceLock::new();
        Self { config }
    }

    #[cfg(test)]
    pub(super) fn trusting(roots: rustls::RootCertStore) -> Self {
        let config = ClientConfig::builder_with_provider(crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let config = OnceLock::from(Ok(Arc::new(tuned(config))));
        Self { config }
    }

    /// TLS with the server of a URL.
    pub(super) async fn secured(
        &self,
        url: &Url,
        wire: Box<dyn Wire>,
    ) -> Result<Box<dyn Wire>, String> {
        let config = self.config.get_or_init(|| {
            of_the_platform().map_err(|error| format!("no TLS on this machine: {error}"))
        });
        let config = config.clone()?;
        let name = match url.host() {
            Some(Host::Domain(name)) => ServerName::try_from(name.to_owned())
                .map_err(|_| "its host is no name for TLS".to_owned())?,
            Some(Host::Ipv4(address)) => ServerName::IpAddress(address.into()),
            Some(Host::Ipv6(address)) => ServerName::IpAddress(address.into()),
            None => return Err("it has no host".to_owned()),
        };
        match TlsConnector::from(config).connect(name, wire).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => {
                let reason = error.to_string();
                let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
                Err(format!("TLS fails ({})", reason.escape_debug()))
            }
        }
    }
}

fn of_the_platform() -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    Ok(Arc::new(tuned(config)))
}

fn tuned(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    config
}

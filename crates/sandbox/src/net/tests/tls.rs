//! TLS: a server is who its certificate says, by somebody who is trusted, or is not spoken to.

use super::super::tls::Tls;
use super::room::{PUBLIC, Room, brief, get};
use super::server::{Server, ok, to};
use crate::contract::http::ErrorCode;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig, crypto};
use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

/// An authority of the test's own.
struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let issuer = Issuer::new(params, key);
        Self {
            certificate,
            issuer,
        }
    }

    /// What a server of this name needs.
    fn server(&self, name: &str) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        config(certificate.der().clone(), &key)
    }

    fn trusted(&self) -> Tls {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        Tls::trusting(roots)
    }
}

fn self_signed(name: &str) -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new([name.to_owned()]).unwrap();
    config(params.self_signed(&key).unwrap().der().clone(), &key)
}

fn config(certificate: CertificateDer<'static>, key: &KeyPair) -> ServerConfig {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap()
}

#[tokio::test]
async fn a_server_of_a_trusted_name_is_spoken_to() {
    let authority = Authority::new();
    let server = Server::tls(authority.server("example.org"), |_, stream| {
        let _ = stream.write_all(ok("hello").as_bytes());
    });
    let mut room = Room::served_by(server.address);
    room.tls = authority.trusted();
    let answer = room.access().send(get("https://example.org/a")).await;
    assert_eq!(brief(answer), Ok((200, "hello".to_owned())));
    assert_eq!(room.dialled(), [format!("{PUBLIC}:443").parse().unwrap()]);
    assert!(server.seen()[0].contains("host: example.org\r\n"));
}

#[tokio::test]
async fn a_wrong_name_and_an_unknown_authority_are_not() {
    let authority = Authority::new();
    for (config, reason) in [
        (authority.server("other.example.org"), "not valid for name"),
        (self_signed("example.org"), "invalid peer certificate"),
        (
            Authority::new().server("example.org"),
            "invalid peer certificate",
        ),
    ] {
        let server = Server::tls(config, |_, stream| {
            let _ = stream.write_all(ok("hello").as_bytes());
        });
        let mut room = Room::served_by(server.address);
        room.tls = authority.trusted();
        let error = room
            .access()
            .send(get("https://example.org/?key=a"))
            .await
            .unwrap_err();
        assert!(matches!(error.code, ErrorCode::Unreachable), "{error:?}");
        let told = error
            .message
            .starts_with("https://example.org/: TLS fails (");
        assert!(told && error.message.contains(reason), "{error:?}");
        assert_eq!(server.seen(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn an_authority_that_this_machine_does_not_know_is_not_trusted() {
    let config = Authority::new().server("example.org");
    let server = Server::tls(config, |_, stream| {
        let _ = stream.write_all(ok("hello").as_bytes());
    });
    let mut room = Room::served_by(server.address);
    let error = room
        .access()
        .send(get("https://example.org/"))
        .await
        .unwrap_err();
    assert!(matches!(error.code, ErrorCode::Unreachable), "{error:?}");
    assert_eq!(server.seen(), Vec::<String>::new());
}

#[tokio::test]
async fn a_server_without_tls_is_not_spoken_to_over_https() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut room = Room::served_by(listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(ok("hello").as_bytes()).unwrap();
    });
    room.tls = Authority::new().trusted();
    let answer = room.access().send(get("https://example.org/")).await;
    let message = "https://example.org/: TLS fails (received corrupt message of type \
                   InvalidContentType).";
    assert_eq!(brief(answer), Err(message.to_owned()));
}

#[tokio::test]
async fn a_redirect_from_https_to_http_is_not_followed() {
    let authority = Authority::new();
    let server = Server::tls(authority.server("example.org"), |_, stream| {
        let _ = stream.write_all(to(302, "http://example.org/").as_bytes());
    });
    let mut room = Room::served_by(server.address);
    room.tls = authority.trusted();
    let answer = room.access().send(get("https://example.org/a")).await;
    let message =
        "https://example.org/a: its redirect is not followed: it leads from https to http.";
    assert_eq!(brief(answer), Err(message.to_owned()));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_secure_answer_that_ends_early_is_an_error() {
    let authority = Authority::new();
    // No end of the stream is announced: anybody on the way could have cut it.
    let server = Server::tls(authority.server("example.org"), |_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhalf of");
    });
    let mut room = Room::served_by(server.address);
    room.tls = authority.trusted();
    let error = room
        .access()
        .send(get("https://example.org/"))
        .await
        .unwrap_err();
    assert!(matches!(error.code, ErrorCode::Failed), "{error:?}");
}

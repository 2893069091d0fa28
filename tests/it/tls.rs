//! Whom the client believes: certificates made for the test, a TLS server on loopback.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use stanch::provider::github::GitHub;
use stanch::provider::github::host::{Host, HostChoice};
use stanch::provider::{Connection, Outcome, Revoker as _};
use stanch::revocation::Batch;
use tempfile::TempDir;

use crate::support::mint::{Kind, Mint};

/// Someone who vouches, the certificate of that someone in a file.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let authority = Authority { issuer, directory: TempDir::new().unwrap() };
        std::fs::write(authority.file(), authority.issuer.pem()).unwrap();
        authority
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// A server that calls itself `name` and accepts one batch.
    fn serve(&self, name: &str) -> SocketAddr {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        serve(certificate.der().clone(), &key)
    }
}

/// A server with this certificate, which accepts one batch.
fn serve(certificate: CertificateDer<'static>, key: &KeyPair) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
        .unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream);
        // A client that does not believe us goes away in the handshake.
        if stream.read(&mut [0; 16 * 1024]).is_ok_and(|len| len > 0) {
            let _ = stream.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\n\r\nnull");
        }
    });
    address
}

/// A server with a certificate that it signed itself, marked as an authority's or not; and that certificate in a file.
struct SelfSigned {
    certificate: rcgen::Certificate,
    key: KeyPair,
    directory: TempDir,
}

impl SelfSigned {
    fn new(name: &str, is_ca: IsCa, lasts: bool) -> Self {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.is_ca = is_ca;
        if !lasts {
            params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let server = SelfSigned {
            certificate: params.self_signed(&key).unwrap(),
            key,
            directory: TempDir::new().unwrap(),
        };
        std::fs::write(server.file(), server.certificate.pem()).unwrap();
        server
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("server.pem")
    }

    fn serve(&self) -> SocketAddr {
        serve(self.certificate.der().clone(), &self.key)
    }
}

fn send(address: SocketAddr, ca_cert: Option<PathBuf>) -> (Outcome, String) {
    let url = format!("https://localhost:{}", address.port());
    let host = Host::choose(&HostChoice { api_url: Some(url), ..HostChoice::default() }).unwrap();
    let client = GitHub::new(Connection { ca_cert, ..Connection::new(host) }).unwrap();
    let tokens = [Mint::new(1).secret(Kind::Pat)];
    let response = client.revoke(&Batch::new(&tokens).unwrap());
    (response.outcome, response.message)
}

#[test]
fn a_certificate_of_ones_own_is_believed_when_it_is_named() {
    let authority = Authority::new();
    let (outcome, message) = send(authority.serve("localhost"), Some(authority.file()));
    assert_eq!(outcome, Outcome::Accepted, "{message}");
}

#[test]
fn a_stranger_is_sent_nothing() {
    let (authority, other) = (Authority::new(), Authority::new());
    for (name, ca_cert) in [("localhost", other.file()), ("ghes.example", authority.file())] {
        let (outcome, message) = send(authority.serve(name), Some(ca_cert));
        assert_eq!(outcome, Outcome::Blocked, "{message}");
        assert!(message.contains("certificate") && message.contains("--ca-cert"), "{message}");
    }
}

#[test]
fn a_servers_own_certificate_is_believed_when_it_is_named() {
    for is_ca in [IsCa::Ca(BasicConstraints::Unconstrained), IsCa::ExplicitNoCa, IsCa::NoCa] {
        let server = SelfSigned::new("localhost", is_ca, true);
        let (outcome, message) = send(server.serve(), Some(server.file()));
        assert_eq!(outcome, Outcome::Accepted, "{message}");
    }
}

/// Signed by an authority that nobody here knows, and named itself: curl takes that, too.
#[test]
fn so_is_one_whose_issuer_is_unknown() {
    let (authority, directory) = (Authority::new(), TempDir::new().unwrap());
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority.issuer).unwrap();
    let file = directory.path().join("server.pem");
    std::fs::write(&file, certificate.pem()).unwrap();
    let (outcome, message) = send(serve(certificate.der().clone(), &key), Some(file));
    assert_eq!(outcome, Outcome::Accepted, "{message}");
}

#[test]
fn a_named_certificate_is_believed_for_its_own_server_name_and_time_only() {
    let authority = || IsCa::Ca(BasicConstraints::Unconstrained);
    let server = SelfSigned::new("localhost", authority(), true);
    let other = SelfSigned::new("localhost", authority(), true);
    let misnamed = SelfSigned::new("ghes.example", authority(), true);
    let expired = SelfSigned::new("localhost", authority(), false);
    for (server, named, word) in [
        (&server, None, "signed itself"),
        (&server, Some(other.file()), "signed itself"),
        (&misnamed, Some(misnamed.file()), "ghes.example"),
        (&expired, Some(expired.file()), "expired"),
    ] {
        let (outcome, message) = send(server.serve(), named);
        assert_eq!(outcome, Outcome::Blocked, "{message}");
        assert!(message.contains("certificate") && message.contains(word), "{message}");
    }
}

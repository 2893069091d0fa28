//! The intake's own certificate.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use nix::sys::signal::Signal;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::support::fixture::Fixture;
use crate::support::intake::{PATIENCE, Serve};

/// Writes a certificate and its key.
fn certificate(fixture: &Fixture) -> CertificateDer<'static> {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let certificate = params.self_signed(&key).expect("signed");
    fixture.sandbox.write("cert.pem", certificate.pem());
    fixture.sandbox.write("key.pem", key.serialize_pem());
    private(&fixture.sandbox.path().join("key.pem"), 0o600);
    certificate.der().clone()
}

fn private(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("set");
}

/// Asks whether it is alive, believing this certificate alone.
fn ask(serve: &Serve, believed: &CertificateDer<'static>) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(believed.clone()).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    let stream = TcpStream::connect(serve.address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut stream = StreamOwned::new(connection, stream);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn it_shows_its_certificate_and_another_one_when_it_is_told_to_read_it_again() {
    let fixture = Fixture::new(9400);
    let first = certificate(&fixture);
    let arguments = ["--no-drain", "--tls-cert", "cert.pem", "--tls-key", "key.pem"];
    let mut serve = Serve::start(&fixture, &arguments);
    assert!(ask(&serve, &first).is_ok_and(|answer| answer.ends_with("alive\n")));
    // In the clear, nothing is answered.
    assert!(serve.try_ask("GET /healthz", None, "").is_none());
    let second = certificate(&fixture);
    assert!(ask(&serve, &second).is_err(), "it is not shown yet");
    serve.signal(Signal::SIGHUP);
    serve.await_line("read the certificate again");
    assert!(ask(&serve, &second).is_ok_and(|answer| answer.ends_with("alive\n")));
    assert!(ask(&serve, &first).is_err());
    // A broken one changes nothing.
    fixture.sandbox.write("cert.pem", "none");
    serve.signal(Signal::SIGHUP);
    serve.await_line("the certificate stays as it was");
    assert!(ask(&serve, &second).is_ok());
    serve.stop();
}

#[test]
fn files_that_are_none_are_refused_by_name() {
    let fixture = Fixture::new(9401);
    let bearers = crate::support::intake::bearers(&fixture, "a-token-of-somebody-0123 read\n");
    let run = |certificate: &str, key: &str| {
        let listen = ["serve", "--listen", "127.0.0.1:0", "--intake-tokens"];
        let tls = [bearers.to_str().expect("a path of text"), "--tls-cert", certificate, "--tls-key", key];
        let ran = fixture.run(&[&listen[..], &tls].concat());
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        ran.stderr
    };
    certificate(&fixture);
    fixture.sandbox.write("other.pem", KeyPair::generate().expect("a key").serialize_pem());
    fixture.sandbox.write("text", "text");
    for file in ["other.pem", "text"] {
        private(&fixture.sandbox.path().join(file), 0o600);
    }
    for (certificate, key, told) in [
        ("none.pem", "key.pem", "none.pem"),
        ("text", "key.pem", "text holds no certificate"),
        ("cert.pem", "none.pem", "none.pem"),
        ("cert.pem", "text", "text holds no private key"),
        ("cert.pem", "other.pem", "cannot be used with the key"),
    ] {
        let stderr = run(certificate, key);
        assert!(stderr.contains(told), "{told}: {stderr}");
    }
    private(&fixture.sandbox.path().join("key.pem"), 0o644);
    assert!(run("cert.pem", "key.pem").contains("chmod 600"));
}

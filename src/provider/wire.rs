//! The one place that speaks HTTP, and the one door through which a token leaves this program.
//!
//! Nothing here repeats a request: every connection is used once, redirects are not followed and no retry policy is
//! in force, because each request was counted against a quota before it left.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use reqwest::blocking::{self, Client};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Certificate, redirect, retry, tls};
use zeroize::Zeroizing;

use crate::token::Token;

use super::github::host::Host;
use super::github::request::{Method, Payload, Request, Response};

/// No answer of the API is this long.
const LONGEST_BODY: u64 = 1024 * 1024;

/// Connecting takes no longer than this, however patient the user is with the answer.
const CONNECT: Duration = Duration::from_secs(10);

/// Why there is no way to speak to anyone.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// A file of certificates could not be read.
    #[error("cannot read the certificates {what} names, {path}: {source}")]
    Unreadable {
        /// `--ca-cert` or `SSL_CERT_FILE`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is no certificate in it.
    #[error("{what} names {path}, which holds no certificate in PEM form")]
    NoCertificate {
        /// `--ca-cert` or `SSL_CERT_FILE`.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// TLS cannot be spoken.
    #[error("cannot set up TLS: {0} (are the system's CA certificates installed? --ca-cert adds your own)")]
    Tls(String),
}

/// No answer, and how much of the question may have been heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportError {
    /// No connection came about: nothing was sent.
    NotSent(String),
    /// Whoever answered could not prove to be the host: nothing was sent, and waiting will not mend it.
    Untrusted(String),
    /// It may have arrived, or not.
    Lost(String),
}

/// A way to one API.
#[derive(Debug)]
pub struct Wire {
    client: Client,
    base: String,
}

impl Wire {
    /// Makes ready to speak to `host`; no connection is opened yet.
    pub fn new(host: &Host, ca_cert: Option<&Path>, timeout: Duration) -> Result<Wire, WireError> {
        // Fails only where a provider is installed already, and then there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .timeout(timeout)
            .connect_timeout(timeout.min(CONNECT))
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .pool_max_idle_per_host(0)
            .referer(false)
            .tls_version_min(tls::Version::TLS_1_2);
        let builder = if host.cleartext() {
            // What stays on this machine needs no roots, and must not leave it through a proxy.
            builder.no_proxy().tls_certs_only([])
        } else {
            let mut added = Vec::new();
            if let Some(path) = ca_cert {
                added.extend(certificates("--ca-cert", path)?);
            }
            added.extend(from_environment(std::env::var_os("SSL_CERT_FILE"))?);
            builder.https_only(true).tls_certs_merge(added)
        };
        let client = builder.build().map_err(|error| WireError::Tls(chain(&error)))?;
        Ok(Wire { client, base: host.api_base() })
    }

    /// Sends one request, once, and reads the answer.
    pub fn send(&self, request: &Request<'_>) -> Result<Response, TransportError> {
        let url = format!("{}{}", self.base, request.path);
        let mut builder = match request.method {
            Method::Get => self.client.get(url),
            Method::Post => self.client.post(url),
            Method::Delete => self.client.delete(url),
        };
        for (name, value) in request.headers() {
            builder = builder.header(name, value);
        }
        if let Some(token) = request.bearer {
            let value = bearer(token).ok_or_else(|| {
                TransportError::NotSent("the credential holds characters no header can carry".to_owned())
            })?;
            builder = builder.header(AUTHORIZATION, value);
        }
        builder = match &request.payload {
            Payload::Empty => builder,
            Payload::Credentials(tokens) => builder.body(credentials(tokens)),
            Payload::Json(json) => builder.body(json.clone()),
        };
        builder.send().map_err(|error| silence(&error)).map(read)
    }
}

/// The secret itself. Whatever it is copied into here wipes itself; the buffers of TLS behind it do not.
#[expect(
    clippy::disallowed_methods,
    reason = "the one door: a token leaves for the API it is to be revoked at"
)]
fn plain(token: &Token) -> &str {
    token.reveal()
}

/// `{"credentials":["…"]}`, in a buffer that never grows (growing leaves a copy behind) and wipes itself.
fn credentials(tokens: &[Token]) -> Bytes {
    // At worst each byte becomes `\u00xx`; then the quotes and the comma.
    let room: usize = tokens.iter().map(|token| plain(token).len() * 6 + 3).sum();
    let mut body = Zeroizing::new(Vec::with_capacity(room + 32));
    body.extend_from_slice(br#"{"credentials":["#);
    for (at, token) in tokens.iter().enumerate() {
        if at > 0 {
            body.push(b',');
        }
        // Writing a text to a Vec cannot fail.
        let _ = serde_json::to_writer(&mut *body, plain(token));
    }
    body.extend_from_slice(b"]}");
    Bytes::from_owner(body)
}

/// `Bearer TOKEN`, marked so that nobody prints it.
fn bearer(token: &Token) -> Option<HeaderValue> {
    let text = plain(token);
    let mut value = Zeroizing::new(Vec::with_capacity(text.len() + 7));
    value.extend_from_slice(b"Bearer ");
    value.extend_from_slice(text.as_bytes());
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(value)).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The answer, with as much of its body as came: the status stands, whatever happens behind it.
fn read(response: blocking::Response) -> Response {
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    let mut body = Vec::new();
    // A body cut short is judged as it is.
    let _ = response.take(LONGEST_BODY).read_to_end(&mut body);
    Response { status, headers, body }
}

fn silence(error: &reqwest::Error) -> TransportError {
    let said = chain(error);
    if untrusted(error) {
        TransportError::Untrusted(format!(
            "{said}; nothing was sent (--ca-cert adds a certificate of your own)"
        ))
    } else if error.is_connect() || error.is_builder() {
        TransportError::NotSent(format!("could not connect: {said}"))
    } else if error.is_timeout() {
        TransportError::Lost("no answer in time".to_owned())
    } else {
        TransportError::Lost(format!("the connection broke before an answer came: {said}"))
    }
}

/// Whether the server's certificate is behind an error.
fn untrusted(error: &(dyn std::error::Error + 'static)) -> bool {
    if let Some(tls) = error.downcast_ref() {
        return matches!(tls, rustls::Error::InvalidCertificate(_));
    }
    // An I/O error's source is that of the error it wraps, not that error itself.
    match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(wrapped) => untrusted(wrapped),
        None => error.source().is_some_and(untrusted),
    }
}

/// What is behind an error, innermost last: reqwest's own words are only "error sending request for url".
fn chain(error: &reqwest::Error) -> String {
    let mut said = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text = error.to_string();
        // hyper's own "client error (Connect)" says nothing, and wrappers repeat what they wrap.
        if said.last() != Some(&text) && !text.starts_with("client error (") {
            said.push(text);
        }
        cause = error.source();
    }
    if said.is_empty() { error.to_string() } else { said.join(": ") }
}

fn certificates(what: &'static str, path: &Path) -> Result<Vec<Certificate>, WireError> {
    let pem = std::fs::read(path).map_err(|source| WireError::Unreadable {
        what,
        path: path.to_owned(),
        source,
    })?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(WireError::NoCertificate { what, path: path.to_owned() }),
    }
}

/// The platform's verifier reads `SSL_CERT_FILE` itself on some systems, there in place of the system's roots, and
/// says nothing of a file it cannot read. Reading it here says so, and makes the file count on every system.
fn from_environment(file: Option<OsString>) -> Result<Vec<Certificate>, WireError> {
    match file.filter(|file| !file.is_empty()) {
        Some(file) => certificates("SSL_CERT_FILE", Path::new(&file)),
        None => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Kind;

    #[test]
    fn the_body_is_json_and_does_not_outgrow_its_room() {
        let tokens: Vec<Token> = ["ghp_a", "quote\"back\\slash\u{1}", "\u{1f511}"]
            .map(|text| Token::new(Kind::Other, text.as_bytes()))
            .into_iter()
            .collect();
        let body: serde_json::Value = serde_json::from_slice(&credentials(&tokens)).unwrap();
        assert_eq!(
            body,
            serde_json::json!({"credentials": ["ghp_a", "quote\"back\\slash\u{1}", "\u{1f511}"]})
        );
    }

    #[test]
    fn the_header_hides_what_it_carries() {
        let value = bearer(&Token::new(Kind::Other, b"hunter2")).unwrap();
        assert_eq!(value.as_bytes(), b"Bearer hunter2");
        assert!(!format!("{value:?}").contains("hunter2"));
        assert!(bearer(&Token::new(Kind::Other, b"line\nbreak")).is_none());
    }

    #[test]
    fn files_without_certificates_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let wire = || Wire::new(&Host::github_com(), Some(&path), CONNECT).unwrap_err().to_string();
        assert!(wire().contains("cannot read the certificates --ca-cert names"));
        for text in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            std::fs::write(&path, text).unwrap();
            let error = wire();
            assert!(error.contains("ca.pem") || error.contains("TLS"), "{error}");
        }
        assert!(from_environment(Some(path.with_extension("none").into())).is_err());
        assert!(from_environment(Some(OsString::new())).unwrap().is_empty());
    }
}

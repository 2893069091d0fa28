//! The one room that speaks HTTP, and the one door through which a token leaves this program.
//!
//! It knows no provider: what is asked, with which headers and of whom, is in the [`Request`]. Nothing here repeats a
//! request: every connection is used once, redirects are not followed and no retry policy is in force, because each
//! request was counted against a quota before it left.

mod certificates;
mod error;
mod exchange;
mod message;
mod secret;
mod trust;

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::AUTHORIZATION;
use reqwest::{blocking, redirect, retry, tls};
use rustls::pki_types::CertificateDer;

pub use error::{SetupError, TransportError};
pub use message::{Body, Method, Request, Response};
pub use secret::basic_credential;

use crate::meter::CancelFlag;

/// Connecting takes no longer than this, however long the user waits for an answer.
const LONGEST_CONNECT: Duration = Duration::from_secs(10);

/// How to connect to an API.
#[derive(Clone, Debug)]
pub struct Options {
    /// The root of the API, without a slash at the end. An `http://` one leads to this machine: who makes it sees to that.
    pub base_url: String,
    /// Certificates to trust besides the system's: a file in PEM form.
    pub ca_cert: Option<PathBuf>,
    /// How long a request may take, connecting and reading included.
    pub timeout: Duration,
    /// Ends any waiting soon after it is set.
    pub cancel: CancelFlag,
}

/// A way to one API.
#[derive(Debug)]
pub struct Client {
    inner: blocking::Client,
    base_url: String,
    timeout: Duration,
    cancel: CancelFlag,
}

impl Client {
    /// A client for the API at `options.base_url`; no connection is opened yet.
    pub fn new(options: &Options) -> Result<Client, SetupError> {
        // Fails only where a crypto provider is installed already, and then there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = blocking::Client::builder()
            .timeout(options.timeout)
            // Over before the attempt is: what could not connect surely sent nothing.
            .connect_timeout(options.timeout.mul_f64(0.9).min(LONGEST_CONNECT))
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .pool_max_idle_per_host(0)
            .referer(false)
            .tls_version_min(tls::Version::TLS_1_2);
        let builder = if options.base_url.starts_with("http://") {
            // What stays on this machine needs no roots, and must not leave it through a proxy.
            builder.no_proxy().tls_certs_only([])
        } else {
            let added = named_certificates(options.ca_cert.as_deref())?;
            let builder = builder.https_only(true);
            if added.is_empty() {
                builder
            } else {
                let config = trust::config(added).map_err(|error| SetupError::Tls(error.to_string()))?;
                builder.tls_backend_preconfigured(config)
            }
        };
        let inner = builder.build().map_err(|error| SetupError::Tls(error::causes(&error)))?;
        let Options { base_url, timeout, cancel, .. } = options;
        Ok(Client { inner, base_url: base_url.clone(), timeout: *timeout, cancel: cancel.clone() })
    }

    /// Sends one request, once, and reads the response: within [`Options::timeout`] from beginning to end, and not much
    /// beyond the moment at which [`Options::cancel`] is set.
    ///
    /// An error tells whether the request may have arrived: see [`TransportError`].
    pub fn send(&self, request: &Request<'_>) -> Result<Response, TransportError> {
        exchange::run(self.builder(request)?, self.timeout, &self.cancel)
    }

    fn builder(&self, request: &Request<'_>) -> Result<blocking::RequestBuilder, TransportError> {
        let url = format!("{}{}", self.base_url, request.path);
        let mut builder = match request.method {
            Method::Get => self.inner.get(url),
            Method::Post => self.inner.post(url),
            Method::Delete => self.inner.delete(url),
        };
        for (name, value) in request.headers() {
            builder = builder.header(name, value);
        }
        if let Some(token) = request.bearer {
            let value = secret::bearer(token).ok_or_else(|| {
                TransportError::Blocked(
                    "the credential holds characters no header can carry; nothing was sent".to_owned(),
                )
            })?;
            builder = builder.header(AUTHORIZATION, value);
        }
        Ok(match &request.body {
            Body::Empty => builder,
            Body::Tokens { field, tokens } => builder.body(secret::json_list(field, tokens)),
            Body::Json(text) | Body::JsonLines(text) => builder.body(text.clone()),
        })
    }
}

/// The certificates to trust besides the system's: those of a file, and those the environment names.
fn named_certificates(ca_cert: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let mut named = Vec::new();
    if let Some(path) = ca_cert {
        named.extend(certificates::from_file("--ca-cert", path)?);
    }
    named.extend(certificates::from_environment(std::env::var_os("SSL_CERT_FILE"))?);
    Ok(named)
}

/// How to speak TLS to what is no web server: it believes the same certificates as a [`Client`].
///
/// # Errors
/// Where a file has no certificates, or the system has none that can be read.
pub fn tls_config(ca_cert: Option<&Path>) -> Result<rustls::ClientConfig, SetupError> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    trust::config(named_certificates(ca_cert)?).map_err(|error| SetupError::Tls(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_without_certificates_are_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.pem");
        let options = Options {
            base_url: "https://api.example.test".to_owned(),
            ca_cert: Some(path.clone()),
            timeout: LONGEST_CONNECT,
            cancel: CancelFlag::default(),
        };
        let error = || Client::new(&options).unwrap_err().to_string();
        assert!(error().contains("cannot read the certificates --ca-cert names"));
        for text in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            std::fs::write(&path, text).unwrap();
            let error = error();
            assert!(error.contains("ca.pem") || error.contains("TLS"), "{error}");
        }
    }
}

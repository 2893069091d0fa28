//! Why there is no response: no client could be made, or a request brought none.

use std::error::Error;
use std::path::PathBuf;

use rustls::CertificateError;

use super::trust::AUTHORITY_AS_SERVER;

/// The message where the time was over before an answer came.
pub(super) const NO_ANSWER: &str = "no answer in time";

/// hyper-util's words for a 407 to CONNECT (RFC 9110, section 15.5.8); its type for it is private.
const PROXY_REFUSES: &str = "proxy authorization required";

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A file of certificates could not be read.
    #[error("cannot read the certificates {what} names, {path}: {source}")]
    Unreadable {
        /// `--ca-cert` or `SSL_CERT_FILE`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
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

/// No response, and whether the request may have arrived; each with a message for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportError {
    /// No connection came about: nothing was sent.
    NotSent(String),
    /// The way is closed: the server could not prove to be the host, or a proxy lets nobody through. Nothing was sent,
    /// and waiting will not mend it.
    Blocked(String),
    /// It may have arrived, or not.
    Lost(String),
}

impl TransportError {
    /// The message.
    pub fn into_message(self) -> String {
        match self {
            TransportError::NotSent(message)
            | TransportError::Blocked(message)
            | TransportError::Lost(message) => message,
        }
    }
}

impl From<&reqwest::Error> for TransportError {
    fn from(error: &reqwest::Error) -> Self {
        let causes = causes(error);
        if let Some(problem) = certificate_problem(error) {
            let what = explained(problem).unwrap_or(causes);
            TransportError::Blocked(format!(
                "{what}; nothing was sent (--ca-cert adds a certificate of your own)"
            ))
        } else if error.is_connect() && causes.contains(PROXY_REFUSES) {
            TransportError::Blocked(
                "the proxy wants a password (407); nothing was sent (HTTPS_PROXY may name a user and password, NO_PROXY \
                 the hosts that need no proxy)"
                    .to_owned(),
            )
        } else if error.is_connect() || error.is_builder() {
            TransportError::NotSent(format!("could not connect: {causes}"))
        } else if error.is_timeout() {
            TransportError::Lost(NO_ANSWER.to_owned())
        } else {
            TransportError::Lost(format!("the connection broke before an answer came: {causes}"))
        }
    }
}

/// What is wrong with the server's certificate, where that is behind an error.
fn certificate_problem<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e CertificateError> {
    if let Some(tls) = error.downcast_ref() {
        return match tls {
            rustls::Error::InvalidCertificate(problem) => Some(problem),
            _ => None,
        };
    }
    // An I/O error's source is that of the error it wraps, not that error itself.
    match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(wrapped) => certificate_problem(wrapped),
        None => error.source().and_then(certificate_problem),
    }
}

/// The same in plain words, where the library has none.
fn explained(problem: &CertificateError) -> Option<String> {
    match problem {
        CertificateError::UnknownIssuer => Some(
            "the server's certificate is signed by nobody that this machine or --ca-cert trusts".to_owned(),
        ),
        CertificateError::Other(other) if other.to_string() == AUTHORITY_AS_SERVER => {
            Some("the server's certificate signed itself, and it is none that --ca-cert names".to_owned())
        }
        _ => None,
    }
}

/// The causes of an error, innermost last: reqwest's own message is only "error sending request for url".
pub(super) fn causes(error: &reqwest::Error) -> String {
    let mut messages = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        // hyper's own "client error (Connect)" adds nothing, and wrappers repeat what they wrap.
        if messages.last() != Some(&message) && !message.starts_with("client error (") {
            messages.push(message);
        }
        cause = error.source();
    }
    if messages.is_empty() { error.to_string() } else { messages.join(": ") }
}

//! The certificate that the intake shows.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::secret_file::{self, SecretFileError};

/// Where the certificate and its key are.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate, and those that vouch for it, in PEM form.
    pub cert: PathBuf,
    /// Its private key, in PEM form.
    pub key: PathBuf,
}

/// Why a certificate cannot be shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The key's file.
    #[error(transparent)]
    Key(#[from] SecretFileError),
    /// The certificate's file.
    #[error("cannot read the certificate --tls-cert names, {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// What is in a file is not what it should be.
    #[error("{path} holds no {wanted} in PEM form")]
    NoPem {
        /// The file.
        path: PathBuf,
        /// What should be there.
        wanted: &'static str,
    },
    /// They do not belong together, or are of a kind that is not known.
    #[error("the certificate {cert} cannot be used with the key {key}: {detail}")]
    Unusable {
        /// The certificate.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why not.
        detail: String,
    },
}

/// A certificate that is shown to whoever connects, and can be changed meanwhile.
#[derive(Clone, Debug)]
pub(super) struct Tls {
    files: TlsFiles,
    /// What the acceptor is made with.
    pub(super) config: RustlsConfig,
}

impl Tls {
    /// Reads both files.
    pub(super) fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let config = RustlsConfig::from_config(Arc::new(server_config(files)?));
        Ok(Tls { files: files.clone(), config })
    }

    /// Reads them again. Where they cannot be used, the old certificate is shown.
    pub(super) fn reload(&self) -> Result<(), TlsError> {
        self.config.reload_from_config(Arc::new(server_config(&self.files)?));
        Ok(())
    }
}

fn server_config(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let unusable = |error: rustls::Error| TlsError::Unusable {
        cert: files.cert.clone(),
        key: files.key.clone(),
        detail: error.to_string(),
    };
    let no_pem = |path: &Path, wanted| TlsError::NoPem { path: path.to_owned(), wanted };
    let pem = std::fs::read(&files.cert)
        .map_err(|source| TlsError::Unreadable { path: files.cert.clone(), source })?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|_| no_pem(&files.cert, "certificate"))?;
    if chain.is_empty() {
        return Err(no_pem(&files.cert, "certificate"));
    }
    let key = secret_file::read(&files.key)?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| no_pem(&files.key, "private key"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

//! Why an App cannot be the credential.

use std::path::PathBuf;

use crate::http::SetupError;

/// Why an App cannot be the credential.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// No id of an App.
    #[error("--app-id is the App's number or its client id, as its settings show them")]
    BadId,
    /// The key cannot be read.
    #[error("cannot read the App's key, {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The key has a passphrase.
    #[error(
        "the App's key, {0}, is encrypted: `openssl rsa -in KEY -out PLAIN` writes it without its passphrase, or generate one \
         in the App's settings"
    )]
    Encrypted(PathBuf),
    /// There is no such key in the file.
    #[error(
        "{0} holds no RSA private key in PEM form (PKCS#1 or PKCS#8): the App's settings generate one (Private keys)"
    )]
    NoKey(PathBuf),
    /// A key that cannot be used.
    #[error("the App's key, {path}, cannot be used: {why}")]
    BadKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// No client could be made.
    #[error(transparent)]
    Setup(#[from] SetupError),
}

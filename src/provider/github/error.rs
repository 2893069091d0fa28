//! Why nothing can be sent to a GitHub at all.

use super::credential::CredentialError;
use crate::github::Release;
use crate::http::SetupError;
use crate::provider::ConnectError;

/// Why nothing can be sent to a GitHub at all.
#[derive(Debug, thiserror::Error)]
pub enum GitHubError {
    /// No credential, or one the server does not take.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// No client could be made.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The server is too old.
    #[error("{host} runs GitHub Enterprise Server {release}, which cannot revoke credentials: that came with {first}", first = Release::FIRST)]
    TooOld {
        /// The server.
        host: String,
        /// The release it runs.
        release: Release,
    },
    /// The call does not exist at a server.
    #[error(
        "{host} is a GitHub Enterprise Server, which has no such call: it exists at github.com and GHE.com only"
    )]
    NoKillSwitch {
        /// The server.
        host: String,
    },
}

impl From<GitHubError> for ConnectError {
    fn from(error: GitHubError) -> Self {
        ConnectError::new(error)
    }
}
